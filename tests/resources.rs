//! The engine by itself: `[[resources]]` of `mcpdeploy.data`, which call nobody.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::emulator::Emulator;
use crate::support::project::Project;

const CHAIN: &str = r#"
[target]
type = "resources"
name = "words"

[[resources]]
kind = "mcpdeploy.data"
name = "first"
inputs = { word = "hello", triggers = { round = 1 } }

[[resources]]
kind = "mcpdeploy.data"
name = "second"
inputs = { text = "${mcpdeploy.data.first.word} world", of = "${mcpdeploy.data.first.id}" }

[[resources]]
kind = "mcpdeploy.data"
name = "third"
inputs = { fixed = true }
depends_on = ["mcpdeploy.data.second"]
"#;

/// A saved plan takes the place of what was there, whole, and is nobody else's to read.
#[test]
fn a_saved_plan_is_there_whole_or_not_at_all() {
    let project = Project::offline(CHAIN);
    let at = |name: &str| project.path().join(name);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(at(name)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    project.write("old.plan", "what was there before");
    std::os::unix::fs::symlink("old.plan", at("link.plan")).expect("a link");
    project.run(&["plan", "--out", "link.plan"]).ok();
    assert!(at("link.plan").is_symlink());
    assert_eq!(mode("old.plan"), 0o600);
    project.run(&["plan", "--out", "new.plan"]).ok();
    assert_eq!(mode("new.plan"), 0o600);
    for name in ["old.plan", "new.plan"] {
        let plan: Value = serde_json::from_str(&project.read(name)).expect("it is JSON, and whole");
        assert_eq!(plan["deployment"], "words");
    }
    // Where there is no folder there is no plan, and nothing else either.
    project
        .run(&["plan", "--out", "no/where.plan"])
        .code(1)
        .says("failed to save the plan");
    let entries = std::fs::read_dir(project.path()).expect("the folder can be read");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("the entry can be read").file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".pmcp", "link.plan", "new.plan", "old.plan"]);
    // A pipe is written to.
    let plan = project.run(&["-q", "plan", "--out", "/dev/stdout"]).ok();
    assert!(plan.stdout.contains("\"steps\""), "{}", plan.stdout);
    project.run(&["apply", "link.plan"]).ok();
}

#[test]
fn a_chain_lives() {
    let project = Project::offline(CHAIN);
    assert_eq!(
        project.plan(&[]).actions(),
        [
            "create mcpdeploy.data.first",
            "create mcpdeploy.data.second",
            "create mcpdeploy.data.third"
        ]
    );
    project.run(&["apply"]).code(2).says("--auto-approve");
    project
        .run(&["apply", "--auto-approve"])
        .ok()
        .says("3 changes");
    project.plan(&[]).assert_empty();
    let state = project.state();
    let second = &state["resources"]["mcpdeploy.data.second"]["current"]["outputs"];
    assert_eq!(second["text"], "hello world");

    project.edit("hello", "bye");
    assert_eq!(
        project.plan(&[]).actions(),
        [
            "update mcpdeploy.data.first",
            "update mcpdeploy.data.second"
        ]
    );
    project.edit("round = 1", "round = 2");
    assert_eq!(
        project.plan(&[]).actions(),
        [
            "replace mcpdeploy.data.first",
            "update mcpdeploy.data.second"
        ]
    );
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
    assert_eq!(
        project
            .plan(&["--replace", "mcpdeploy.data.third"])
            .actions(),
        ["replace mcpdeploy.data.third"]
    );
    assert_eq!(
        project
            .plan(&["--destroy", "--target", "mcpdeploy.data.second"])
            .actions(),
        [
            "delete mcpdeploy.data.second",
            "delete mcpdeploy.data.third"
        ]
    );
    project
        .run(&["plan", "--target", "mcpdeploy.data.nope"])
        .code(1)
        .says("mcpdeploy.data.nope");
    project.run(&["destroy", "--auto-approve"]).ok();
    assert_eq!(project.state()["resources"], json!({}));
}

#[test]
fn a_moved_resource_stays_what_it_is() {
    let project = Project::offline(CHAIN);
    project.run(&["apply", "--auto-approve"]).ok();
    let id = |name: &str| {
        let state = project.state();
        state["resources"][name]["current"]["outputs"]["id"].clone()
    };
    let before = id("mcpdeploy.data.third");
    project.edit("\"third\"", "\"last\"");
    assert_eq!(
        project.plan(&[]).actions(),
        ["create mcpdeploy.data.last", "delete mcpdeploy.data.third"]
    );
    let moved = "[[moved]]\nfrom = \"mcpdeploy.data.third\"\nto = \"mcpdeploy.data.last\"\n";
    let config = project.read(".pmcp/deploy.toml");
    project.write(".pmcp/deploy.toml", &(config + moved));
    assert_eq!(project.plan(&[]).actions(), [""; 0]);
    project.run(&["apply", "--auto-approve"]).ok();
    assert_eq!(id("mcpdeploy.data.last"), before);
    // The entry has done its work, and does no harm.
    project.plan(&[]).assert_empty();
    project.edit(moved, "");
    project.plan(&[]).assert_empty();
}

