//! What came of a run, gathered from its events: for the words at its end and the exit code.

use std::collections::HashSet;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::{CancelLevel, Event, Fault, NodeOp, Outcome, Sink, Summary};

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// How many steps the plan had.
    pub(crate) steps: usize,
    /// What failed, in order.
    pub(crate) failures: Vec<Failed>,
    /// What was in flight when the run was abandoned.
    pub(crate) left: Vec<Address>,
    /// Whether the user asked to stop, and how urgently.
    pub(crate) stopped: Option<CancelLevel>,
    /// The counts; none before the end.
    pub(crate) summary: Option<Summary>,
    in_flight: HashSet<Address>,
}

/// A step that failed.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) address: Address,
    pub(crate) op: NodeOp,
    pub(crate) fault: Fault,
}

impl Ledger {
    /// Whether everything was done.
    #[cfg(test)]
    pub(crate) fn is_complete(&self) -> bool {
        self.summary.as_ref().is_some_and(Summary::is_complete)
    }

    /// How many steps were done.
    pub(crate) fn done(&self) -> usize {
        self.summary
            .as_ref()
            .map_or(0, |s| s.created + s.updated + s.deleted)
    }
}

impl Sink for Ledger {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { steps, .. } => {
                *self = Self {
                    steps: *steps,
                    ..Self::default()
                };
            }
            Event::NodeStarted { address, .. } => {
                self.in_flight.insert(address.clone());
            }
            Event::NodeFinished {
                address,
                op,
                outcome,
                ..
            } => {
                let begun = self.in_flight.remove(address);
                match outcome {
                    Outcome::Failed(fault) => self.failures.push(Failed {
                        address: address.clone(),
                        op: *op,
                        fault: fault.clone(),
                    }),
                    Outcome::Cancelled if begun => self.left.push(address.clone()),
                    Outcome::Succeeded | Outcome::Skipped { .. } | Outcome::Cancelled => {}
                }
            }
            Event::CancelRequested { level } => self.stopped = self.stopped.max(Some(*level)),
            Event::RunFinished { summary } => self.summary = Some(summary.clone()),
            Event::Recovered { .. }
            | Event::Reading { .. }
            | Event::NodePhase { .. }
            | Event::NodeRetrying { .. } => {}
        }
    }
}
