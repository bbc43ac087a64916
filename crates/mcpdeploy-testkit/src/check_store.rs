//! What every store must do, whatever is behind it.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use mcpdeploy_engine::record::{Record, RunInfo};
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{Holder, Lock, Store, StoreError};
use serde_json::{Map, Value, json};

use crate::rng::Rng;

/// Opens a store: each call is another program that looks at the same place.
pub type Open = Box<dyn Fn() -> Store + Send + Sync>;

/// Checks a kind of store. `place` makes a new place with nothing in it.
///
/// # Panics
/// When a store does not do what it must.
pub fn check_store(place: &dyn Fn() -> Open) {
    nothing_is_there(&*place());
    one_works_and_the_other_is_told_who(&*place());
    what_is_recorded_is_there_for_others(&*place());
    an_interrupted_run_is_taken_in(&*place());
    what_came_in_between_is_not_written_over(&*place());
    of_many_that_begin_one_goes_on(&*place());
    a_replaced_state_is_kept(&*place());
    a_long_journal_is_read_in_order(&*place());
    whoever_lost_the_lock_writes_nothing(&*place());
}

/// Checks that two kinds of store can take over from each other.
///
/// # Panics
/// When they cannot.
pub fn check_migration(from: &dyn Fn() -> Store, to: &dyn Fn() -> Store) {
    let by = who("first");
    let mut state = fresh(&from());
    let lock = take(&from(), &by);
    run(&from(), &lock, &mut state, &by, "kept");
    // An interrupted run comes with it.
    let mut journal = from()
        .begin(&lock, &mut state, by.clone())
        .expect("a journal");
    journal.append(&output(&state, "interrupted"));
    journal.sync().expect("a journal");
    drop(journal);

    let target = take(&to(), &by);
    let moved = mcpdeploy_engine::store::migrate(&from(), &lock, &to(), &target);
    let (moved, _) = moved.expect("a migration").expect("a state");
    assert_eq!(names(&moved), ["interrupted", "kept"]);
    assert!(from().load().expect("a store").state.is_none());
    let loaded = to().load().expect("a store").state.expect("a state");
    assert_eq!(loaded, moved);
    // There is nothing left to migrate, and nothing is written over.
    let again = mcpdeploy_engine::store::migrate(&from(), &lock, &to(), &target);
    assert!(again.expect("a migration").is_none());
    let mut other = fresh(&from());
    run(&from(), &lock, &mut other, &by, "another");
    let refused = mcpdeploy_engine::store::migrate(&from(), &lock, &to(), &target);
    assert!(
        matches!(refused, Err(StoreError::Occupied(_))),
        "{refused:?}"
    );
    assert_eq!(to().load().expect("a store").state, Some(loaded));
}

/// Many runners hammer one place, and some of them die in the middle, or are taken for dead. What was
/// once said to be durable is there in the end. The place is one whose locks can be taken away.
///
/// # Panics
/// When something is lost.
pub fn hammer(open: &Open, runners: u64, runs: u64) {
    let said: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..runners)
            .map(|runner| scope.spawn(move || runner_of(open, runner, runs)))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.flat_map(|ended| ended.expect("a runner")).collect()
    });
    assert!(!said.is_empty(), "nobody got through");
    let lock = take_over(&open(), &who("last"));
    let state = open().load().expect("a store").state.expect("a state");
    for name in &said {
        assert!(state.outputs.contains_key(name), "{name} is lost");
    }
    drop(lock);
}

