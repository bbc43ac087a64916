//! A state that several machines share, over any service that keeps small contents by key and can
//! make a write depend on what is there ([`Cells`]): S3, or a bucket beside a DynamoDB table.
//!
//! | key | content |
//! |---|---|
//! | `state.json` | the state; replaced only over the version that was read |
//! | `state.lock` | who runs, with a heartbeat |
//! | `journal/<serial>/<number>` | the journal of the run on that serial, in parts; each is written once |
//! | `versions/<serial>.json` | the last states |
//! | `backups/<serial>.json` | states that were changed by hand |
//!
//! The lock tells others to wait and whom for; what keeps them apart is the journal. Its parts are
//! numbered without a gap and written only where nothing is yet. Whoever takes the lock puts a bar
//! at the next number of each journal that is there, and then reads. From then on a run that lost
//! its lock without knowing finds the bar in the place of its next record, and so announces nothing
//! more: without a record there is no call. And since a state is replaced only over the version
//! that was read, and of all who begin on one serial one succeeds, it cannot save anything either.
//! Why: `docs/adr/0014-fenced-by-the-journal.md`.

mod cells;
mod lock;
mod log;
mod process;

pub use cells::{Cell, Cells, Expect, PutError};

use std::io;
use std::sync::Arc;

use super::{Append, Backend, Held, Holder, Kept, KeptJournal, StoreError, Version};
use crate::record::RunInfo;

/// The key of the state.
const STATE: &str = "state.json";
const JOURNALS: &str = "journal/";
const VERSIONS: &str = "versions/";
/// How many of the last states are kept.
const KEPT: usize = 30;

/// A state in cells.
#[derive(Debug, Clone)]
pub struct Shared {
    cells: Arc<dyn Cells>,
}

impl Shared {
    /// The state in these cells.
    #[must_use]
    pub fn new(cells: Arc<dyn Cells>) -> Self {
        Self { cells }
    }

    fn failed(&self, what: &'static str, key: &str, source: io::Error) -> StoreError {
        StoreError::io(what, self.cells.place(key), source)
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let keys = self.cells.list(prefix);
        keys.map_err(|error| self.failed("list", prefix, error))
    }

    fn get(&self, key: &str) -> Result<Option<Cell>, StoreError> {
        let cell = self.cells.get(key);
        cell.map_err(|error| self.failed("read", key, error))
    }

    /// Puts a content, and knows its own one again: an answer that was lost is asked for again, and
    /// the second try then finds what the first one wrote. `None` when something else is there.
    fn put(
        &self,
        key: &str,
        bytes: &[u8],
        expect: Expect<'_>,
    ) -> Result<Option<Version>, StoreError> {
        match self.cells.put(key, bytes, expect) {
            Ok(version) => Ok(Some(version)),
            Err(PutError::Io(error)) => Err(self.failed("write", key, error)),
            Err(PutError::Unmet) => {
                let there = self.get(key)?;
                Ok(there
                    .filter(|cell| cell.bytes == bytes)
                    .map(|cell| cell.version))
            }
        }
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.cells.remove(key, None) {
            // Nothing was expected of it, so nothing can be unmet.
            Ok(()) | Err(PutError::Unmet) => Ok(()),
            Err(PutError::Io(error)) => Err(self.failed("remove", key, error)),
        }
    }

    fn remove_all(&self, keys: &[String]) -> Result<(), StoreError> {
        let removed = self.cells.remove_all(keys);
        removed.map_err(|error| self.failed("remove", JOURNALS, error))
    }

    /// Keeps a copy of the state among the last ones. That it cannot is no reason to fail: the
    /// state itself is saved.
    fn keep_version(&self, bytes: &[u8], serial: u64) {
        let key = format!("{VERSIONS}{serial:016}.json");
        if let Err(PutError::Io(error)) = self.cells.put(&key, bytes, Expect::Absent) {
            tracing::warn!(%error, key, "a copy of the state was not kept");
        }
        let mut old = self.cells.list(VERSIONS).unwrap_or_default();
        old.truncate(old.len().saturating_sub(KEPT));
        if let Err(error) = self.cells.remove_all(&old) {
            tracing::warn!(%error, "old copies of the state were not removed");
        }
    }
}

impl Backend for Shared {
    fn state_place(&self) -> String {
        self.cells.place(STATE)
    }

    fn journal_place(&self) -> String {
        self.cells.place(JOURNALS)
    }

    fn read_state(&self) -> Result<Option<Kept>, StoreError> {
        Ok(self.get(STATE)?.map(|cell| Kept {
            bytes: cell.bytes,
            version: Some(cell.version),
        }))
    }

    fn read_journal(&self) -> Result<Option<KeptJournal>, StoreError> {
        self.read_log()
    }

    fn lock(&self, by: &RunInfo) -> Result<Box<dyn Held>, StoreError> {
        let held = self.take_lock(by)?;
        // Given back when this fails.
        self.fence(by)?;
        Ok(Box::new(held))
    }

    fn holder(&self) -> Result<Option<Holder>, StoreError> {
        self.read_lock()
    }

    fn break_lock(&self, holder: &Holder) -> Result<(), StoreError> {
        self.take_away(holder)
    }

    fn replace_state(
        &self,
        bytes: &[u8],
        serial: u64,
        over: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        let expect = over.map_or(Expect::Absent, Expect::Version);
        let Some(version) = self.put(STATE, bytes, expect)? else {
            return Err(StoreError::Changed(self.state_place()));
        };
        self.keep_version(bytes, serial);
        Ok(Some(version))
    }

    fn keep_copy(&self, serial: u64, bytes: &[u8]) -> Result<String, StoreError> {
        for number in 0_u32.. {
            let more = if number == 0 {
                String::new()
            } else {
                format!("-{number}")
            };
            let key = format!("backups/{serial:016}{more}.json");
            if self.put(&key, bytes, Expect::Absent)?.is_some() {
                return Ok(self.cells.place(&key));
            }
        }
        Err(StoreError::Occupied(self.cells.place("backups/")))
    }

    fn begin_journal(
        &self,
        serial: u64,
        version: Option<&Version>,
        first: &[u8],
    ) -> Result<Box<dyn Append>, StoreError> {
        self.begin_log(serial, version, first)
    }

    fn bar_journal(&self, by: &RunInfo) -> Result<(), StoreError> {
        self.fence(by)
    }

    fn drop_journal(&self, saved: u64) -> Result<(), StoreError> {
        self.drop_log(saved)
    }

    fn retire(&self, serial: u64) -> Result<String, StoreError> {
        let Some(cell) = self.get(STATE)? else {
            return Err(StoreError::Changed(self.state_place()));
        };
        let copy = self.keep_copy(serial, &cell.bytes)?;
        match self.cells.remove(STATE, Some(&cell.version)) {
            Ok(()) => Ok(copy),
            Err(PutError::Unmet) => Err(StoreError::Changed(self.state_place())),
            Err(PutError::Io(error)) => Err(self.failed("remove", STATE, error)),
        }
    }
}
