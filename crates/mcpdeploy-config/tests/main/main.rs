//! The tests of the crate through its front door, in one binary.

mod bad;
mod corpus;
mod environments;
mod hostile;
mod keys;
mod resources;
mod schema;
mod server;
mod workspace;

use mcpdeploy_config::{ConfigErrors, Loaded, load};

/// The smallest file that deploys something.
const SMALLEST: &str = "[server]\nname = \"calculator\"\n";

/// Writes what a test expects, when it is asked to.
#[expect(
    clippy::disallowed_methods,
    reason = "expected texts live in git; nothing is lost with them"
)]
fn rewrite(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).expect("the expected text can be written");
}

/// Loads a file that is in order.
fn good(text: &str) -> Loaded {
    good_in(text, "default")
}

fn good_in(text: &str, environment: &str) -> Loaded {
    load(".pmcp/deploy.toml", text, environment)
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false, 100)))
}

/// Loads a file that is not.
fn bad_in(text: &str, environment: &str) -> ConfigErrors {
    match load(".pmcp/deploy.toml", text, environment) {
        Ok(_) => panic!("loads without a mistake:\n{text}"),
        Err(errors) => errors,
    }
}

/// The messages of a file that is not in order.
fn messages(text: &str) -> Vec<String> {
    let errors = bad_in(text, "default");
    errors
        .errors()
        .iter()
        .map(|error| error.message().to_owned())
        .collect()
}

#[test]
fn no_module_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/main");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).expect("the tests are there") {
        let path = entry.expect("they can be read").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|extension| extension == "rs") && name != "main" {
            assert!(main.contains(&format!("mod {name};")), "{name} is not run");
        }
    }
}
