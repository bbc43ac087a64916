//! Reads the bytes of a state.

use super::StoreError;
use crate::state::{FORMAT, State};

/// Why bytes are no state.
#[derive(Debug)]
pub enum StateProblem {
    /// A newer program wrote it.
    Newer(u32),
    /// It is no state at all.
    Unreadable(serde_json::Error),
}

impl StateProblem {
    /// As an error about the state in that place.
    pub(super) fn at(self, place: String) -> StoreError {
        match self {
            Self::Newer(found) => StoreError::Newer { place, found },
            Self::Unreadable(source) => StoreError::Unreadable { place, source },
        }
    }
}

/// What a state is known by.
#[derive(serde::Deserialize)]
pub(super) struct Head {
    pub(super) lineage: String,
    pub(super) serial: u64,
}

pub(super) fn parse_head(bytes: &[u8]) -> Result<Head, StateProblem> {
    /// The format is looked at first: a newer one may well have no other field that we know.
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let Format { format } = serde_json::from_slice(bytes).map_err(StateProblem::Unreadable)?;
    if format > FORMAT {
        return Err(StateProblem::Newer(format));
    }
    let head: Head = serde_json::from_slice(bytes).map_err(StateProblem::Unreadable)?;
    if head.serial > MOST {
        let error = serde::de::Error::custom("no state was ever saved that often");
        return Err(StateProblem::Unreadable(error));
    }
    Ok(head)
}

/// The highest serial that there can be: one that every JSON reader takes for what it is, with room
/// to count on.
const MOST: u64 = 1 << 53;

/// Reads a state.
///
/// # Errors
/// When it is none, or of a newer format.
pub fn parse_state(bytes: &[u8]) -> Result<State, StateProblem> {
    parse_head(bytes)?;
    serde_json::from_slice(bytes).map_err(StateProblem::Unreadable)
}
