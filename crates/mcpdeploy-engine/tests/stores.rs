//! Every kind of store, and states that go from one to another.

use std::sync::Arc;

use mcpdeploy_engine::seal::{Keyring, Keys, Passphrase};
use mcpdeploy_engine::store::shared::Shared;
use mcpdeploy_engine::store::{Store, StoreError};
use mcpdeploy_testkit::{MemoryCells, Open, check_migration, check_store, hammer, run_info};
use tempfile::TempDir;

fn shared(cells: &MemoryCells) -> Open {
    let cells = cells.clone();
    Box::new(move || Store::new(Arc::new(Shared::new(Arc::new(cells.clone())))))
}

fn folder() -> Open {
    let dir = TempDir::new().unwrap();
    Box::new(move || Store::local(dir.path().join("deployment")))
}

fn keyring() -> Arc<Keyring> {
    let passphrase = Passphrase::new("correct horse battery".to_owned()).unwrap();
    let keys = Keys::new().with_passphrase(passphrase.with_work(4));
    Arc::new(Keyring::new(keys).unwrap())
}

fn sealed(open: Open) -> Open {
    let keyring = keyring();
    Box::new(move || open().sealed_with(Arc::clone(&keyring)))
}

#[test]
fn a_folder() {
    check_store(&folder);
}

#[test]
fn an_encrypted_folder() {
    check_store(&|| sealed(folder()));
}

#[test]
fn cells() {
    check_store(&|| shared(&MemoryCells::new()));
}

#[test]
fn encrypted_cells() {
    check_store(&|| sealed(shared(&MemoryCells::new())));
}

#[test]
fn cells_that_lose_answers() {
    for of in 1..5 {
        check_store(&|| {
            let cells = MemoryCells::new();
            cells.lose_answers(of);
            shared(&cells)
        });
    }
}

#[test]
fn states_go_from_one_kind_to_another() {
    let cells = || shared(&MemoryCells::new());
    check_migration(&*folder(), &*cells());
    check_migration(&*cells(), &*folder());
    check_migration(&*cells(), &*sealed(cells()));
    check_migration(&*sealed(folder()), &*folder());
}

#[test]
fn twenty_runners_lose_nothing() {
    for lost in [0, 7, 3] {
        let cells = MemoryCells::new();
        cells.lose_answers(lost);
        hammer(&shared(&cells), 20, 40);
        // Of all runs there is left the last journal at most, and bars.
        let journals: std::collections::BTreeSet<String> = cells
            .keys()
            .iter()
            .filter(|key| key.starts_with("journal/") && key.ends_with("/00000001"))
            .cloned()
            .collect();
        assert!(journals.len() <= 1, "{journals:?}");
    }
}

#[test]
fn a_service_that_ignores_conditions_is_refused() {
    let cells = MemoryCells::new();
    cells.ignore_conditions();
    let refused = shared(&cells)().lock(&run_info());
    assert!(
        matches!(refused, Err(StoreError::Unfit { .. })),
        "{refused:?}"
    );
    assert_eq!(cells.keys(), ["conditions"]);
}

#[test]
fn a_lock_that_cannot_be_read_is_shown_and_can_be_taken_away() {
    use mcpdeploy_engine::store::shared::{Cells as _, Expect};
    let cells = MemoryCells::new();
    cells.put("state.lock", b"notes", Expect::Absent).unwrap();
    let open = shared(&cells);
    let Err(StoreError::Locked { holder, .. }) = open().lock(&run_info()) else {
        panic!("it was taken");
    };
    assert_eq!(holder.by, None);
    open().break_lock(&holder).unwrap();
    open().lock(&run_info()).unwrap();
}

#[test]
fn the_last_states_are_kept() {
    let cells = MemoryCells::new();
    let open = shared(&cells);
    let lock = open().lock(&run_info()).unwrap();
    let mut state = mcpdeploy_engine::state::State::new("test", "default");
    for _ in 0..40 {
        let journal = open().begin(&lock, &mut state, run_info()).unwrap();
        open().commit(journal, &mut state).unwrap();
    }
    let keys = cells.keys();
    let kept = keys.iter().filter(|key| key.starts_with("versions/"));
    assert_eq!(kept.count(), 30);
    assert!(keys.contains(&"versions/0000000000000040.json".to_owned()));
}
