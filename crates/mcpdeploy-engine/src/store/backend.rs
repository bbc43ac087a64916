//! What a place must offer to keep a state in it.

use std::fmt;
use std::io;
use std::time::Duration;

use super::StoreError;
use crate::record::RunInfo;

/// A place for the state, the journal and the lock of one deployment in one environment.
///
/// Only bytes come here: what they say, and whether they are sealed, is the [`super::Store`]'s.
/// A backend promises, whoever else is at work and whoever is killed:
///
/// - what a write returned from is there for whoever reads later;
/// - a state is replaced whole or not at all, and never over another version than the one named;
/// - of all who begin a journal on one state, one succeeds; and once another has taken the lock,
///   whoever had it before can neither append to a journal nor replace the state.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Where the state is, for messages.
    fn state_place(&self) -> String;

    /// Where the journal is, for messages.
    fn journal_place(&self) -> String;

    /// The state; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_state(&self) -> Result<Option<Kept>, StoreError>;

    /// The journal of the run that is at work or was interrupted; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_journal(&self) -> Result<Option<KeptJournal>, StoreError>;

    /// Takes the lock. Where that is possible, whoever had it before is shut out from here on.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when another run has it.
    fn lock(&self, by: &RunInfo) -> Result<Box<dyn Held>, StoreError>;

    /// Who holds the lock.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn holder(&self) -> Result<Option<Holder>, StoreError>;

    /// Takes the lock away from that holder, whom somebody knows to be dead.
    ///
    /// # Errors
    /// When another has it by now, or when only the holder's end frees it.
    fn break_lock(&self, holder: &Holder) -> Result<(), StoreError>;

    /// Replaces the state that has this version, or writes the first one when there is none, with the
    /// state of that serial.
    ///
    /// # Errors
    /// When it cannot be written, or there is another version.
    fn replace_state(
        &self,
        bytes: &[u8],
        serial: u64,
        over: Option<&Version>,
    ) -> Result<Option<Version>, StoreError>;

    /// Keeps a copy of an old state, and says where.
    ///
    /// # Errors
    /// When it cannot be written.
    fn keep_copy(&self, serial: u64, bytes: &[u8]) -> Result<String, StoreError>;

    /// Begins the journal of a run on the state with this serial and version, with its first line.
    ///
    /// # Errors
    /// When another run has begun one, the state has another version, or it cannot be written.
    fn begin_journal(
        &self,
        serial: u64,
        version: Option<&Version>,
        first: &[u8],
    ) -> Result<Box<dyn Append>, StoreError>;

    /// Sees to it that no run that is at work adds anything to its journal any more, where that is
    /// possible.
    ///
    /// # Errors
    /// When that cannot be done.
    fn bar_journal(&self, by: &RunInfo) -> Result<(), StoreError>;

    /// Removes a journal that is in the state of that serial. There need not be one, and one on that
    /// state is another run's by now.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn drop_journal(&self, saved: u64) -> Result<(), StoreError>;

    /// Takes the state out of use, because it was moved to another store, and says where the copy
    /// is that stays.
    ///
    /// # Errors
    /// When that cannot be done.
    fn retire(&self, serial: u64) -> Result<String, StoreError>;
}

/// Bytes that were kept, and by what their version is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their version; `None` in a place that has none, where the lock alone keeps others out.
    pub version: Option<Version>,
}

/// The lines of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptJournal {
    /// The lines.
    pub bytes: Vec<u8>,
    /// Whether its run can add no more, whatever it believes.
    pub is_barred: bool,
}

/// By what one content in one place is known, e.g. an entity tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(pub String);

/// A lock that is held as long as this lives.
pub trait Held: fmt::Debug + Send + Sync {
    /// Whether it is still ours, as far as is known.
    fn is_held(&self) -> bool;
}

/// The end of a journal.
pub trait Append: fmt::Debug + Send {
    /// Adds lines and returns when they are durable.
    ///
    /// # Errors
    /// When they are not; nothing more is to be added then.
    fn append(&mut self, lines: &[u8]) -> Result<(), AppendError>;
}

/// Why nothing can be added to a journal.
#[derive(Debug)]
pub enum AppendError {
    /// It cannot be written.
    Io(io::Error),
    /// Another run has taken over.
    Lost,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The run; `None` when what is there cannot be read.
    pub by: Option<RunInfo>,
    /// Its signs of life, where the lock needs such.
    pub heartbeat: Option<Heartbeat>,
    /// The lock's version, where it has one.
    pub version: Option<Version>,
}

/// The signs of life of a lock's holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// How many there were.
    pub count: u64,
    /// How long ago the last one was, by the clocks of two machines.
    pub age: Duration,
    /// How often one is due.
    pub every: Duration,
}
