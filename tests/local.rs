//! The embedded cloud as a user has it: up, down, status, reset, switches, and `--local`.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::http;
use crate::support::local::Local;
use crate::support::project::{Ran, calculator_config};

/// The calculator in a cloud of its own.
fn local() -> Local {
    Local::new(&calculator_config())
}

/// Has the calculator add, and returns the answer's text.
fn add(local: &Local) -> String {
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 2, "b": 40}},
    });
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let body = request.to_string();
    let answer = http::request("POST", &local.url(), &headers, body.as_bytes());
    answer.expect("the API answers").text()
}

#[test]
fn up_down_status_and_reset() {
    let local = local();
    let project = &local;
    project.run(&["local", "status"]).code(1).says("is down");
    project
        .run(&["local", "down"])
        .ok()
        .says("No embedded cloud");
    project
        .run(&["local", "up"])
        .ok()
        .says("is up: http://127.0.0.1:");
    let first = local.status();
    project.run(&["local", "up"]).ok().says("up already");
    assert_eq!(local.status()["pid"], first["pid"]);
    assert_eq!(
        project.run(&["local", "up", "--port", "1"]).code(2).code,
        Some(2)
    );
    project.run(&["local", "down"]).ok().says("is down");
    project.run(&["local", "status"]).code(1);
    // The address stays the same.
    project.run(&["local", "up"]).ok();
    assert_eq!(local.status()["endpoint"], first["endpoint"]);
    let said = project.run(&["local", "reset"]).ok();
    said.says("is empty, and up again");
    assert_eq!(local.status()["endpoint"], first["endpoint"]);
}

#[test]
fn one_cloud_at_a_time() {
    let local = local();
    let project = &local;
    project
        .run(&["--local", "--endpoint-url", "http://127.0.0.1:1", "plan"])
        .code(2)
        .says("two different clouds");
    project.run(&["local", "up"]).ok();
    let up = local.status();
    assert_eq!(up["up"], true);
    let elsewhere = project.run(&["local", "up", "--data", "elsewhere"]);
    elsewhere.code(2).says("mcpdeploy local down");
    project.run(&["local", "down"]).ok();
    project
        .run(&["local", "up", "--data", "elsewhere"])
        .ok()
        .says("is up");
    // From now on it is the project's.
    let data = local.status()["data"]
        .as_str()
        .expect("a folder")
        .to_owned();
    assert!(data.ends_with("/elsewhere"), "{data}");
    project
        .run(&["--local", "doctor"])
        .says("up at http://127.0.0.1:");
    let ran = project.run(&["--local", "--json", "doctor"]);
    let lines = ran
        .stdout
        .lines()
        .map(serde_json::from_str::<serde_json::Value>);
    let lines: Vec<_> = lines
        .map(|line| line.expect("every line is JSON"))
        .collect();
    let found = |name: &str| {
        let mut checks = lines[1]["data"]["checks"].as_array().into_iter().flatten();
        checks.find(|check| check["name"] == name).cloned()
    };
    let cloud = found("the embedded cloud").expect("it is looked at");
    assert_eq!(cloud["verdict"], "good", "{cloud}");
    project
        .run(&["local", "up", "--pending", "1s"])
        .ok()
        .says("has its switches");
    project
        .run(&["local", "up"])
        .ok()
        .says("its switches are off");
    // Who is calling is asked again when the answer is lost.
    for fault in ["1=fail", "1=lose"] {
        project.run(&["local", "up", "--fault", fault]).ok();
        project.run(&["--local", "plan"]).ok();
    }
    let missing = project.run(&["--local", "output", "nothing"]).code(1);
    missing.says("mcpdeploy --local ");
}

