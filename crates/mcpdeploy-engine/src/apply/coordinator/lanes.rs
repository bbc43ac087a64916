//! The services that a plan's steps call, and whether they can be called.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use super::super::schedule::LaneId;
use crate::kind::Placement;
use crate::pace::{Lane, Pace};
use crate::plan::{Plan, Step, StepOp};
use crate::state::State;

pub(super) struct Lanes {
    lanes: Vec<Lane>,
    moves: watch::Receiver<()>,
}

impl Lanes {
    /// The services, and which of them each step calls.
    pub(super) fn new(plan: &Plan, state: &State, pace: &Pace) -> (Self, Vec<LaneId>) {
        let mut lanes = Vec::new();
        let mut known: HashMap<(&str, &Placement), LaneId> = HashMap::new();
        let nowhere = Placement::default();
        let of_steps = plan.steps.iter().map(|step| {
            let kind = step.address.kind();
            let placement = placement(step, state).unwrap_or(&nowhere);
            *known.entry((kind.service(), placement)).or_insert_with(|| {
                lanes.push(pace.lane(kind, placement));
                lanes.len() - 1
            })
        });
        let of_steps = of_steps.collect();
        let moves = pace.moves();
        (Self { lanes, moves }, of_steps)
    }

    /// What moves from now on wakes [`Lanes::moved`].
    pub(super) fn look(&mut self) {
        self.moves.mark_unchanged();
    }

    /// The service itself, for a worker.
    pub(super) fn get(&self, lane: LaneId) -> &Lane {
        &self.lanes[lane]
    }

    /// Waits until somebody came into a queue or left one, or for so long.
    pub(super) async fn moved(&mut self, at_most: Option<Duration>) {
        let moved = self.moves.changed();
        match at_most {
            Some(at_most) => drop(tokio::time::timeout(at_most, moved).await),
            // The pace outlives the run, so this is a move.
            None => drop(moved.await),
        }
    }
}

/// Where the resource of a step lives.
fn placement<'a>(step: &'a Step, state: &'a State) -> Option<&'a Placement> {
    match &step.op {
        StepOp::Create { wanted, .. } | StepOp::Update { wanted } => Some(&wanted.placement),
        StepOp::Delete { slot } => {
            let resource = state.resources.get(&step.address)?;
            // What this run replaces gets its slot only then; until then it is the current one.
            let instance = resource.instance(*slot).or(resource.current.as_ref());
            instance.map(|instance| &instance.placement)
        }
    }
}
