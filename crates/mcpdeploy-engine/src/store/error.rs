//! Why the store cannot be used.

use std::io;

use super::Holder;
use crate::journal::JournalError;
use crate::seal::SealError;
use crate::state::{FORMAT, FoldError};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something cannot be read or written.
    #[error("failed to {what} {place}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what: a path, or the address of an object.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The state is no state.
    #[error("{place} is not a state that mcpdeploy wrote")]
    Unreadable {
        /// Where it is.
        place: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A newer program wrote the state.
    #[error("{place} has format {found}; this version of mcpdeploy knows {FORMAT} at most")]
    Newer {
        /// Where it is.
        place: String,
        /// Its format.
        found: u32,
    },
    /// It cannot be encrypted or decrypted.
    #[error("failed to use {place}")]
    Seal {
        /// Where it is.
        place: String,
        /// Why.
        source: SealError,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal is not this state's.
    #[error("the journal {0} does not belong to the state beside it")]
    Foreign(String),
    /// A record does not fit the state.
    #[error("line {line} of the journal {place} does not fit the state")]
    Fold {
        /// The journal.
        place: String,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: FoldError,
    },
    /// The state is another one than that which was read.
    #[error("{0} was changed since it was read; it is not written over")]
    Changed(String),
    /// Another run has taken the lock away.
    #[error("this run no longer holds the lock {0}: another run has taken over")]
    Lost(String),
    /// Another run has the lock.
    #[error("another run holds the lock {place}")]
    Locked {
        /// The lock.
        place: String,
        /// Who has it.
        holder: Box<Holder>,
    },
    /// The lock is the operating system's: it ends with its process.
    #[error("the lock {0} ends only with the process that holds it")]
    Unbreakable(String),
    /// There is a state where none was expected.
    #[error("there is a state in {0} already")]
    Occupied(String),
    /// The place does not do what it must.
    #[error("{place} cannot keep a state safely: {why}")]
    Unfit {
        /// Which.
        place: String,
        /// What it does not do.
        why: &'static str,
    },
}

impl StoreError {
    /// That `what` failed with `place`.
    pub fn io(what: &'static str, place: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what,
            place: place.into(),
            source,
        }
    }
}