#[test]
fn what_is_deployed_outlives_a_killed_cloud() {
    let local = local();
    let project = &local;
    let apply = ["--local", "apply", "--auto-approve"];
    let said = project.run(&apply).ok().says("Started the embedded cloud");
    said.says("mcpdeploy --local output");
    assert!(add(&local).contains("42"));
    let url = local.url();

    let killed = std::process::Command::new("kill")
        .args(["-KILL", &local.status()["pid"].to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    // Nobody has to be there for a plan.
    let plan = project.run(&["--local", "plan", "--detailed-exitcode"]);
    plan.ok().says("No changes");
    project.run(&["local", "status"]).code(1);
    project.run(&["local", "up"]).ok();
    assert_eq!(local.url(), url);
    assert!(add(&local).contains("42"));

    // AWS's own state is another matter.
    assert!(
        project
            .path()
            .join(".pmcp/local/deployments/default")
            .exists()
    );
    assert!(!project.path().join(".pmcp/deployments").exists());

    project.run(&["--local", "destroy", "--auto-approve"]).ok();
    let status = local.status();
    assert_eq!(status["apis"], json!([]));
    assert_eq!(status["functions"], json!([]));
}

#[test]
fn a_reset_empties_the_cloud_and_the_next_apply_fills_it() {
    let local = local();
    let project = &local;
    project.run(&["--local", "apply", "--auto-approve"]).ok();
    project.run(&["local", "reset"]).ok();
    assert_eq!(local.status()["functions"], json!([]));
    project.run(&["--local", "plan"]).ok().says("14 to create");
    project.run(&["--local", "apply", "--auto-approve"]).ok();
    assert!(add(&local).contains("42"));
}

#[test]
fn two_that_start_it_at_once_share_one() {
    let local = local();
    let start = || {
        let mut command = local.command(&["local", "up", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    let endpoints = [start(), start(), start()].map(|child| {
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let last = text.lines().last().expect("a line").to_owned();
        let event: Value = serde_json::from_str(&last).expect("JSON");
        event["data"]["endpoint"].clone()
    });
    assert_eq!(endpoints[0], endpoints[1]);
    assert_eq!(endpoints[0], endpoints[2]);
}

#[test]
fn switches_make_things_worse_and_an_apply_gets_through() {
    let local = local();
    let project = &local;
    project
        .run(&["local", "up", "--fault", "3=explode"])
        .code(2)
        .says("N=lose");
    project
        .run(&["local", "up", "--latency", "soon"])
        .code(2)
        .says("80ms");
    let up = [
        "local",
        "up",
        "--iam-propagation",
        "1s",
        "--pending",
        "500ms",
        "--throttle",
        "30/20",
        "--latency",
        "2ms/5ms",
        "--fault",
        "7=fail",
        "--fault",
        "12=lose",
    ];
    project.run(&up).ok();
    let ran = project
        .run(&["--local", "apply", "--auto-approve", "--json"])
        .ok();
    let retried = ran
        .events()
        .iter()
        .filter(|e| e["event"] == "node_retrying")
        .count();
    assert!(retried > 0, "something was retried: {}", ran.stdout);
    project.run(&["local", "up"]).ok();
    project
        .run(&["--local", "plan", "--detailed-exitcode"])
        .ok();
    assert!(add(&local).contains("42"));
}

#[test]
fn a_folder_that_is_no_clouds_is_left_alone() {
    let local = local();
    local.write("precious/file", "mine");
    let reset = local.run(&["local", "reset", "--data", "precious"]);
    reset.code(2).says("is not the data folder");
    assert_eq!(local.read("precious/file"), "mine");
}

#[test]
fn data_of_ones_own_is_found_by_the_other_commands() {
    let local = local();
    let project = &local;
    project.run(&["local", "up", "--data", "elsewhere"]).ok();
    let there = project
        .path()
        .join("elsewhere")
        .canonicalize()
        .expect("it is there");
    assert_eq!(local.status()["data"], json!(there));
    project.run(&["--local", "plan"]).ok();
    project.run(&["local", "down", "--data", "elsewhere"]).ok();
    // What it holds is damaged: nobody starts over it, and nothing is thrown away.
    project.write("elsewhere/iam.roles.jsonl", "garbage\nmore\n");
    let up = project.run(&["local", "up"]).code(1);
    up.says("local reset starts anew");
    assert_eq!(project.read("elsewhere/iam.roles.jsonl"), "garbage\nmore\n");
}

/// People of a pool: added with a password that it takes, listed, removed.
#[test]
fn people_who_can_log_in() {
    let pool = |name: &str| {
        format!(
            "[[resources]]\nkind = \"aws.cognito.user_pool\"\nname = \"{name}\"\n\
             inputs = {{ name = \"{name}\", sign_in = \"email\", deletion_protection = false }}\n"
        )
    };
    let target = "[target]\ntype = \"resources\"\nname = \"pools\"\n";
    let local = Local::new(&format!("{target}{}", pool("staff")));
    let project = &local;
    let add = |args: &[&str], password: &str| {
        let args = [&["local", "user", "add", "ada@example.com"], args].concat();
        let mut command = project.command(&args);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        // One that fails before it reads has closed it.
        let _ = stdin.write_all(password.as_bytes());
        drop(stdin);
        let ran = Ran::new(&args, &child.wait_with_output().expect("it ends"));
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(password.is_empty() || !shown.contains(password), "{shown}");
        ran
    };
    let list = ["local", "user", "list"];
    project.run(&list).code(2).says("has no user pool yet");
    project.run(&["--local", "apply", "--auto-approve"]).ok();
    project.run(&list).ok().says("There is nobody yet");
    add(&[], "Ab1!").code(1).says("the pool wants 8 characters");
    add(&[], "").code(2).says("is empty");
    add(&["--from-env", "NO_SUCH"], "").code(2).says("NO_SUCH");
    add(&["--group", "nobodys"], "Correct-horse-9\n").code(1);
    project.run(&list).ok().says("There is nobody yet");

    add(&[], "Correct-horse-9\n").ok().says("can log in");
    add(&[], "Better-horse-10\n")
        .ok()
        .says("another password now");
    project.run(&list).ok().says("ada@example.com  CONFIRMED");
    let rm = ["local", "user", "rm", "ada@example.com"];
    project.run(&rm).ok().says("can log in no more");
    project.run(&rm).code(2).says("there is no ada@example.com");

    let both = format!("{target}{}{}", pool("staff"), pool("guests"));
    project.write(".pmcp/deploy.toml", &both);
    project.run(&["--local", "apply", "--auto-approve"]).ok();
    let several = project.run(&list).code(2);
    several
        .says("several user pools")
        .says("--pool")
        .says("(guests)");
}
