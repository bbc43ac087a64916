//! The facade before a fake world: whole logins, and what must not come of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy sees tests only in functions marked so"
)]

mod assertions;
mod attacks;
mod documents;
mod https;
mod logins;
mod metadata;
mod registration;
mod scopes;
mod support;
mod tokens;

/// A file here that is no module would be a test that never runs.
#[test]
fn no_file_is_forgotten() {
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/facade")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            name == "main" || main.contains(&format!("\nmod {name};")),
            "{name} is not a module of main.rs"
        );
    }
}
