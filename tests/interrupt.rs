//! Killed, interrupted, and run again: nothing is duplicated, nothing is orphaned.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::emulator::{Emulator, Product};
use crate::support::project::{Project, calculator_config};

/// Kills an apply at moments spread over its whole length, again and again until one gets through.
#[test]
fn kill_at_any_moment_then_apply_again() {
    let emulator = Emulator::start(Product::Ministack);
    let account = emulator.default_account();
    let project = Project::in_account(&account, &calculator_config());
    // The first run packs the build, which belongs to no apply.
    project.run(&["plan"]).ok();
    let started = Instant::now();
    project.run(&["apply", "--auto-approve"]).ok();
    let whole = started.elapsed();
    let reference = account.inventory();
    project.run(&["destroy", "--auto-approve"]).ok();
    let empty = account.inventory();

    let rounds = 12;
    for round in 0..rounds {
        let mut wait = whole * round / rounds;
        // Killed three times in a row before it may end.
        for _ in 0..3 {
            let mut child = project
                .command(&["apply", "--auto-approve"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the binary runs");
            std::thread::sleep(wait);
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            wait = wait.max(whole / 8);
        }
        project.run(&["apply", "--auto-approve"]).ok();
        project.plan(&[]).assert_empty();
        assert_same_shape(&account.inventory(), &reference, round);
        project.run(&["destroy", "--auto-approve"]).ok();
        assert_same_shape(&account.inventory(), &empty, round);
    }
}

/// The same number of everything: ids differ from run to run.
fn assert_same_shape(found: &serde_json::Value, wanted: &serde_json::Value, round: u32) {
    let counts = |inventory: &serde_json::Value| -> Vec<(String, usize)> {
        inventory
            .as_object()
            .expect("an inventory is an object")
            .iter()
            .map(|(key, value)| {
                let count = value
                    .as_array()
                    .map(Vec::len)
                    .or_else(|| value.as_object().map(serde_json::Map::len));
                (key.clone(), count.unwrap_or(0))
            })
            .collect()
    };
    assert_eq!(counts(found), counts(wanted), "round {round}: {found:#}");
}

/// SIGINT drains: what is in flight ends, the state is saved, the exit code is 130.
#[test]
fn interrupted_it_drains_and_goes_on_later() {
    let emulator = Emulator::start(Product::Ministack);
    let account = emulator.default_account();
    let project = Project::in_account(&account, &calculator_config());
    project.run(&["plan"]).ok();
    let child = project
        .command(&["apply", "--auto-approve", "--parallelism", "1", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let journal = project
        .path()
        .join(".pmcp/deployments/default/journal.jsonl");
    let started = Instant::now();
    while !journal.exists() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        output.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(!journal.exists(), "the state is saved");
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
    project.run(&["destroy", "--auto-approve"]).ok();
}
