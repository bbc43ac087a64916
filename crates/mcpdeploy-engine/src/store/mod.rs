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
pub mod shared;

pub use backend::{
    Append, AppendError, Backend, Heartbeat, Held, Holder, Kept, KeptJournal, Version,
};
pub use error::StoreError;
pub use format::{StateProblem, parse_state};
pub use migrate::{migrate, reseal};

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::durable::{BeforeWrite, Watch};
use crate::journal::{self, Journal};
use crate::record::{Begun, Record, RunInfo};
use crate::seal::{self, Document, Keyring, SealError, What};
use crate::state::State;

use format::Head;
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

/// What is there when nothing came in between.
struct Unchanged {
    version: Option<Version>,
    journal: Left,
}

/// What another run left.
enum Left {
    /// No journal.
    Nothing,
    /// A journal that is in the state already, or whose head never became durable.
    Stale,
    /// A journal on the state, which is to be taken in.
    Open,
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

    fn fold(&self, mut state: State, records: &[Record]) -> Result<State, StoreError> {
        for (index, record) in records.iter().enumerate() {
            state.fold(record).map_err(|source| StoreError::Fold {
                place: self.backend.journal_place(),
                line: index + 2,
                source,
            })?;
        }
        Ok(state)
    }

    fn read_journal(&self) -> Result<Option<ReadJournal>, StoreError> {
        let Some(kept) = self.backend.read_journal()? else {
            return Ok(None);
        };
        let place = self.backend.journal_place();
        let opened = self.keyring.open_journal(&kept.bytes);
        let opened = opened.map_err(|source| StoreError::Seal {
            place: place.clone(),
            source,
        })?;
        let content = journal::parse_journal(&place, &opened.text)?;
        Ok(Some(ReadJournal {
            content,
            is_barred: kept.is_barred,
        }))
    }

    fn read_state(&self) -> Result<Option<State>, StoreError> {
        let Some(kept) = self.backend.read_state()? else {
            return Ok(None);
        };
        self.parse(&kept.bytes).map(Some)
    }

    /// Reads the bytes of a state, encrypted or not.
    ///
    /// # Errors
    /// When they are none, or cannot be decrypted.
    fn parse(&self, bytes: &[u8]) -> Result<State, StoreError> {
        let place = self.backend.state_place();
        let opened = self.keyring.open(What::State, bytes);
        let opened = opened.map_err(|source| StoreError::Seal {
            place: place.clone(),
            source,
        })?;
        parse_state(&opened).map_err(|problem| problem.at(place))
    }

    /// By what the state is known, and its version: for that nothing is decrypted.
    fn read_head(&self) -> Result<Option<(Head, Option<Version>)>, StoreError> {
        let Some(kept) = self.backend.read_state()? else {
            return Ok(None);
        };
        let place = || self.backend.state_place();
        let document = Document::read(What::State, &kept.bytes);
        let head = match document.map_err(|source| self.sealed(source))? {
            Document::Plain(bytes) => {
                format::parse_head(bytes).map_err(|problem| problem.at(place()))?
            }
            Document::Sealed(envelope) => Head {
                lineage: envelope.head().lineage.clone(),
                serial: envelope.head().serial,
            },
        };
        Ok(Some((head, kept.version)))
    }

    fn sealed(&self, source: SealError) -> StoreError {
        StoreError::Seal {
            place: self.backend.state_place(),
            source,
        }
    }

    /// Checks that the store still has the state that `state` was loaded from: nothing that came in
    /// between is ever written over.
    fn check_unchanged(&self, lock: &Lock, state: &State) -> Result<Unchanged, StoreError> {
        let (mut lineage, mut serial, version) = match self.read_head()? {
            Some((head, version)) => (Some(head.lineage), head.serial, version),
            None => (None, 0, None),
        };
        // It is going to be taken in and removed, and must have its end. Its run may have begun after
        // this one took the lock, which one of them only believes to have.
        let journal = loop {
            match self.read_journal()? {
                Some(journal) if !journal.is_barred && journal.may_be_on(serial) => {
                    self.backend.bar_journal(&lock.by)?;
                }
                journal => break journal,
            }
        };
        let left = match journal.map(|journal| journal.content) {
            None => Left::Nothing,
            Some(Some((begun, records))) if begun.serial == serial => {
                serial += records.len() as u64;
                lineage = lineage.or(Some(begun.lineage));
                Left::Open
            }
            Some(_) => Left::Stale,
        };
        if state.serial == serial && lineage.is_none_or(|lineage| lineage == state.lineage) {
            Ok(Unchanged {
                version,
                journal: left,
            })
        } else {
            Err(StoreError::Changed(self.backend.state_place()))
        }
    }

    /// Takes in what another run left, and tells the state's version.
    ///
    /// Only a journal on this very state makes it write: until that is removed nobody else can begin
    /// on it, so nothing is written past a run that did.
    fn take_in(&self, lock: &Lock, state: &mut State) -> Result<Option<Version>, StoreError> {
        let Unchanged { version, journal } = self.check_unchanged(lock, state)?;
        match journal {
            Left::Nothing => Ok(version),
            Left::Stale => {
                self.backend.drop_journal(state.serial)?;
                Ok(version)
            }
            Left::Open => self.save(state, version.as_ref()),
        }
    }

