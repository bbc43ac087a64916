//! Killed, interrupted, and run again: nothing is duplicated, nothing is orphaned.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::emulator::{Account, Emulator, Product};
use crate::support::project::{Project, calculator_config};
use crate::support::proxy::Proxy;
use crate::support::watched::Watched;

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
/// The call that creates the function, with half of the stack before it and half after it.
const CREATE_FUNCTION: &str = "POST /2015-03-31/functions ";

/// The calculator before a proxy, built and not yet deployed.
struct Held<'a> {
    project: Project,
    proxy: Proxy,
    account: Account<'a>,
}

impl<'a> Held<'a> {
    fn new(emulator: &'a Emulator) -> Self {
        let account = emulator.default_account();
        let proxy = Proxy::before(emulator.endpoint());
        let project = Project::in_account(&account, &calculator_config())
            .with_env("AWS_ENDPOINT_URL", proxy.endpoint());
        // The first run packs the build, which belongs to no apply.
        project.run(&["plan"]).ok();
        Self {
            project,
            proxy,
            account,
        }
    }

    /// An apply in the middle of the function's creation.
    fn apply(&self) -> Watched {
        self.proxy.hold(CREATE_FUNCTION);
        let run = Watched::start(&self.project, &APPLY);
        self.proxy.wait_for_held();
        run
    }

    fn journal(&self) -> bool {
        let journal = ".pmcp/deployments/default/journal.jsonl";
        self.project.path().join(journal).exists()
    }

    /// The operations that the saved state has as not known to have ended.
    fn pending(&self) -> Vec<String> {
        let state = self.project.state();
        let pending = state["pending"].as_object();
        let address = |open: &Value| open["intent"]["address"].as_str().map(ToOwned::to_owned);
        pending
            .into_iter()
            .flat_map(|open| open.values())
            .filter_map(address)
            .collect()
    }

    /// The next run makes it good, and everything is there once.
    fn converges(&self) {
        self.project.run(&APPLY).ok();
        self.project.plan(&[]).assert_empty();
        assert_eq!(self.pending(), [""; 0]);
        assert!(!self.journal());
        let there = self.account.inventory();
        let count = |list: &str| there[list].as_array().map_or(0, Vec::len);
        assert_eq!(
            [
                count("functions"),
                count("roles"),
                count("http_apis"),
                count("alarms")
            ],
            [1, 1, 1, 3],
            "{there:#}"
        );
    }
}

/// What began after the run was told to stop.
fn began_later(run: &Watched) -> Vec<&Value> {
    let told = run
        .events
        .iter()
        .position(|event| event["event"] == "cancel_requested");
    let later = &run.events[told.expect("it was told to stop")..];
    later
        .iter()
        .filter(|event| event["event"] == "node_started")
        .collect()
}

/// Interrupted once, it starts nothing more, ends what is in flight and saves.
#[test]
fn the_first_signal_drains() {
    let emulator = Emulator::start(Product::Embedded);
    for signal in [Signal::INT, Signal::TERM] {
        let held = Held::new(&emulator);
        let mut run = held.apply();
        run.signal(signal);
        assert_eq!(run.wait_for("cancel_requested")["level"], "drain");
        held.proxy.release();
        assert_eq!(run.end(), Some(130));
        assert_eq!(began_later(&run), [&Value::Null; 0]);
        let function = "aws.lambda.function.calculator";
        let ended = run
            .all("node_finished")
            .find(|event| event["address"] == function);
        assert_eq!(ended.expect("it was in flight")["outcome"], "succeeded");
        assert!(!held.journal(), "the state is saved");
        assert_eq!(held.pending(), [""; 0]);
        held.converges();
        held.project.run(&["destroy", "--auto-approve"]).ok();
    }
}

/// Interrupted twice, it waits for nobody, and leaves open what it does not know. CI systems send
/// SIGINT and, some seconds later, SIGTERM.
#[test]
fn the_second_signal_abandons() {
    let emulator = Emulator::start(Product::Embedded);
    for (second, happens) in [
        (Signal::INT, true),
        (Signal::TERM, true),
        (Signal::INT, false),
    ] {
        let held = Held::new(&emulator);
        let mut run = held.apply();
        run.signal(Signal::INT);
        assert_eq!(run.wait_for("cancel_requested")["level"], "drain");
        run.signal(second);
        assert_eq!(run.wait_for("cancel_requested")["level"], "abandon");
        // Nobody answers its call, and yet it ends.
        assert_eq!(run.end(), Some(130));
        assert_eq!(began_later(&run), [&Value::Null; 0]);
        assert!(!held.journal(), "the state is saved");
        assert_eq!(held.pending(), ["aws.lambda.function.calculator"]);
        // Now the call reaches the cloud, or never does.
        if happens {
            held.proxy.release();
        } else {
            held.proxy.lose();
        }
        held.converges();
        held.project.run(&["destroy", "--auto-approve"]).ok();
    }
}

