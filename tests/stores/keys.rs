//! States that move from one store to another, and from one key to another.

use serde_json::Value;

use super::{colleague, home};
use crate::support::emulator::{Account, Emulator, Product};
use crate::support::http;
use crate::support::project::Ran;

#[test]
fn a_local_state_migrates() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let project = colleague(&account, &bucket, "hello");
    let in_s3 = format!("type = \"s3\"\nbucket = \"{bucket}\"\nprefix = \"mcpdeploy/words\"");
    project.edit(&in_s3, "type = \"local\"");
    project.run(&["apply", "--auto-approve"]).ok();
    let before = project.state();
    project.edit("type = \"local\"", &in_s3);
    // Nothing is deployed a second time by mistake.
    for args in [
        &["plan"][..],
        &["apply", "--auto-approve"],
        &["output"],
        &["destroy", "--auto-approve"],
    ] {
        project.run(args).code(2).says("mcpdeploy state migrate");
    }
    project.run(&["state", "migrate"]).ok().says(&bucket);
    let after = project.state();
    assert_eq!(after["resources"], before["resources"]);
    assert_eq!(after["lineage"], before["lineage"]);
    project.plan(&[]).assert_empty();
    project.run(&["state", "migrate"]).ok().says("already");
    // And back.
    project.edit(&in_s3, "type = \"local\"");
    let from = format!("s3://{bucket}/mcpdeploy/words");
    project.run(&["state", "migrate", "--from", &from]).ok();
    assert_eq!(project.state()["resources"], before["resources"]);
    project.plan(&[]).assert_empty();
}

/// Everything that is in the bucket under that state's prefix, as text.
fn objects(account: &Account<'_>, bucket: &str) -> Vec<(String, String)> {
    let get = |path: &str| {
        let url = account.endpoint().to_owned();
        let authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0";
        let answer = http::request(
            "GET",
            &format!("{url}{path}"),
            &[("authorization", authorization)],
            b"",
        );
        answer.expect("the cloud answers").text()
    };
    let list = get(&format!("/{bucket}?list-type=2&prefix=mcpdeploy%2F"));
    list.split("<Key>")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned()))
        .map(|key| {
            let text = get(&format!("/{bucket}/{key}"));
            (key, text)
        })
        .collect()
}

#[test]
fn an_encrypted_state_says_nothing() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let project = colleague(&account, &bucket, "a very private word");
    project.edit(
        "[[resources]]",
        "[state.encryption]\npassphrase = true\n\n[[resources]]",
    );
    let sealed = |args: &[&str], passphrase: &str| {
        let mut command = project.command(args);
        command.env("MCPDEPLOY_PASSPHRASE", passphrase);
        Ran::new(args, &command.output().expect("the binary runs"))
    };
    project
        .run(&["apply", "--auto-approve"])
        .code(2)
        .says("MCPDEPLOY_PASSPHRASE");
    let pass = "correct horse battery staple";
    sealed(&["apply", "--auto-approve"], pass).ok();
    sealed(&["plan", "--out", "plan.json"], pass).ok();
    sealed(&["state", "pull"], pass)
        .ok()
        .says("a very private word");
    for (key, text) in objects(&account, &bucket) {
        assert!(!text.contains("private"), "{key}: {text}");
    }
    assert!(!project.read("plan.json").contains("private"));
    sealed(&["show", "plan.json"], pass).ok();
    sealed(&["plan"], "another passphrase altogether")
        .code(1)
        .says("no key that is given opens the encrypted state");
    // Rotation: the old key opens, the new one seals.
    project.edit(
        "passphrase = true\n",
        "passphrase = true\nfallback = { passphrase = true }\n",
    );
    let rotated = |args: &[&str]| {
        let mut command = project.command(args);
        command
            .env("MCPDEPLOY_PASSPHRASE", "a new and even longer passphrase")
            .env("MCPDEPLOY_PASSPHRASE_OLD", pass);
        Ran::new(args, &command.output().expect("the binary runs"))
    };
    rotated(&["state", "migrate"]).ok().says("encrypted as");
    rotated(&["state", "migrate"]).ok().says("already");
    project.edit("fallback = { passphrase = true }\n", "");
    sealed(&["plan"], pass).code(1);
    sealed(&["plan"], "a new and even longer passphrase")
        .ok()
        .says("No changes");
    // And given up.
    project.edit(
        "passphrase = true\n",
        "fallback = { passphrase = true, plain = true }\n",
    );
    let mut command = project.command(&["state", "migrate"]);
    command.env(
        "MCPDEPLOY_PASSPHRASE_OLD",
        "a new and even longer passphrase",
    );
    Ran::new(
        &["state", "migrate"],
        &command.output().expect("the binary runs"),
    )
    .ok();
    project.edit(
        "[state.encryption]\nfallback = { passphrase = true, plain = true }\n",
        "",
    );
    project.plan(&[]).assert_empty();
}

#[test]
fn a_key_of_kms() {
    let emulator = Emulator::moto();
    let account = emulator.account();
    let bucket = home(&account);
    let key = kms_key(&account);
    let project = colleague(&account, &bucket, "a very private word");
    project.edit(
        "[[resources]]",
        &format!("[state.encryption]\nkms_key = \"{key}\"\n\n[[resources]]"),
    );
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
    project
        .run(&["state", "pull"])
        .ok()
        .says("a very private word");
    // A key that is not there encrypts nothing, and nothing is written.
    project.edit(&key, "alias/nobody");
    project.edit("private word", "open word");
    project
        .run(&["apply", "--auto-approve"])
        .code(1)
        .says("alias/nobody did not encrypt the data key");
    project.edit("alias/nobody", &key);
    assert_eq!(project.plan(&[]).actions(), ["update mcpdeploy.data.first"]);
}

fn kms_key(account: &Account<'_>) -> String {
    let env = account.env();
    let of = |name: &str| {
        env.iter()
            .find(|(key, _)| *key == name)
            .map(|e| e.1.as_str())
    };
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=0",
        of("AWS_ACCESS_KEY_ID").expect("a key")
    );
    let mut headers = vec![
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "TrentService.CreateKey"),
        ("authorization", authorization.as_str()),
    ];
    if let Some(token) = of("AWS_SESSION_TOKEN") {
        headers.push(("x-amz-security-token", token));
    }
    let answer = http::request("POST", account.endpoint(), &headers, b"{}");
    let answer = answer.expect("the emulator answers").text();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["KeyMetadata"]["Arn"]
        .as_str()
        .expect("an ARN")
        .to_owned()
}
