//! The built bootstrap, between a Runtime API on loopback and servers that are real processes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod elsewhere;
mod gateway;
mod http;
mod lambda;
mod oauth;
mod probed;
mod scopes;
mod stdio;
mod stdio_modern;
mod stdio_modern_only;
mod visit;

/// A file here that is no module of this binary would never run.
#[test]
fn no_file_is_forgotten() {
    let main = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        let known = module == "main" || main.contains(&format!("mod {module};"));
        assert!(known || entry.path().is_dir(), "{name}");
    }
}
