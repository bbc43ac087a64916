//! Events: invocations that nobody waits for, tried again when they fail.
//!
//! Source: "How Lambda handles errors and retries with asynchronous invocation". They are kept in
//! memory: those that wait when the cloud ends are lost.

use std::time::Duration;

use time::OffsetDateTime;

use super::Lambda;
use super::invoke::Chosen;
use super::names::{LATEST, Target};
use super::runtime::RunRequest;
use crate::cloud::Cloud;
use crate::wire::Fault;

/// How often a failed event is tried again, unless the function says otherwise.
const RETRIES: u32 = 2;
/// How long an event is tried, unless the function says otherwise.
const MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);

/// An accepted event.
#[derive(Debug)]
pub(super) struct Event {
    target: Target,
    request: RunRequest,
    accepted: OffsetDateTime,
}

/// How one try ended.
enum Tried {
    /// The function handled it, or there is no such function any more.
    Done,
    /// The function failed.
    Failed(Chosen),
    /// It did not begin: too much was running, or the function was not ready.
    Busy,
}

impl Event {
    /// Accepts an event, which is then somebody else's to handle.
    pub(super) fn accept(cloud: &Cloud, target: Target, request: RunRequest) {
        let event = Self {
            target,
            request,
            accepted: cloud.now(),
        };
        let owner = cloud.clone();
        cloud.tasks().spawn(async move {
            let ending = owner.ending().clone();
            tokio::select! {
                () = event.deliver(&owner) => {}
                () = ending.cancelled() => {}
            }
        });
    }

    async fn deliver(self, cloud: &Cloud) {
        let mut failures = 0;
        let mut refusals = 0;
        loop {
            let wait = match self.attempt(cloud).await {
                Tried::Done => return,
                Tried::Failed(chosen) => {
                    let (retries, max_age) = self.limits(cloud);
                    let wait = between_failures(failures);
                    failures += 1;
                    if failures > retries || self.age(cloud) + wait > max_age {
                        self.give_up(cloud, &chosen);
                        return;
                    }
                    wait
                }
                Tried::Busy => {
                    let (_, max_age) = self.limits(cloud);
                    let wait = between_refusals(refusals);
                    refusals += 1;
                    if self.age(cloud) + wait > max_age {
                        let lambda = &cloud.services().lambda;
                        if let Ok(chosen) = lambda.choose(cloud, &self.target) {
                            self.give_up(cloud, &chosen);
                        }
                        return;
                    }
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, cloud: &Cloud) -> Tried {
        let lambda = &cloud.services().lambda;
        let begun = lambda.choose(cloud, &self.target).and_then(|chosen| {
            let flight = lambda.begin(cloud, &chosen)?;
            Ok((chosen, flight))
        });
        let (chosen, flight) = match begun {
            Ok(begun) => begun,
            Err(fault) if passes(&fault) => return Tried::Busy,
            Err(fault) => {
                tracing::warn!(
                    function = self.target.arn(),
                    fault = fault.message,
                    "an event is dropped"
                );
                return Tried::Done;
            }
        };
        let ran = Lambda::finish(cloud, chosen.clone(), flight, self.request.clone()).await;
        match ran {
            Ok(finished) if !finished.failed => Tried::Done,
            Ok(_) | Err(_) => Tried::Failed(chosen),
        }
    }

    /// How often and how long the function wants an event to be tried.
    fn limits(&self, cloud: &Cloud) -> (u32, Duration) {
        let rows = cloud.services().lambda.lock();
        let function = rows.functions.get(&self.target.key());
        let qualifier = self.target.qualifier.as_deref().unwrap_or(LATEST);
        let config = function.and_then(|function| function.event_invoke.get(qualifier));
        let retries = config.and_then(|config| config.retries);
        let max_age = config.and_then(|config| config.max_age);
        (
            retries.unwrap_or(RETRIES),
            max_age.map_or(MAX_AGE, |seconds| Duration::from_secs(u64::from(seconds))),
        )
    }

    fn age(&self, cloud: &Cloud) -> Duration {
        let age = cloud.now() - self.accepted;
        Duration::try_from(age).unwrap_or_default()
    }

    /// Drops the event, to where the function wants it.
    fn give_up(&self, cloud: &Cloud, chosen: &Chosen) {
        chosen.metered.event(cloud, true);
        if let Some(topic) = &chosen.dead_letter {
            let payload = String::from_utf8_lossy(&self.request.payload);
            // A topic that is gone loses the event, as on AWS.
            if let Err(fault) = cloud.services().sns.notify(cloud, topic, "", &payload) {
                tracing::warn!(topic, fault = %fault.message, "a dead letter is lost");
            }
        }
    }
}

/// Whether a refusal passes by itself.
fn passes(fault: &Fault) -> bool {
    matches!(
        fault.code.as_str(),
        "TooManyRequestsException" | "ResourceConflictException"
    )
}

/// One minute after the first failure, two after the second.
fn between_failures(before: u32) -> Duration {
    Duration::from_secs(60 * u64::from(before + 1))
}

/// From one second to five minutes, twice as long each time.
fn between_refusals(before: u32) -> Duration {
    Duration::from_secs(1 << before.min(9)).min(Duration::from_secs(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_of_the_documents() {
        let seconds = |wait: Duration| wait.as_secs();
        assert_eq!(seconds(between_failures(0)), 60);
        assert_eq!(seconds(between_failures(1)), 120);
        let waits: Vec<u64> = (0..11).map(|n| seconds(between_refusals(n))).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }
}
