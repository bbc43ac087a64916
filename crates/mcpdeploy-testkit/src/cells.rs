//! Cells in memory, that lose answers when told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcpdeploy_engine::store::Version;
use mcpdeploy_engine::store::shared::{Cell, Cells, Expect, PutError};

/// Cells in memory; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct MemoryCells(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    contents: Mutex<Contents>,
    /// How many writes there were.
    writes: AtomicU64,
    /// Of how many writes one loses its answer; 0 for none.
    loses: AtomicU64,
    /// Whether conditions are taken and not looked at; 0 for no.
    lax: AtomicU64,
}

#[derive(Debug, Default)]
struct Contents {
    cells: BTreeMap<String, Cell>,
    versions: u64,
}

impl MemoryCells {
    /// Nothing in them yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        let contents = self.0.contents.lock();
        contents.unwrap_or_else(PoisonError::into_inner)
    }

    /// Of so many writes one happens and its answer is lost; 0 for none.
    pub fn lose_answers(&self, of: u64) {
        self.0.loses.store(of, Ordering::Relaxed);
    }

    /// Takes conditions without looking at them, as some services do.
    pub fn ignore_conditions(&self) {
        self.0.lax.store(1, Ordering::Relaxed);
    }

    /// All keys.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.contents().cells.keys().cloned().collect()
    }

    /// Whether this write is one of those.
    fn strikes(&self, one: &AtomicU64, number: u64) -> bool {
        let of = one.load(Ordering::Relaxed);
        of > 0 && number % of == of - 1
    }
}

impl Cells for MemoryCells {
    fn place(&self, key: &str) -> String {
        format!("memory:{key}")
    }

    fn get(&self, key: &str) -> io::Result<Option<Cell>> {
        Ok(self.contents().cells.get(key).cloned())
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError> {
        let number = self.0.writes.fetch_add(1, Ordering::Relaxed);
        let mut contents = self.contents();
        let there = contents.cells.get(key).map(|cell| &cell.version);
        let met = match expect {
            Expect::Absent => there.is_none(),
            Expect::Version(version) => there == Some(version),
        };
        if !met && self.0.lax.load(Ordering::Relaxed) == 0 {
            return Err(PutError::Unmet);
        }
        contents.versions += 1;
        let version = Version(contents.versions.to_string());
        let cell = Cell {
            bytes: bytes.to_vec(),
            version: version.clone(),
        };
        contents.cells.insert(key.to_owned(), cell);
        drop(contents);
        if self.strikes(&self.0.loses, number) {
            // A client asks again and finds what it wrote, or what came after.
            return self.put(key, bytes, expect);
        }
        Ok(version)
    }

    fn remove(&self, key: &str, only: Option<&Version>) -> Result<(), PutError> {
        let mut contents = self.contents();
        let there = contents.cells.get(key).map(|cell| &cell.version);
        match (there, only) {
            (Some(there), Some(only)) if there != only => Err(PutError::Unmet),
            (Some(_), _) => {
                contents.cells.remove(key);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let contents = self.contents();
        let keys = contents.cells.keys();
        Ok(keys
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }
}
