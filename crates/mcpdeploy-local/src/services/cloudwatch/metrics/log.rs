//! The file in which values are kept: lines appended as they come, written anew at the start.
//!
//! A metric is named once, by a line that gives it a number; values refer to the number. Values of
//! services wait in memory for the next flush, a moment later: losing them with the process is fine,
//! writing a line for each is not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::aggregate::Aggregate;
use super::{Metric, Unit};
use crate::storage::{ReadError, StorageError};

/// How much waits before it is written, in bytes.
const WAITING: usize = 64 * 1024;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// A metric gets its number.
    Metric(u64, String, Metric),
    /// A metric's number, the bucket's seconds since 1970, the unit, the value, how often.
    Value(u64, i64, Unit, f64, f64),
    /// The same with many values.
    Set(u64, i64, Unit, Aggregate),
}

/// The file.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    waiting: Vec<u8>,
}

impl Log {
    /// Reads all lines of a file, in order.
    pub(super) fn open(path: PathBuf) -> Result<(Self, Vec<Line>), ReadError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                let path = path.display().to_string();
                return Err(ReadError::Io { path, source });
            }
        };
        let mut lines = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str(line) {
                Ok(line) => lines.push(line),
                // The process was killed while writing it.
                Err(_) if !line.ends_with('\n') => break,
                Err(source) => {
                    return Err(ReadError::Damaged {
                        path: path.display().to_string(),
                        line: index + 1,
                        source,
                    });
                }
            }
        }
        let log = Self {
            path,
            file: None,
            waiting: Vec::new(),
        };
        Ok((log, lines))
    }

    /// Writes the file anew.
    pub(super) fn rewrite<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a Line>,
    ) -> Result<(), ReadError> {
        let fail = |source| ReadError::Io {
            path: self.path.display().to_string(),
            source,
        };
        let mut text = Vec::new();
        for line in lines {
            write(&mut text, line);
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        file.write_all(&text).map_err(fail)?;
        file.persist(&self.path)
            .map_err(|error| fail(error.error))?;
        self.file = None;
        Ok(())
    }

    /// Notes a line that is written with the next flush.
    pub(super) fn note(&mut self, line: &Line) {
        write(&mut self.waiting, line);
        if self.waiting.len() > WAITING
            && let Err(error) = self.flush()
        {
            self.waiting.clear();
            tracing::warn!(%error, "values of metrics are lost");
        }
    }

    /// Writes lines now; on error none of them is there.
    pub(super) fn write(&mut self, lines: &[Line]) -> Result<(), StorageError> {
        let before = self.waiting.len();
        for line in lines {
            write(&mut self.waiting, line);
        }
        self.flush().inspect_err(|_| self.waiting.truncate(before))
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<(), StorageError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        let fail = |source| StorageError::new(&path, source);
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&self.path);
                self.file.insert(file.map_err(fail)?)
            }
        };
        let before = file.metadata().map_err(fail)?.len();
        if let Err(error) = file.write_all(&self.waiting) {
            // Half a line in the middle would be damage: take it back.
            drop(file.set_len(before));
            return Err(fail(error));
        }
        self.waiting.clear();
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "values of metrics are lost");
        }
    }
}

fn write(out: &mut Vec<u8>, line: &Line) {
    // Writing into memory cannot fail, and all numbers are finite.
    drop(serde_json::to_writer(&mut *out, line));
    out.push(b'\n');
}
