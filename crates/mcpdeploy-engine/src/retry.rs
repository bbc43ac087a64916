//! Trying again: which failures, how often, how long.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::kind::{FaultClass, KindError};

/// The waits between tries of one operation.
///
/// Each class of failures has its own schedule and its own time to give up, counted from the first
/// failure of that class: an operation that waited a minute for a role still has its full time for
/// throttling.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    runs: Vec<(FaultClass, Instant, Duration)>,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How long to wait after this failure; `None` to give up.
    pub(crate) fn next(&mut self, error: &KindError) -> Option<Duration> {
        let schedule = error.class.schedule()?;
        let now = Instant::now();
        let run = match self.runs.iter_mut().find(|run| run.0 == error.class) {
            Some(run) => run,
            None => {
                self.runs.push((error.class, now, schedule.first));
                self.runs.last_mut()?
            }
        };
        if now.duration_since(run.1) > schedule.give_up_after {
            return None;
        }
        let wait = run.2;
        run.2 = (wait * schedule.factor_percent / 100).min(schedule.most);
        Some(if schedule.jitter {
            wait.mul_f64(jitter())
        } else {
            wait
        })
    }
}

/// A number between 0 and 1 that differs from call to call and from process to process. Only
/// spreads callers out; nothing is decided by it.
fn jitter() -> f64 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    f64::from(u16::from_le_bytes([bytes[0], bytes[1]])) / f64::from(u16::MAX)
}

/// Runs an idempotent operation until it ends well or trying again makes no sense. `retrying` is
/// told of each failure and the wait after it.
pub(crate) async fn retry<T, F>(
    retrying: &(dyn Fn(&KindError, Duration) + Send + Sync),
    mut operation: impl FnMut() -> F,
) -> Result<T, KindError>
where
    F: Future<Output = Result<T, KindError>>,
{
    let mut backoff = Backoff::new();
    loop {
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(wait) = backoff.next(&error) else {
            return Err(error);
        };
        retrying(&error, wait);
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let result = retry(&|_, _| (), || {
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
        let result: Result<(), _> = retry(&|_, _| (), || async {
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

    #[test]
    fn propagation_is_polled_at_250_ms_doubling_to_2_s() {
        let mut backoff = Backoff::new();
        let error = FaultClass::Propagation.error("no");
        let waits: Vec<u128> = (0..5)
            .filter_map(|_| backoff.next(&error))
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 2000]);
    }
}
