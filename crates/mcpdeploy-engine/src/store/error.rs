//! Why the store cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::JournalError;
use crate::record::RunInfo;
use crate::state::{FORMAT, FoldError};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("failed to {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state file is no state.
    #[error("{} is not a state that mcpdeploy wrote", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A newer program wrote the state.
    #[error("{} has format {found}; this version of mcpdeploy knows {FORMAT} at most", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal is not this state's.
    #[error("the journal {} does not belong to the state beside it", .0.display())]
    Foreign(PathBuf),
    /// A record does not fit the state.
    #[error("line {line} of the journal {} does not fit the state", path.display())]
    Fold {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: FoldError,
    },
    /// Another run has the lock.
    #[error("another run holds the lock")]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// Who has it, when that can be read.
        holder: Option<RunInfo>,
    },
}

impl StoreError {
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
