//! The journal: an append-only file of records, durable before what they announce.
//!
//! One record a line: `{"seq":1,"record":{…},"crc":"0123abcd"}`. The checksum covers everything
//! before it on its line. A torn last line (without its end, or with zeros where the disk never
//! wrote) is what a crash leaves and is dropped; any other damage is not a crash's doing and stops
//! the run.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Begun, Record};
use crate::seal::JournalSealer;
use crate::store::{Append, AppendError, Version};

/// The version of the journal's format that this program writes.
pub const FORMAT: u32 = 1;

const CRC_FIELD: &str = ",\"crc\":\"";
/// The length of `,"crc":"01234567"}`.
const TAIL: usize = CRC_FIELD.len() + 8 + 2;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    end: Box<dyn Append>,
    place: String,
    sealer: JournalSealer,
    /// The version of the state that it goes on from.
    base: Option<Version>,
    seq: u64,
    buffer: Vec<u8>,
    /// After a failed write nothing more is written: the end of the journal is not known.
    broken: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    record: &'a Record,
}

/// One line of a journal. The first line's record is `begun`; the lines are numbered from 0.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnedLine {
    /// The line's number, from 0.
    seq: u64,
    /// What it says.
    record: Record,
    /// The CRC-32 (IEEE) of the line's bytes before `,"crc":`, in lower-case hexadecimal.
    #[serde(rename = "crc")]
    #[schemars(regex(pattern = "^[0-9a-f]{8}$"))]
    _crc: String,
}

impl Journal {
    /// A journal whose first line, [`first_line`], is there.
    pub(crate) fn begun(
        end: Box<dyn Append>,
        place: String,
        sealer: JournalSealer,
        base: Option<Version>,
    ) -> Self {
        Self {
            end,
            place,
            sealer,
            base,
            seq: 1,
            buffer: Vec::new(),
            broken: false,
        }
    }

    /// Closes it; what is left is the version of the state that it went on from.
    pub(crate) fn close(self) -> Option<Version> {
        self.base
    }

    /// Adds a record to what the next [`Journal::sync`] makes durable.
    pub fn append(&mut self, record: &Record) {
        let line = line(self.seq, record);
        self.seq += 1;
        self.buffer.extend_from_slice(&self.sealer.seal(&line));
    }

    /// Makes all appended records durable.
    ///
    /// # Errors
    /// When they are not; the journal then takes nothing more.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken(self.place.clone()));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.end.append(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| {
            self.broken = true;
            let place = self.place.clone();
            match error {
                AppendError::Io(source) => JournalError::Io { place, source },
                AppendError::Lost => JournalError::Lost(place),
            }
        })
    }
}

/// The line with which a journal begins, without its end.
pub(crate) fn first_line(begun: Begun) -> Vec<u8> {
    line(0, &Record::Begun(begun))
}

/// A line without its end.
fn line(seq: u64, record: &Record) -> Vec<u8> {
    let mut line = match serde_json::to_vec(&Line { seq, record }) {
        Ok(line) => line,
        // Records are plain data with string keys; anything else is our own bug.
        Err(error) => panic!("a record cannot be written as JSON: {error}"),
    };
    line.pop(); // the closing brace; the checksum comes before it
    let crc = crc32fast::hash(&line);
    line.extend_from_slice(format!("{CRC_FIELD}{crc:08x}\"}}").as_bytes());
    line
}

/// A whole journal, as it stands when nothing is encrypted.
#[must_use]
pub fn write_journal(begun: Begun, records: &[Record]) -> Vec<u8> {
    let mut bytes = first_line(begun);
    for (record, seq) in records.iter().zip(1..) {
        bytes.push(b'\n');
        bytes.extend_from_slice(&line(seq, record));
    }
    bytes.push(b'\n');
    bytes
}

/// Reads a journal. `None` when not even its head became durable.
///
/// # Errors
/// When it is damaged, or of a newer format. `place` is where it is, for the message.
pub fn parse_journal(
    place: &str,
    bytes: &[u8],
) -> Result<Option<(Begun, Vec<Record>)>, JournalError> {
    match parse(bytes) {
        Err(line) => Err(JournalError::Damaged {
            place: place.to_owned(),
            line,
        }),
        Ok(Some((begun, _))) if begun.format > FORMAT => Err(JournalError::Newer {
            place: place.to_owned(),
            found: begun.format,
        }),
        Ok(parsed) => Ok(parsed),
    }
}

