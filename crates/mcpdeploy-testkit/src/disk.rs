//! A disk that fails at a durable write of one's choice, or at which the process is killed.

use std::io;
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcpdeploy_engine::durable::{BeforeWrite, Write};

use crate::cloud::FakeCloud;

/// Counts durable writes and makes some fail; clones are the same disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    writes: Vec<Write>,
    fails: Option<Failing>,
    kills: Option<Killing>,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    /// The first write that fails.
    from: usize,
    /// How many do.
    times: usize,
    how: io::ErrorKind,
}

#[derive(Clone)]
struct Killing {
    number: usize,
    when: Moment,
    cloud: FakeCloud,
}

/// On which side of a write a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The write does not happen.
    Before,
    /// It does, and nothing after it: neither another write nor a call.
    After,
}

/// What a killed process unwinds with.
pub(crate) struct Killed;

impl Killing {
    /// Ends everything that runs on this disk and in this cloud, as a killed process would.
    fn strike(&self) -> ! {
        self.cloud.die_now();
        panic::resume_unwind(Box::new(Killed))
    }
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
        if let Some(kills) = inner.kills.clone() {
            match kills.when {
                Moment::Before if number == kills.number => {
                    drop(inner);
                    kills.strike();
                }
                // The process dies at whatever it does next.
                Moment::After if number == kills.number => kills.cloud.die_at_next_call(),
                Moment::After if number > kills.number => {
                    drop(inner);
                    kills.strike();
                }
                Moment::Before | Moment::After => {}
            }
        }
        match inner.fails {
            Some(fails) if number >= fails.from && number - fails.from < fails.times => {
                Err(io::Error::from(fails.how))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// All writes so far, the failed ones too.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.inner().writes.clone()
    }

    /// From the write of that number on, so many fail since the disk is full.
    pub fn fail(&self, from: usize, times: usize) {
        self.fail_with(from, times, io::ErrorKind::StorageFull);
    }

    /// From the write of that number on, so many fail in that way.
    pub fn fail_with(&self, from: usize, times: usize, how: io::ErrorKind) {
        self.inner().fails = Some(Failing { from, times, how });
    }

    /// At the write of that number the process is killed, which also calls this cloud.
    pub fn kill(&self, number: usize, when: Moment, cloud: &FakeCloud) {
        self.inner().kills = Some(Killing {
            number,
            when,
            cloud: cloud.clone(),
        });
    }

    /// It works again, and kills nobody.
    pub fn mend(&self) {
        let mut inner = self.inner();
        inner.fails = None;
        inner.kills = None;
    }
}
