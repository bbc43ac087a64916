//! Takes a state from one store to another, or from one encryption to another.

use std::sync::Arc;

use super::{Loaded, Lock, Store, StoreError};
use crate::seal::{Document, What};
use crate::state::State;

/// Takes the state of `from`, with what an interrupted run left, to `to`, which has none. Where it
/// was, a copy stays that no run uses any more. Both locks are held.
///
/// What is killed in between leaves two states with one lineage, and this again ends well: the one
/// in `to` is then the same, or older and of no run.
///
/// # Errors
/// When `to` has a state that is not this one's, or one of the stores does not do what it must.
/// `from` is then as it was.
pub fn migrate(
    from: &Store,
    from_lock: &Lock,
    to: &Store,
    to_lock: &Lock,
) -> Result<Option<(State, String)>, StoreError> {
    let Loaded {
        state: Some(mut state),
        ..
    } = from.load()?
    else {
        return Ok(None);
    };
    from.settle(from_lock, &mut state)?;
    let there = to.load()?.state;
    if let Some(there) = &there
        && (there.lineage != state.lineage || there.serial > state.serial + 1)
    {
        return Err(StoreError::Occupied(to.place()));
    }
    let serial = state.serial;
    to.replace(to_lock, there.as_ref(), &mut state)?;
    let copy = from.backend.retire(serial)?;
    Ok(Some((state, copy)))
}

/// Writes the state of one place with the keys of `to` when it has others, and tells whether it did.
/// `from` is the same place, with the keys that open it. The lock is held.
///
/// # Errors
/// When it cannot be opened or written; it is then as it was.
pub fn reseal(from: &Store, to: &Store, lock: &Lock) -> Result<bool, StoreError> {
    let Some(kept) = from.backend.read_state()? else {
        return Ok(false);
    };
    let document = Document::read(What::State, &kept.bytes);
    let document = document.map_err(|source| from.sealed(source))?;
    if !to.keyring.needs_rotation(&document) {
        return Ok(false);
    }
    let Some(mut state) = from.load()?.state else {
        return Ok(false);
    };
    from.settle(lock, &mut state)?;
    let mixed = Store {
        keyring: Arc::clone(&to.keyring),
        ..from.clone()
    };
    mixed.replace(lock, Some(&state.clone()), &mut state)?;
    Ok(true)
}
