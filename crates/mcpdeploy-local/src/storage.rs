//! Rows that survive a restart: each collection is a map in memory and a log of changes on disk.
//!
//! A change is one line of JSON, written before the answer goes out, so that a killed process loses
//! nothing that it had acknowledged. (Not fsynced: what is at stake when the machine itself stops is a
//! local copy of a cloud.) Reading replays the lines; a torn last line is dropped. When most lines
//! are of the past, the log is written anew at the next start.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where collections and other files are kept.
#[derive(Debug)]
pub(crate) struct Storage {
    folder: PathBuf,
    /// Keeps the folder of a cloud without a data folder until the cloud is dropped.
    _temporary: Option<tempfile::TempDir>,
}

/// A change that could not be kept.
#[derive(Debug, Error)]
#[error("write {path}")]
pub(crate) struct StorageError {
    path: String,
    #[source]
    source: io::Error,
}

impl StorageError {
    /// For files that a service keeps beside its collections.
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        Self {
            path: path.display().to_string(),
            source,
        }
    }
}

/// A data folder that cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The folder or a file in it cannot be opened.
    #[error("open {path}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is damaged, and not only torn off at the end.
    #[error("read {path}, line {line}")]
    Damaged {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Storage {
    /// Opens a folder, made when it is not there, for its owner alone; without one, a temporary one.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, ReadError> {
        let fail = |path: &Path| {
            let path = path.display().to_string();
            move |source| ReadError::Io { path, source }
        };
        match folder {
            Some(folder) => {
                let mut builder = fs::DirBuilder::new();
                let made = builder.recursive(true).mode(0o700).create(folder);
                made.map_err(fail(folder))?;
                let folder = folder.canonicalize().map_err(fail(folder))?;
                Ok(Self {
                    folder,
                    _temporary: None,
                })
            }
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("mcpdeploy-cloud-")
                    .tempdir()
                    .map_err(fail(&std::env::temp_dir()))?;
                Ok(Self {
                    folder: temporary.path().to_owned(),
                    _temporary: Some(temporary),
                })
            }
        }
    }

    /// The folder of all.
    pub(crate) fn root(&self) -> &Path {
        &self.folder
    }

    /// A folder for a service's own files (code, objects), made when it is not there.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, ReadError> {
        let path = self.folder.join(name);
        fs::create_dir_all(&path).map_err(|source| ReadError::Io {
            path: path.display().to_string(),
            source,
        })?;
        Ok(path)
    }

    /// The rows called `name`, e.g. `lambda.functions`.
    pub(crate) fn collection<T>(&self, name: &str) -> Result<Collection<T>, ReadError>
    where
        T: Serialize + DeserializeOwned,
    {
        Collection::open(self.folder.join(format!("{name}.jsonl")))
    }
}

/// One change of a row: its new value, or none when it is removed.
#[derive(Serialize, Deserialize)]
struct Line<K, T> {
    key: K,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<T>,
    /// Changes that belong to this one: a line is read whole or not at all.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    also: Vec<Line<K, T>>,
}

impl<T> Line<String, T> {
    fn replay(self, rows: &mut BTreeMap<String, T>) {
        match self.row {
            Some(row) => rows.insert(self.key, row),
            None => rows.remove(&self.key),
        };
        for line in self.also {
            line.replay(rows);
        }
    }
}

/// Rows by key, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Collection<T> {
    rows: BTreeMap<String, T>,
    path: PathBuf,
    /// Opened at the first change.
    log: Option<File>,
}

