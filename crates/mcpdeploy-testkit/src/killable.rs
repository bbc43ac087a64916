//! Runs something until it ends or is killed.

use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::task::Poll;

use crate::cloud::FakeCloud;
use crate::disk::Killed;

/// The outcome of what runs in that cloud; `None` when a fault or a disk killed the process.
pub async fn killable<T>(cloud: &FakeCloud, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let unwinding =
        poll_fn(
            |cx| match panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(poll) => poll.map(Some),
                Err(thrown) if thrown.is::<Killed>() => Poll::Ready(None),
                Err(thrown) => panic::resume_unwind(thrown),
            },
        );
    tokio::select! {
        biased;
        () = cloud.crashed() => None,
        ended = unwinding => ended,
    }
}
