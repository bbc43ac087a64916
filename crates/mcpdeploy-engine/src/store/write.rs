//! What a run writes: it begins on a state that nobody changed meanwhile, and ends with the next one.

use std::borrow::Cow;

use super::{Lock, Store, StoreError, Version};
use crate::journal::{self, Journal};
use crate::record::{Begun, RunInfo};
use crate::seal::{self, What};
use crate::state::State;

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
    pub(super) fn replace(
        &self,
        lock: &Lock,
        old: Option<&State>,
        new: &mut State,
    ) -> Result<(), StoreError> {
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
