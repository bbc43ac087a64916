//! Trying again: which failures, how often, how long.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::kind::{FaultClass, KindError, RetrySchedule};
use crate::pace::{Access, Lane};

/// How long to wait before looking once more, and again, for what an unanswered creation may have
/// made, where a list may lag behind and a second creation would make a second one.
pub(crate) const LOOK_AGAIN: [Duration; 2] =
    [Duration::from_millis(500), Duration::from_millis(1500)];

/// The waits between tries of one operation.
///
/// Each class of failures has its own schedule and its own time to give up, counted from the first
/// failure of that class: an operation that waited a minute for a role still has its full time for
/// throttling. Time in the queue of a service that throttles counts for none of the others: nothing
/// was tried.
#[derive(Debug)]
pub(crate) struct Backoff {
    tried: Instant,
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    class: FaultClass,
    since: Instant,
    failures: u32,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait so long, then try again in turn.
    Wait(Duration),
    /// Stand in the queue at once, which will take about so long.
    InTurn(Duration),
}

impl Next {
    /// How long until the next try, as far as can be told.
    pub(crate) fn wait(self) -> Duration {
        match self {
            Self::Wait(wait) | Self::InTurn(wait) => wait,
        }
    }

    pub(crate) async fn pause(self) {
        match self {
            Self::Wait(wait) => tokio::time::sleep(wait).await,
            // The queue is the pause.
            Self::InTurn(_) => {}
        }
    }
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            tried: Instant::now(),
            runs: Vec::new(),
        }
    }

    /// A try begins, after `queued` in the queue.
    pub(crate) fn begin(&mut self, queued: Duration) {
        self.tried = Instant::now();
        let others = |run: &&mut Run| run.class != FaultClass::Throttled;
        for run in self.runs.iter_mut().filter(others) {
            run.since += queued;
        }
    }

    /// What to do after this failure; `None` to give up.
    pub(crate) fn next(&mut self, error: &KindError, lane: &Lane) -> Option<Next> {
        let schedule = error.schedule()?;
        let now = Instant::now();
        let at = self.runs.iter().position(|run| run.class == error.class);
        let at = at.unwrap_or_else(|| {
            self.runs.push(Run {
                class: error.class,
                since: now,
                failures: 0,
            });
            self.runs.len() - 1
        });
        let run = &mut self.runs[at];
        let late = now.duration_since(run.since) > schedule.give_up_after();
        run.failures = run.failures.saturating_add(1);
        match schedule {
            RetrySchedule::Poll(poll) => {
                let next = poll.next(run.since, self.tried);
                (!late).then(|| Next::Wait(next.duration_since(now)))
            }
            RetrySchedule::Backoff { first, most, .. } => {
                let doubled = 2_u32.saturating_pow(run.failures - 1);
                let length = first.saturating_mul(doubled).min(most);
                (!late).then(|| Next::Wait(length.mul_f64(jitter())))
            }
            // As long as it takes anybody's calls, it is slow and has not failed.
            RetrySchedule::InTurn { give_up_after } => {
                let stuck = lane.since_accepted().is_none_or(|ago| ago > give_up_after);
                (!late || !stuck).then(|| Next::InTurn(lane.expected_wait()))
            }
        }
    }
}

/// A number between 0 and 1 that differs from call to call and from process to process. Only
/// spreads callers out; nothing is decided by it.
fn jitter() -> f64 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    f64::from(u16::from_le_bytes([bytes[0], bytes[1]])) / f64::from(u16::MAX)
}

/// Runs an idempotent operation until it ends well or trying again makes no sense, each try in its
/// turn. `retrying` is told of each failure and the wait after it.
pub(crate) async fn retry<T, F>(
    access: &Access,
    retrying: &(dyn Fn(&KindError, Duration) + Send + Sync),
    mut operation: impl FnMut() -> F,
) -> Result<T, KindError>
where
    F: Future<Output = Result<T, KindError>>,
{
    let mut backoff = Backoff::new();
    loop {
        let (turn, queued) = access.turn().await;
        backoff.begin(queued);
        let result = operation().await;
        turn.answered(&result);
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(next) = backoff.next(&error, access.lane()) else {
            return Err(error);
        };
        retrying(&error, next.wait());
        next.pause().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Placement;

    fn access() -> Access {
        let address: crate::address::Address = "aws.lambda.function.f".parse().unwrap();
        Access::alone(address.kind(), &Placement::default())
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_is_tried_again_and_denial_is_not() {
        for (class, tries) in [
            (FaultClass::Throttled, 3),
            (FaultClass::Propagation, 3),
            (FaultClass::Transient, 3),
            (FaultClass::Denied, 1),
            (FaultClass::Exists, 1),
            (FaultClass::Fatal, 1),
        ] {
            let mut count = 0;
            let result = retry(&access(), &|_, _| (), || {
                count += 1;
                let now = count;
                async move {
                    if now < 3 {
                        Err(class.error("no"))
                    } else {
                        Ok(now)
                    }
                }
            })
            .await;
            assert_eq!(result.is_ok(), tries == 3, "{class:?}");
            assert_eq!(count, tries, "{class:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_after_the_classs_time() {
        let start = Instant::now();
        let result: Result<(), _> = retry(&access(), &|_, _| (), || async {
            Err(FaultClass::Propagation.error("no"))
        })
        .await;
        assert!(result.is_err());
        let took = start.elapsed();
        assert!(
            took > Duration::from_secs(300) && took < Duration::from_secs(305),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn propagation_is_polled_in_proportion_to_what_was_waited() {
        let mut backoff = Backoff::new();
        let error = FaultClass::Propagation.error("no");
        let mut tries = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let next = backoff.next(&error, access().lane()).unwrap();
            let before = start.elapsed();
            next.pause().await;
            backoff.begin(Duration::ZERO);
            let late = start.elapsed() - before;
            assert!(late >= Duration::from_millis(250) && late <= Duration::from_secs(2));
            // Seen at most a tenth late.
            assert!(late <= Duration::from_millis(251).max(start.elapsed() / 10));
            tries.push(start.elapsed());
        }
        assert!(tries.len() < 60, "{}", tries.len());
    }

    #[tokio::test(start_paused = true)]
    async fn what_uploads_something_is_tried_less_often() {
        for (error, most) in [
            (FaultClass::Propagation.error("no"), 15),
            (FaultClass::Propagation.error("no").costly(), 12),
        ] {
            let mut backoff = Backoff::new();
            let start = Instant::now();
            let mut tries = 0;
            // A role that is known after 6 s, by calls of 0.4 s.
            while start.elapsed() < Duration::from_secs(6) {
                tries += 1;
                backoff.begin(Duration::ZERO);
                tokio::time::sleep(Duration::from_millis(400)).await;
                backoff.next(&error, access().lane()).unwrap().pause().await;
            }
            assert!(tries <= most, "{tries}");
            assert!(start.elapsed() < Duration::from_millis(6_650));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_the_queue_is_no_time_of_trying() {
        let mut backoff = Backoff::new();
        let error = FaultClass::Transient.error("no");
        let access = access();
        for _ in 0..10 {
            assert!(backoff.next(&error, access.lane()).is_some());
            let queued = Duration::from_secs(60);
            tokio::time::sleep(queued).await;
            backoff.begin(queued);
        }
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert!(backoff.next(&error, access.lane()).is_none());
    }
}
