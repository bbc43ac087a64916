//! How a call fails, and what that means for trying again.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Poll;

/// The shortest wait from one costly try to the next. Lambda knows a new role after 5 to 10 s: its
/// function's code is uploaded a dozen times in 6 s, where the tenth part of what was waited would
/// make it twenty, and by then the two see it equally soon.
const COSTLY: Duration = Duration::from_millis(500);

/// What a failure means for the next try. The classes and their treatment are the engine's; which
/// service error is of which class is the crate of kinds' to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// Something created before is not visible everywhere yet.
    Propagation,
    /// The resource is busy with an earlier change.
    Pending,
    /// One with that identity is there already. Never retried.
    Exists,
    /// Another change to the same parent is under way.
    Concurrent,
    /// Too many calls.
    Throttled,
    /// The network or the service failed; the call may have happened.
    Transient,
    /// The service says that it is not there.
    Gone,
    /// Not allowed. Never retried.
    Denied,
    /// Anything else that trying again will not mend.
    Fatal,
}

/// How a class of failures is tried again.
#[derive(Debug, Clone, Copy)]
pub enum RetrySchedule {
    /// Polled: it ends at a time that has nothing to do with us.
    Poll(Poll),
    /// Each wait is drawn at random below a length that doubles, so that many callers spread out.
    Backoff {
        /// The first length.
        first: Duration,
        /// The greatest length.
        most: Duration,
        /// How long to go on in all.
        give_up_after: Duration,
    },
    /// As soon as its turn comes, at the pace of its service (see [`crate::pace`]).
    InTurn {
        /// How long to go on when the service takes no call at all, of nobody.
        give_up_after: Duration,
    },
}

impl RetrySchedule {
    /// How long to go on in all. Time in a service's queue does not count.
    #[must_use]
    pub fn give_up_after(&self) -> Duration {
        match self {
            Self::Poll(poll) => poll.give_up_after,
            Self::Backoff { give_up_after, .. } | Self::InTurn { give_up_after } => *give_up_after,
        }
    }
}

impl FaultClass {
    /// The schedule of retries, `None` where none makes sense.
    #[must_use]
    pub fn schedule(self) -> Option<RetrySchedule> {
        let poll = |first_ms, most_ms| {
            Some(RetrySchedule::Poll(Poll {
                first: Duration::from_millis(first_ms),
                share: 10,
                most: Duration::from_millis(most_ms),
                give_up_after: Duration::from_secs(300),
            }))
        };
        let backoff = |first_ms, most_ms, give_up_s| {
            Some(RetrySchedule::Backoff {
                first: Duration::from_millis(first_ms),
                most: Duration::from_millis(most_ms),
                give_up_after: Duration::from_secs(give_up_s),
            })
        };
        match self {
            Self::Propagation => poll(250, 2_000),
            Self::Pending => poll(100, 1_000),
            Self::Concurrent => backoff(200, 5_000, 120),
            Self::Throttled => Some(RetrySchedule::InTurn {
                give_up_after: Duration::from_secs(300),
            }),
            Self::Transient => backoff(100, 5_000, 30),
            Self::Exists | Self::Gone | Self::Denied | Self::Fatal => None,
        }
    }

    /// Whether the failed call may have taken effect all the same.
    #[must_use]
    pub fn may_have_happened(self) -> bool {
        match self {
            Self::Transient => true,
            Self::Propagation
            | Self::Pending
            | Self::Exists
            | Self::Concurrent
            | Self::Throttled
            | Self::Gone
            | Self::Denied
            | Self::Fatal => false,
        }
    }
}

/// A failed operation on a resource.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct KindError {
    /// What it means for trying again.
    pub class: FaultClass,
    /// The service's words, or ours.
    pub message: String,
    /// The service's error code, e.g. `AccessDeniedException`.
    pub code: Option<String>,
    /// Which call failed, e.g. `lambda:CreateFunction`.
    pub operation: Option<String>,
    /// What it was about, an ARN where there is one.
    pub on: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Whether a try costs more than its time, because it uploads something: it is tried less often.
    pub costly: bool,
}

impl KindError {
    /// A failure of `class`.
    pub fn new(class: FaultClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            code: None,
            operation: None,
            on: None,
            hint: None,
            costly: false,
        }
    }

    /// A failure that trying again will not mend.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(FaultClass::Fatal, message)
    }

    /// Names what the call was about.
    #[must_use]
    pub fn on(mut self, on: impl Into<String>) -> Self {
        self.on = Some(on.into());
        self
    }

    /// Says what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that each try uploads something.
    #[must_use]
    pub fn costly(mut self) -> Self {
        self.costly = true;
        self
    }

    /// The schedule of retries, `None` where none makes sense.
    #[must_use]
    pub fn schedule(&self) -> Option<RetrySchedule> {
        match self.class.schedule()? {
            RetrySchedule::Poll(poll) if self.costly => Some(RetrySchedule::Poll(Poll {
                first: poll.first.max(COSTLY),
                ..poll
            })),
            schedule @ (RetrySchedule::Poll(_)
            | RetrySchedule::Backoff { .. }
            | RetrySchedule::InTurn { .. }) => Some(schedule),
        }
    }

    fn sentence(&self) -> String {
        match &self.code {
            Some(code) => format!("{code}: {}", self.message),
            None => self.message.clone(),
        }
    }
}
