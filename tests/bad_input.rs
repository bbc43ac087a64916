//! Bad input: a clear error with its place, exit code 2, and nothing touched.

use std::process::Stdio;

use crate::support::project::{Project, root};

const DATA: &str = r#"
[target]
type = "resources"
name = "words"

[[resources]]
kind = "mcpdeploy.data"
name = "a"
inputs = { word = "hello" }
"#;

#[test]
fn every_broken_file_is_refused_as_its_golden_says() {
    let folder = root().join("fixtures/bad");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let project = Project::offline(&text);
        let golden =
            std::fs::read_to_string(path.with_extension("txt")).expect("the golden is there");
        let first = golden.lines().next().unwrap_or_default();
        let environment = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# environment: "))
            .unwrap_or("default");
        for command in ["validate", "plan", "apply"] {
            project
                .run(&[command, "-e", environment])
                .code(2)
                .says(first);
        }
        assert!(
            !project.path().join(".pmcp/deployments").exists(),
            "{}",
            path.display()
        );
    }
    assert!(seen >= 30, "{seen}");
}

#[test]
fn no_file_no_folder_no_such_environment() {
    let project = Project::offline(DATA);
    std::fs::remove_file(project.path().join(".pmcp/deploy.toml")).expect("it was there");
    project.run(&["plan"]).code(2).says("mcpdeploy init");
    project
        .run(&["-C", "nowhere", "plan"])
        .code(2)
        .says("no folder");
    project.write(".pmcp/deploy.toml", DATA);
    project.run(&["-e", "prod", "plan"]).code(2).says("prod");
    project
        .run(&["-e", "../x", "plan"])
        .code(2)
        .says("no name of an environment");
}

#[test]
fn what_is_not_there_yet_says_so() {
    let project = Project::offline(DATA);
    for command in ["rollback", "logs", "metrics"] {
        project.run(&[command]).code(2).says("not there yet");
    }
    project
        .run(&["plan", "--html", "x.html"])
        .code(2)
        .says("not there yet");
    project.run(&["nonsense"]).code(2);
}

#[test]
fn inputs_that_a_kind_does_not_take_are_shown_in_the_file() {
    let check = |inputs: &str, says: &str| {
        let project = Project::offline(&format!(
            "[target]\ntype = \"resources\"\n[[resources]]\nkind = \"aws.dynamodb.table\"\nname = \"t\"\n{inputs}\n"
        ));
        project
            .run(&["validate"])
            .code(2)
            .says(says)
            .says("deploy.toml:6");
    };
    check(
        "inputs = { hash_key = \"id\", ttl = \"x\" }",
        "unknown field `ttl`",
    );
    check("inputs = { hash_key = 7 }", "invalid type");
    check("inputs = { }", "hash_key");
}

#[test]
fn references_that_lead_nowhere_and_cycles_are_shown() {
    let data = |name: &str, value: &str| {
        format!(
            "[[resources]]\nkind = \"mcpdeploy.data\"\nname = \"{name}\"\ninputs = {{ v = \"{value}\" }}\n"
        )
    };
    let file = |parts: &[String]| format!("[target]\ntype = \"resources\"\n{}", parts.concat());
    let check = |text: String, says: &[&str]| {
        let project = Project::offline(&text);
        let mut ran = project.run(&["plan"]).code(2);
        for text in says {
            ran = ran.says(text);
        }
    };
    check(
        file(&[
            data("first", "x"),
            data("second", "${mcpdeploy.data.frist.v}"),
        ]),
        &["did you mean `mcpdeploy.data.first`"],
    );
    check(
        file(&[
            data("a", "${mcpdeploy.data.b.v}"),
            data("b", "${mcpdeploy.data.c.v}"),
            data("c", "${mcpdeploy.data.a.v}"),
        ]),
        &[
            "a cycle",
            "mcpdeploy.data.a",
            "mcpdeploy.data.b",
            "mcpdeploy.data.c",
            "→",
        ],
    );
}