/// The sound records of a journal, or the number of the damaged line.
fn parse(bytes: &[u8]) -> Result<Option<(Begun, Vec<Record>)>, usize> {
    let mut lines = bytes.split_inclusive(|&b| b == b'\n').peekable();
    let mut records = Vec::new();
    let mut number = 0;
    while let Some(line) = lines.next() {
        match parse_line(line) {
            Some(parsed) if parsed.seq == number as u64 => records.push(parsed.record),
            None if lines.peek().is_none() && is_torn(line, number) => break,
            Some(_) | None => return Err(number + 1),
        }
        number += 1;
    }
    let mut records = records.into_iter();
    match records.next() {
        Some(Record::Begun(begun)) => Ok(Some((begun, records.collect()))),
        Some(_) => Err(1),
        None => Ok(None),
    }
}

/// Whether the write of a line was cut short: it has no end, or zeros where the disk never wrote,
/// and up to there it is as that line begins. Anything else that has no end is not ours.
fn is_torn(line: &[u8], number: usize) -> bool {
    let written = line.split(|&byte| byte == 0).next().unwrap_or_default();
    let first = if number == 0 { "{\"begun\":" } else { "" };
    let begins = format!("{{\"seq\":{number},\"record\":{first}");
    let both = begins.len().min(written.len());
    (line.last() != Some(&b'\n') || line.contains(&0))
        && written[..both] == begins.as_bytes()[..both]
}

fn parse_line(line: &[u8]) -> Option<OwnedLine> {
    let line = line.strip_suffix(b"\n")?;
    let split = line.len().checked_sub(TAIL)?;
    let (body, tail) = line.split_at(split);
    let tail = std::str::from_utf8(tail).ok()?;
    let crc = tail.strip_prefix(CRC_FIELD)?.strip_suffix("\"}")?;
    if format!("{:08x}", crc32fast::hash(body)) != crc {
        return None;
    }
    serde_json::from_slice(line).ok()
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be written.
    #[error("failed to write the journal {place}")]
    Io {
        /// The journal.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// A line in its middle is not what was written.
    #[error("the journal {place} is damaged at line {line}")]
    Damaged {
        /// The journal.
        place: String,
        /// The line, from 1.
        line: usize,
    },
    /// A newer program wrote it.
    #[error(
        "the journal {place} has format {found}; this version of mcpdeploy knows {FORMAT} at most"
    )]
    Newer {
        /// The journal.
        place: String,
        /// Its format.
        found: u32,
    },
    /// Another run has taken over; this one may do nothing more.
    #[error("the journal {0} takes no more records of this run: another run has taken over")]
    Lost(String),
    /// An earlier write failed.
    #[error("the journal {0} takes no more records since a write failed")]
    Broken(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{OpId, RunInfo};

    fn begun() -> Begun {
        Begun {
            format: FORMAT,
            lineage: "l".into(),
            serial: 3,
            deployment: "d".into(),
            environment: "default".into(),
            by: RunInfo {
                run: "r".into(),
                at: "2026-01-01T00:00:00Z".into(),
                pid: 1,
                host: "h".into(),
                command: "apply".into(),
            },
        }
    }

    fn written() -> Vec<u8> {
        let failed = |op| Record::Failed {
            op: OpId(op),
            settled: true,
        };
        write_journal(begun(), &[failed(0), failed(1), failed(2), failed(3)])
    }

    #[test]
    fn every_prefix_reads_as_the_sound_lines_in_it() {
        let bytes = written();
        for end in 0..=bytes.len() {
            let lines = bytes[..end].iter().filter(|&&b| b == b'\n').count();
            match parse(&bytes[..end]).expect("a prefix is never damage") {
                None => assert_eq!(lines, 0),
                Some((head, records)) => {
                    assert_eq!(head, begun());
                    assert_eq!(records.len(), lines - 1, "at {end}");
                }
            }
        }
    }

    #[test]
    fn any_changed_byte_is_damage() {
        let bytes = written();
        // But for the last one: without its end the last line counts as torn.
        for at in 0..bytes.len() - 1 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged).is_err(), "byte {at} changed unnoticed");
        }
    }

    #[test]
    fn what_has_no_end_and_is_not_ours_is_damage() {
        assert_eq!(parse(b"notes of somebody"), Err(1));
        assert_eq!(parse(b"{\"seq\":0,\"record\":{\"done\""), Err(1));
        let mut bytes = written();
        bytes.extend_from_slice(b"{\"seq\":9,");
        assert_eq!(parse(&bytes), Err(6));
        for torn in [
            &b""[..],
            b"{",
            b"{\"seq\":0,\"record\":{\"begun\":{",
            b"\0\0",
        ] {
            assert_eq!(parse(torn), Ok(None));
        }
    }

    #[test]
    fn zeros_at_the_end_are_a_torn_write() {
        let mut bytes = written();
        bytes.extend_from_slice(&[0; 100]);
        assert_eq!(parse(&bytes).unwrap().unwrap().1.len(), 4);
    }
}
