//! A secret that a function rotates: a real one, in the embedded cloud, with its own role.

use std::io::{Cursor, Write};
use std::time::Duration;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::support::local::Local;
use crate::support::project::{calculator_config, root};

/// The beginning of every value: what is looked for in what is said.
const CANARIES: [&str; 2] = ["cNryFirstValue3M", "rotated-"];

const RESOURCES: &str = r#"
[secrets.SIGNING_KEY]
description = "signs links"
rotation = { lambda = "${aws.lambda.function.rotate.arn}", every = "30d" }

[[resources]]
kind = "aws.iam.role"
name = "rotate"

[resources.inputs]
name = "rotate"
assume_role_policy = { Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } },
] }
inline_policies.secret = { Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = [
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ], Resource = "arn:aws:secretsmanager:us-east-1:000000000000:secret:calculator/SIGNING_KEY-*" },
] }

[[resources]]
kind = "aws.lambda.function"
name = "rotate"
inputs = { name = "rotate", role = "${aws.iam.role.rotate.arn}", code = { zip = "rotate.zip" }, timeout_seconds = 20 }

[[resources]]
kind = "aws.lambda.permission"
name = "rotate"
inputs = { function = "${aws.lambda.function.rotate.name}", statement_id = "secrets", principal = "secretsmanager.amazonaws.com" }
"#;

/// The fixture as a function's code.
fn zip() -> Vec<u8> {
    let script = root().join("fixtures/rotator/bootstrap");
    let script = std::fs::read(script).expect("the fixture is there");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let executable = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", executable)
        .and_then(|()| Ok(zip.write_all(&script)?))
        .expect("a file in memory can be written");
    zip.finish().expect("and ended").into_inner()
}

/// The value in a stage.
fn value(local: &Local, stage: &str) -> Value {
    let wanted = json!({"SecretId": "calculator/SIGNING_KEY", "VersionStage": stage});
    local.aws("secretsmanager.GetSecretValue", &wanted)["SecretString"].take()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a file of a project that lives as long as its test"
)]
fn a_function_makes_the_next_value() {
    let local = Local::new(&format!("{}{RESOURCES}", calculator_config()));
    std::fs::write(local.path().join("rotate.zip"), zip()).expect("it can be written");
    let says_nothing = |args: &[&str]| {
        let ran = local.there(args).ok();
        for canary in CANARIES {
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains(canary), "{args:?} shows a value:\n{said}");
        }
        ran
    };
    // Before there is a value, there is nothing to rotate.
    says_nothing(&["apply", "--auto-approve"]);
    local
        .there(&["secrets", "rotate", "SIGNING_KEY"])
        .code(1)
        .says("mcpdeploy --local apply");
    local.write("first.txt", CANARIES[0]);
    says_nothing(&["secrets", "set", "SIGNING_KEY", "--from-file", "first.txt"]);
    says_nothing(&["apply", "--auto-approve"]);
    says_nothing(&["plan", "--detailed-exitcode"]).says("No changes");
    assert_eq!(
        value(&local, "AWSCURRENT"),
        CANARIES[0],
        "it changes no value"
    );

    says_nothing(&["secrets", "rotate", "SIGNING_KEY"]).says("rotated by its function");
    // The function's four steps take their time.
    let mut patience = 300;
    while value(&local, "AWSCURRENT") == CANARIES[0] {
        patience -= 1;
        assert!(patience > 0, "no new value:\n{}", local.log("rotate"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let new = value(&local, "AWSCURRENT");
    let new = new.as_str().expect("a value");
    assert!(new.starts_with(CANARIES[1]), "it is the function's");
    assert_eq!(value(&local, "AWSPREVIOUS"), CANARIES[0]);
    // Another value is no change for a plan.
    says_nothing(&["plan", "--detailed-exitcode"]).says("No changes");
    let state = local.there(&["state", "pull"]).ok().stdout;
    for canary in CANARIES {
        assert!(!state.contains(canary), "the state has a value");
        assert!(!local.log("rotate").contains(canary), "the log has a value");
    }
}
