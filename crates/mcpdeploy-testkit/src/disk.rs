//! A disk that fails at a durable write of one's choice.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcpdeploy_engine::durable::{BeforeWrite, Write};

/// Counts durable writes and makes some fail; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    writes: Vec<Write>,
    /// The first write that fails, and how many do.
    fails: Option<(usize, usize)>,
}

impl Disk {
    /// One that works.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a store is to be watched with.
    #[must_use]
    pub fn watch(&self) -> Arc<BeforeWrite> {
        let disk = self.clone();
        Arc::new(move |write| disk.before(write))
    }

    fn before(&self, write: Write) -> io::Result<()> {
        let mut inner = self.inner();
        let number = inner.writes.len();
        inner.writes.push(write);
        match inner.fails {
            Some((from, times)) if number >= from && number - from < times => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// All writes so far, the failed ones too.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.inner().writes.clone()
    }

    /// From the write of that number on, so many fail.
    pub fn fail(&self, from: usize, times: usize) {
        self.inner().fails = Some((from, times));
    }

    /// It works again.
    pub fn mend(&self) {
        self.inner().fails = None;
    }
}
