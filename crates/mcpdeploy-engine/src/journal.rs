//! The journal: an append-only file of records, durable before what they announce.
//!
//! One record a line: `{"seq":1,"record":{…},"crc":"0123abcd"}`. The checksum covers everything
//! before it on its line. A torn last line (without its end, or with zeros where the disk never
//! wrote) is what a crash leaves and is dropped; any other damage is not a crash's doing and stops
//! the run.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::durable::{Watch, Write};
use crate::record::{Begun, Record};

/// The version of the journal's format that this program writes.
pub const FORMAT: u32 = 1;

const CRC_FIELD: &str = ",\"crc\":\"";
/// The length of `,"crc":"01234567"}`.
const TAIL: usize = CRC_FIELD.len() + 8 + 2;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    seq: u64,
    buffer: Vec<u8>,
    /// After a failed write nothing more is written: the end of the file is not known.
    broken: bool,
    watch: Watch,
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
    /// Starts a new journal with its head, replacing none: one must not be there.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn create(path: &Path, begun: Begun) -> Result<Self, JournalError> {
        Self::create_watched(path, begun, Watch::default())
    }

    pub(crate) fn create_watched(
        path: &Path,
        begun: Begun,
        watch: Watch,
    ) -> Result<Self, JournalError> {
        watch
            .before(Write::NewJournal)
            .map_err(|source| JournalError::io(path, source))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(path)
            .map_err(|source| JournalError::io(path, source))?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            seq: 0,
            buffer: Vec::new(),
            broken: false,
            watch,
        };
        journal.append(&Record::Begun(begun));
        journal.sync()?;
        Ok(journal)
    }

    /// Adds a record to what the next [`Journal::sync`] makes durable.
    pub fn append(&mut self, record: &Record) {
        let line = Line {
            seq: self.seq,
            record,
        };
        self.seq += 1;
        let start = self.buffer.len();
        if let Err(error) = serde_json::to_writer(&mut self.buffer, &line) {
            // Records are plain data with string keys; anything else is our own bug.
            panic!("a record cannot be written as JSON: {error}");
        }
        self.buffer.pop(); // the closing brace; the checksum comes before it
        let crc = crc32fast::hash(&self.buffer[start..]);
        self.buffer
            .extend_from_slice(format!("{CRC_FIELD}{crc:08x}\"}}\n").as_bytes());
    }

    /// Makes all appended records durable.
    ///
    /// # Errors
    /// When the disk does not take them; the journal then takes nothing more.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken(self.path.clone()));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self
            .watch
            .before(Write::Journal)
            .and_then(|()| self.file.write_all(&self.buffer))
            .and_then(|()| self.file.sync_data());
        self.buffer.clear();
        written.map_err(|source| {
            self.broken = true;
            JournalError::io(&self.path, source)
        })
    }

    /// Reads a journal. `None` when there is none, or when not even its head became durable.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is of a newer format.
    pub fn read(path: &Path) -> Result<Option<(Begun, Vec<Record>)>, JournalError> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(mut file) => file
                .read_to_end(&mut bytes)
                .map_err(|source| JournalError::io(path, source))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(JournalError::io(path, source)),
        };
        parse(&bytes)
            .map_err(|line| JournalError::Damaged {
                path: path.to_owned(),
                line,
            })
            .and_then(|parsed| match parsed {
                Some((begun, _)) if begun.format > FORMAT => Err(JournalError::Newer {
                    path: path.to_owned(),
                    found: begun.format,
                }),
                parsed => Ok(parsed),
            })
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
    /// The file cannot be read or written.
    #[error("failed to use the journal {}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line in its middle is not what was written.
    #[error("the journal {} is damaged at line {line}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A newer program wrote it.
    #[error("the journal {} has format {found}; this version of mcpdeploy knows {FORMAT} at most", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// An earlier write failed.
    #[error("the journal {} takes no more records since a write failed", .0.display())]
    Broken(PathBuf),
}

impl JournalError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
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
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let mut journal = Journal::create(&path, begun()).unwrap();
        for op in 0..4 {
            journal.append(&Record::Failed {
                op: OpId(op),
                settled: true,
            });
        }
        journal.sync().unwrap();
        std::fs::read(path).unwrap()
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
