//! Events: in memory in the order of their time, and on disk one file a stream in the order in which
//! they came.
//!
//! A line of a file is `[time, ingestion time, "message"]`, times being milliseconds since 1970. It
//! is written before the event is acknowledged and never changed; a torn last line is dropped. What
//! the retention of its group has ended is left out when a file is read at the start.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::storage::{ReadError, StorageError};

/// How many expired events of a stream are kept in memory before they are let go.
const EXPIRED: usize = 4096;

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Milliseconds since 1970, as told by who wrote it.
    pub(super) at: i64,
    /// Counts the events of a stream in the order in which they came, from 1.
    pub(super) number: u64,
    /// When it came, in milliseconds since 1970.
    pub(super) ingested: i64,
    pub(super) message: String,
}

/// A place in a stream: an event's time and number. Events come in this order.
pub(super) type Place = (i64, u64);

impl Event {
    pub(super) fn place(&self) -> Place {
        (self.at, self.number)
    }

    /// What AWS counts: the message, and 26 bytes for what is around it.
    pub(super) fn size(&self) -> usize {
        self.message.len() + 26
    }
}

/// The events of a stream.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// By place.
    list: Vec<Event>,
    last_number: u64,
    last_ingestion: Option<i64>,
}

impl Events {
    /// All that are not older than `horizon`, in order.
    pub(super) fn since(&self, horizon: i64) -> &[Event] {
        let from = self.list.partition_point(|event| event.at < horizon);
        &self.list[from..]
    }

    /// When the last one came.
    pub(super) fn last_ingestion(&self) -> Option<i64> {
        self.last_ingestion
    }

    fn push(&mut self, at: i64, ingested: i64, message: String) {
        self.last_number += 1;
        self.last_ingestion = self.last_ingestion.max(Some(ingested));
        let event = Event {
            at,
            number: self.last_number,
            ingested,
            message,
        };
        // Nearly all come in order.
        if self.list.last().is_none_or(|last| last.at <= at) {
            self.list.push(event);
        } else {
            let index = self.list.partition_point(|other| other.at <= at);
            self.list.insert(index, event);
        }
    }

    fn forget(&mut self, horizon: i64) {
        if self.list.get(EXPIRED).is_some_and(|e| e.at < horizon) {
            let until = self.list.partition_point(|event| event.at < horizon);
            self.list.drain(..until);
        }
    }
}

/// The events of all streams.
#[derive(Debug)]
pub(super) struct EventStore {
    folder: PathBuf,
    /// By the key of the stream's row.
    streams: HashMap<String, Events>,
}

static NONE: Events = Events {
    list: Vec::new(),
    last_number: 0,
    last_ingestion: None,
};

