//! The journal in parts, each written once: see the module above for why that fences.

use std::sync::Arc;

use serde::Serialize;

use super::{Cells, Expect, JOURNALS, PutError, STATE, Shared};
use crate::record::RunInfo;
use crate::store::{Append, AppendError, KeptJournal, StoreError, Version};

/// How the content of a bar begins; no record does.
const BAR: &[u8] = b"{\"barred\":";

/// What ends a journal whose run lost the lock.
#[derive(Serialize)]
struct Bar<'a> {
    barred: &'a RunInfo,
}

/// The keys of one journal, from part 1 on.
struct Parts {
    /// The serial that it is on, as it is in the keys.
    serial: String,
    numbers: Vec<u64>,
}

impl Parts {
    /// Whether its head is there. It goes last, so what has none is over: at most bars are left.
    fn has_head(&self) -> bool {
        self.numbers.first() == Some(&1)
    }

    fn keys(&self) -> impl DoubleEndedIterator<Item = String> {
        self.numbers.iter().map(|number| key(&self.serial, *number))
    }
}

fn key(serial: &str, number: u64) -> String {
    format!("{JOURNALS}{serial}/{number:08}")
}

impl Shared {
    /// The journals that there are parts of, that on the highest serial last.
    fn journals(&self) -> Result<Vec<Parts>, StoreError> {
        let mut journals: Vec<Parts> = Vec::new();
        for key in self.list(JOURNALS)? {
            // What is not ours is left alone.
            let Some((serial, number)) = key
                .strip_prefix(JOURNALS)
                .and_then(|rest| rest.split_once('/'))
                .and_then(|(serial, number)| Some((serial, number.parse().ok()?)))
            else {
                continue;
            };
            match journals.last_mut().filter(|last| last.serial == serial) {
                Some(last) => last.numbers.push(number),
                None => journals.push(Parts {
                    serial: serial.to_owned(),
                    numbers: vec![number],
                }),
            }
        }
        Ok(journals)
    }

    /// The journal on the highest serial; `None` when there is none.
    pub(super) fn read_log(&self) -> Result<Option<KeptJournal>, StoreError> {
        let mut journals = self.journals()?;
        let Some(parts) = journals.iter_mut().rfind(|parts| parts.has_head()) else {
            return Ok(None);
        };
        // Behind a gap there is at most a bar: the rest is being removed.
        let mut expected = 1..;
        parts
            .numbers
            .retain(|number| expected.next() == Some(*number));
        let keys: Vec<String> = parts.keys().collect();
        let cells = self.cells.get_all(&keys);
        let cells = cells.map_err(|error| self.failed("read", JOURNALS, error))?;
        // A part that went meanwhile was removed by a run that has ended, and so were those after
        // it; what is left tells that it is in the state already.
        let mut journal = KeptJournal {
            bytes: Vec::new(),
            is_barred: false,
        };
        for cell in cells.into_iter().map_while(|cell| cell) {
            if cell.bytes.starts_with(BAR) {
                journal.is_barred = true;
                break;
            }
            journal.bytes.extend_from_slice(&cell.bytes);
        }
        Ok((!journal.bytes.is_empty()).then_some(journal))
    }

    /// Bars every journal that is there, so that whoever wrote it writes nothing more.
    pub(super) fn fence(&self, by: &RunInfo) -> Result<(), StoreError> {
        let bar = serde_json::to_vec(&Bar { barred: by })
            .map_err(|error| self.failed("write", JOURNALS, error.into()))?;
        for parts in self.journals()?.iter().filter(|parts| parts.has_head()) {
            let Some(&last) = parts.numbers.last() else {
                continue;
            };
            let end = self.get(&key(&parts.serial, last))?;
            if end.is_some_and(|cell| cell.bytes.starts_with(BAR)) {
                continue;
            }
            // Whoever else writes there got in before us; we come next.
            let mut number = last + 1;
            while self
                .put(&key(&parts.serial, number), &bar, Expect::Absent)?
                .is_none()
            {
                number += 1;
            }
        }
        Ok(())
    }

    /// Begins the journal on a serial.
    pub(super) fn begin_log(
        &self,
        serial: u64,
        version: Option<&Version>,
        first: &[u8],
    ) -> Result<Box<dyn Append>, StoreError> {
        let serial = format!("{serial:016}");
        let first_key = key(&serial, 1);
        let left = self.list(&format!("{JOURNALS}{serial}/"))?;
        if !left.is_empty() && !left.contains(&first_key) && self.get(STATE)?.is_none() {
            // Bars stay when a state has taken the journal in, so there was one, and somebody
            // removed it. They were for its runs.
            self.remove_all(&left)?;
        }
        if self.put(&first_key, first, Expect::Absent)?.is_none() {
            return Err(StoreError::Changed(self.cells.place(JOURNALS)));
        }
        // A run on the same state may have come, saved and gone since this one read it. What it
        // saved is there by now, because its journal was removed after that.
        let now = self.get(STATE)?.map(|cell| cell.version);
        if now.as_ref() != version {
            self.remove(&first_key)?;
            return Err(StoreError::Changed(self.cells.place(STATE)));
        }
        Ok(Box::new(End {
            cells: Arc::clone(&self.cells),
            serial,
            next: 2,
        }))
    }

    /// Removes the parts of all journals that are in the state of that serial, but not the bars: the
    /// runs that they keep out may still be there.
    pub(super) fn drop_log(&self, saved: u64) -> Result<(), StoreError> {
        for parts in self.journals()? {
            if parts
                .serial
                .parse::<u64>()
                .is_ok_and(|serial| serial >= saved)
            {
                continue;
            }
            let mut keys: Vec<String> = parts.keys().collect();
            // Bars are at its end, and there may be several, of runs that came at the same time.
            while let Some(last) = keys.last()
                && self
                    .get(last)?
                    .is_some_and(|cell| cell.bytes.starts_with(BAR))
            {
                keys.pop();
            }
            if keys.is_empty() {
                continue;
            }
            // The head goes last. What is killed in between leaves a journal that is known to be
            // in the state already.
            let head = keys.remove(0);
            self.remove_all(&keys)?;
            self.remove(&head)?;
        }
        Ok(())
    }
}

/// The end of one journal.
#[derive(Debug)]
struct End {
    cells: Arc<dyn Cells>,
    serial: String,
    next: u64,
}

impl Append for End {
    fn append(&mut self, lines: &[u8]) -> Result<(), AppendError> {
        let key = key(&self.serial, self.next);
        match self.cells.put(&key, lines, Expect::Absent) {
            Ok(_) => {}
            Err(PutError::Io(error)) => return Err(AppendError::Io(error)),
            Err(PutError::Unmet) => {
                // Its own, when the answer to the first try was lost.
                let there = self.cells.get(&key).map_err(AppendError::Io)?;
                if there.is_none_or(|cell| cell.bytes != lines) {
                    return Err(AppendError::Lost);
                }
            }
        }
        self.next += 1;
        Ok(())
    }
}
