//! Decides what happens to each resource, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{
    Action, Drift, FORMAT, Findings, Mode, Plan, PlanOptions, PlannedAction, Reason, order, steps,
};
use crate::address::Address;
use crate::diff::{self, Change};
use crate::graph::{Graph, Node};
use crate::kind::{DynKind, InputError, Registry, ReplaceOrder, covers};
use crate::record::{Record, Slot};
use crate::resource::Lifecycle;
use crate::state::{FoldError, Instance, State};
use crate::value::{self, Lookup, Reference, ResolveError, UNKNOWN};

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
    let mut now = state.clone();
    for record in &findings.records {
        now.fold(record)
            .map_err(|error| PlanErrors(vec![PlanError::Findings(error)]))?;
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
    order::settle(&planner, &mut decisions)?;
    let removals = match options.mode {
        Mode::Normal | Mode::Destroy => planner.removals(&scope, &decisions)?,
        Mode::RefreshOnly => Vec::new(),
    };
    let built = steps::build(&planner, &decisions, &removals)?;

    let mut preamble = findings.records;
    let mut unchanged = Vec::new();
    for node in graph.in_order() {
        let resource = &node.resource;
        if decisions.get(&resource.address).is_some_and(Decision::is_change) {
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
    if now.deployment != graph.deployment && !now.is_empty() {
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
            Mode::Destroy => serde_json::Map::new(),
        },
    })
}

/// What happens to a wanted resource.
#[derive(Debug, Clone)]
pub(super) enum Decision {
    Unchanged,
    Create {
        reason: Reason,
        changes: Vec<Change>,
    },
    Update {
        reason: Reason,
        changes: Vec<Change>,
        adopts: bool,
    },
    Replace {
        reason: Reason,
        changes: Vec<Change>,
        order: ReplaceOrder,
        keeps: bool,
        /// The inputs as far as they are known, for the identity of the new one.
        inputs: Value,
    },
}

impl Decision {
    pub(super) fn is_change(&self) -> bool {
        !matches!(self, Self::Unchanged)
    }
}

#[derive(Debug, Default)]
pub(super) struct Decisions {
    by_address: HashMap<Address, Decision>,
    outputs: HashMap<Address, Outputs>,
}

impl Decisions {
    pub(super) fn get(&self, address: &Address) -> Option<&Decision> {
        self.by_address.get(address)
    }

    pub(super) fn get_mut(&mut self, address: &Address) -> Option<&mut Decision> {
        self.by_address.get_mut(address)
    }
}

/// What is known of a resource's outputs while planning.
#[derive(Debug)]
enum Outputs {
    /// As recorded, but for these pointers.
    Recorded { volatile: Vec<&'static str> },
    /// As the kind foretells them; unknowns may be inside.
    Foretold(Value),
    /// Only the cloud will tell.
    Unknown,
}

/// A resource that goes.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    pub(super) address: Address,
    pub(super) slot: Slot,
    pub(super) action: Action,
    pub(super) reason: Reason,
}

/// The part of the graph and of the state that is planned.
pub(super) enum Scope {
    All,
    Only(BTreeSet<Address>),
}

impl Scope {
    pub(super) fn has(&self, address: &Address) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only.contains(address),
        }
    }
}