#[test]
fn the_state_by_hand() {
    let project = Project::offline(CHAIN);
    project
        .run(&["state", "list"])
        .code(1)
        .says("nothing is deployed");
    project.run(&["apply", "--auto-approve"]).ok();
    project
        .run(&["state", "list"])
        .ok()
        .says("mcpdeploy.data.second");
    project
        .run(&["state", "show", "mcpdeploy.data.second"])
        .ok()
        .says("hello world");
    project
        .run(&["state", "show", "mcpdeploy.data.none"])
        .code(2)
        .says("state list");

    project
        .run(&["state", "mv", "mcpdeploy.data.third", "mcpdeploy.data.last"])
        .ok()
        .says("backup");
    project
        .run(&["state", "mv", "mcpdeploy.data.third", "mcpdeploy.data.x"])
        .code(2);
    project
        .run(&["state", "mv", "mcpdeploy.data.last", "aws.sns.topic.x"])
        .code(2)
        .says("keeps its kind");
    project.edit("\"third\"", "\"last\"");
    project.plan(&[]).assert_empty();

    let saved = project.run(&["state", "pull"]).ok().stdout;
    project.run(&["state", "rm", "mcpdeploy.data.last"]).ok();
    assert_eq!(project.plan(&[]).actions(), ["create mcpdeploy.data.last"]);
    project.write("saved.json", &saved);
    project
        .run(&["state", "push", "saved.json"])
        .code(2)
        .says("older");
    project
        .run(&["state", "push", "--force", "saved.json"])
        .ok();
    project.plan(&[]).assert_empty();
    project.write(
        "other.json",
        &saved.replacen("\"lineage\": \"", "\"lineage\": \"0", 1),
    );
    project
        .run(&["state", "push", "other.json"])
        .code(2)
        .says("lineage");
    project.run(&["state", "unlock"]).ok().says("Nobody holds");
}

#[test]
fn lifecycles_are_kept() {
    let project = Project::offline(&CHAIN.replace(
        "inputs = { fixed = true }",
        "inputs = { fixed = true }\nlifecycle = { protect = true }",
    ));
    project.run(&["apply", "--auto-approve"]).ok();
    project
        .run(&["destroy", "--auto-approve"])
        .code(1)
        .says("protected");
    project.edit("protect = true", "retain = true");
    project.run(&["apply", "--auto-approve"]).ok();
    let plan = project.plan(&["--destroy"]);
    assert!(
        plan.actions()
            .contains(&"forget mcpdeploy.data.third".to_owned()),
        "{:?}",
        plan.actions()
    );
    project.run(&["destroy", "--auto-approve"]).ok();
}

#[test]
fn machine_output_is_json_lines_with_the_version_first() {
    let project = Project::offline(CHAIN);
    let events = project
        .run(&["apply", "--auto-approve", "--json"])
        .ok()
        .events();
    assert_eq!(events[0]["event"], "version");
    assert_eq!(events[0]["format"], 1);
    let finished = events
        .iter()
        .filter(|e| e["event"] == "node_finished")
        .count();
    assert_eq!(finished, 3);
    assert_eq!(
        events.last().map(|e| &e["event"]),
        Some(&json!("run_finished"))
    );
    let failed = Project::offline("[target]\ntype = 1\n")
        .run(&["plan", "--json"])
        .code(2)
        .events();
    assert!(failed.iter().any(|e| e["event"] == "error"), "{failed:?}");
    let outputs = project.run(&["output", "--json"]).ok().stdout;
    assert!(
        serde_json::from_str::<Value>(&outputs).is_ok_and(|o| o.is_object()),
        "{outputs}"
    );
}

#[test]
fn graphs_in_three_forms() {
    let project = Project::offline(CHAIN);
    project.run(&["graph"]).ok().says("digraph").says("->");
    project
        .run(&["graph", "--format", "mermaid"])
        .ok()
        .says("flowchart")
        .says("-->");
    project
        .run(&["graph", "--format", "svg"])
        .ok()
        .says("<svg")
        .says("</svg>");
    project.run(&["graph", "--of", "state"]).code(1);
    project.run(&["apply", "--auto-approve"]).ok();
    project.run(&["graph", "--of", "state"]).ok().says("second");
}