impl EventStore {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            streams: HashMap::new(),
        }
    }

    /// Reads the events of a stream that are not older than `horizon`.
    pub(super) fn load(&mut self, key: &str, file: &str, horizon: i64) -> Result<(), ReadError> {
        let path = self.folder.join(file);
        let fail = |source| ReadError::Io {
            path: path.display().to_string(),
            source,
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(fail(error)),
        };
        let mut events = Events::default();
        let mut dropped = false;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str::<(i64, i64, String)>(line) {
                Ok((at, _, _)) if at < horizon => dropped = true,
                Ok((at, ingested, message)) => events.push(at, ingested, message),
                // The process was killed while writing it: nobody was told.
                Err(_) if !line.ends_with('\n') => dropped = true,
                Err(source) => {
                    return Err(ReadError::Damaged {
                        path: path.display().to_string(),
                        line: index + 1,
                        source,
                    });
                }
            }
        }
        if dropped {
            let mut text = Vec::new();
            for event in &events.list {
                write_line(&mut text, event.at, event.ingested, &event.message).map_err(fail)?;
            }
            let folder = path.parent().unwrap_or(Path::new("."));
            let mut new = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
            new.write_all(&text).map_err(fail)?;
            new.persist(&path).map_err(|error| fail(error.error))?;
        }
        self.streams.insert(key.to_owned(), events);
        Ok(())
    }

    /// Keeps events that came at `ingested`: on disk first, then in memory.
    pub(super) fn append(
        &mut self,
        key: &str,
        file: &str,
        ingested: i64,
        horizon: i64,
        new: Vec<(i64, String)>,
    ) -> Result<(), StorageError> {
        let path = self.folder.join(file);
        let fail = |source| StorageError::new(&path, source);
        let mut text = Vec::new();
        for (at, message) in &new {
            write_line(&mut text, *at, ingested, message).map_err(fail)?;
        }
        // Opened each time: there may be more streams than a process may have files open.
        let open = || OpenOptions::new().create(true).append(true).open(&path);
        let mut log = match open() {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(fail)?;
                open().map_err(fail)?
            }
            Err(error) => return Err(fail(error)),
        };
        let before = log.metadata().map_err(fail)?.len();
        if let Err(error) = log.write_all(&text) {
            // Half a line in the middle would be damage: take it back.
            drop(log.set_len(before));
            return Err(fail(error));
        }
        let events = match self.streams.get_mut(key) {
            Some(events) => events,
            None => self.streams.entry(key.to_owned()).or_default(),
        };
        for (at, message) in new {
            events.push(at, ingested, message);
        }
        events.forget(horizon);
        Ok(())
    }

    /// The events of a stream.
    pub(super) fn of(&self, key: &str) -> &Events {
        self.streams.get(key).unwrap_or(&NONE)
    }

    /// Forgets the events of a stream whose row is gone. A file that stays behind is never read.
    pub(super) fn remove(&mut self, key: &str, file: &str) {
        self.streams.remove(key);
        if let Err(error) = fs::remove_file(self.folder.join(file))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, file, "a file of events stays behind");
        }
    }
}

fn write_line(out: &mut Vec<u8>, at: i64, ingested: i64, message: &str) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &(at, ingested, message))?;
    out.push(b'\n');
    Ok(())
}

/// A new name of a file for the events of a stream, which tells a person what is in it.
pub(super) fn file_name(region: &str, group: &str, stream: &str) -> String {
    let plain = |text: &str| -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let kept = text.trim_matches('/').chars().take(80);
        kept.map(|c| if fits(c) { c } else { '_' }).collect()
    };
    let unique = uuid::Uuid::new_v4().simple();
    // The prefixes keep a name like `..` from being more than a name.
    format!(
        "{}/g-{}/{}-{unique}.jsonl",
        plain(region),
        plain(group),
        plain(stream)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_there_after_a_restart_without_what_expired_or_tore() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = EventStore::new(folder.path().to_owned());
        let new = vec![(5, "five".to_owned()), (3, "three\n\"quoted\"".to_owned())];
        store.append("s", "r/g/s.jsonl", 9, 0, new).unwrap();
        let path = folder.path().join("r/g/s.jsonl");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"[7, 9, \"to").unwrap();

        let mut again = EventStore::new(folder.path().to_owned());
        again.load("s", "r/g/s.jsonl", 0).unwrap();
        let read: Vec<_> = again
            .of("s")
            .since(0)
            .iter()
            .map(|e| (e.at, e.number))
            .collect();
        assert_eq!(read, [(3, 2), (5, 1)]);
        assert_eq!(again.of("s").last_ingestion(), Some(9));

        let mut later = EventStore::new(folder.path().to_owned());
        later.load("s", "r/g/s.jsonl", 4).unwrap();
        assert_eq!(later.of("s").since(0).len(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "[5,9,\"five\"]\n");

        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"garbage\n").unwrap();
        let error = EventStore::new(folder.path().to_owned()).load("s", "r/g/s.jsonl", 0);
        assert!(matches!(error, Err(ReadError::Damaged { line: 2, .. })));
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = EventStore::new(folder.path().to_owned());
        fs::create_dir_all(folder.path().join("taken.jsonl")).unwrap();
        let new = vec![(1, "x".to_owned())];
        assert!(store.append("s", "taken.jsonl", 1, 0, new).is_err());
        assert!(store.of("s").since(0).is_empty());
    }

    #[test]
    fn names_of_files_stay_in_their_folder() {
        let name = file_name("us-east-1", "../../etc", "2026/01/02/[$LATEST]0123");
        assert!(
            name.starts_with("us-east-1/g-.._.._etc/2026_01_02___LATEST_0123-"),
            "{name}"
        );
    }
}
