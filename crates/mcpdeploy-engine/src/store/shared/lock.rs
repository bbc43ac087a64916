//! The lock: who runs, with signs of life.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::process::Process;
use super::{Cells, Expect, PutError, Shared};
use crate::record::RunInfo;
use crate::store::{Heartbeat, Held, Holder, StoreError, Version};

const LOCK: &str = "state.lock";
/// A key to try conditions on.
const CONDITIONS: &str = "conditions";
/// How often a holder gives a sign of life.
const EVERY: Duration = Duration::from_secs(5);

/// What the lock says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Said {
    by: RunInfo,
    /// By what others on the same machine know that it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<Process>,
    /// How often a sign of life is due, in seconds.
    every: u64,
    /// How many there were.
    beats: u64,
    /// When the last one was, in seconds since 1970, by the holder's clock.
    at: u64,
}

impl Said {
    fn new(by: &RunInfo) -> Self {
        Self {
            by: by.clone(),
            process: Process::this(),
            every: EVERY.as_secs(),
            beats: 0,
            at: now(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match serde_json::to_vec(self) {
            Ok(bytes) => bytes,
            // Plain data with string keys.
            Err(error) => panic!("a lock cannot be written as JSON: {error}"),
        }
    }

    /// Whether those bytes are of the same holder.
    fn is_of(&self, bytes: &[u8]) -> bool {
        serde_json::from_slice(bytes)
            .is_ok_and(|there: Self| there.by == self.by && there.process == self.process)
    }

    fn has_ended(&self) -> bool {
        let process = self.process.as_ref();
        process.is_some_and(Process::has_ended)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a sign of life has a time, which is shown and never decided by"
)]
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

impl Shared {
    /// Takes the lock when it is free or its holder is proven to have ended.
    pub(super) fn take_lock(&self, by: &RunInfo) -> Result<Beating, StoreError> {
        self.check_conditions()?;
        let said = Said::new(by);
        let bytes = said.bytes();
        let mut dead = None;
        loop {
            let expect = dead.as_ref().map_or(Expect::Absent, Expect::Version);
            if let Some(version) = self.put(LOCK, &bytes, expect)? {
                return Ok(Beating::start(Arc::clone(&self.cells), said, version));
            }
            // Given back meanwhile when there is none.
            let Some(cell) = self.get(LOCK)? else {
                dead = None;
                continue;
            };
            match serde_json::from_slice::<Said>(&cell.bytes) {
                Ok(there) if there.has_ended() => dead = Some(cell.version),
                there => {
                    return Err(StoreError::Locked {
                        place: self.cells.place(LOCK),
                        holder: Box::new(holder(there.ok(), cell.version)),
                    });
                }
            }
        }
    }

    /// Checks that the service looks at conditions: some take them and write all the same.
    fn check_conditions(&self) -> Result<(), StoreError> {
        // It stays, so that mostly one try tells; the first one ever is a second one's condition.
        for _ in 0..2 {
            match self.cells.put(CONDITIONS, b"{}", Expect::Absent) {
                Err(PutError::Unmet) => return Ok(()),
                Err(PutError::Io(error)) => return Err(self.failed("write", CONDITIONS, error)),
                Ok(_) => {}
            }
        }
        Err(StoreError::Unfit {
            place: self.cells.place(CONDITIONS),
            why: "it writes over what is there although it was told not to (If-None-Match)",
        })
    }

    pub(super) fn read_lock(&self) -> Result<Option<Holder>, StoreError> {
        let Some(cell) = self.get(LOCK)? else {
            return Ok(None);
        };
        let said = serde_json::from_slice::<Said>(&cell.bytes).ok();
        Ok(Some(holder(said, cell.version)))
    }

    pub(super) fn take_away(&self, from: &Holder) -> Result<(), StoreError> {
        match self.cells.remove(LOCK, from.version.as_ref()) {
            Ok(()) => Ok(()),
            Err(PutError::Unmet) => Err(StoreError::Changed(self.cells.place(LOCK))),
            Err(PutError::Io(error)) => Err(self.failed("remove", LOCK, error)),
        }
    }
}

fn holder(said: Option<Said>, version: Version) -> Holder {
    let heartbeat = said.as_ref().map(|said| Heartbeat {
        count: said.beats,
        age: Duration::from_secs(now().saturating_sub(said.at)),
        every: Duration::from_secs(said.every),
    });
    Holder {
        by: said.map(|said| said.by),
        heartbeat,
        version: Some(version),
    }
}

/// A lock that is held, with a thread that gives signs of life.
#[derive(Debug)]
pub(super) struct Beating {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cells: Arc<dyn Cells>,
    /// The version that is ours; `None` once the lock is given back or lost.
    ours: Mutex<Option<Version>>,
    given_back: Condvar,
}

impl Inner {
    fn ours(&self) -> MutexGuard<'_, Option<Version>> {
        // A version is whole between any two statements.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives signs of life until the lock is given back or lost.
    fn beat(&self, mut said: Said) {
        let mut ours = self.ours();
        loop {
            let waited = self.given_back.wait_timeout(ours, EVERY);
            (ours, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let Some(version) = ours.clone() else { return };
            said.beats += 1;
            said.at = now();
            let bytes = said.bytes();
            match self.cells.put(LOCK, &bytes, Expect::Version(&version)) {
                Ok(version) => *ours = Some(version),
                // It may be our own, if the answer to this try or an earlier one was lost.
                Err(PutError::Unmet) => match self.cells.get(LOCK) {
                    Ok(there) => {
                        let there = there.filter(|cell| said.is_of(&cell.bytes));
                        *ours = there.map(|cell| cell.version);
                    }
                    Err(error) => self.missed(&error),
                },
                Err(PutError::Io(error)) => self.missed(&error),
            }
        }
    }

    /// A sign of life that cannot be given changes nothing: the next one may.
    fn missed(&self, error: &io::Error) {
        let lock = self.cells.place(LOCK);
        tracing::warn!(%error, lock, "the lock's heartbeat was not written");
    }
}

impl Beating {
    fn start(cells: Arc<dyn Cells>, said: Said, version: Version) -> Self {
        let inner = Arc::new(Inner {
            cells,
            ours: Mutex::new(Some(version)),
            given_back: Condvar::new(),
        });
        let beating = Arc::clone(&inner);
        let spawned = thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || beating.beat(said));
        if let Err(error) = spawned {
            // The lock is held all the same; it only looks abandoned after a while.
            tracing::warn!(%error, "the lock has no heartbeat");
        }
        Self { inner }
    }
}

impl Held for Beating {
    fn is_held(&self) -> bool {
        self.inner.ours().is_some()
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        let ours = self.inner.ours().take();
        self.inner.given_back.notify_all();
        if let Some(version) = ours
            && let Err(PutError::Io(error)) = self.inner.cells.remove(LOCK, Some(&version))
        {
            // It stays behind; the next run on this machine sees that its process has ended.
            tracing::warn!(%error, "the lock was not given back");
        }
    }
}
