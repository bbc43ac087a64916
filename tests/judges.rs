//! Judges that nobody here wrote, or that were written without a look at the cloud: the official
//! conformance suite, the official SDKs' clients, and what boto3 sees.

use std::process::Command;

use serde_json::Map;

use crate::support::clients::{clients, committed, json, python, script};
use crate::support::emulator::{self, Emulator, Product};
use crate::support::project::{Project, config, everything, root};

/// The server with everything, behind the gateway of an embedded cloud.
fn deployed(config: &str) -> (Emulator, Project) {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let project = Project::in_account(&account, config);
    project.run(&["apply", "--auto-approve"]).ok();
    (emulator, project)
}

/// As a server for Lambda.
fn for_lambda() -> String {
    config("everything", everything())
}

/// As a web server that makes its replies whole, which knows nothing of Lambda.
fn over_http() -> String {
    let config = for_lambda().replace("[server]\n", "[server]\ntransport = \"http\"\n");
    format!("{config}\n[environment]\nEVERYTHING_BUFFERED = \"1\"\n")
}

/// Behind the gateway, the suite finds what it finds without it, but for scenarios that need more
/// than whole replies: each is named with its reason.
fn finds_nothing_that_is_added(config: &str) {
    clients();
    let (_emulator, project) = deployed(config);
    let found = python(
        "conformance.py",
        &[&project.output("mcp_url"), "--era", "all"],
    );
    let direct = committed("conformance-direct.json");
    let exceptions = committed("gateway-exceptions.json");
    let mut wrong = Vec::new();
    for (era, scenarios) in &direct {
        for (scenario, expected) in scenarios.as_object().expect("scenarios") {
            let seen = &found[era][scenario];
            let excepted = !exceptions[era][scenario].is_null();
            if excepted == (seen == expected) {
                wrong.push(format!("{era} {scenario}: {seen}, directly {expected}"));
            }
        }
        let known = scenarios.as_object().map_or(0, Map::len);
        assert_eq!(found[era].as_object().map_or(0, Map::len), known, "{era}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Logins with the binary, at the suite's servers: all that does not apply is named with its reason.
#[test]
fn the_conformance_suite_is_logged_in_to() {
    clients();
    let found = python("login.py", &[env!("CARGO_BIN_EXE_mcpdeploy")]);
    let exceptions = committed("login-exceptions.json");
    let mut wrong = Vec::new();
    for (era, scenarios) in found.as_object().expect("eras") {
        let scenarios = scenarios.as_object().expect("scenarios");
        assert!(scenarios.len() > 30, "{era}");
        for (scenario, seen) in scenarios {
            let excepted = !exceptions[era][scenario].is_null();
            if excepted == (seen["outcome"] == "passed") {
                wrong.push(format!("{era} {scenario}: {seen}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_conformance_suite_finds_nothing_that_the_gateway_adds() {
    finds_nothing_that_is_added(&for_lambda());
}

#[test]
fn the_conformance_suite_finds_nothing_that_the_http_bridge_adds() {
    finds_nothing_that_is_added(&over_http());
}

#[test]
fn the_official_sdks_call_every_tool() {
    let node = clients()["node"].as_str().expect("it was installed");
    let (_emulator, project) = deployed(&for_lambda());
    let url = project.output("mcp_url");
    let modern = python("python_client.py", &[&url, "--mode", "auto"]);
    assert_eq!(modern["protocolVersion"], "2026-07-28");
    let legacy = python("python_client.py", &[&url, "--mode", "legacy"]);
    assert_eq!(legacy["protocolVersion"], "2025-11-25");
    let mut command = Command::new(node);
    command.arg(script("ts_client.mjs")).arg(&url);
    let typescript = json(command, "ts_client.mjs");
    for said in [&modern, &legacy, &typescript] {
        let tools = said["tools"].as_object().expect("tools");
        assert!(tools.len() > 5, "{said:#}");
    }
}

/// What AWS does, by boto3, checked without a look at the cloud's code.
#[test]
fn boto3_sees_an_aws() {
    let emulator = Emulator::start(Product::Embedded);
    let output = Command::new(emulator::python())
        .arg(root().join("tests/cloud/behaviour/run.py"))
        .args(["--endpoint", emulator.endpoint(), "--known", "embedded"])
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&output.stdout);
    // An operation that is not there is as bad here as one that behaves otherwise.
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("ok ") && !line.starts_with("known "))
        .collect();
    let missed = ["FAIL", "absent", "unsure"];
    assert!(
        output.status.success()
            && !wrong
                .iter()
                .any(|line| missed.iter().any(|m| line.starts_with(m))),
        "{}\n{}",
        wrong.join("\n"),
        String::from_utf8_lossy(&output.stderr)
    );
}
