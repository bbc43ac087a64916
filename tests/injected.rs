//! Secrets that a server finds among its variables, though it knows nothing of AWS: with the real binary
//! and the runtime, in the embedded cloud.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::local::Local;
use crate::support::project::{Ran, notes_config};

/// The beginning of every value: what is looked for in files and outputs.
const CANARY: &str = "cNryInjected5W";

const SECRETS: &str = r#"
[secrets]
API_TOKEN = { description = "for the API of others", inject = "env" }
CHEAP = { description = "likewise", backend = "ssm", inject = "env" }
"#;

/// The names of the variables.
const NAMES: [&str; 2] = ["API_TOKEN", "CHEAP"];

/// Runs it, loudly, and looks for canaries in what it says.
#[track_caller]
fn run(local: &Local, args: &[&str]) -> Ran {
    let ran = local.there(&[&["-vv"], args].concat()).ok();
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(CANARY), "{args:?} shows a value:\n{text}");
    }
    ran
}

/// Sets both secrets, from a file that is gone afterwards.
fn set(local: &Local, which: &str) {
    for name in NAMES {
        local.write("value.txt", &value(name, which));
        run(local, &["secrets", "set", name, "--from-file", "value.txt"]);
    }
    std::fs::remove_file(local.path().join("value.txt")).expect("it is there");
}

fn value(name: &str, which: &str) -> String {
    format!("{CANARY}-{name}-{which} \"=\u{e9}")
}

/// Whether the server has these values, both or none.
#[track_caller]
fn has(local: &Local, which: &str) -> bool {
    let right = NAMES.map(|name| {
        let guess = json!({"variable": name, "value": value(name, which)});
        let answer = local.call("guess", &guess);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        assert!(text.contains("\"right\":"), "{text}");
        text.contains("\"right\":true")
    });
    assert_eq!(right[0], right[1], "one has changed, the other has not");
    right[0]
}

/// Every file of the project, but those of the cloud, which has to know the values.
fn files(local: &Local) -> Vec<PathBuf> {
    fn walk(folder: &Path, but: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path == but {
                continue;
            }
            if path.is_dir() {
                walk(&path, but, found);
            } else {
                found.push(path);
            }
        }
    }
    let status = local.status();
    let data = PathBuf::from(status["data"].as_str().expect("a folder"));
    let root = local.path().canonicalize().expect("it is there");
    assert!(data.starts_with(&root), "{data:?}");
    let mut found = Vec::new();
    walk(&root, &data, &mut found);
    found
}

#[test]
fn values_are_the_servers_variables_and_nowhere_else() {
    for transport in ["http", "stdio"] {
        let local = Local::new(&format!("{}{SECRETS}", notes_config(transport)));
        set(&local, "first");
        run(&local, &["deploy", "--auto-approve"]);
        assert!(has(&local, "first"), "{transport}");
        run(&local, &["plan", "--detailed-exitcode"]);

        // The process that runs keeps what it has; the next apply makes another one.
        set(&local, "second");
        assert!(has(&local, "first"), "{transport}");
        let planned = local.there(&["plan", "--detailed-exitcode"]).code(2);
        assert!(!planned.stdout.contains(CANARY), "{}", planned.stdout);
        planned.says("1 to publish");
        run(&local, &["apply", "--auto-approve"]);
        assert!(has(&local, "second"), "{transport}");
        assert!(!has(&local, "first"), "{transport}");
        run(&local, &["plan", "--detailed-exitcode"]);

        // The server is not told where they are from, and the log not what they are.
        let said = local.call(
            "guess",
            &json!({"variable": "MCPDEPLOY_INJECT", "value": ""}),
        );
        assert!(said.text().contains("\"right\":false"), "{}", said.text());
        let log = local.log("notes");
        assert!(log.contains("notes on "), "{log}");
        assert!(!log.contains(CANARY), "the log has a value");
        let found = files(&local);
        let names = |name: &str| found.iter().any(|path| path.ends_with(name));
        assert!(names("state.json"), "{found:?}");
        for path in &found {
            let bytes = std::fs::read(path).expect("the file can be read");
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(CANARY), "a value is in {}", path.display());
        }
        let state: Value = serde_json::from_str(&local.there(&["state", "pull"]).ok().stdout)
            .expect("the state is JSON");
        assert!(state.to_string().contains("MCPDEPLOY_INJECT"));
        assert!(!state.to_string().contains(CANARY));
    }
}
