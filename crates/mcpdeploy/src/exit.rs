//! Exit codes: fixed, documented, the same for every command.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed; the state is saved and what to do next is printed.
    Failed,
    /// Wrong use or a bad file; nothing was touched.
    Usage,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// Deployed, but failing its checks.
    ChecksFailed,
    /// Another run holds the lock.
    Locked,
    /// Interrupted; the state is saved.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage | Self::Changes => 2,
            Self::ChecksFailed => 3,
            Self::Locked => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
