//! Asking a run to stop, from a signal handler or a test.

use tokio::sync::watch;

use crate::event::CancelLevel;

/// The side that asks.
#[derive(Debug, Clone)]
pub struct Canceller(watch::Sender<Option<CancelLevel>>);

/// The side that is asked.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<Option<CancelLevel>>);

/// The two sides of one request.
#[must_use]
pub fn channel() -> (Canceller, Cancel) {
    let (sender, receiver) = watch::channel(None);
    (Canceller(sender), Cancel(receiver))
}

impl Canceller {
    /// Asks to stop; a less urgent request than one before changes nothing.
    pub fn cancel(&self, level: CancelLevel) {
        self.0.send_if_modified(|now| {
            let more = now.is_none_or(|now| level > now);
            if more {
                *now = Some(level);
            }
            more
        });
    }
}

impl Cancel {
    /// Whether, and how urgently, the run is to stop.
    #[must_use]
    pub fn level(&self) -> Option<CancelLevel> {
        *self.0.borrow()
    }

    /// Waits for the next request.
    pub async fn changed(&mut self) -> Option<CancelLevel> {
        if self.0.changed().await.is_err() {
            // Nobody is left to ask.
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }
}