#[test]
fn the_small_commands() {
    let project = Project::offline(CHAIN);
    project.run(&["version"]).ok().says("mcpdeploy 0");
    project.run(&["--version"]).ok();
    project.run(&["validate"]).ok().says("in order");
    for shell in ["bash", "zsh", "fish"] {
        project.run(&["completions", shell]).ok().says("mcpdeploy");
    }
    let names = project.run(&["schema"]).ok();
    for name in [
        "deploy",
        "state",
        "journal",
        "plan",
        "event",
        "test-report",
        "aws.lambda.function",
        "mcpdeploy.data",
    ] {
        assert!(names.stdout.contains(name), "{}", names.stdout);
        let text = project.run(&["schema", name]).ok().stdout;
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{name}");
    }
    project.run(&["schema", "nothing"]).code(2);
    project.run(&["show"]).code(1);
    project.run(&["plan", "--out", "p"]).ok();
    project
        .run(&["show", "p"])
        .ok()
        .says("mcpdeploy.data.first");
}

#[test]
fn init_writes_a_file_once() {
    let project = Project::offline("");
    std::fs::remove_file(project.path().join(".pmcp/deploy.toml")).expect("it was there");
    project.write(
        "Cargo.toml",
        "[package]\nname = \"My-server\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    project.write("src/main.rs", "fn main() {}\n");
    let home = std::env::var_os("HOME").unwrap_or_default();
    let init = |args: &[&str]| {
        let mut command = project.command(&[&["init", "--yes"], args].concat());
        command.env("HOME", &home);
        for key in ["CARGO_HOME", "RUSTUP_HOME"] {
            if let Some(value) = std::env::var_os(key) {
                command.env(key, value);
            }
        }
        let output = command.output().expect("the binary runs");
        crate::support::project::Ran::new(args, &output)
    };
    init(&["--name", "Bad Name"]).code(2);
    init(&[]).ok().says("Wrote");
    let text = project.read(".pmcp/deploy.toml");
    assert!(text.contains("name = \"my-server\""), "{text}");
    project.run(&["validate"]).ok();
    assert!(text.contains("[auth]\nenabled = false\n"), "{text}");
    init(&[]).code(2).says("there already");
    assert_eq!(project.read(".pmcp/deploy.toml"), text);

    let again = |args: &[&str]| {
        std::fs::remove_file(project.path().join(".pmcp/deploy.toml")).expect("it is there");
        init(args).ok();
        project.read(".pmcp/deploy.toml")
    };
    assert_eq!(again(&["--auth", "none"]), text);
    let text = again(&["--auth", "cognito", "--transport", "stdio"]);
    let guarded = "[auth]\nenabled = true\nprovider = \"cognito\"\n";
    assert!(text.contains(guarded), "{text}");
    assert!(text.contains("transport = \"stdio\""), "{text}");
    project.run(&["validate"]).ok();
    // What stands there to be uncommented is right as well.
    let all = text
        .replace("\n# [auth", "\n[auth")
        .replace("\n# self", "\nself");
    let all = all
        .replace("\n# mfa", "\nmfa")
        .replace("\n# retain", "\nretain");
    assert_ne!(all, text);
    project.write(".pmcp/deploy.toml", &all);
    project.run(&["validate"]).ok();
}

/// A table, imported, changed outside, forgotten: on an emulator.
#[test]
fn import_drift_and_adoption() {
    let emulator = Emulator::moto();
    let account = emulator.account();
    let config = "[target]\ntype = \"resources\"\nname = \"shop\"\n[aws]\nregion = \"us-east-1\"\n[[resources]]\nkind = \"aws.dynamodb.table\"\nname = \"sessions\"\ninputs = { hash_key = \"id\", ttl_attribute = \"expires\" }\n";
    let project = Project::in_account(&account, config);
    let table = "aws.dynamodb.table.sessions";
    project
        .run(&["import", table, "nowhere"])
        .code(2)
        .says("no aws.dynamodb.table with the id");
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();

    // The state is lost, the table is not: it is found by its owner tags.
    std::fs::remove_dir_all(project.path().join(".pmcp/deployments")).expect("it was there");
    assert_eq!(project.plan(&[]).actions(), [format!("adopt {table}")]);
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();

    // Forgotten on purpose, and taken back by name.
    project.run(&["state", "rm", table]).ok();
    project
        .run(&["import", table, "shop-sessions", "--auto-approve"])
        .ok();
    project.plan(&[]).assert_empty();

    // Another deployment does not take it.
    let other = Project::in_account(
        &account,
        &config
            .replace("name = \"shop\"", "name = \"other\"")
            .replace("hash_key", "name = \"shop-sessions\", hash_key"),
    );
    other
        .run(&["plan"])
        .code(1)
        .says("not this deployment's")
        .says("import");

    project.run(&["destroy", "--auto-approve"]).ok();
    assert_eq!(account.inventory()["tables"], json!([]));
}
