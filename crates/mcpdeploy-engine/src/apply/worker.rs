//! Makes the calls of one step.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::schedule::StepId;
use crate::address::{Address, PhysicalId};
use crate::claims::Claims;
use crate::diff;
use crate::event::Fault;
use crate::kind::{
    Delta, DynCx, DynKind, DynObserved, FaultClass, KindError, Placement, covers, same_owner,
};
use crate::pace::Access;
use crate::resource::tags_of;
use crate::retry::{Backoff, LOOK_AGAIN, retry};

/// What a worker tells the coordinator.
pub(super) enum Message {
    /// It waits for something.
    Phase(StepId, String),
    /// A call failed and is tried again.
    Retrying(StepId, Fault, Duration),
    /// The resource has come into being. The worker goes on when this is durable.
    Created(StepId, PhysicalId, oneshot::Sender<()>),
    /// The step has ended.
    Ended(StepId, Result<Option<Value>, Failure>),
}

/// A step that failed.
pub(super) struct Failure {
    pub(super) error: KindError,
    /// Whether it is certain that a creation did not happen.
    pub(super) settled: bool,
}

/// A step's work, with everything it needs.
pub(super) struct Work {
    pub(super) step: StepId,
    pub(super) address: Address,
    pub(super) kind: Arc<dyn DynKind>,
    pub(super) placement: Placement,
    pub(super) task: Task,
    pub(super) access: Access,
    pub(super) to: mpsc::UnboundedSender<Message>,
}

pub(super) enum Task {
    Create {
        want: Value,
        /// What there is already, of this resource and of others: none of it is the new one.
        claims: Arc<Mutex<Claims>>,
    },
    Update {
        id: PhysicalId,
        want: Value,
        changed: std::collections::BTreeSet<String>,
        outputs: Option<Value>,
    },
    Delete {
        id: PhysicalId,
        had: Value,
    },
}

impl Work {
    /// Does it, and tells the end.
    pub(super) async fn run(self) {
        let phase = |text: &str| self.tell(Message::Phase(self.step, text.to_owned()));
        let cx = DynCx::new(&self.address, &self.placement, &phase).paced(&self.access);
        let result = match &self.task {
            Task::Create { want, claims } => self.create(&cx, want, claims).await.map(Some),
            Task::Update {
                id,
                want,
                changed,
                outputs,
            } => {
                let delta = Delta::Changed(changed);
                self.finish(&cx, id, want, delta, outputs.clone())
                    .await
                    .map(Some)
            }
            Task::Delete { id, had } => self
                .retry(|| self.kind.delete(&cx, id, had))
                .await
                .map(|()| None)
                .map_err(Failure::of),
        };
        // The next step finds the slot free.
        self.access.leave();
        self.tell(Message::Ended(self.step, result));
    }

    /// The coordinator outlives its workers; when it is gone, nobody needs the message.
    fn tell(&self, message: Message) {
        let _ = self.to.send(message);
    }

    fn retrying(&self, error: &KindError, wait: Duration) {
        self.tell(Message::Retrying(self.step, Fault::from(error), wait));
    }

    async fn retry<T, F>(&self, operation: impl FnMut() -> F) -> Result<T, KindError>
    where
        F: Future<Output = Result<T, KindError>>,
    {
        retry(&self.access, &|e, wait| self.retrying(e, wait), operation).await
    }

    async fn create(
        &self,
        cx: &DynCx<'_>,
        want: &Value,
        claims: &Mutex<Claims>,
    ) -> Result<Value, Failure> {
        let mut backoff = Backoff::new();
        // Whether an earlier try may have happened without our seeing its answer.
        let mut ambiguous = false;
        let made = loop {
            let (turn, queued) = self.access.turn().await;
            backoff.begin(queued);
            let created = self.kind.create(cx, want).await;
            turn.answered(&created);
            let error = match created {
                Ok((id, outputs)) => break Made::New(id, outputs),
                Err(error) => error,
            };
            ambiguous |= error.class.may_have_happened();
            if ambiguous || error.class == FaultClass::Exists {
                let others = claims
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .others(self.address.kind(), &self.placement, None);
                match self.look(cx, want, &others, ambiguous).await {
                    // Its predecessor or another resource has what makes it unique: that is not the
                    // new one.
                    Ok(Some(observed)) if others.contains(&observed.id) => {}
                    Ok(Some(observed)) => {
                        if self.is_ours(cx, want, &observed, ambiguous).await? {
                            if let Some(pointer) = self.unlike(want, &observed) {
                                return Err(Failure::settled(other(error, &observed.id, &pointer)));
                            }
                            break Made::Found(observed);
                        }
                        return Err(Failure::settled(taken(error, &observed.id)));
                    }
                    Ok(None) => {}
                    Err(_) => {
                        return Err(Failure {
                            error,
                            settled: !ambiguous,
                        });
                    }
                }
            }
            let Some(next) = backoff.next(&error, self.access.lane()) else {
                // If it could have happened, the read above has just shown that it did not.
                return Err(Failure::settled(error));
            };
            self.retrying(&error, next.wait());
            next.pause().await;
        };

        let id = match &made {
            Made::New(id, _) => id.clone(),
            Made::Found(observed) => observed.id.clone(),
        };
        let (durable, is_durable) = oneshot::channel();
        self.tell(Message::Created(self.step, id.clone(), durable));
        if is_durable.await.is_err() {
            // The coordinator could not record it and has stopped; it finds the open intent.
            return Err(Failure::settled(KindError::fatal(
                "its creation could not be recorded",
            )));
        }
        match made {
            Made::New(id, outputs) => self.finish(cx, &id, want, Delta::Created, outputs).await,
            Made::Found(observed) => {
                let changes = diff::diff(want, want, &observed.inputs);
                let mut changed = diff::pointers(&changes);
                // What is not wanted is the service's own, seen or not.
                let wanted = |pointer: &&&str| want.pointer(pointer).is_some_and(|v| !v.is_null());
                let unseen = observed.unobserved.iter().filter(wanted);
                changed.extend(unseen.map(|pointer| (*pointer).to_owned()));
                let delta = Delta::Changed(&changed);
                self.finish(cx, &id, want, delta, Some(observed.outputs))
                    .await
            }
        }
    }

