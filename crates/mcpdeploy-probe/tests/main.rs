//! The probe against scripted servers on loopback: one that is right, and ones that are wrong in one
//! way each.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod good;
mod login;
mod reports;
mod right;
mod transport;
mod wrong;

/// A file here that is no module of this binary would never run.
#[test]
fn no_file_is_forgotten() {
    let main = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is no module of main.rs"
        );
    }
}