    /// Takes an interrupted run's journal, which is folded into `state`, into the state.
    pub(crate) fn settle(&self, lock: &Lock, state: &mut State) -> Result<(), StoreError> {
        if self.has_journal()? {
            self.take_in(lock, state)?;
        }
        Ok(())
    }

    /// Begins a run's journal on top of a state. The caller holds the lock.
    ///
    /// A journal that is already folded into `state` (an interrupted run's) is kept until the new
    /// state is durable: it is saved first, so that nothing depends on two journals.
    ///
    /// # Errors
    /// When the store no longer has the state that `state` was loaded from, or does not take the
    /// journal.
    pub fn begin(
        &self,
        lock: &Lock,
        state: &mut State,
        by: RunInfo,
    ) -> Result<Journal, StoreError> {
        let version = self.take_in(lock, state)?;
        let first = journal::first_line(Begun {
            format: journal::FORMAT,
            lineage: state.lineage.clone(),
            serial: state.serial,
            deployment: state.deployment.clone(),
            environment: state.environment.clone(),
            by,
        });
        let place = self.backend.journal_place();
        let head = seal::Head {
            lineage: state.lineage.clone(),
            serial: state.serial,
        };
        let sealed = self.keyring.begin_journal(&head, &first);
        let (first, sealer) = sealed.map_err(|source| StoreError::Seal {
            place: place.clone(),
            source,
        })?;
        let end = self
            .backend
            .begin_journal(state.serial, version.as_ref(), &first)?;
        Ok(Journal::begun(end, place, sealer, version))
    }

    /// Ends a run: the state becomes durable under the next serial, then the journal goes.
    ///
    /// # Errors
    /// When the store does not take it; state and journal are then as they were.
    pub fn commit(&self, journal: Journal, state: &mut State) -> Result<(), StoreError> {
        let base = journal.close();
        self.save(state, base.as_ref())?;
        Ok(())
    }

    /// Writes the state under the next serial and drops a journal that is in it.
    fn save(
        &self,
        state: &mut State,
        over: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        state.serial += 1;
        let written = self
            .bytes(state)
            .and_then(|bytes| self.backend.replace_state(&bytes, state.serial, over));
        if written.is_err() {
            state.serial -= 1;
        }
        let version = written?;
        self.backend.drop_journal(state.serial)?;
        Ok(version)
    }

    /// The state as it is written.
    fn bytes(&self, state: &State) -> Result<Vec<u8>, StoreError> {
        let place = || self.backend.state_place();
        let mut bytes = serde_json::to_vec_pretty(state)
            .map_err(|error| StoreError::io("write", place(), error.into()))?;
        bytes.push(b'\n');
        let head = seal::Head {
            lineage: state.lineage.clone(),
            serial: state.serial,
        };
        let sealed = self.keyring.seal(What::State, &head, &bytes);
        match sealed.map_err(|source| self.sealed(source))? {
            Cow::Borrowed(_) => Ok(bytes),
            Cow::Owned(sealed) => Ok(sealed),
        }
    }

    /// Replaces the state by hand (`state mv`, `rm`, `push`), keeping a copy of the old one. The
    /// caller holds the lock.
    ///
    /// # Errors
    /// When the store does not take it; the state is then as it was.
    pub fn replace_with_backup(
        &self,
        lock: &Lock,
        old: Option<&State>,
        new: &mut State,
    ) -> Result<Option<String>, StoreError> {
        let backup = match old {
            Some(old) => {
                self.check_unchanged(lock, old)?;
                Some(self.backend.keep_copy(old.serial, &self.bytes(old)?)?)
            }
            None => None,
        };
        self.replace(lock, old, new)?;
        Ok(backup)
    }

    /// Puts one state in the place of another. A run without records shuts others out meanwhile.
    fn replace(&self, lock: &Lock, old: Option<&State>, new: &mut State) -> Result<(), StoreError> {
        let mut base = old.cloned().unwrap_or_else(|| State {
            lineage: new.lineage.clone(),
            ..State::new(&new.deployment, &new.environment)
        });
        let journal = self.begin(lock, &mut base, lock.by.clone())?;
        // The serial only ever grows: a plan made from the old state must not fit the new one.
        new.serial = new.serial.max(base.serial);
        self.commit(journal, new)
    }
}

/// A journal that is there.
struct ReadJournal {
    /// `None` when not even its head became durable.
    content: Option<(Begun, Vec<Record>)>,
    is_barred: bool,
}

impl ReadJournal {
    /// Whether it is on a state of that serial or an earlier one, as far as is known. One on a later
    /// state is that of a run which has taken over.
    fn may_be_on(&self, serial: u64) -> bool {
        let begun = self.content.as_ref();
        begun.is_none_or(|(begun, _)| begun.serial <= serial)
    }
}
