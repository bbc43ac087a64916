//! What must hold for any bytes at all where a file of ours is expected: an answer, never a panic,
//! and never a state that cannot be read again. Called by the fuzzers and by the tests that replay
//! what these once found.

use std::fs::File;
use std::io::Write as _;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::journal::{FORMAT, parse_journal, write_journal};
use mcpdeploy_engine::plan::{Plan, PlanOptions};
use mcpdeploy_engine::record::{Begun, Record};
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{StoreError, parse_state};
use mcpdeploy_engine::value::{Reference, interpolate, parse_interpolation};
use serde_json::{Value, json};

use crate::lab::{Failed, Lab, run_info};
use crate::stack::Stack;

/// Bytes in the place of `state.json`.
///
/// # Panics
/// When a promise is broken.
pub fn state(bytes: &[u8]) {
    let lab = Lab::new();
    put(&lab, "state.json", bytes);
    let read = parse_state(bytes);
    match (read, lab.store.load()) {
        (Ok(state), Ok(loaded)) => {
            assert_eq!(loaded.state.as_ref(), Some(&state));
            again(&state);
        }
        (Err(_), Err(_)) => {}
        (read, loaded) => panic!("{read:?} and {loaded:?}"),
    }
    goes_on(lab, &[("state.json", bytes)]);
}

/// Bytes in the place of `journal.jsonl`; and, where lines are records, those in a sound journal.
///
/// # Panics
/// When a promise is broken.
#[expect(clippy::expect_used, reason = "tests want a panic")]
pub fn journal(bytes: &[u8]) {
    let lab = Lab::new();
    put(&lab, "journal.jsonl", bytes);
    goes_on(lab, &[("journal.jsonl", bytes)]);

    let records: Vec<Record> = bytes
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let lab = Lab::new();
    let begun = Begun {
        format: FORMAT,
        lineage: "l".to_owned(),
        serial: 0,
        deployment: "test".to_owned(),
        environment: "default".to_owned(),
        by: run_info(),
    };
    let written = write_journal(begun, &records);
    put(&lab, "journal.jsonl", &written);
    let (_, read) = parse_journal("the journal", &written)
        .expect("what was written")
        .expect("a head");
    assert_eq!(read, records, "a record is read as it was written");
    goes_on(lab, &[("journal.jsonl", &written)]);
}

/// Bytes in the place of a saved plan.
///
/// # Panics
/// When a promise is broken.
#[expect(clippy::expect_used, reason = "tests want a panic")]
pub fn plan(bytes: &[u8]) {
    let Ok(mut plan) = Plan::from_slice(bytes) else {
        return;
    };
    let text = serde_json::to_vec(&plan).expect("a plan as JSON");
    assert_eq!(Plan::from_slice(&text).expect("what was written"), plan);
    // As if it were for the state that is there.
    let mut lab = Lab::new();
    let mut state = State::new("test", "default");
    plan.lineage.clone_from(&state.lineage);
    plan.serial = 0;
    let ran = run(lab.apply_to(&mut state, &plan, cancel::channel().1));
    let loaded = lab.store.load();
    assert!(loaded.is_ok(), "after {ran:?}: {loaded:?}");
    goes_on(lab, &[]);
}

/// Text in the place of an address, a reference, or a string with references in it.
///
/// # Panics
/// When a promise is broken.
pub fn address(text: &str) {
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.as_str(), text);
        let again = Address::new(address.kind().as_str(), address.name());
        assert_eq!(again.as_ref(), Ok(&address));
    }
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string().parse().as_ref(), Ok(&reference));
    }
    let is_kind = |kind: &str| kind.matches('.').count() < 3;
    if let Ok(value) = parse_interpolation(text, &is_kind) {
        // What is put together refers to something, or is plain text.
        let mut found = 0;
        let walked = mcpdeploy_engine::value::walk(&value, &mut |_| found += 1);
        assert!(
            walked.is_ok() && (found > 0 || value.is_string()),
            "{value}"
        );
        assert_eq!(interpolate(&json!([text]), &is_kind), Ok(json!([value])));
    }
    let escaped = text.replace("${", "$${");
    if !text.contains("$${") && !text.contains("$$") {
        let plain = parse_interpolation(&escaped, &is_kind);
        assert_eq!(plain, Ok(Value::String(text.to_owned())));
    }
}

/// A state is the same when it is written and read again.
#[expect(clippy::expect_used, reason = "tests want a panic")]
fn again(state: &State) {
    let bytes = serde_json::to_vec(state).expect("a state as JSON");
    match parse_state(&bytes) {
        Ok(read) => assert_eq!(read, *state),
        Err(problem) => panic!("what was written cannot be read: {problem:?}"),
    }
}

/// Some resources of all fake kinds.
fn wanted() -> Stack {
    Stack::new()
        .with("mcpdeploy.data.d", json!({"value": "one"}))
        .with("fake.named.n", json!({"text": "${mcpdeploy.data.d.value}"}))
        .with("fake.tagged.t", json!({"uses": ["${fake.named.n.uid}"]}))
        .with(
            "fake.child.c",
            json!({"parent": "${fake.named.n.uid}", "key": "k"}),
        )
        .with(
            "fake.version.v",
            json!({"parent": "${fake.named.n.uid}", "text": "one"}),
        )
}

/// A run and a destruction from what is there. When the files cannot be read, they stay as they
/// are, byte for byte; when they can, they still can afterwards.
#[expect(clippy::expect_used, reason = "tests want a panic")]
fn goes_on(mut lab: Lab, files: &[(&str, &[u8])]) {
    let stack = wanted();
    let first = run(lab.run(&stack.desired));
    if matches!(first, Err(Failed::Store(_))) {
        for (name, bytes) in files {
            let there = std::fs::read(lab.folder().join(name)).expect("the file");
            assert!(there == *bytes, "{name} was written over after {first:?}");
        }
        return;
    }
    let options = PlanOptions {
        mode: mcpdeploy_engine::plan::Mode::RefreshOnly,
        ..PlanOptions::default()
    };
    let ran = [
        run(lab.run_with(&stack.desired, &options, cancel::channel().1)),
        run(lab.destroy(&stack.desired)),
    ];
    for result in std::iter::once(first).chain(ran) {
        if let Err(Failed::Store(
            error @ (StoreError::Unreadable { .. } | StoreError::Fold { .. }),
        )) = result
        {
            panic!("our own files cannot be read: {error:?}");
        }
    }
    if let Some(state) = lab.store.load().expect("our own files").state {
        again(&state);
    }
}

#[expect(clippy::expect_used, reason = "tests want a panic")]
fn put(lab: &Lab, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(lab.folder()).expect("a folder");
    let mut file = File::create(lab.folder().join(name)).expect("a file");
    file.write_all(bytes).expect("a file");
}

#[expect(clippy::expect_used, reason = "tests want a panic")]
fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}