/// Whoever sends a third wants out: what was in flight is in the journal or saved.
#[test]
fn the_third_signal_ends_it() {
    let emulator = Emulator::start(Product::Embedded);
    let held = Held::new(&emulator);
    let mut run = held.apply();
    for level in ["drain", "abandon"] {
        run.signal(Signal::INT);
        assert_eq!(run.wait_for("cancel_requested")["level"], level);
    }
    run.signal(Signal::INT);
    assert_eq!(run.end(), Some(130));
    assert_eq!(held.pending(), ["aws.lambda.function.calculator"]);
    held.proxy.release();
    held.converges();
}

/// Killed when its first step begins, its fourth, its seventh, …: while it creates (two runs in a
/// row), changes and removes.
#[test]
fn killed_when_a_step_begins_then_run_again() {
    let emulator = Emulator::start(Product::Embedded);
    let destroy = ["destroy", "--auto-approve"];
    let mut at = 1;
    let mut alive = true;
    while alive {
        let held = Held::new(&emulator);
        let kill = |args: &[&str]| {
            let mut run = Watched::start(&held.project, args);
            let begun = run.wait_for_number("node_started", at);
            run.signal(Signal::KILL);
            let code = run.end();
            // The last moments of a run may be over before the signal comes.
            assert!(
                code.is_none() || code == Some(0),
                "{code:?}: {:#?}",
                run.events
            );
            begun
        };
        alive = kill(&APPLY);
        kill(&APPLY);
        held.converges();
        held.project.edit("memory_mb = 256", "memory_mb = 512");
        kill(&APPLY);
        held.converges();
        kill(&destroy);
        held.project.run(&destroy).ok();
        held.account.assert_empty();
        at += 3;
    }
    assert!(at > 12, "it was over after {at} steps");
}

/// What is deployed is deployed: whoever interrupts the checks after it does not wait for them.
#[test]
fn checks_after_a_deployment_can_be_interrupted() {
    let emulator = Emulator::start(Product::Embedded);
    let account = emulator.default_account();
    let project = Project::in_account(&account, &calculator_config());
    let sleeper = project.path().join("sleeper");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o755);
    let mut file = options.open(&sleeper).expect("a file");
    file.write_all(&sleeper_elf()).expect("it can be written");
    drop(file);
    let binary = sleeper.display().to_string();
    let mut run = Watched::start(&project, &["deploy", "--auto-approve", "--binary", &binary]);
    run.wait_for("run_finished");
    run.signal(Signal::INT);
    assert_eq!(run.end(), Some(130));
    project.run(&["plan", "--detailed-exitcode"]).ok();
    project.run(&["destroy", "--auto-approve"]).ok();
}

/// The smallest program that never answers: `pause()`, again and again.
fn sleeper_elf() -> Vec<u8> {
    let code = [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7];
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    let half = |elf: &mut Vec<u8>, value: u16| elf.extend(value.to_le_bytes());
    let word = |elf: &mut Vec<u8>, value: u32| elf.extend(value.to_le_bytes());
    let long = |elf: &mut Vec<u8>, value: u64| elf.extend(value.to_le_bytes());
    let (base, size) = (0x40_0000, 120 + code.len() as u64);
    half(&mut elf, 2); // an executable
    half(&mut elf, 62); // for x86-64
    word(&mut elf, 1);
    long(&mut elf, base + 120); // begins after the headers
    long(&mut elf, 64); // the program header follows
    long(&mut elf, 0);
    word(&mut elf, 0);
    for value in [64, 56, 1, 64, 0, 0] {
        half(&mut elf, value);
    }
    word(&mut elf, 1); // loaded
    word(&mut elf, 5); // readable and executable
    for value in [0, base, base, size, size, 0x1000] {
        long(&mut elf, value);
    }
    elf.extend(code);
    elf
}

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