    /// Looks for what a try may have made, patiently where that is needed: see [`LOOK_AGAIN`].
    async fn look(
        &self,
        cx: &DynCx<'_>,
        want: &Value,
        others: &[PhysicalId],
        ambiguous: bool,
    ) -> Result<Option<DynObserved>, KindError> {
        let identity = self.kind.identity(want);
        let may_lag = ambiguous && identity.is_none_or(|identity| identity.may_lag());
        let mut found = self
            .retry(|| self.kind.read(cx, None, want, others))
            .await?;
        for wait in LOOK_AGAIN.into_iter().filter(|_| may_lag) {
            if found.is_some() {
                break;
            }
            tokio::time::sleep(wait).await;
            found = self
                .retry(|| self.kind.read(cx, None, want, others))
                .await?;
        }
        Ok(found)
    }

    /// Whether what was found under a new resource's identity is what this step made.
    async fn is_ours(
        &self,
        cx: &DynCx<'_>,
        want: &Value,
        observed: &DynObserved,
        ambiguous: bool,
    ) -> Result<bool, Failure> {
        if !self.kind.taggable() {
            // Nothing can be read off it: it is ours when an earlier try of this step may have
            // made it, or when it lives in a parent, which is ours.
            let in_parent = matches!(
                self.kind.identity(want),
                Some(crate::kind::Identity::InParent { .. })
            );
            return Ok(ambiguous || in_parent);
        }
        if !observed.unobserved.contains(&"/tags") {
            return Ok(same_owner(&tags_of(want), &tags_of(&observed.inputs)));
        }
        let tags = self
            .retry(|| self.kind.read_tags(cx, &observed.id, want))
            .await
            .map_err(|error| Failure {
                error,
                settled: false,
            })?;
        Ok(tags.is_some_and(|tags| same_owner(&tags_of(want), &tags)))
    }

    /// Where what was found differs from what is wanted in a way that only a replacement can mend,
    /// which is for a plan to decide.
    fn unlike(&self, want: &Value, observed: &DynObserved) -> Option<String> {
        let forces = |change: &diff::Change| {
            let replace_on = self.kind.replace_on();
            replace_on.iter().any(|at| covers(at, &change.pointer))
        };
        let seen = |change: &diff::Change| {
            let mut unobserved = observed.unobserved.iter();
            !unobserved.any(|at| covers(at, &change.pointer))
        };
        let changes = diff::diff(want, want, &observed.inputs);
        let found = changes.into_iter().find(|c| forces(c) && seen(c));
        found.map(|change| change.pointer)
    }

    async fn finish(
        &self,
        cx: &DynCx<'_>,
        id: &PhysicalId,
        want: &Value,
        delta: Delta<'_>,
        outputs: Option<Value>,
    ) -> Result<Value, Failure> {
        self.retry(|| self.kind.configure(cx, id, want, delta))
            .await
            .map_err(Failure::of)?;
        self.retry(|| self.kind.settle(cx, id, want, outputs.clone()))
            .await
            .map_err(Failure::of)
    }
}

enum Made {
    /// The creating call answered.
    New(PhysicalId, Option<Value>),
    /// It was found to exist and to be ours.
    Found(DynObserved),
}

impl Failure {
    /// Of an operation on something that is recorded.
    fn of(error: KindError) -> Self {
        Self {
            error,
            settled: true,
        }
    }

    /// Of a creation that certainly did not happen.
    fn settled(error: KindError) -> Self {
        Self::of(error)
    }
}

fn other(mut error: KindError, id: &PhysicalId, pointer: &str) -> KindError {
    error.class = FaultClass::Exists;
    error.hint = Some(format!(
        "{id} is there and is ours, but its {} is another and cannot change in place; plan again: it is replaced then",
        pointer.trim_start_matches('/').replace('/', ".")
    ));
    error
}

fn taken(mut error: KindError, id: &PhysicalId) -> KindError {
    error.class = FaultClass::Exists;
    error.hint = Some(format!(
        "{id} is there and does not carry this deployment's tags; take it under management with `mcpdeploy import`, or choose another name"
    ));
    error
}
