//! Looks at the cloud before planning: settles what an earlier run left open, reads what the state
//! has, and looks for what is wanted and may exist already.
//!
//! Changes nothing: what is found comes back as records, which the planner folds into a copy and
//! apply writes to the journal.

mod ask;
mod known;
mod probe;
mod settle;

use std::sync::Arc;

use crate::address::{Address, PhysicalId};
use crate::event::{Fault, Sink};
use crate::graph::Graph;
use crate::kind::{DynKind, KindError, Registry};
use crate::pace::Pace;
use crate::plan::{Findings, Mode, Scope};
use crate::record::Record;
use crate::state::{FoldError, State};

/// How to look.
#[derive(Debug, Clone)]
pub struct RefreshOptions {
    /// Read what the state has. Without it only what an earlier run left open or incomplete is
    /// looked at.
    pub read: bool,
    /// Look for wanted resources that are not in the state.
    pub probe: bool,
    /// Reads at the same time; those that wait for their turn at a service that throttles do not
    /// count.
    pub parallelism: usize,
    /// How fast the services are called: to be given to the apply as well.
    pub pace: Pace,
    /// What the plan is for: a destruction looks for nothing new.
    pub mode: Mode,
    /// Look only at these and what they depend on (to destroy: what depends on them). Empty: at
    /// everything.
    pub targets: Vec<Address>,
}

/// Looks at the cloud.
///
/// # Errors
/// When something cannot be read, is there and not ours, or is of a kind that is not known.
pub async fn refresh(
    graph: &Graph,
    state: &State,
    registry: &Registry,
    options: &RefreshOptions,
    sink: &mut dyn Sink,
) -> Result<Findings, RefreshErrors> {
    let mut now = state.clone();
    let mut findings = Findings::default();
    // What is open is known under the addresses of the run that left it, so moves come second.
    settle::settle_pending(&mut now, registry, options, &mut findings, sink).await?;
    moves(graph, &mut now, &mut findings)?;
    let scope = Scope::of(graph, &now, options.mode, &options.targets);
    known::read_known(&mut now, registry, options, &scope, &mut findings, sink).await?;
    if options.probe && options.mode == Mode::Normal {
        probe::probe_wanted(graph, &mut now, options, &scope, &mut findings, sink).await?;
    }
    Ok(findings)
}

fn record(now: &mut State, findings: &mut Findings, record: Record) -> Result<(), RefreshErrors> {
    now.fold(&record).map_err(RefreshErrors::Fold)?;
    findings.records.push(record);
    Ok(())
}

/// Gives resources their new addresses, in whatever order the moves are written.
fn moves(graph: &Graph, now: &mut State, findings: &mut Findings) -> Result<(), RefreshErrors> {
    let mut open: Vec<&(Address, Address)> = graph
        .moved
        .iter()
        .filter(|(from, to)| from.kind() == to.kind() && graph.get(to).is_some())
        .collect();
    loop {
        let next = open.iter().position(|(from, to)| {
            now.resources.contains_key(from) && !now.resources.contains_key(to)
        });
        let Some(next) = next else { return Ok(()) };
        let (from, to) = open.remove(next).clone();
        record(now, findings, Record::Moved { from, to })?;
    }
}

fn kind_of(registry: &Registry, address: &Address) -> Result<Arc<dyn DynKind>, RefreshErrors> {
    registry
        .get(address.kind().as_str())
        .cloned()
        .ok_or_else(|| RefreshErrors::NoKind(address.clone()))
}

fn stop_on(problems: Vec<Problem>) -> Result<(), RefreshErrors> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(RefreshErrors::Problems(problems))
    }
}

/// Why the cloud could not be looked at.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RefreshErrors {
    /// Some resources.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
    /// The state has a kind that is not known.
    #[error("{0} in the state is of a kind that this version of mcpdeploy does not know")]
    NoKind(Address),
    /// What was found does not fit the state: a bug.
    #[error("what was read does not fit the state")]
    Fold(#[source] FoldError),
}

/// Why one resource could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The read failed.
    #[error("failed to read {address}: {}", fault.message)]
    Unreadable {
        /// Which.
        address: Address,
        /// Why.
        fault: Fault,
    },
    /// Something with its name is there and not ours.
    #[error("{address} cannot be created: {id} exists and is not this deployment's")]
    Taken {
        /// Which.
        address: Address,
        /// What is there.
        id: PhysicalId,
    },
}

impl Problem {
    fn unreadable(address: &Address, error: &KindError) -> Self {
        Self::Unreadable {
            address: address.clone(),
            fault: Fault::from(error),
        }
    }
}
