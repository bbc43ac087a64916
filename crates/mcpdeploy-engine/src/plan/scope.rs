//! The part of the graph and of the state that a run is about: what its targets name.

use std::collections::BTreeSet;

use super::Mode;
use crate::address::Address;
use crate::graph::Graph;
use crate::state::State;

/// The part of the graph and of the state that a run is about.
pub(crate) enum Scope {
    /// Everything.
    All,
    /// Only these.
    Only(BTreeSet<Address>),
}

impl Scope {
    /// The targets and what they depend on; to destroy them, the targets and what depends on them.
    /// Without targets, everything.
    pub(crate) fn of(graph: &Graph, state: &State, mode: Mode, targets: &[Address]) -> Self {
        if targets.is_empty() {
            return Self::All;
        }
        let dependents = match mode {
            Mode::Destroy => Some(state.dependents()),
            Mode::Normal | Mode::RefreshOnly => None,
        };
        let mut only = BTreeSet::new();
        let mut todo = targets.to_vec();
        while let Some(address) = todo.pop() {
            if !only.insert(address.clone()) {
                continue;
            }
            match &dependents {
                Some(dependents) => {
                    todo.extend(dependents.get(&address).into_iter().flatten().cloned());
                }
                None => todo.extend(graph.dependencies(&address)),
            }
        }
        Self::Only(only)
    }

    /// Whether the resource is in it.
    pub(crate) fn has(&self, address: &Address) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only.contains(address),
        }
    }
}
