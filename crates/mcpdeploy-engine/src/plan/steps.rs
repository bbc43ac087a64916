//! Turns decisions into steps and orders them.
//!
//! - A change comes after the changes of what it depends on now.
//! - A deletion comes after whatever RECORDED a dependency on it is gone or has been changed.
//! - A replacement deletes after creating, or the other way round, as its order says.
//! - Something new whose name a removed resource still holds waits until that is gone.

use std::collections::{BTreeMap, HashMap};

use super::decide::{Decision, Decisions};
use super::error::PlanErrors;
use super::links::Links;
use super::planner::{Planner, Removal};
use super::{Action, PlannedAction, Step, StepOp, Wanted};
use crate::address::Address;
use crate::graph::Node;
use crate::kind::ReplaceOrder;
use crate::record::Slot;
use crate::state::ResourceState;

pub(super) struct Built {
    pub(super) actions: Vec<PlannedAction>,
    pub(super) steps: Vec<Step>,
}

/// The steps in an order that works; the inner error has the resources whose steps wait for each
/// other in circles.
pub(super) fn build(
    planner: &Planner<'_>,
    decisions: &Decisions,
    removals: &[Removal],
) -> Result<Result<Built, Vec<Address>>, PlanErrors> {
    let mut builder = Builder {
        planner,
        steps: Vec::new(),
        edges: Vec::new(),
        wishes: Vec::new(),
        makes: HashMap::new(),
        deletes: BTreeMap::new(),
    };
    let mut actions = Vec::new();
    for node in planner.graph.in_order() {
        let address = &node.resource.address;
        if let Some(decision) = decisions.get(address) {
            builder.add_decision(node, decision);
            actions.extend(planner.action(address, decision));
        }
    }
    for removal in removals {
        actions.push(PlannedAction {
            address: removal.address.clone(),
            action: removal.action,
            reason: removal.reason.clone(),
            changes: Vec::new(),
            origin: None,
        });
        if removal.action != Action::Forget {
            let typical = planner
                .kind_of(&removal.address)
                .map_err(|error| PlanErrors(vec![error]))?
                .typical_ms();
            builder.add_delete(&removal.address, removal.slot, typical);
        }
    }
    builder.order_by_wanted();
    builder.order_names(decisions);
    builder.order_deletes(decisions);
    Ok(builder.sorted().map(|steps| Built { actions, steps }))
}

struct Builder<'a> {
    planner: &'a Planner<'a>,
    steps: Vec<Step>,
    /// (before, after)
    edges: Vec<(u32, u32)>,
    /// As `edges`, where a circle leaves no other choice than to go without.
    wishes: Vec<(u32, u32)>,
    /// The step that creates or updates.
    makes: HashMap<Address, u32>,
    /// The steps that delete, by what they delete.
    deletes: BTreeMap<(Address, Slot), u32>,
}