/// One runner: what it was told to be durable.
fn runner_of(open: &Open, runner: u64, runs: u64) -> Vec<String> {
    let mut rng = Rng::new(runner + 1);
    let mut said = Vec::new();
    for number in 0..runs {
        let name = format!("r{runner}-{number}");
        let by = who(&name);
        let store = open();
        let lock = match store.lock(&by) {
            Ok(lock) => lock,
            Err(StoreError::Locked { holder, .. }) => {
                // Now and then somebody thinks that the holder is dead, rightly or not.
                if rng.below(8) == 0 && holder.version.is_some() {
                    match store.break_lock(&holder) {
                        Ok(()) | Err(StoreError::Changed(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                thread::sleep(Duration::from_millis(rng.below(5) as u64));
                continue;
            }
            Err(error) => panic!("{error:?}"),
        };
        let Some(mut state) = tried(store.load().map(|loaded| loaded.state)) else {
            continue;
        };
        let state = state.get_or_insert_with(|| State::new("test", "default"));
        let Some(mut journal) = tried(store.begin(&lock, state, by)) else {
            continue;
        };
        let record = output(state, &name);
        journal.append(&record);
        if rng.below(4) == 0 {
            thread::sleep(Duration::from_millis(rng.below(5) as u64));
        }
        if journal.sync().is_err() {
            continue; // it lost its lock, and was told so
        }
        said.push(name);
        match rng.below(4) {
            0 => {}                      // dies; the lock is given back by its end
            1 => std::mem::forget(lock), // dies; the lock stays
            _ => {
                state.fold(&record).expect("a record");
                let _ = tried(store.commit(journal, state));
            }
        }
    }
    said
}

/// What came of it, when another run has not taken over.
fn tried<T>(result: Result<T, StoreError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(StoreError::Changed(_) | StoreError::Lost(_)) => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn who(run: &str) -> RunInfo {
    RunInfo {
        run: run.to_owned(),
        ..crate::run_info()
    }
}

fn fresh(store: &Store) -> State {
    let loaded = store.load().expect("a store");
    loaded
        .state
        .unwrap_or_else(|| State::new("test", "default"))
}

fn take(store: &Store, by: &RunInfo) -> Lock {
    store.lock(by).expect("the lock")
}

/// Takes the lock, whoever has it.
fn take_over(store: &Store, by: &RunInfo) -> Lock {
    loop {
        match store.lock(by) {
            Ok(lock) => return lock,
            Err(StoreError::Locked { holder, .. }) => {
                // Another may have taken it away, or it was given back.
                let _ = store.break_lock(&holder);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// A record that adds an output.
fn output(state: &State, name: &str) -> Record {
    let mut outputs: Map<String, Value> = state.outputs.clone();
    outputs.insert(name.to_owned(), json!(true));
    Record::Outputs { outputs }
}

fn names(state: &State) -> Vec<&str> {
    let mut names: Vec<&str> = state.outputs.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// A whole run that adds an output.
fn run(store: &Store, lock: &Lock, state: &mut State, by: &RunInfo, name: &str) {
    let mut journal = store.begin(lock, state, by.clone()).expect("a journal");
    let record = output(state, name);
    journal.append(&record);
    journal.sync().expect("a journal");
    state.fold(&record).expect("a record");
    store.commit(journal, state).expect("a state");
}

fn nothing_is_there(open: &dyn Fn() -> Store) {
    let loaded = open().load().expect("a store");
    assert!(loaded.state.is_none() && loaded.interrupted.is_none());
    assert!(!open().has_journal().expect("a store"));
    assert!(open().holder().expect("a store").is_none());
}

fn one_works_and_the_other_is_told_who(open: &dyn Fn() -> Store) {
    let store = open();
    let lock = take(&store, &who("first"));
    assert!(lock.is_held());
    match open().lock(&who("second")) {
        Err(StoreError::Locked { holder, .. }) => assert_eq!(holder.by, Some(who("first"))),
        other => panic!("{other:?}"),
    }
    let holder = open().holder().expect("a store").expect("a holder");
    assert_eq!(holder.by, Some(who("first")));
    drop(lock);
    assert!(open().holder().expect("a store").is_none());
    drop(take(&open(), &who("second")));
}

fn what_is_recorded_is_there_for_others(open: &dyn Fn() -> Store) {
    let store = open();
    let by = who("first");
    let lock = take(&store, &by);
    let mut state = fresh(&store);
    let serial = state.serial;
    let mut journal = store
        .begin(&lock, &mut state, by.clone())
        .expect("a journal");
    for name in ["a", "b"] {
        let record = output(&state, name);
        journal.append(&record);
        state.fold(&record).expect("a record");
        let before = open().load().expect("a store").records;
        journal.sync().expect("a journal");
        let loaded = open().load().expect("a store");
        assert_eq!(loaded.records, before + 1);
        assert_eq!(loaded.interrupted, Some(by.clone()));
        let outputs = loaded.state.expect("a state").outputs;
        assert_eq!(outputs, state.outputs);
    }
    store.commit(journal, &mut state).expect("a state");
    assert_eq!(state.serial, serial + 1);
    let loaded = open().load().expect("a store");
    assert_eq!(loaded.state, Some(state));
    assert!(loaded.interrupted.is_none());
    assert!(!open().has_journal().expect("a store"));
}

fn an_interrupted_run_is_taken_in(open: &dyn Fn() -> Store) {
    for round in 0..3 {
        let store = open();
        let by = who(&format!("run{round}"));
        let lock = take(&store, &by);
        let mut state = fresh(&store);
        assert_eq!(state.outputs.len(), round);
        let mut journal = store.begin(&lock, &mut state, by).expect("a journal");
        journal.append(&output(&state, &format!("o{round}")));
        journal.sync().expect("a journal");
        // And what is not synced is not there.
        journal.append(&output(&state, "never"));
    }
    let state = fresh(&open());
    assert_eq!(names(&state), ["o0", "o1", "o2"]);
    let by = who("last");
    let lock = take(&open(), &by);
    let mut state = fresh(&open());
    run(&open(), &lock, &mut state, &by, "o3");
    assert_eq!(open().load().expect("a store").state, Some(state));
}

fn what_came_in_between_is_not_written_over(open: &dyn Fn() -> Store) {
    let mut early = fresh(&open());
    let by = who("first");
    let lock = take(&open(), &by);
    let mut state = early.clone();
    run(&open(), &lock, &mut state, &by, "a");
    let refused = open().begin(&lock, &mut early, by.clone());
    assert!(
        matches!(refused, Err(StoreError::Changed(_))),
        "{refused:?}"
    );
    let refused = open().replace_with_backup(&lock, Some(&early.clone()), &mut early);
    assert!(
        matches!(refused, Err(StoreError::Changed(_))),
        "{refused:?}"
    );
    assert_eq!(open().load().expect("a store").state, Some(state));
}

/// Each believes to have the lock, as one does that has lost it.
fn of_many_that_begin_one_goes_on(open: &dyn Fn() -> Store) {
    let lock = take(&open(), &who("first"));
    let holder = open().holder().expect("a store").expect("a holder");
    if holder.version.is_none() {
        return; // nobody loses such a lock
    }
    let mut state = fresh(&open());
    run(&open(), &lock, &mut state, &who("first"), "a");
    let stores: Vec<Store> = (0..8).map(|_| open()).collect();
    let barrier = Barrier::new(stores.len());
    let begun: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(&stores)
            .map(|(number, store): (u32, _)| {
                let mut state = state.clone();
                let (barrier, lock) = (&barrier, &lock);
                scope.spawn(move || {
                    barrier.wait();
                    store.begin(lock, &mut state, who(&number.to_string()))
                })
            })
            .collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("a runner"));
        ended.filter_map(Result::ok).collect()
    });
    let went_on = begun.into_iter().filter_map(|mut journal| {
        journal.append(&output(&state, "b"));
        journal.sync().ok()
    });
    // None may, when each is in the way of the one before.
    let went_on = went_on.count();
    assert!(went_on <= 1, "{went_on} went on");
    assert_eq!(open().load().expect("a store").records, went_on);
}

fn a_replaced_state_is_kept(open: &dyn Fn() -> Store) {
    let by = who("first");
    let lock = take(&open(), &by);
    let mut state = fresh(&open());
    run(&open(), &lock, &mut state, &by, "a");
    for round in 0..2 {
        let old = state.clone();
        state.outputs.insert(format!("by hand {round}"), json!(1));
        let kept = open().replace_with_backup(&lock, Some(&old), &mut state);
        assert!(kept.expect("a state").is_some());
        assert_eq!(state.serial, old.serial + 1);
        assert_eq!(open().load().expect("a store").state, Some(state.clone()));
    }
}

fn a_long_journal_is_read_in_order(open: &dyn Fn() -> Store) {
    let by = who("first");
    let lock = take(&open(), &by);
    let mut state = fresh(&open());
    let mut journal = open()
        .begin(&lock, &mut state, by.clone())
        .expect("a journal");
    for number in 0..25 {
        let record = output(&state, &format!("{number:03} {}", "x".repeat(2000)));
        journal.append(&record);
        state.fold(&record).expect("a record");
        journal.sync().expect("a journal");
    }
    drop(journal);
    let loaded = open().load().expect("a store");
    assert_eq!(loaded.records, 25);
    assert_eq!(loaded.state.expect("a state").outputs, state.outputs);
    let mut state = fresh(&open());
    run(&open(), &lock, &mut state, &by, "last");
    assert!(!open().has_journal().expect("a store"));
    assert_eq!(open().load().expect("a store").state, Some(state));
}

/// Where a lock can be taken away; others end with their process.
fn whoever_lost_the_lock_writes_nothing(open: &dyn Fn() -> Store) {
    let by = who("lost");
    let lock = take(&open(), &by);
    let mut state = fresh(&open());
    run(&open(), &lock, &mut state, &by, "a");
    let holder: Holder = open().holder().expect("a store").expect("a holder");
    if holder.version.is_none() {
        let refused = open().break_lock(&holder);
        assert!(matches!(refused, Err(StoreError::Unbreakable(_))));
        return;
    }
    // In the middle of a run.
    let mut early = state.clone();
    let mut journal = open()
        .begin(&lock, &mut early, by.clone())
        .expect("a journal");
    journal.append(&output(&early, "before"));
    journal.sync().expect("a journal");
    open().break_lock(&holder).expect("it is taken away");
    let next = who("next");
    let other = take(&open(), &next);
    journal.append(&output(&early, "after"));
    let refused = journal.sync();
    assert!(refused.is_err(), "a barred journal took a record");
    let mut now = fresh(&open());
    assert_eq!(names(&now), ["a", "before"]);
    run(&open(), &other, &mut now, &next, "next");
    let refused = open().commit(journal, &mut early);
    assert!(
        matches!(refused, Err(StoreError::Changed(_))),
        "{refused:?}"
    );
    // Before one began.
    let refused = open().begin(&lock, &mut state, by);
    assert!(
        matches!(refused, Err(StoreError::Changed(_))),
        "{refused:?}"
    );
    // It gives back only what is its own.
    drop(lock);
    let holder = open().holder().expect("a store").expect("a holder");
    assert_eq!(holder.by, Some(next));
    assert_eq!(open().load().expect("a store").state, Some(now));
    drop(other);
}
