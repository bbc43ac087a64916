//! Applies a plan: one coordinator owns state and journal, workers make the calls.
//!
//! The plan decides, apply obeys: it names nothing and chooses nothing but the moment. For each
//! message of a worker: journal, fold, emit the event, release the dependents. Messages that are
//! there together share one fsync.

mod coordinator;
mod schedule;
mod worker;

use serde_json::{Map, Value};

use crate::cancel::Cancel;
use crate::event::{CancelLevel, Event, FORMAT, Sink, Summary};
use crate::journal::JournalError;
use crate::kind::Registry;
use crate::pace::Pace;
use crate::plan::Plan;
use crate::record::{Record, RunInfo};
use crate::state::{FoldError, State};
use crate::store::{Lock, Store, StoreError};
use crate::value::{self, Lookup, ResolveError};

/// How to apply.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// Steps at work at the same time; those that wait for their turn at a service that throttles
    /// are not at work.
    pub parallelism: usize,
    /// How fast the services are called: the one that the cloud was looked at with, which has
    /// learned something.
    pub pace: Pace,
}

/// Applies `plan` to `state`, which was loaded under `lock`.
///
/// Whatever happens, what was done is recorded: on return the state is saved, or, when the disk
/// did not take it, the journal has it.
///
/// # Errors
/// When the plan is not for this state, or when state or journal cannot be written. Failures of
/// resources are no error here: they are in the events and in the summary.
#[expect(
    clippy::too_many_arguments,
    reason = "each is a different thing that a run needs"
)]
pub async fn apply(
    plan: &Plan,
    state: &mut State,
    store: &Store,
    lock: &Lock,
    registry: &Registry,
    by: RunInfo,
    options: &ApplyOptions,
    cancel: Cancel,
    sink: &mut dyn Sink,
) -> Result<Summary, ApplyError> {
    if plan.lineage != state.lineage {
        if state.serial > 0 || !state.is_empty() {
            return Err(ApplyError::OtherLineage);
        }
        // Nothing was ever deployed: the state that the plan was made from is as good as this one.
        state.lineage.clone_from(&plan.lineage);
    }
    if plan.serial != state.serial {
        return Err(ApplyError::Stale {
            planned: plan.serial,
            now: state.serial,
        });
    }
    for (index, step) in plan.steps.iter().enumerate() {
        if step.after.iter().any(|&before| before as usize >= index) {
            return Err(FoldError::Order(step.address.clone()).into());
        }
    }
    let now = after_preamble(plan, state)?;
    sink.event(&Event::RunStarted {
        format: FORMAT,
        by: by.clone(),
        deployment: plan.deployment.clone(),
        environment: plan.environment.clone(),
        steps: plan.steps.len(),
    });
    if plan.is_noop() && outputs(plan, state).is_ok_and(|outputs| outputs == state.outputs) {
        // An interrupted run's journal is taken in all the same.
        store.settle(lock, state)?;
        let summary = Summary::default();
        sink.event(&Event::RunFinished {
            summary: summary.clone(),
        });
        return Ok(summary);
    }

    let started = tokio::time::Instant::now();
    let mut journal = store.begin(lock, state, by)?;
    for record in &plan.preamble {
        journal.append(record);
    }
    journal.sync()?;
    if let Some(now) = now {
        *state = State {
            serial: state.serial,
            ..now
        };
    }
    for recovered in &plan.recovered {
        sink.event(&Event::Recovered {
            address: recovered.address.clone(),
            finding: recovered.finding,
            from: None,
        });
    }

    let mut coordinator =
        coordinator::Coordinator::new(plan, state, &mut journal, registry, options, cancel, sink)?;
    let run = coordinator.run().await;
    let mut summary = coordinator.summary;
    summary.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    run?;

    // Outputs are told as far as they are known: after a failure some may not be.
    if let Ok(outputs) = outputs(plan, state) {
        let record = Record::Outputs { outputs };
        journal.append(&record);
        state.fold(&record)?;
    }
    journal.append(&Record::Ended {
        ok: summary.is_complete(),
    });
    journal.sync()?;
    store.commit(journal, state)?;
    sink.event(&Event::RunFinished {
        summary: summary.clone(),
    });
    Ok(summary)
}

/// The state with the plan's findings in it; `None` when there are none. Found out before anything is
/// written: records that do not fit would leave a journal that no later run could read.
fn after_preamble(plan: &Plan, state: &State) -> Result<Option<State>, FoldError> {
    let mut now = (!plan.preamble.is_empty()).then(|| state.clone());
    if let Some(now) = &mut now {
        for record in &plan.preamble {
            now.fold(record)?;
        }
    }
    // The operations of a run are numbered anew. What has none (an import) may come in between.
    let open = now.as_ref().unwrap_or(state).pending.keys().next();
    match open.filter(|_| !plan.steps.is_empty()) {
        Some(op) => Err(FoldError::Open(*op)),
        None => Ok(now),
    }
}

/// The deployment's outputs with values in the place of references; what is not known is left out.
fn outputs(plan: &Plan, state: &State) -> Result<Map<String, Value>, ResolveError> {
    let mut outputs = Map::new();
    for (name, wanted) in &plan.outputs {
        let value = value::resolve(wanted, &mut |reference| {
            state
                .current(&reference.address)
                .and_then(|instance| instance.outputs.pointer(&reference.pointer))
                .map_or(Lookup::Unknown, |value| Lookup::Known(value.clone()))
        })?;
        if !value::has_unknown(&value) {
            outputs.insert(name.clone(), value);
        }
    }
    Ok(outputs)
}

/// Why a run could not be carried out or recorded.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan was made from another state altogether.
    #[error("the plan was made from another state")]
    OtherLineage,
    /// The state was changed since the plan was made.
    #[error("the state has changed since the plan was made (serial {planned}, now {now})")]
    Stale {
        /// The serial that the plan was made from.
        planned: u64,
        /// The state's serial.
        now: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record does not fit the state: the plan is not for it.
    #[error("the plan does not fit the state")]
    Fold(#[from] FoldError),
    /// The plan has a kind that this program does not know.
    #[error("the plan has the kind `{0}`, which this version of mcpdeploy does not know")]
    NoKind(String),
}

/// What a run that was told to stop is to do with what is in flight.
pub(crate) fn abandons(level: Option<CancelLevel>) -> bool {
    level == Some(CancelLevel::Abandon)
}
