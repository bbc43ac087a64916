//! What the fuzzers in `fuzz/` start from and what they once found in files: an answer that can be
//! shown, and no panic.

use std::path::Path;

use mcpdeploy_config::load;

/// The corpus of a fuzzer; what is no text in it becomes marks.
fn texts(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let entries = std::fs::read_dir(folder).expect("the corpus");
    let texts: Vec<String> = entries
        .map(|entry| {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .collect();
    assert!(texts.len() > 3, "{target}: only {}", texts.len());
    texts
}

fn check(text: &str) {
    match load("deploy.toml", text, "default") {
        Ok(loaded) => {
            for environment in &loaded.environments {
                assert!(load("deploy.toml", text, environment).is_ok(), "{text}");
            }
        }
        Err(errors) => {
            let shown = errors.render(false, 80);
            let odd = |c: char| c != '\n' && c.is_control();
            assert!(!shown.chars().any(odd), "{shown:?}");
        }
    }
}

#[test]
fn files() {
    for text in texts("deploy_toml") {
        check(&text);
    }
}

#[test]
fn references() {
    for text in texts("reference") {
        let quoted = serde_json::to_string(&text).expect("a string");
        check(&format!(
            "[server]\nname = \"x\"\n[[resources]]\nkind = \"aws.sns.topic\"\nname = \"x\"\ninputs = {{ display_name = {quoted} }}\n"
        ));
    }
}