impl<T: Serialize + DeserializeOwned> Collection<T> {
    fn open(path: PathBuf) -> Result<Self, ReadError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                let path = path.display().to_string();
                return Err(ReadError::Io { path, source });
            }
        };
        let mut rows = BTreeMap::new();
        let mut lines = 0;
        for (index, text) in text.split_inclusive('\n').enumerate() {
            let line: Line<String, T> = match serde_json::from_str(text) {
                Ok(line) => line,
                // The process was killed while writing it: nobody was told.
                Err(_) if !text.ends_with('\n') => break,
                Err(source) => {
                    return Err(ReadError::Damaged {
                        path: path.display().to_string(),
                        line: index + 1,
                        source,
                    });
                }
            };
            lines += 1;
            line.replay(&mut rows);
        }
        let mut collection = Self {
            rows,
            path,
            log: None,
        };
        let torn = !text.is_empty() && !text.ends_with('\n');
        if torn || lines > 2 * collection.rows.len() + 64 {
            collection.rewrite()?;
        }
        Ok(collection)
    }

    /// Writes the log anew with what is there now.
    fn rewrite(&mut self) -> Result<(), ReadError> {
        let fail = |source| ReadError::Io {
            path: self.path.display().to_string(),
            source,
        };
        let mut text = Vec::new();
        for (key, row) in &self.rows {
            let line = Line {
                key,
                row: Some(row),
                also: Vec::new(),
            };
            serde_json::to_writer(&mut text, &line).map_err(|error| fail(error.into()))?;
            text.push(b'\n');
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        file.write_all(&text).map_err(fail)?;
        file.persist(&self.path).map_err(|e| fail(e.error))?;
        Ok(())
    }

    fn append(&mut self, line: &Line<&str, &T>) -> Result<(), StorageError> {
        let path = self.path.clone();
        let fail = move |source| StorageError::new(&path, source);
        let mut text = serde_json::to_vec(line).map_err(|e| fail(e.into()))?;
        text.push(b'\n');
        let file = match &mut self.log {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                // Some rows are secrets.
                options.create(true).append(true).mode(0o600);
                let file = options.open(&self.path);
                self.log.insert(file.map_err(&fail)?)
            }
        };
        let before = file.metadata().map_err(&fail)?.len();
        file.write_all(&text).map_err(|source| {
            // Half a line in the middle would be damage: take it back. When that fails too, the
            // next start drops the torn line.
            drop(file.set_len(before));
            fail(source)
        })
    }

    /// The row of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.rows.get(key)
    }

    /// Whether there is a row of this key.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// All rows, in the order of their keys.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &T)> {
        self.rows.iter().map(|(key, row)| (key.as_str(), row))
    }

    /// The rows whose key starts with `prefix`, in order.
    pub(crate) fn under<'a, 'p>(
        &'a self,
        prefix: &'p str,
    ) -> impl Iterator<Item = (&'a str, &'a T)> + use<'a, 'p, T> {
        self.rows
            .range::<str, _>((
                std::ops::Bound::Included(prefix),
                std::ops::Bound::Unbounded,
            ))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, row)| (key.as_str(), row))
    }

    /// Keeps a row, in place of the one that was there.
    pub(crate) fn put(&mut self, key: &str, row: T) -> Result<(), StorageError> {
        self.append(&Line {
            key,
            row: Some(&row),
            also: Vec::new(),
        })?;
        self.rows.insert(key.to_owned(), row);
        Ok(())
    }

    /// Makes several changes, all or none: a row to keep, or none to remove it.
    pub(crate) fn write(&mut self, changes: Vec<(String, Option<T>)>) -> Result<(), StorageError> {
        let mut lines = changes.iter().map(|(key, row)| Line {
            key: key.as_str(),
            row: row.as_ref(),
            also: Vec::new(),
        });
        let Some(mut first) = lines.next() else {
            return Ok(());
        };
        first.also = lines.collect();
        self.append(&first)?;
        for (key, row) in changes {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
        Ok(())
    }

    /// Changes the row of this key; nothing changes when there is none or it cannot be kept.
    pub(crate) fn update<R>(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Option<R>, StorageError>
    where
        T: Clone,
    {
        let Some(mut row) = self.rows.get(key).cloned() else {
            return Ok(None);
        };
        let result = change(&mut row);
        self.put(key, row)?;
        Ok(Some(result))
    }

    /// Removes the row of this key and returns it.
    pub(crate) fn remove(&mut self, key: &str) -> Result<Option<T>, StorageError> {
        if !self.contains(key) {
            return Ok(None);
        }
        self.append(&Line {
            key,
            row: None,
            also: Vec::new(),
        })?;
        Ok(self.rows.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_and_removed_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(Some(folder.path())).unwrap();
        let mut rows = storage.collection::<u32>("things").unwrap();
        rows.put("a", 1).unwrap();
        rows.put("b", 2).unwrap();
        rows.update("a", |n| *n += 10).unwrap();
        rows.remove("b").unwrap();
        rows.put("c", 3).unwrap();
        let again = storage.collection::<u32>("things").unwrap();
        assert_eq!(again.iter().collect::<Vec<_>>(), [("a", &11), ("c", &3)]);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_other_damage_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(Some(folder.path())).unwrap();
        let mut rows = storage.collection::<u32>("things").unwrap();
        rows.put("a", 1).unwrap();
        let path = folder.path().join("things.jsonl");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"key":"b","ro"#).unwrap();
        let mut rows = storage.collection::<u32>("things").unwrap();
        assert_eq!(rows.iter().count(), 1);
        rows.put("b", 2).unwrap();
        let rows = storage.collection::<u32>("things").unwrap();
        assert_eq!(rows.iter().count(), 2);

        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"garbage\n").unwrap();
        let error = storage.collection::<u32>("things").unwrap_err();
        assert!(matches!(error, ReadError::Damaged { line: 3, .. }));
    }

    #[test]
    fn changes_that_belong_together_are_kept_together() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(Some(folder.path())).unwrap();
        let mut rows = storage.collection::<u32>("things").unwrap();
        rows.put("a", 1).unwrap();
        let changes = [("a", None), ("b", Some(2)), ("c", Some(3))];
        let changes = changes.map(|(key, row)| (key.to_owned(), row));
        rows.write(changes.to_vec()).unwrap();
        let whole = std::fs::read(folder.path().join("things.jsonl")).unwrap();
        let again = storage.collection::<u32>("things").unwrap();
        assert_eq!(again.iter().collect::<Vec<_>>(), [("b", &2), ("c", &3)]);

        // Torn in its middle, none of it is there.
        let path = folder.path().join("things.jsonl");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(whole.len() as u64 - 5).unwrap();
        let again = storage.collection::<u32>("things").unwrap();
        assert_eq!(again.iter().collect::<Vec<_>>(), [("a", &1)]);
    }

    #[test]
    fn what_is_kept_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let storage = Storage::open(Some(&data)).unwrap();
        storage.collection::<u32>("t").unwrap().put("a", 1).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join("t.jsonl")), 0o600);
    }

    #[test]
    fn rows_under_a_prefix() {
        let storage = Storage::open(None).unwrap();
        let mut rows = storage.collection::<u32>("things").unwrap();
        for key in ["a/1", "b/1", "b/2", "c/1"] {
            rows.put(key, 0).unwrap();
        }
        let keys: Vec<_> = rows.under("b/").map(|(key, _)| key).collect();
        assert_eq!(keys, ["b/1", "b/2"]);
    }
}