impl Builder<'_> {
    fn push(&mut self, address: &Address, op: StepOp, typical_ms: u32) -> u32 {
        let index = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(Step {
            address: address.clone(),
            op,
            after: Vec::new(),
            typical_ms,
        });
        index
    }

    fn add_delete(&mut self, address: &Address, slot: Slot, typical_ms: u32) -> u32 {
        let step = self.push(address, StepOp::Delete { slot }, typical_ms);
        self.deletes.insert((address.clone(), slot), step);
        step
    }

    fn add_decision(&mut self, node: &Node, decision: &Decision) {
        let resource = &node.resource;
        let address = &resource.address;
        let typical = node.kind.typical_ms();
        let wanted = || Wanted {
            inputs: resource.inputs.clone(),
            depends_on: self.planner.graph.dependencies(address),
            placement: resource.placement.clone(),
            protect: resource.lifecycle.protect,
            retain: resource.lifecycle.retain,
            ignore_changes: resource.lifecycle.ignore_changes.clone(),
        };
        let create = |deposes, keeps| StepOp::Create {
            wanted: wanted(),
            deposes,
            keeps,
        };
        let make = match decision {
            Decision::Unchanged => return,
            Decision::Create { .. } => self.push(address, create(None, false), typical),
            Decision::Update { .. } => {
                let op = StepOp::Update { wanted: wanted() };
                self.push(address, op, typical)
            }
            // A kind that calls nothing has nothing to delete.
            Decision::Replace { .. } if node.kind.pure() => {
                self.push(address, create(None, false), typical)
            }
            Decision::Replace { keeps: true, .. } => {
                self.push(address, create(None, true), typical)
            }
            Decision::Replace {
                order: ReplaceOrder::CreateFirst,
                ..
            } => {
                let key = self
                    .planner
                    .state
                    .resources
                    .get(address)
                    .map_or(0, ResourceState::free_key);
                let make = self.push(address, create(Some(key), false), typical);
                let delete = self.add_delete(address, Slot::Deposed(key), typical);
                self.edges.push((make, delete));
                make
            }
            Decision::Replace {
                order: ReplaceOrder::DeleteFirst,
                ..
            } => {
                let delete = self.add_delete(address, Slot::Current, typical);
                let make = self.push(address, create(None, false), typical);
                self.edges.push((delete, make));
                make
            }
        };
        self.makes.insert(address.clone(), make);
    }

    fn order_by_wanted(&mut self) {
        for (address, &make) in &self.makes {
            for dependency in self.planner.graph.dependencies(address) {
                if let Some(&before) = self.makes.get(&dependency) {
                    self.edges.push((before, make));
                }
            }
        }
    }

    fn order_deletes(&mut self, decisions: &Decisions) {
        let dependents = self.planner.state.dependents();
        for ((address, slot), &delete) in &self.deletes {
            let replaced_first = *slot == Slot::Current
                && matches!(
                    decisions.get(address),
                    Some(Decision::Replace {
                        order: ReplaceOrder::DeleteFirst,
                        ..
                    })
                );
            for dependent in dependents.get(address).into_iter().flatten() {
                if dependent == address {
                    continue;
                }
                let gone = self
                    .deletes
                    .range((dependent.clone(), Slot::Current)..)
                    .take_while(|((other, _), _)| other == dependent);
                for (_, &before) in gone {
                    self.edges.push((before, delete));
                }
                // One that stays must stop referring to what goes; but when that goes first, the
                // reference can only be renewed afterwards.
                let stays = !self
                    .deletes
                    .contains_key(&(dependent.clone(), Slot::Current));
                if stays
                    && !replaced_first
                    && let Some(&before) = self.makes.get(dependent)
                {
                    self.wishes.push((before, delete));
                }
            }
        }
    }

    /// Something new whose identity a removed resource holds waits for that removal.
    fn order_names(&mut self, decisions: &Decisions) {
        let mut held: HashMap<String, u32> = HashMap::new();
        for ((address, slot), &delete) in &self.deletes {
            let instance = self
                .planner
                .state
                .resources
                .get(address)
                // One that is yet to step aside is still the current one.
                .and_then(|resource| resource.instance(*slot).or(resource.current.as_ref()));
            if let (Some(instance), Ok(kind)) = (instance, self.planner.kind_of(address))
                && let Some(key) = kind
                    .identity(&instance.inputs)
                    .and_then(|identity| identity.unique(address.kind()))
            {
                held.insert(key, delete);
            }
        }
        if held.is_empty() {
            return;
        }
        for (address, &make) in &self.makes {
            let Some(node) = self.planner.graph.get(address) else {
                continue;
            };
            let inputs = match decisions.get(address) {
                Some(Decision::Create { inputs, .. } | Decision::Replace { inputs, .. }) => inputs,
                Some(Decision::Update { .. } | Decision::Unchanged) | None => continue,
            };
            if let Some(&delete) = node
                .kind
                .identity(inputs)
                .and_then(|identity| identity.unique(address.kind()))
                .and_then(|key| held.get(&key))
            {
                self.edges.push((delete, make));
            }
        }
    }

    /// The steps in an order that works, with their edges in them; or the resources whose steps
    /// wait for each other in circles.
    fn sorted(self) -> Result<Vec<Step>, Vec<Address>> {
        let mut links = Links::new(self.steps.len(), &self.edges);
        for (before, after) in self.wishes {
            if !links.leads(after, before) {
                links.add(before, after);
            }
        }
        let (sequence, place) = links.in_order();
        if sequence.len() < self.steps.len() {
            let mut stuck: Vec<Address> = links
                .circles()
                .into_iter()
                .map(|step| self.steps[step as usize].address.clone())
                .collect();
            stuck.sort();
            stuck.dedup();
            return Err(stuck);
        }
        let mut steps: Vec<Option<Step>> = self.steps.into_iter().map(Some).collect();
        let mut sorted: Vec<Step> = sequence
            .iter()
            .filter_map(|&index| steps[index as usize].take())
            .collect();
        for (before, after) in links.pairs() {
            let step = &mut sorted[place[after as usize] as usize];
            step.after.push(place[before as usize]);
        }
        for step in &mut sorted {
            step.after.sort_unstable();
            step.after.dedup();
        }
        Ok(sorted)
    }
}
