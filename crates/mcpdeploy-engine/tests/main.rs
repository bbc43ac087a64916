//! The engine on a fake cloud: one binary, one module for each thing that it promises.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, says where it was, and takes anything unexpected as failure"
)]

mod corpus;
mod crash;
mod decisions;
mod deeds;
mod disk;
mod faults;
mod foreign;
mod life;
mod mistakes;
mod model;
mod order;
mod pace;
mod random;
mod recover;
mod run;
mod saved;
mod scenes;
mod schemas;
mod seal_documents;
mod seal_journals;
mod seal_keys;
mod seal_support;
mod sequences;
mod stores;
mod support;
mod surgery;

/// A file here that is no module of this binary would never run.
#[test]
fn no_file_is_forgotten() {
    let main = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name}"
        );
    }
}
