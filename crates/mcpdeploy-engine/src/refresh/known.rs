//! Reads everything that the state has.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::address::Address;
use crate::event::{Finding, Sink};
use crate::kind::Registry;
use crate::plan::{Findings, Scope};
use crate::record::{Record, Slot};
use crate::state::{Instance, State};

use super::ask::{Query, read_all};
use super::{Problem, RefreshErrors, RefreshOptions, kind_of, record, stop_on};

/// Reads everything that the state has.
pub(super) async fn read_known(
    now: &mut State,
    registry: &Registry,
    options: &RefreshOptions,
    scope: &Scope,
    findings: &mut Findings,
    sink: &mut dyn Sink,
) -> Result<(), RefreshErrors> {
    // Where a creation or an update was settled, the current one has just been read.
    let just_read: BTreeSet<&Address> = findings
        .recovered
        .iter()
        .filter(|recovered| match recovered.finding {
            Finding::Adopted | Finding::Reread => true,
            Finding::NotCreated | Finding::Deleted | Finding::NotDeleted => false,
        })
        .map(|recovered| &recovered.address)
        .collect();
    let mut queries: Vec<(Slot, Query)> = Vec::new();
    for (address, resource) in &now.resources {
        let kind = kind_of(registry, address)?;
        if kind.pure() || !scope.has(address) {
            continue;
        }
        let slots = resource
            .current
            .iter()
            .filter(|_| !just_read.contains(address))
            .map(|instance| (Slot::Current, instance))
            .chain(
                resource
                    .deposed
                    .iter()
                    .map(|(key, i)| (Slot::Deposed(*key), i)),
            );
        // An incomplete one is looked at in any case: what was asked says nothing about it.
        for (slot, instance) in slots.filter(|(_, i)| options.read || i.incomplete) {
            queries.push((
                slot,
                Query {
                    address: address.clone(),
                    kind: Arc::clone(&kind),
                    placement: instance.placement.clone(),
                    id: Some(instance.id.clone()),
                    inputs: instance.inputs.clone(),
                    others: Arc::default(),
                    owner: false,
                },
            ));
        }
    }
    let mut problems = Vec::new();
    for answer in read_all(queries, options, sink).await {
        let address = answer.query.address;
        let slot = answer.key;
        match answer.found {
            Err(error) => problems.push(Problem::unreadable(&address, &error)),
            Ok(None) => {
                if slot == Slot::Current {
                    findings.gone.push(address.clone());
                }
                record(now, findings, Record::Gone { address, slot })?;
            }
            Ok(Some((observed, _))) => {
                let known = now
                    .resources
                    .get(&address)
                    .and_then(|resource| resource.instance(slot));
                let Some(known) = known else { continue };
                let inputs = complete(observed.inputs, known, observed.unobserved);
                if inputs != *known.there() || observed.outputs != known.outputs {
                    let outputs = observed.outputs;
                    let seen = Record::Observed {
                        address,
                        slot,
                        inputs,
                        outputs,
                    };
                    record(now, findings, seen)?;
                }
            }
        }
    }
    stop_on(problems)
}

/// What was not looked at counts as unchanged, unless a change of it was interrupted.
fn complete(mut observed: Value, known: &Instance, unobserved: &[&str]) -> Value {
    if known.incomplete {
        return observed;
    }
    for pointer in unobserved {
        if let (Some(slot), Some(value)) = (
            observed.pointer_mut(pointer),
            known.there().pointer(pointer),
        ) {
            *slot = value.clone();
        }
    }
    observed
}
