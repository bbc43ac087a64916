//! States that several machines share: every store on every cloud, and the binary that uses them.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use mcpdeploy_aws::clients::{ClientFactory, ConnectSettings};
use mcpdeploy_aws::store::{S3Place, StoreClients};
use mcpdeploy_engine::store::Store;
use mcpdeploy_testkit::{Open, check_migration, check_store, hammer};
use serde_json::{Value, json};

use crate::support::emulator::{Account, Emulator, Product, REGION};
use crate::support::http;
use crate::support::project::{Project, Ran};

const TABLE: &str = "mcpdeploy-state";

/// A bucket and a lock table, made as a user would make them.
fn home(account: &Account<'_>) -> String {
    let bucket = format!("acme-state-{}", account.id());
    let config = format!(
        r#"
[target]
type = "resources"
name = "state-home"

[[resources]]
kind = "aws.s3.bucket"
name = "state"
inputs = {{ name = "{bucket}" }}

[[resources]]
kind = "aws.dynamodb.table"
name = "locks"
inputs = {{ name = "{TABLE}", hash_key = "id", range_key = "key" }}
"#
    );
    let project = Project::in_account(account, &config);
    project.run(&["apply", "--auto-approve"]).ok();
    bucket
}

fn clients(account: &Account<'_>) -> StoreClients {
    let of = |name: &str| {
        let env = account.env();
        env.into_iter().find(|(key, _)| *key == name).map(|e| e.1)
    };
    let key = of("AWS_ACCESS_KEY_ID").expect("a key");
    let secret = of("AWS_SECRET_ACCESS_KEY").expect("a secret");
    let token = of("AWS_SESSION_TOKEN");
    let settings = ConnectSettings {
        region: Some(REGION.to_owned()),
        endpoint_url: Some(account.endpoint().to_owned()),
        ..ConnectSettings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let factory = runtime.block_on(ClientFactory::connect(&settings));
    let factory = factory
        .expect("clients")
        .with_credentials(&key, &secret, token.as_deref());
    StoreClients::new(factory).expect("clients")
}

/// Places under prefixes of their own.
fn places(account: &Account<'_>, bucket: &str, table: Option<&str>) -> impl Fn() -> Open {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let clients = clients(account);
    let (bucket, table) = (bucket.to_owned(), table.map(ToOwned::to_owned));
    move || {
        let place = S3Place {
            bucket: bucket.clone(),
            prefix: format!("test/{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            environment: "default".to_owned(),
            lock_table: table.clone(),
        };
        let clients = clients.clone();
        Box::new(move || Store::new(Arc::new(clients.shared(&place))))
    }
}

fn every_store(account: &Account<'_>) {
    let bucket = home(account);
    let objects = places(account, &bucket, None);
    let items = places(account, &bucket, Some(TABLE));
    check_store(&objects);
    check_store(&items);
    check_migration(&*objects(), &*items());
    check_migration(&*items(), &*objects());
    hammer(&objects(), 20, 6);
    hammer(&items(), 20, 6);
}

#[test]
fn in_the_embedded_cloud() {
    let emulator = Emulator::start(Product::Embedded);
    every_store(&emulator.default_account());
}

#[test]
fn on_ministack() {
    let emulator = Emulator::ministack();
    every_store(&emulator.account());
}

#[test]
fn on_moto() {
    let emulator = Emulator::moto();
    every_store(&emulator.account());
}

/// A project whose state is in S3, as one of several people has it.
fn colleague(account: &Account<'_>, bucket: &str, word: &str) -> Project {
    let config = format!(
        r#"
[target]
type = "resources"
name = "words"

[state]
type = "s3"
bucket = "{bucket}"
prefix = "mcpdeploy/words"

[[resources]]
kind = "mcpdeploy.data"
name = "first"
inputs = {{ word = "{word}" }}
"#
    );
    Project::in_account(account, &config)
}

#[test]
fn colleagues_share_a_state() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let one = colleague(&account, &bucket, "hello");
    let two = colleague(&account, &bucket, "hello");
    one.run(&["apply", "--auto-approve"]).ok();
    assert!(!one.path().join(".pmcp/deployments").exists());
    two.plan(&[]).assert_empty();
    two.edit("hello", "bye");
    two.run(&["apply", "--auto-approve"]).ok();
    assert_eq!(one.plan(&[]).actions(), ["update mcpdeploy.data.first"]);
    // A plan that was made before somebody else's apply is stale.
    one.run(&["plan", "--out", "plan.json"]).ok();
    two.edit("bye", "ciao");
    two.run(&["apply", "--auto-approve"]).ok();
    one.run(&["apply", "plan.json"]).code(2).says("stale");
    one.run(&["state", "rm", "mcpdeploy.data.first"])
        .ok()
        .says("backups/");
    assert_eq!(two.plan(&[]).actions(), ["create mcpdeploy.data.first"]);
}

#[test]
fn a_bucket_that_is_not_there() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let project = colleague(&account, "nobodys-bucket", "hello");
    project
        .run(&["apply", "--auto-approve"])
        .code(1)
        .says("nobodys-bucket")
        .says("NoSuchBucket")
        .says("create-bucket");
}

