//! What a kind's calls are given.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{FaultClass, KindError};
use crate::address::{Address, PhysicalId};
use crate::pace::{Access, Turn};

/// How often one call of several is made again before the whole operation is.
const TURNS: usize = 10;
/// Between an answer and the next question there is always this pause.
const SHORTEST: Duration = Duration::from_millis(25);

/// Where a resource lives. Clients are looked up by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Placement {
    /// The region; `None` for a service without regions or a kind that calls nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Placement {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.region.is_none() && self.account.is_none()
    }

    /// The region, or `*` where it is not known: for the ARNs of permissions.
    #[must_use]
    pub fn region_or_any(&self) -> &str {
        self.region.as_deref().unwrap_or("*")
    }

    /// The account, or `*` where it is not known: for the ARNs of permissions.
    #[must_use]
    pub fn account_or_any(&self) -> &str {
        self.account.as_deref().unwrap_or("*")
    }
}

/// The surroundings of one operation.
pub struct Cx<'a, C> {
    /// The clients for the resource's placement.
    pub clients: &'a C,
    /// Which resource it is.
    pub address: &'a Address,
    /// Where it lives.
    pub placement: &'a Placement,
    pub(crate) phase: &'a (dyn Fn(&str) + Send + Sync),
    pub(crate) access: Option<&'a Access>,
}

impl<'a, C> Cx<'a, C> {
    /// The surroundings for a call from outside the engine, e.g. in a test; phases go nowhere.
    #[must_use]
    pub fn detached(clients: &'a C, address: &'a Address, placement: &'a Placement) -> Self {
        Self {
            clients,
            address,
            placement,
            phase: &|_| (),
            access: None,
        }
    }

    /// Tells the user what is being waited for, e.g. "waiting until the update settles".
    pub fn phase(&self, text: &str) {
        (self.phase)(text);
    }

    /// Makes one of several calls that an operation makes at the same time. When the service
    /// throttles it, it alone is made again, in its turn: all of them together may be more than the
    /// service takes at once, and an operation that begins anew each time would never end.
    ///
    /// # Errors
    /// What the call fails with; that it was throttled when it was so time and again.
    pub async fn in_turn<T, F>(&self, mut call: impl FnMut() -> F + Send) -> Result<T, KindError>
    where
        F: Future<Output = Result<T, KindError>> + Send,
        T: Send,
    {
        let throttled = |answer: &Result<T, KindError>| matches!(answer, Err(error) if error.class == FaultClass::Throttled);
        let mut answer = call().await;
        let Some(access) = self.access else {
            return answer;
        };
        for _ in 0..TURNS {
            if !throttled(&answer) {
                break;
            }
            let (turn, _) = access.turn().await;
            answer = call().await;
            turn.answered(&answer);
        }
        answer
    }

    /// Asks again and again until `ask` has an answer.
    ///
    /// Each time waits for its turn at the service, but for the first: that is the operation's own.
    ///
    /// # Errors
    /// What `ask` fails with, or a fault of class pending when time runs out.
    pub async fn poll<T, F>(
        &self,
        poll: Poll,
        what: &str,
        mut ask: impl FnMut() -> F + Send,
    ) -> Result<T, KindError>
    where
        F: Future<Output = Result<Option<T>, KindError>> + Send,
        T: Send,
    {
        let mut started = Instant::now();
        let mut turn: Option<Turn> = None;
        loop {
            let asked = Instant::now();
            let answer = ask().await;
            if let Some(turn) = turn.take() {
                turn.answered(&answer);
            }
            if let Some(answer) = answer? {
                return Ok(answer);
            }
            if started.elapsed() > poll.give_up_after {
                return Err(KindError::fatal(format!(
                    "gave up {what} after {} s",
                    poll.give_up_after.as_secs()
                )));
            }
            self.phase(what);
            tokio::time::sleep_until(poll.next(started, asked)).await;
            if let Some(access) = self.access {
                let (next, queued) = access.turn().await;
                turn = Some(next);
                started += queued;
            }
        }
    }
}

/// How often to look.
#[derive(Debug, Clone, Copy)]
pub struct Poll {
    /// The shortest wait from one question to the next.
    pub first: Duration,
    /// Each wait is this part of the time waited so far: with 10, an answer is seen at most a
    /// tenth later than it was there.
    pub share: u32,
    /// The longest wait.
    pub most: Duration,
    /// When to give up.
    pub give_up_after: Duration,
}