pub(super) struct Planner<'a> {
    pub(super) graph: &'a Graph,
    pub(super) state: &'a State,
    pub(super) options: &'a PlanOptions,
    pub(super) registry: &'a Registry,
    adopted: BTreeSet<&'a Address>,
    gone: BTreeSet<&'a Address>,
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
        if self.options.targets.is_empty() {
            return Ok(Scope::All);
        }
        let destroying = self.options.mode == Mode::Destroy;
        let dependents = self.state.dependents();
        let mut only = BTreeSet::new();
        let mut todo = self.options.targets.clone();
        while let Some(address) = todo.pop() {
            if !only.insert(address.clone()) {
                continue;
            }
            if destroying {
                todo.extend(dependents.get(&address).into_iter().flatten().cloned());
            } else {
                todo.extend(self.graph.dependencies(&address));
            }
        }
        Ok(Scope::Only(only))
    }

    fn decide(&self, scope: &Scope) -> Result<Decisions, PlanErrors> {
        let mut decisions = Decisions::default();
        let mut errors = Vec::new();
        for node in self.graph.in_order() {
            let address = &node.resource.address;
            if !scope.has(address) {
                continue;
            }
            match self.decide_one(node, &decisions) {
                Ok((decision, outputs)) => {
                    if self.forbids(&decision, &node.resource.lifecycle, address) {
                        errors.push(PlanError::Protected {
                            address: address.clone(),
                            replaced: true,
                        });
                    }
                    decisions.outputs.insert(address.clone(), outputs);
                    decisions.by_address.insert(address.clone(), decision);
                }
                Err(error) => {
                    errors.push(error);
                    // Its dependents are looked at all the same, to report their mistakes too.
                    decisions.outputs.insert(address.clone(), Outputs::Unknown);
                }
            }
        }
        if errors.is_empty() {
            Ok(decisions)
        } else {
            Err(PlanErrors(errors))
        }
    }

    fn forbids(&self, decision: &Decision, lifecycle: &Lifecycle, address: &Address) -> bool {
        let protected = lifecycle.protect
            || self
                .state
                .current(address)
                .is_some_and(|instance| instance.protect);
        protected && matches!(decision, Decision::Replace { keeps: false, .. })
    }

    fn decide_one(
        &self,
        node: &Node,
        decisions: &Decisions,
    ) -> Result<(Decision, Outputs), PlanError> {
        let resource = &node.resource;
        let address = &resource.address;
        let kind = &*node.kind;
        let lookup = &mut |reference: &Reference| self.look_up(reference, decisions);
        let inputs = value::resolve(&resource.inputs, lookup).map_err(|error| {
            PlanError::Reference {
                address: address.clone(),
                origin: resource.origin.clone(),
                error,
            }
        })?;
        let inputs = kind.normalize(inputs).map_err(|error| PlanError::Input {
            address: address.clone(),
            origin: resource.origin.clone(),
            error,
        })?;
        let foretold = |inputs: &Value| match kind.predict(address, inputs) {
            Some(outputs) => Outputs::Foretold(outputs),
            None => Outputs::Unknown,
        };

        let Some(instance) = self.state.current(address) else {
            let reason = if self.gone.contains(address) {
                Reason::Gone
            } else {
                Reason::New
            };
            let outputs = foretold(&inputs);
            let changes = all_of(&inputs);
            return Ok((Decision::Create { reason, changes }, outputs));
        };

        let mut changes = diff::diff(&inputs, &instance.inputs, instance.there());
        diff::ignore(&mut changes, &resource.lifecycle.ignore_changes);

        let relocated = instance.placement != resource.placement;
        let forcing: Vec<Change> = changes
            .iter()
            .filter(|change| kind.replace_on().iter().any(|p| covers(p, &change.pointer)))
            .cloned()
            .collect();
        let requested = self.options.replace.contains(address);
        if relocated || requested || !forcing.is_empty() {
            let reason = if requested {
                Reason::Requested
            } else if relocated {
                Reason::Relocated
            } else {
                dependency_reason(&forcing).unwrap_or_else(|| Reason::CannotUpdate {
                    pointers: pointers_of(&forcing),
                })
            };
            let order = match resource.lifecycle.create_before_destroy {
                Some(true) => ReplaceOrder::CreateFirst,
                Some(false) => ReplaceOrder::DeleteFirst,
                None => kind.replace_order(),
            };
            let outputs = foretold(&inputs);
            return Ok((
                Decision::Replace {
                    reason,
                    changes,
                    order,
                    keeps: kind.keep_replaced(),
                    inputs,
                },
                outputs,
            ));
        }

        let adopts = self.adopted.contains(address);
        if changes.is_empty() && !instance.incomplete {
            return Ok((Decision::Unchanged, Outputs::Recorded { volatile: vec![] }));
        }
        let reason = if adopts {
            Reason::Owned
        } else if instance.incomplete {
            Reason::Incomplete
        } else if let Some(reason) = dependency_reason(&changes) {
            reason
        } else {
            changed_or_drifted(&changes, instance)
        };
        let outputs = if kind.pure() {
            foretold(&inputs)
        } else if instance.outputs.is_null() {
            Outputs::Unknown
        } else {
            Outputs::Recorded {
                volatile: kind
                    .volatile()
                    .iter()
                    .filter(|(input, _)| {
                        instance.incomplete
                            || changes.iter().any(|change| covers(input, &change.pointer))
                    })
                    .map(|(_, output)| *output)
                    .collect(),
            }
        };
        Ok((
            Decision::Update {
                reason,
                changes,
                adopts,
            },
            outputs,
        ))
    }

    fn look_up(&self, reference: &Reference, decisions: &Decisions) -> Lookup {
        let known = |outputs: &Value| match outputs.pointer(&reference.pointer) {
            Some(value) => Lookup::Known(value.clone()),
            None => Lookup::Missing,
        };
        match decisions.outputs.get(&reference.address) {
            Some(Outputs::Unknown) => Lookup::Unknown,
            Some(Outputs::Foretold(outputs)) => match known(outputs) {
                Lookup::Known(value) if value::has_unknown(&value) => Lookup::Unknown,
                other => other,
            },
            Some(Outputs::Recorded { volatile })
                if volatile.iter().any(|p| covers(p, &reference.pointer)) =>
            {
                Lookup::Unknown
            }
            Some(Outputs::Recorded { .. }) | None => {
                match self.state.current(&reference.address) {
                    Some(instance) if instance.outputs.is_null() => Lookup::Unknown,
                    Some(instance) => known(&instance.outputs),
                    None => Lookup::Unknown,
                }
            }
        }
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
                debug_assert!(decisions.get(address).is_some(), "{address} was not decided");
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
            let changes: Vec<Change> = diff::diff(&instance.inputs, &instance.inputs, observed)
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
            Decision::Create { reason, changes } => (Action::Create, reason, changes),
            Decision::Update {
                reason,
                changes,
                adopts,
            } => {
                let action = if *adopts { Action::Adopt } else { Action::Update };
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

/// Every input that is said, as a change from nothing.
fn all_of(inputs: &Value) -> Vec<Change> {
    let Value::Object(map) = inputs else {
        return Vec::new();
    };
    map.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| {
            let mut pointer = String::new();
            value::push_pointer(&mut pointer, key);
            Change {
                pointer,
                before: Value::Null,
                after: value.clone(),
            }
        })
        .collect()
}

fn pointers_of(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| change.pointer.clone()).collect()
}

