//! Decides what happens to each wanted resource, and why.

use std::collections::HashMap;

use serde_json::Value;

use super::Reason;
use super::error::{PlanError, PlanErrors};
use super::planner::Planner;
use super::scope::Scope;
use crate::address::Address;
use crate::diff::{self, Change};
use crate::graph::Node;
use crate::kind::{InputError, ReplaceOrder, covers};
use crate::resource::{Lifecycle, Resource};
use crate::state::Instance;
use crate::value::{self, Lookup, Reference, UNKNOWN};

/// What happens to a wanted resource.
#[derive(Debug, Clone)]
pub(super) enum Decision {
    Unchanged,
    Create {
        reason: Reason,
        changes: Vec<Change>,
        /// The inputs as far as they are known, for its identity.
        inputs: Value,
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

impl Planner<'_> {
    pub(super) fn decide(&self, scope: &Scope) -> Result<Decisions, PlanErrors> {
        let mut decisions = Decisions::default();
        let mut errors = Vec::new();
        // Whose each name is.
        let mut names: HashMap<String, &Address> = HashMap::new();
        for node in self.graph.in_order() {
            let address = &node.resource.address;
            if !scope.has(address) {
                continue;
            }
            match self.decide_one(node, &decisions) {
                Ok((decision, outputs, name)) => {
                    if let Some(name) = name
                        && let Some(other) = names.insert(name, address)
                    {
                        errors.push(same_name(node, other));
                    }
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
    ) -> Result<(Decision, Outputs, Option<String>), PlanError> {
        let resource = &node.resource;
        let address = &resource.address;
        let kind = &*node.kind;
        let lookup = &mut |reference: &Reference| self.look_up(reference, decisions);
        let inputs =
            value::resolve(&resource.inputs, lookup).map_err(|error| PlanError::Reference {
                address: address.clone(),
                origin: resource.origin.clone(),
                error,
            })?;
        let inputs = kind.normalize(inputs).map_err(|error| PlanError::Input {
            address: address.clone(),
            origin: resource.origin.clone(),
            error,
        })?;
        let name = (!kind.pure() && !kind.keep_replaced())
            .then(|| kind.identity(&inputs))
            .flatten()
            .and_then(|identity| identity.unique(address.kind()))
            .map(|name| format!("{name}\n{:?}", resource.placement));
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
            let decision = Decision::Create {
                reason,
                changes,
                inputs,
            };
            return Ok((decision, outputs, name));
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
            let keeps = kind.keep_replaced()
                && !goes_with_its_parent(&changes, decisions)
                && !self.left_its_parent(resource, &changes);
            return Ok((
                Decision::Replace {
                    reason,
                    changes,
                    order,
                    keeps,
                    inputs,
                },
                outputs,
                name,
            ));
        }

        let adopts = self.adopted.contains(address);
        if changes.is_empty() && !instance.incomplete {
            return Ok((
                Decision::Unchanged,
                Outputs::Recorded { volatile: vec![] },
                name,
            ));
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
                        // What was adopted has just been read as a whole.
                        instance.incomplete && !adopts
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
            name,
        ))
    }

    /// Whether what differs comes from something that an interrupted run replaced already: what is
    /// kept would go with the one that steps aside.
    fn left_its_parent(&self, resource: &Resource, changes: &[Change]) -> bool {
        let mut left = false;
        for change in changes {
            let Some(written) = resource.inputs.pointer(&change.pointer) else {
                continue;
            };
            // A malformed reference was refused when the inputs were resolved.
            let _ = value::walk(written, &mut |reference: Reference| {
                let state = self.state.resources.get(&reference.address);
                left |= state.is_some_and(|state| !state.deposed.is_empty());
            });
        }
        left
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
                known @ (Lookup::Known(_) | Lookup::Unknown | Lookup::Missing) => known,
            },
            Some(Outputs::Recorded { volatile })
                if volatile.iter().any(|p| covers(p, &reference.pointer)) =>
            {
                Lookup::Unknown
            }
            Some(Outputs::Recorded { .. }) | None => match self.state.current(&reference.address) {
                Some(instance) if instance.outputs.is_null() => Lookup::Unknown,
                Some(instance) => known(&instance.outputs),
                None => Lookup::Unknown,
            },
        }
    }
}

fn same_name(node: &Node, other: &Address) -> PlanError {
    let resource = &node.resource;
    PlanError::Input {
        address: resource.address.clone(),
        origin: resource.origin.clone(),
        error: InputError {
            pointer: String::new(),
            message: format!("it has the same name as {other}, and only one of them can exist"),
        },
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
    changes
        .iter()
        .map(|change| change.pointer.clone())
        .collect()
}

/// Whether something that it refers to is replaced itself: what is kept of it would go with that.
fn goes_with_its_parent(changes: &[Change], decisions: &Decisions) -> bool {
    changes.iter().filter_map(comes_from).any(|dependency| {
        matches!(
            decisions.get(&dependency),
            Some(Decision::Create { .. } | Decision::Replace { keeps: false, .. })
        )
    })
}

/// The resource whose output the change waits for.
fn comes_from(change: &Change) -> Option<Address> {
    let text = change.after.get(UNKNOWN)?.as_str()?;
    text.parse::<Reference>().ok().map(|r| r.address)
}

/// When all that differs is unknown, the change comes from elsewhere.
fn dependency_reason(changes: &[Change]) -> Option<Reason> {
    let dependency = comes_from(changes.first()?)?;
    changes
        .iter()
        .all(|change| comes_from(change).is_some())
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
