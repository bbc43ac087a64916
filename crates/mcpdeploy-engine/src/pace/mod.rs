//! How fast each service is called: one rate a service, shared by all workers of a run.
//!
//! As long as a service throttles nothing, nobody waits. Owns whose turn it is; knows neither what
//! is called nor what a failure means for the next try.

mod access;
mod bucket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio::time::Instant;

pub(crate) use access::Access;
use bucket::Bucket;

use crate::address::KindName;
use crate::kind::{FaultClass, KindError, Placement};

/// The pace of a run: what was learned about the services' limits. Clones share it, so that what
/// looking at the cloud has learned is known when the plan is applied.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// A service counts for each account and region apart.
    lanes: Mutex<HashMap<(String, Placement), Lane>>,
    moved: watch::Sender<()>,
}

impl Pace {
    /// Nothing is known about any service.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The lane of a kind's service: that of all kinds whose names differ only in the last part.
    pub(crate) fn lane(&self, kind: &KindName, placement: &Placement) -> Lane {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes
            .entry((kind.service().to_owned(), placement.clone()))
            .or_insert_with(|| Lane::new(self.0.moved.clone()));
        lane.clone()
    }

    /// Changes whenever a lane's queue does: whoever hands out work looks again.
    pub(crate) fn moves(&self) -> watch::Receiver<()> {
        self.0.moved.subscribe()
    }
}

/// The way to one service. What has begun goes before what has not, and first come, first served.
#[derive(Debug, Clone)]
pub(crate) struct Lane(Arc<Way>);

#[derive(Debug)]
struct Way {
    gate: Mutex<Gate>,
    /// Held by the first in the queue; the lock keeps the others in order.
    head: tokio::sync::Mutex<()>,
    /// Told when the first in the queue may go earlier than it thought.
    raised: Notify,
    moved: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Gate {
    bucket: Bucket,
    waiting: usize,
}

impl Lane {
    fn new(moved: watch::Sender<()>) -> Self {
        Self(Arc::new(Way {
            gate: Mutex::default(),
            head: tokio::sync::Mutex::default(),
            raised: Notify::new(),
            moved,
        }))
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, scarce: bool) -> Turn {
        Turn {
            lane: self.clone(),
            sent: Instant::now(),
            scarce,
        }
    }

    /// Whether something new can begin: nobody waits, and there is a token.
    pub(crate) fn is_open(&self) -> bool {
        self.opens_in() == Some(Duration::ZERO)
    }

    /// How long until it is open if nobody comes; `None` while others wait.
    pub(crate) fn opens_in(&self) -> Option<Duration> {
        let mut gate = self.gate();
        (gate.waiting == 0).then(|| gate.bucket.wait(Instant::now(), 0))
    }

    /// Takes a turn if there is one without waiting.
    pub(crate) fn try_turn(&self) -> Option<Turn> {
        let mut gate = self.gate();
        if gate.waiting > 0 {
            return None;
        }
        let scarce = gate.bucket.take(Instant::now()).ok()?;
        Some(self.turn(scarce))
    }

    /// Waits for a turn, without the slot. Whoever stops waiting leaves the queue.
    async fn wait(&self, slot: Option<OwnedSemaphorePermit>) -> Turn {
        let _waiting = Waiting::new(self);
        // Only now: who is told finds this one in the queue and the slot free.
        drop(slot);
        self.0.moved.send_replace(());
        let _head = self.0.head.lock().await;
        loop {
            let taken = self.gate().bucket.take(Instant::now());
            match taken {
                Ok(scarce) => return self.turn(scarce),
                // Whichever comes first; then the bucket is asked again.
                Err(wait) => {
                    let _ = tokio::time::timeout(wait, self.0.raised.notified()).await;
                }
            }
        }
    }

    /// How long whoever comes now will wait, as far as can be told.
    pub(crate) fn expected_wait(&self) -> Duration {
        let mut gate = self.gate();
        let ahead = gate.waiting;
        gate.bucket.wait(Instant::now(), ahead)
    }

    /// How long ago the service last took anybody's call.
    pub(crate) fn since_accepted(&self) -> Option<Duration> {
        let last = self.gate().bucket.last_accepted();
        last.map(|at| at.elapsed())
    }
}

/// A place in a lane's queue.
struct Waiting<'a>(&'a Lane);

impl<'a> Waiting<'a> {
    fn new(lane: &'a Lane) -> Self {
        lane.gate().waiting += 1;
        Self(lane)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.gate().waiting -= 1;
        self.0.0.moved.send_replace(());
    }
}

/// Leave to call a service now. One that is dropped without an answer tells nothing.
#[derive(Debug)]
pub(crate) struct Turn {
    lane: Lane,
    sent: Instant,
    scarce: bool,
}

impl Turn {
    /// What came of it.
    pub(crate) fn answered<T>(self, result: &Result<T, KindError>) {
        let now = Instant::now();
        let class = result.as_ref().err().map(|error| error.class);
        let mut gate = self.lane.gate();
        let rose = match class {
            Some(FaultClass::Throttled) => {
                gate.bucket.throttle(now, self.sent);
                false
            }
            // Perhaps the service never saw it.
            Some(FaultClass::Transient) => false,
            None
            | Some(
                FaultClass::Propagation
                | FaultClass::Pending
                | FaultClass::Exists
                | FaultClass::Concurrent
                | FaultClass::Gone
                | FaultClass::Denied
                | FaultClass::Fatal,
            ) => gate.bucket.accept(now, self.scarce),
        };
        if rose {
            if gate.waiting > 0 {
                self.lane.0.raised.notify_one();
            } else {
                self.lane.0.moved.send_replace(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