/// When all that differs is unknown, the change comes from elsewhere.
fn dependency_reason(changes: &[Change]) -> Option<Reason> {
    let from = |change: &Change| -> Option<Address> {
        let text = change.after.get(UNKNOWN)?.as_str()?;
        text.parse::<Reference>().ok().map(|r| r.address)
    };
    let dependency = from(changes.first()?)?;
    changes
        .iter()
        .all(|change| from(change).is_some())
        .then(|| Reason::DependencyChanges {
            dependency,
            pointers: pointers_of(changes),
        })
}

/// Whether the file asks for something new, or for what it asked before.
fn changed_or_drifted(changes: &[Change], instance: &Instance) -> Reason {
    let asked = |change: &Change| {
        let asked = instance.inputs.pointer(&change.pointer);
        asked.unwrap_or(&Value::Null) == &change.after
    };
    let pointers = pointers_of(changes);
    if changes.iter().all(asked) {
        Reason::Drifted { pointers }
    } else {
        Reason::Changed { pointers }
    }
}

/// Everything that stands in the way of a plan.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct PlanErrors(pub Vec<PlanError>);

/// One thing that stands in the way of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages say")]
pub enum PlanError {
    /// `--target` or `--replace` names nothing.
    #[error("there is no resource {0} in the file or the state")]
    NoSuchResource(Address),
    /// The state has a resource of a kind that this program does not know.
    #[error("{0} in the state is of a kind that this version of mcpdeploy does not know")]
    NoKind(Address),
    /// The kind does not take the inputs once references are resolved.
    #[error("{address}: {}", error.message)]
    Input {
        address: Address,
        origin: Option<String>,
        error: InputError,
    },
    /// A reference leads nowhere.
    #[error("{address}: {error}")]
    Reference {
        address: Address,
        origin: Option<String>,
        error: ResolveError,
    },
    /// A protected resource would go.
    #[error(
        "{address} is protected and would be {}",
        if *replaced { "replaced" } else { "deleted" }
    )]
    Protected { address: Address, replaced: bool },
    /// The new one would have the old one's name while that is still there.
    #[error("{0} cannot be created before its predecessor is deleted: both have the same name")]
    NameClash(Address),
    /// No order does it all.
    #[error("no order of the changes works: {}", list(.0))]
    NoOrder(Vec<Address>),
    /// The findings do not fit the state.
    #[error("what was read does not fit the state")]
    Findings(#[source] FoldError),
}

fn list(addresses: &[Address]) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
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
