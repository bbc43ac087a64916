//! Several people and machines on one state: who works, who waits, who died and who slept.

use std::process::{Child, Command, Stdio};
use std::thread;

use mcpdeploy_engine::store::Store;
use serde_json::json;

use super::{colleague, home, words};
use crate::support::emulator::{Account, Emulator, Product};
use crate::support::project::{Project, Ran};

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