#[test]
fn without_credentials_or_network_it_says_what_is_missing() {
    let config = "[target]\ntype = \"resources\"\n[aws]\nregion = \"us-east-1\"\n[[resources]]\nkind = \"aws.sns.topic\"\nname = \"t\"\ninputs = { name = \"t\" }\n";
    let project = Project::offline(config);
    let run = |env: &[(&str, &str)]| {
        let output = project
            .command(&["plan"])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(env.iter().copied())
            .output()
            .expect("the binary runs");
        crate::support::project::Ran::new(&["plan"], &output)
    };
    run(&[])
        .code(1)
        .says("credentials")
        .says("mcpdeploy doctor");
    // Nobody listens on port 9.
    run(&[
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ])
    .code(1)
    .says("127.0.0.1:9");
}

#[test]
fn damaged_states_are_errors_and_are_left_as_they_are() {
    for (text, says) in [
        ("", "not a state"),
        ("{", "not a state"),
        ("[1, 2]", "not a state"),
        ("{\"format\": 2, \"more\": true}", "format 2"),
        (
            "{\"version\": 4, \"terraform_version\": \"1.9\"}",
            "not a state",
        ),
    ] {
        let project = Project::offline(DATA);
        project.write(".pmcp/deployments/default/state.json", text);
        for command in [
            &["plan"][..],
            &["apply", "--auto-approve"],
            &["destroy", "--auto-approve"],
            &["state", "list"],
        ] {
            project.run(command).code(1).says(says);
        }
        assert_eq!(project.read(".pmcp/deployments/default/state.json"), text);
    }
}

#[test]
fn a_saved_plan_is_refused_when_something_moved_on() {
    let project = Project::offline(DATA);
    project.run(&["plan", "--out", "first.plan"]).ok();
    // The file changed.
    project.edit("hello", "bye");
    project.run(&["apply", "first.plan"]).code(2).says("stale");
    project.edit("bye", "hello");
    project.run(&["apply", "first.plan"]).ok();
    // The state changed.
    project.run(&["apply", "first.plan"]).code(2).says("stale");
    project.write("no.plan", "{}");
    project
        .run(&["apply", "no.plan"])
        .code(2)
        .says("not a plan");
    project.run(&["apply", "nowhere.plan"]).code(2);
}

#[test]
fn two_runs_at_once_one_works_and_the_other_names_it() {
    let project = Project::offline(DATA);
    project.run(&["apply", "--auto-approve"]).ok();
    // A run that waits for its answer holds the lock: as a test has no terminal, another process
    // takes the lock in the way that the program does.
    let path = project.path().join(".pmcp/deployments/default/state.lock");
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .expect("the lock can be opened");
    file.lock().expect("nobody holds it");
    let holder =
        r#"{"run":"8d1f","at":"2026-01-01T00:00:00Z","pid":4711,"host":"ci-7","command":"apply"}"#;
    project.write(".pmcp/deployments/default/state.lock", holder);
    project
        .run(&["apply", "--auto-approve"])
        .code(4)
        .says("ci-7")
        .says("4711")
        .says("state unlock");
    project.run(&["state", "rm", "mcpdeploy.data.a"]).code(4);
    project.run(&["plan"]).ok();
    let waited = project
        .command(&["apply", "--auto-approve", "--lock-timeout", "30s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(file);
    let output = waited.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let project = Project::offline(DATA);
    project.run(&["apply", "--auto-approve"]).ok();
    let before = project.read(".pmcp/deployments/default/state.json");
    project.edit("hello", "bye");
    // A file may not grow beyond 0 bytes: what a full disk does to every write.
    let binary = env!("CARGO_BIN_EXE_mcpdeploy");
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {binary} apply --auto-approve");
    let status = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(project.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sh runs");
    assert_eq!(status.code(), Some(1));
    assert_eq!(project.read(".pmcp/deployments/default/state.json"), before);
    // When there is room again it goes on.
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
}
