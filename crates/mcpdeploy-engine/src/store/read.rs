//! What is there: bytes of a state and of a journal, opened and read.

use super::format::{self, Head, parse_state};
use super::{Store, StoreError, Version};
use crate::journal;
use crate::record::{Begun, Record};
use crate::seal::{Document, SealError, What};
use crate::state::State;

/// A journal that is there.
pub(super) struct ReadJournal {
    /// `None` when not even its head became durable.
    pub(super) content: Option<(Begun, Vec<Record>)>,
    pub(super) is_barred: bool,
}

impl ReadJournal {
    /// Whether it is on a state of that serial or an earlier one, as far as is known. One on a later
    /// state is that of a run which has taken over.
    pub(super) fn may_be_on(&self, serial: u64) -> bool {
        let begun = self.content.as_ref();
        begun.is_none_or(|(begun, _)| begun.serial <= serial)
    }
}

impl Store {
    pub(super) fn fold(&self, mut state: State, records: &[Record]) -> Result<State, StoreError> {
        for (index, record) in records.iter().enumerate() {
            state.fold(record).map_err(|source| StoreError::Fold {
                place: self.backend.journal_place(),
                line: index + 2,
                source,
            })?;
        }
        Ok(state)
    }

    pub(super) fn read_journal(&self) -> Result<Option<ReadJournal>, StoreError> {
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

    pub(super) fn read_state(&self) -> Result<Option<State>, StoreError> {
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
    pub(super) fn read_head(&self) -> Result<Option<(Head, Option<Version>)>, StoreError> {
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

    pub(super) fn sealed(&self, source: SealError) -> StoreError {
        StoreError::Seal {
            place: self.backend.state_place(),
            source,
        }
    }
}
