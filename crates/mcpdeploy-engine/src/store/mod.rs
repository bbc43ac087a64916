//! Where the state lives, with the journal of the run that is at work.
//!
//! A [`Store`] says what is kept and when; the [`Backend`] behind it knows a place: a folder, or
//! objects that several machines share ([`shared`]). What a crash leaves is the old state with a
//! journal, or the new one with a stale journal that its serial gives away.

mod backend;
mod error;
mod format;
mod local;
mod migrate;
mod read;
pub mod shared;
mod write;

pub use backend::{
    Append, AppendError, Backend, Heartbeat, Held, Holder, Kept, KeptJournal, Version,
};
pub use error::StoreError;
pub use format::{StateProblem, parse_state};
pub use migrate::{migrate, reseal};

use std::path::PathBuf;
use std::sync::Arc;

use crate::durable::{BeforeWrite, Watch};
use crate::record::RunInfo;
use crate::seal::Keyring;
use crate::state::State;

use local::Local;

/// Where the state of one deployment in one environment is.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    keyring: Arc<Keyring>,
}

/// The lock; it is held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    held: Box<dyn Held>,
    by: RunInfo,
}

impl Lock {
    /// Whether it is still held, as far as is known. Nothing is written by a run that lost it, even
    /// when it does not know yet.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_held()
    }
}

/// What was found in a store.
#[derive(Debug)]
pub struct Loaded {
    /// The state with the journal folded into it; `None` when nothing was ever deployed. Each
    /// record of an interrupted run counts as a change: the serial is then so much higher than that
    /// of the file, and a plan made before that run is no longer for this state.
    pub state: Option<State>,
    /// The run that did not end: its journal was there.
    pub interrupted: Option<RunInfo>,
    /// The records of that journal.
    pub records: usize,
}

impl Store {
    /// The store in that folder, which need not exist yet.
    pub fn local(dir: impl Into<PathBuf>) -> Self {
        Self::new(Arc::new(Local::new(dir.into(), Watch::default())))
    }

    /// As [`Store::local`]; `watch` is told of each durable write before it happens, and its error
    /// takes the write's place.
    pub fn local_watched(dir: impl Into<PathBuf>, watch: Arc<BeforeWrite>) -> Self {
        Self::new(Arc::new(Local::new(dir.into(), Watch(Some(watch)))))
    }

    /// The store in that place. Nothing is encrypted.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            keyring: Arc::new(Keyring::plain()),
        }
    }

    /// Encrypts and decrypts with these keys.
    #[must_use]
    pub fn sealed_with(mut self, keyring: Arc<Keyring>) -> Self {
        self.keyring = keyring;
        self
    }

    /// What it encrypts and decrypts with.
    #[must_use]
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Where the state is, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        self.backend.state_place()
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when another run has it.
    pub fn lock(&self, by: &RunInfo) -> Result<Lock, StoreError> {
        Ok(Lock {
            held: self.backend.lock(by)?,
            by: by.clone(),
        })
    }

    /// Who holds the lock.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn holder(&self) -> Result<Option<Holder>, StoreError> {
        self.backend.holder()
    }

    /// Takes the lock away from a holder whom somebody knows to be dead. If it is not, it can write
    /// nothing more all the same.
    ///
    /// # Errors
    /// When another has it by now, or when only the holder's end frees it.
    pub fn break_lock(&self, holder: &Holder) -> Result<(), StoreError> {
        self.backend.break_lock(holder)
    }

    /// Whether a run is at work, or was interrupted, or left its journal when it ended.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn has_journal(&self) -> Result<bool, StoreError> {
        Ok(self.backend.read_journal()?.is_some())
    }

    /// Reads state and journal. Changes nothing.
    ///
    /// # Errors
    /// When something cannot be read, is damaged, or was written by a newer program.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        // The journal first: when a run ends between the two reads, the state then is the newer
        // one and the journal is known to be in it.
        let journal = self.read_journal()?;
        let mut state = self.read_state()?;
        let mut loaded = Loaded {
            state: None,
            interrupted: None,
            records: 0,
        };
        if let Some((begun, records)) = journal.and_then(|journal| journal.content) {
            let foreign = || StoreError::Foreign(self.backend.journal_place());
            let base = match state.take() {
                Some(state) if state.lineage != begun.lineage => return Err(foreign()),
                Some(state) => state,
                None => State {
                    lineage: begun.lineage.clone(),
                    ..State::new(&begun.deployment, &begun.environment)
                },
            };
            if base.serial == begun.serial {
                loaded.records = records.len();
                loaded.interrupted = Some(begun.by);
                let mut folded = self.fold(base, &records)?;
                folded.serial += records.len() as u64;
                state = Some(folded);
            } else if base.serial > begun.serial {
                state = Some(base); // folded and saved already; only the journal was left
            } else {
                return Err(foreign());
            }
        }
        loaded.state = state;
        Ok(loaded)
    }
}
