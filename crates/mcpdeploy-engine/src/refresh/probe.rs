//! Looks for what is wanted and may exist already.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::address::{Address, KindName, PhysicalId};
use crate::claims::Claims;
use crate::event::Sink;
use crate::graph::Graph;
use crate::kind::{FaultClass, Identity, Placement};
use crate::plan::{Findings, Scope};
use crate::record::Record;
use crate::state::{Instance, State};
use crate::value::{self, Lookup};

use super::ask::{Query, read_all};
use super::{Problem, RefreshErrors, RefreshOptions, record, stop_on};

/// Looks for wanted resources that are not in the state but may exist: after the state was lost,
/// or because somebody else has the name.
pub(super) async fn probe_wanted(
    graph: &Graph,
    now: &mut State,
    options: &RefreshOptions,
    scope: &Scope,
    findings: &mut Findings,
    sink: &mut dyn Sink,
) -> Result<(), RefreshErrors> {
    let missing = graph
        .in_order()
        .any(|node| !node.kind.pure() && !now.resources.contains_key(&node.resource.address));
    if !missing {
        return Ok(());
    }
    // What is found may be another resource's that hands its name over: that is the planner's.
    let mut claims = Claims::of(now);
    // A parent found in one round makes its children findable in the next.
    let mut asked: BTreeSet<Address> = findings.gone.iter().cloned().collect();
    // Asked about with something in the place of what is not known.
    let mut guessed: BTreeSet<Address> = BTreeSet::new();
    let mut problems = Vec::new();
    loop {
        // What calls nothing is as the file says, whatever the state has of it.
        let mut foretold: HashMap<Address, Value> = HashMap::new();
        let mut queries: Vec<(Option<Identity>, Query)> = Vec::new();
        let mut others: HashMap<(KindName, Placement), Arc<[PhysicalId]>> = HashMap::new();
        for node in graph.in_order() {
            let resource = &node.resource;
            if !scope.has(&resource.address) {
                continue;
            }
            let known = now.resources.contains_key(&resource.address);
            let pure = node.kind.pure();
            if !pure && (known || asked.contains(&resource.address)) {
                continue;
            }
            let resolved = value::resolve(&resource.inputs, &mut |reference| {
                foretold
                    .get(&reference.address)
                    .or_else(|| now.current(&reference.address).map(|i| &i.outputs))
                    .and_then(|outputs| outputs.pointer(&reference.pointer))
                    .map_or(Lookup::Unknown, |value| Lookup::Known(value.clone()))
            });
            let Some(inputs) = resolved
                .ok()
                .and_then(|inputs| node.kind.normalize(inputs).ok())
            else {
                continue;
            };
            let known = !value::has_unknown(&inputs);
            let inputs = if known {
                inputs
            } else if !pure && matches!(node.kind.identity(&inputs), Some(Identity::OwnerTag)) {
                // Its tags tell it, whatever it is to refer to; nothing else would keep a second
                // one from being created.
                let Ok(inputs) = node.kind.normalize(value::fill_open(&inputs, "unknown")) else {
                    continue;
                };
                guessed.insert(resource.address.clone());
                inputs
            } else {
                continue;
            };
            if pure {
                if let Some(outputs) = node.kind.predict(&resource.address, &inputs) {
                    foretold.insert(resource.address.clone(), outputs);
                }
                continue;
            }
            asked.insert(resource.address.clone());
            let (kind, placement) = (resource.address.kind(), &resource.placement);
            let others = others
                .entry((kind.clone(), placement.clone()))
                .or_insert_with(|| claims.others(kind, placement, None));
            queries.push((
                node.kind.identity(&inputs),
                Query {
                    address: resource.address.clone(),
                    kind: Arc::clone(&node.kind),
                    placement: resource.placement.clone(),
                    id: None,
                    inputs,
                    others: Arc::clone(others),
                    owner: true,
                },
            ));
        }
        if queries.is_empty() {
            break;
        }
        for answer in read_all(queries, options, sink).await {
            let address = answer.query.address.clone();
            let (observed, ours) = match answer.found {
                // It may be what stood in for the unknown that it could not be asked with.
                Err(error) if error.class == FaultClass::Fatal && guessed.contains(&address) => {
                    continue;
                }
                Err(error) => {
                    problems.push(Problem::unreadable(&address, &error));
                    continue;
                }
                Ok(None) => continue,
                Ok(Some(found)) => found,
            };
            if claims.has(address.kind(), &answer.query.placement, &observed.id) {
                continue;
            }
            // What cannot be tagged belongs to its parent, and the parent is ours.
            let in_parent = matches!(answer.key, Some(Identity::InParent { .. }));
            if !ours.unwrap_or(in_parent) {
                problems.push(Problem::Taken {
                    address,
                    id: observed.id,
                });
                continue;
            }
            claims.add(address.kind(), &answer.query.placement, &observed.id);
            let node = graph.get(&address);
            let lifecycle = node
                .map(|node| node.resource.lifecycle.clone())
                .unwrap_or_default();
            let mut inputs = answer.query.inputs;
            let mut there = observed.inputs;
            for pointer in observed.unobserved {
                // Our tags were seen; the rest of what was not looked at is set again.
                if *pointer == "/tags"
                    && let (Some(slot), Some(tags)) =
                        (there.pointer_mut(pointer), inputs.pointer(pointer))
                {
                    *slot = tags.clone();
                }
            }
            if guessed.contains(&address) {
                inputs.clone_from(&there);
            }
            let adopted = Record::Applied {
                address: address.clone(),
                instance: Some(Instance {
                    id: observed.id,
                    observed: Some(there),
                    inputs,
                    outputs: observed.outputs,
                    depends_on: graph.dependencies(&address),
                    placement: answer.query.placement,
                    protect: lifecycle.protect,
                    retain: lifecycle.retain,
                    incomplete: true,
                }),
            };
            record(now, findings, adopted)?;
            findings.adopted.push(address);
        }
    }
    stop_on(problems)
}
