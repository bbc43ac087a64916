//! Plans: puts together what was decided, what goes, and in which order it all happens.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::decide::{Decision, Decisions};
use super::error::{PlanError, PlanErrors};
use super::scope::Scope;
use super::{
    Action, Drift, FORMAT, Findings, Mode, Plan, PlanOptions, PlannedAction, Reason, order, steps,
};
use crate::address::Address;
use crate::diff::{self, Change};
use crate::graph::Graph;
use crate::kind::{DynKind, Registry};
use crate::record::{Record, Slot};
use crate::state::{FoldError, State};

/// Plans the way from `state` (as loaded, before the findings) to what the graph wants.
///
/// # Errors
/// Everything that stands in the way, at once.
pub fn plan(
    graph: &Graph,
    state: &State,
    findings: Findings,
    options: &PlanOptions,
    registry: &Registry,
) -> Result<Plan, PlanErrors> {
    let mut now = Cow::Borrowed(state);
    for record in &findings.records {
        now.to_mut()
            .fold(record)
            .map_err(|error| PlanErrors(vec![PlanError::Findings(error)]))?;
    }
    // What is open must be settled first: see `refresh`.
    if let Some(op) = now.pending.keys().next() {
        return Err(PlanErrors(vec![PlanError::Findings(FoldError::Open(*op))]));
    }
    let planner = Planner {
        graph,
        state: &now,
        options,
        registry,
        adopted: findings.adopted.iter().collect(),
        gone: findings.gone.iter().collect(),
    };
    let scope = planner.scope().map_err(PlanErrors)?;
    let mut decisions = match options.mode {
        Mode::Normal => planner.decide(&scope)?,
        Mode::RefreshOnly | Mode::Destroy => Decisions::default(),
    };
    let removals = match options.mode {
        Mode::Normal | Mode::Destroy => planner.removals(&scope, &decisions)?,
        Mode::RefreshOnly => Vec::new(),
    };
    let built = loop {
        order::settle(&planner, &mut decisions)?;
        match steps::build(&planner, &decisions, &removals)? {
            Ok(built) => break built,
            Err(stuck) if order::loosen(&planner, &mut decisions, &stuck) => {}
            Err(stuck) => return Err(PlanErrors(vec![PlanError::NoOrder(stuck)])),
        }
    };

    let mut preamble = findings.records;
    let mut unchanged = Vec::new();
    for node in graph.in_order() {
        let resource = &node.resource;
        if decisions
            .get(&resource.address)
            .is_some_and(Decision::is_change)
        {
            continue;
        }
        let Some(instance) = now.current(&resource.address) else {
            continue;
        };
        if matches!(options.mode, Mode::Destroy) {
            continue;
        }
        unchanged.push(resource.address.clone());
        let depends_on = graph.dependencies(&resource.address);
        let lifecycle = &resource.lifecycle;
        let rewired = instance.depends_on != depends_on
            || instance.protect != lifecycle.protect
            || instance.retain != lifecycle.retain;
        if rewired && scope.has(&resource.address) && matches!(options.mode, Mode::Normal) {
            preamble.push(Record::Rewired {
                address: resource.address.clone(),
                depends_on,
                protect: lifecycle.protect,
                retain: lifecycle.retain,
            });
        }
    }
    let stays_empty = now.is_empty() && built.steps.is_empty();
    if now.deployment != graph.deployment && !stays_empty {
        preamble.push(Record::Named {
            deployment: graph.deployment.clone(),
        });
    }
    // Forgetting calls nothing: it is a record, not a step.
    for removal in removals.iter().filter(|r| r.action == Action::Forget) {
        preamble.push(Record::Forgotten {
            address: removal.address.clone(),
            slot: removal.slot,
        });
    }

    Ok(Plan {
        format: FORMAT,
        lineage: state.lineage.clone(),
        serial: state.serial,
        deployment: graph.deployment.clone(),
        environment: graph.environment.clone(),
        digest: graph.digest(),
        options: options.clone(),
        preamble,
        recovered: findings.recovered,
        actions: built.actions,
        drift: planner.drift(&scope, &findings.gone),
        unchanged,
        steps: built.steps,
        outputs: match options.mode {
            Mode::Normal | Mode::RefreshOnly => graph.outputs.clone(),
            // With targets, something may be left that they speak of.
            Mode::Destroy if !options.targets.is_empty() => graph.outputs.clone(),
            Mode::Destroy => serde_json::Map::new(),
        },
    })
}

/// A resource that goes.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    pub(super) address: Address,
    pub(super) slot: Slot,
    pub(super) action: Action,
    pub(super) reason: Reason,
}

pub(super) struct Planner<'a> {
    pub(super) graph: &'a Graph,
    pub(super) state: &'a State,
    pub(super) options: &'a PlanOptions,
    pub(super) registry: &'a Registry,
    pub(super) adopted: BTreeSet<&'a Address>,
    pub(super) gone: BTreeSet<&'a Address>,
}