impl Poll {
    /// When to ask again after a question at `asked`, `started` being the time of the first. In
    /// proportion to what was waited: the answer is seen soon after it is there, and a long wait
    /// makes few calls. The time that the question took is part of the wait.
    pub(crate) fn next(&self, started: Instant, asked: Instant) -> Instant {
        let now = Instant::now();
        let wait = (now.duration_since(started) / self.share).clamp(self.first, self.most);
        (asked + wait).max(now + self.first.min(SHORTEST))
    }

    /// For what settles within seconds (a function, a table): from 25 ms to 1 s, for 5 minutes.
    pub const SECONDS: Self = Self {
        first: Duration::from_millis(25),
        share: 10,
        most: Duration::from_secs(1),
        give_up_after: Duration::from_secs(300),
    };
    /// For what takes minutes (a domain, provisioned concurrency): from 250 ms to 5 s, for 30 minutes.
    pub const MINUTES: Self = Self {
        first: Duration::from_millis(250),
        share: 10,
        most: Duration::from_secs(5),
        give_up_after: Duration::from_secs(1800),
    };
}

/// Whom a read is about.
#[derive(Debug)]
pub struct Who<'a, I> {
    /// Its id, when one is recorded.
    pub id: Option<&'a PhysicalId>,
    /// The inputs it was created with (or is to be): its identity is in them.
    pub inputs: &'a I,
    /// Ids that are known to be others: predecessors under the same address, and what other
    /// resources of the kind have. A search by owner tag or within a parent leaves them out.
    pub others: &'a [PhysicalId],
}

// Not derived: that would ask the inputs to be `Copy`.
impl<I> Clone for Who<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<I> Copy for Who<'_, I> {}

/// What [`super::Kind::configure`] is to set.
#[derive(Debug, Clone, Copy)]
pub enum Delta<'a> {
    /// The resource was just created with `want`: set only what the creating call could not.
    Created,
    /// The inputs at these JSON pointers differ.
    Changed(&'a BTreeSet<String>),
}

impl Delta<'_> {
    /// Whether the resource was just created.
    #[must_use]
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created)
    }

    /// Whether the input at `pointer`, or anything under it, differs. Always so after a creation.
    #[must_use]
    pub fn touches(&self, pointer: &str) -> bool {
        match self {
            Self::Created => true,
            Self::Changed(pointers) => pointers.iter().any(|p| covers(pointer, p)),
        }
    }

    /// Whether the input at `pointer` differs from what an existing resource has. Never so after
    /// a creation: for what the creating call has set.
    #[must_use]
    pub fn updates(&self, pointer: &str) -> bool {
        !self.is_created() && self.touches(pointer)
    }

    /// [`Delta::updates`] for any of several.
    #[must_use]
    pub fn updates_any(&self, pointers: &[&str]) -> bool {
        pointers.iter().any(|pointer| self.updates(pointer))
    }
}

/// Whether `pointer` is `other` or an ancestor of it, or the other way round.
pub(crate) fn covers(pointer: &str, other: &str) -> bool {
    let under = |parent: &str, child: &str| {
        child
            .strip_prefix(parent)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    under(pointer, other) || under(other, pointer)
}

impl FaultClass {
    /// A fault of this class, in our words.
    pub fn error(self, message: impl Into<String>) -> KindError {
        KindError::new(self, message)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_is_made_again_and_others_are_not() {
        let address: Address = "aws.iam.role.exec".parse().unwrap();
        let placement = Placement::default();
        for (class, fails, calls, ends_well) in [
            (FaultClass::Throttled, 0, 1, true),
            (FaultClass::Throttled, 3, 4, true),
            (FaultClass::Throttled, usize::MAX, 1 + TURNS, false),
            (FaultClass::Transient, 1, 1, false),
            (FaultClass::Denied, 1, 1, false),
        ] {
            let access = Access::alone(address.kind(), &placement);
            let cx = Cx {
                access: Some(&access),
                ..Cx::detached(&(), &address, &placement)
            };
            let made = AtomicUsize::new(0);
            let call = || async {
                let before = made.fetch_add(1, Ordering::Relaxed);
                (before >= fails)
                    .then_some(())
                    .ok_or_else(|| class.error("no"))
            };
            assert_eq!(cx.in_turn(call).await.is_ok(), ends_well, "{class:?}");
            assert_eq!(made.into_inner(), calls, "{class:?}");
        }
    }
}