#[test]
fn of_two_one_works_and_the_other_is_told_who() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let project = colleague(&account, &bucket, "hello");
    let shared = words(&account, &bucket);
    let by = mcpdeploy_engine::record::RunInfo {
        run: "4d1f00aa".to_owned(),
        host: "build-7".to_owned(),
        ..mcpdeploy_testkit::run_info()
    };
    let lock = shared.lock(&by).expect("the lock");
    project
        .run(&["apply", "--auto-approve"])
        .code(4)
        .says("build-7")
        .says("sign of life")
        .says("mcpdeploy state unlock 4d1f00aa");
    project.run(&["plan"]).ok();
    project
        .run(&["state", "unlock", "another"])
        .code(2)
        .says("4d1f00aa");
    // It lives, and that is found out by watching.
    project
        .run(&["state", "unlock", "4d1f00aa"])
        .code(4)
        .says("sign of life just now");
    project
        .run(&["state", "unlock", "4d1f00aa", "--force"])
        .ok()
        .says("can write nothing more");
    project.run(&["apply", "--auto-approve"]).ok();
    drop(lock);
    project.plan(&[]).assert_empty();
}

const TOPICS: usize = 60;

/// Enough calls that a run can be stopped between two of them.
fn topics(account: &Account<'_>, bucket: &str) -> Project {
    let project = colleague(account, bucket, "hello");
    let topics = (0..TOPICS).map(|number| {
        format!(
            "[[resources]]\nkind = \"aws.sns.topic\"\nname = \"t{number}\"\n\
             inputs = {{ name = \"topic-{number}\" }}\n"
        )
    });
    let config = project.read(".pmcp/deploy.toml");
    project.write(".pmcp/deploy.toml", &(config + &topics.collect::<String>()));
    project
}

fn count_topics(account: &Account<'_>) -> usize {
    let inventory = account.inventory();
    inventory["topics"].as_array().expect("topics").len()
}

/// One after another, until so many records are durable.
fn applying(project: &Project, store: &Store, records: usize) -> Child {
    let mut child = project
        .command(&["apply", "--auto-approve", "--parallelism", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    while store.load().expect("a store").records < records {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "it ended before it was to be stopped");
    }
    child
}

/// A run sleeps, is taken for dead, and wakes up when another has done its work: it announces nothing
/// more and saves nothing.
#[test]
fn a_run_that_slept_writes_nothing_more() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let (one, two) = (topics(&account, &bucket), topics(&account, &bucket));
    let store = words(&account, &bucket);
    let sleeper = applying(&one, &store, 20);
    let signal = |name: &str| {
        let sent = Command::new("kill")
            .args([name, &sleeper.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    };
    signal("-STOP");
    two.run(&["apply", "--auto-approve"]).code(4);
    two.run(&["state", "unlock", "--force"]).ok();
    two.run(&["apply", "--auto-approve"]).ok();
    let serial = two.state()["serial"].clone();
    signal("-CONT");
    let woken = sleeper.wait_with_output().expect("it ends");
    let woken = Ran::new(&["apply"], &woken);
    woken.code(4).says("another run has taken over");
    assert_eq!(two.state()["serial"], serial);
    assert_eq!(count_topics(&account), TOPICS);
    two.plan(&[]).assert_empty();
    one.run(&["destroy", "--auto-approve"]).ok();
    assert_eq!(count_topics(&account), 0);
}

/// Killed in the middle, with its lock and its journal in the bucket: the next run on the machine
/// sees that the process has ended, and goes on.
#[test]
fn a_dead_runners_lock_is_taken_over_and_its_work_goes_on() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let project = topics(&account, &bucket);
    let there = || count_topics(&account);
    let store = words(&account, &bucket);
    for records in [1, 20, 40] {
        let mut child = applying(&project, &store, records);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert!(store.holder().expect("a store").is_some(), "the lock stays");
        assert!(store.load().expect("a store").interrupted.is_some());
        project.run(&["apply", "--auto-approve"]).ok();
        project.plan(&[]).assert_empty();
        assert_eq!(there(), TOPICS);
        assert!(store.holder().expect("a store").is_none());
        assert!(!store.has_journal().expect("a store"));
        project.run(&["destroy", "--auto-approve"]).ok();
        assert_eq!(there(), 0);
    }
}

/// The store of [`colleague`]s, as another program sees it.
fn words(account: &Account<'_>, bucket: &str) -> Store {
    let place = S3Place {
        bucket: bucket.to_owned(),
        prefix: "mcpdeploy/words".to_owned(),
        environment: "default".to_owned(),
        lock_table: None,
    };
    Store::new(Arc::new(clients(account).shared(&place)))
}

/// Twenty at once on one state: those that do not get the lock are told so, and what was applied is
/// there.
#[test]
fn twenty_runners_at_once() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let bucket = home(&account);
    let runs: Vec<Ran> = thread::scope(|scope| {
        let (account, bucket) = (&account, &bucket);
        let threads: Vec<_> = (0..20)
            .map(|number| {
                scope.spawn(move || {
                    let project = colleague(account, bucket, &format!("word {number}"));
                    let mut args = vec!["apply", "--auto-approve"];
                    if number % 2 == 0 {
                        args.extend(["--lock-timeout", "60s"]);
                    }
                    project.run(&args)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a runner"))
            .collect()
    });
    let mut applied = 0;
    for ran in &runs {
        match ran.code {
            Some(0) => applied += 1,
            Some(4) => assert!(ran.stderr.contains("locked by"), "{}", ran.stderr),
            other => panic!("{other:?}: {} {}", ran.stdout, ran.stderr),
        }
    }
    assert!(applied >= 10, "those that waited came in: {applied}");
    let last = colleague(&account, &bucket, "word 7");
    let state = last.state();
    assert_eq!(state["serial"], json!(applied));
    last.run(&["apply", "--auto-approve"]).ok();
    last.plan(&[]).assert_empty();
}

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