impl Planner<'_> {
    pub(super) fn kind_of(&self, address: &Address) -> Result<&dyn DynKind, PlanError> {
        self.registry
            .get(address.kind().as_str())
            .map(|kind| &**kind)
            .ok_or_else(|| PlanError::NoKind(address.clone()))
    }

    fn scope(&self) -> Result<Scope, Vec<PlanError>> {
        let known = |address: &Address| {
            self.graph.get(address).is_some() || self.state.resources.contains_key(address)
        };
        let errors: Vec<PlanError> = self
            .options
            .targets
            .iter()
            .chain(&self.options.replace)
            .filter(|address| !known(address))
            .map(|address| PlanError::NoSuchResource(address.clone()))
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Scope::of(
            self.graph,
            self.state,
            self.options.mode,
            &self.options.targets,
        ))
    }

    fn removals(&self, scope: &Scope, decisions: &Decisions) -> Result<Vec<Removal>, PlanErrors> {
        let destroying = self.options.mode == Mode::Destroy;
        let mut removals = Vec::new();
        let mut errors = Vec::new();
        for (address, resource) in &self.state.resources {
            if !scope.has(address) {
                continue;
            }
            for key in resource.deposed.keys() {
                removals.push(Removal {
                    address: address.clone(),
                    slot: Slot::Deposed(*key),
                    action: Action::DeleteReplaced,
                    reason: Reason::Replaced,
                });
            }
            let wanted = !destroying && self.graph.get(address).is_some();
            let Some(instance) = &resource.current else {
                continue;
            };
            if wanted {
                debug_assert!(
                    decisions.get(address).is_some(),
                    "{address} was not decided"
                );
                continue;
            }
            if instance.protect {
                errors.push(PlanError::Protected {
                    address: address.clone(),
                    replaced: false,
                });
                continue;
            }
            removals.push(Removal {
                address: address.clone(),
                slot: Slot::Current,
                action: if instance.retain {
                    Action::Forget
                } else {
                    Action::Delete
                },
                reason: if destroying {
                    Reason::Destroy
                } else {
                    Reason::NotWanted
                },
            });
        }
        if errors.is_empty() {
            Ok(removals)
        } else {
            Err(PlanErrors(errors))
        }
    }

    fn drift(&self, scope: &Scope, gone: &[Address]) -> Vec<Drift> {
        let mut drift: Vec<Drift> = gone
            .iter()
            .filter(|address| scope.has(address))
            .map(|address| Drift {
                address: address.clone(),
                changes: Vec::new(),
            })
            .collect();
        for (address, resource) in &self.state.resources {
            let Some(instance) = resource.current.as_ref().filter(|i| !i.incomplete) else {
                continue;
            };
            let Some(observed) = instance.observed.as_ref().filter(|_| scope.has(address)) else {
                continue;
            };
            let mut changes = diff::diff(&instance.inputs, &instance.inputs, observed);
            if let Some(node) = self.graph.get(address) {
                diff::ignore(&mut changes, &node.resource.lifecycle.ignore_changes);
            }
            let changes: Vec<Change> = changes
                .into_iter()
                .map(|change| Change {
                    pointer: change.pointer,
                    before: change.after,
                    after: change.before,
                })
                .collect();
            if !changes.is_empty() {
                drift.push(Drift {
                    address: address.clone(),
                    changes,
                });
            }
        }
        drift
    }

    /// The action that a decision shows as.
    pub(super) fn action(&self, address: &Address, decision: &Decision) -> Option<PlannedAction> {
        let (action, reason, changes) = match decision {
            Decision::Unchanged => return None,
            Decision::Create {
                reason, changes, ..
            } => (Action::Create, reason, changes),
            Decision::Update {
                reason,
                changes,
                adopts,
            } => {
                let action = if *adopts {
                    Action::Adopt
                } else {
                    Action::Update
                };
                (action, reason, changes)
            }
            Decision::Replace {
                reason,
                changes,
                order,
                keeps,
                ..
            } => {
                let action = if *keeps {
                    Action::Publish
                } else {
                    Action::Replace { order: *order }
                };
                (action, reason, changes)
            }
        };
        Some(PlannedAction {
            address: address.clone(),
            action,
            reason: reason.clone(),
            changes: changes.clone(),
            origin: self
                .graph
                .get(address)
                .and_then(|node| node.resource.origin.clone()),
        })
    }
}

impl State {
    /// For each address, the addresses whose current or deposed instances recorded it as a
    /// dependency.
    #[must_use]
    pub fn dependents(&self) -> BTreeMap<Address, BTreeSet<Address>> {
        let mut dependents: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for (address, resource) in &self.resources {
            for instance in resource.current.iter().chain(resource.deposed.values()) {
                for dependency in &instance.depends_on {
                    dependents
                        .entry(dependency.clone())
                        .or_default()
                        .insert(address.clone());
                }
            }
        }
        dependents
    }
}
