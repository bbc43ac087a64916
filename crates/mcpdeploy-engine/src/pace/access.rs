//! One worker's way to its service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::{Lane, Pace, Turn};
use crate::address::KindName;
use crate::kind::Placement;

/// One worker's way to its service, and its slot among those that work at the same time. While it
/// waits for its turn, somebody else has the slot: a slow service keeps nobody from a quick one.
#[derive(Debug)]
pub(crate) struct Access {
    lane: Lane,
    hand: Mutex<Hand>,
}

#[derive(Debug)]
struct Hand {
    slot: Option<OwnedSemaphorePermit>,
    /// A turn that was taken for it.
    turn: Option<Turn>,
}

impl Access {
    /// With a turn for its first call, if there is one at once.
    pub(crate) fn new(lane: Lane, slot: OwnedSemaphorePermit) -> Self {
        let turn = lane.try_turn();
        Self {
            lane,
            hand: Mutex::new(Hand {
                slot: Some(slot),
                turn,
            }),
        }
    }

    /// For one who works alone.
    pub(crate) fn alone(kind: &KindName, placement: &Placement) -> Self {
        Self {
            lane: Pace::new().lane(kind, placement),
            hand: Mutex::new(Hand {
                slot: None,
                turn: None,
            }),
        }
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Waits for a turn; tells how long that took.
    pub(crate) async fn turn(&self) -> (Turn, Duration) {
        let began = Instant::now();
        let slot = {
            let mut hand = self.hand();
            if let Some(turn) = hand.turn.take().or_else(|| self.lane.try_turn()) {
                return (turn, Duration::ZERO);
            }
            hand.slot.take()
        };
        let slots = slot.as_ref().map(|slot| Arc::clone(slot.semaphore()));
        let mut turn = self.lane.wait(slot).await;
        if let Some(slots) = slots {
            // Never closed, so it always comes.
            let slot = slots.acquire_owned().await.ok();
            self.hand().slot = slot;
            turn.sent = Instant::now();
        }
        (turn, began.elapsed())
    }

    /// Nothing more is to be called.
    pub(crate) fn leave(&self) {
        let mut hand = self.hand();
        hand.slot = None;
        hand.turn = None;
    }
}
