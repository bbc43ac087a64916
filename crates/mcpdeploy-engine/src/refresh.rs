//! Looks at the cloud before planning: settles what an earlier run left open, reads what the state
//! has, and looks for what is wanted and may exist already.
//!
//! Changes nothing: what is found comes back as records, which the planner folds into a copy and
//! apply writes to the journal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::address::{Address, PhysicalId};
use crate::event::{Event, Fault, Finding, Sink};
use crate::graph::Graph;
use crate::kind::{DynCx, DynKind, DynObserved, Identity, KindError, Placement, Registry, same_owner};
use crate::plan::{Findings, Mode, Recovered};
use crate::record::{IntentAction, OpId, Record, Recovery, Slot};
use crate::resource::tags_of;
use crate::retry::retry;
use crate::state::{FoldError, Instance, State};
use crate::value::{self, Lookup};

/// How to look.
#[derive(Debug, Clone)]
pub struct RefreshOptions {
    /// Read what the state has. Without it only open operations are settled.
    pub read: bool,
    /// Look for wanted resources that are not in the state.
    pub probe: bool,
    /// Reads at the same time.
    pub parallelism: usize,
    /// What the plan is for: a destruction looks for nothing new.
    pub mode: Mode,
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
    moves(graph, &mut now, &mut findings)?;
    settle_pending(&mut now, registry, options, &mut findings, sink).await?;
    if options.read {
        read_known(&mut now, registry, options, &mut findings, sink).await?;
    }
    if options.probe && options.mode == Mode::Normal {
        probe_wanted(graph, &mut now, options, &mut findings, sink).await?;
    }
    Ok(findings)
}

fn record(now: &mut State, findings: &mut Findings, record: Record) -> Result<(), RefreshErrors> {
    now.fold(&record).map_err(RefreshErrors::Fold)?;
    findings.records.push(record);
    Ok(())
}

fn moves(graph: &Graph, now: &mut State, findings: &mut Findings) -> Result<(), RefreshErrors> {
    for (from, to) in &graph.moved {
        if now.resources.contains_key(from) && !now.resources.contains_key(to) {
            let moved = Record::Moved {
                from: from.clone(),
                to: to.clone(),
            };
            record(now, findings, moved)?;
        }
    }
    Ok(())
}

/// One thing to read.
struct Query {
    address: Address,
    kind: Arc<dyn DynKind>,
    placement: Placement,
    id: Option<PhysicalId>,
    inputs: Value,
    others: Vec<PhysicalId>,
    /// Whether its tags are needed to tell whose it is.
    owner: bool,
}

struct Answer<K> {
    key: K,
    query: Query,
    found: Result<Option<(DynObserved, Option<bool>)>, KindError>,
}

/// Reads many at once. The order of the answers is that of the queries.
async fn read_all<K: Send + 'static>(
    queries: Vec<(K, Query)>,
    parallelism: usize,
    sink: &mut dyn Sink,
) -> Vec<Answer<K>> {
    let total = queries.len();
    let mut answers: Vec<Option<Answer<K>>> = Vec::new();
    answers.resize_with(total, || None);
    let mut waiting = queries.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut done = 0;
    loop {
        while running.len() < parallelism.max(1)
            && let Some((index, (key, query))) = waiting.next()
        {
            running.spawn(async move {
                let found = read_one(&query).await;
                (index, Answer { key, query, found })
            });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((index, answer))) => answers[index] = Some(answer),
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
        done += 1;
        sink.event(&Event::Reading { done, total });
    }
    answers.into_iter().flatten().collect()
}

/// Reads one; with its owner when that is asked for: `Some(true)` ours, `Some(false)` not ours,
/// `None` nobody can tell.
async fn read_one(query: &Query) -> Result<Option<(DynObserved, Option<bool>)>, KindError> {
    let quiet = |_: &str| ();
    let retrying = |_: &KindError, _: Duration| ();
    let cx = DynCx::new(&query.address, &query.placement, &quiet);
    let kind = &*query.kind;
    let found = retry(&retrying, || {
        kind.read(&cx, query.id.as_ref(), &query.inputs, &query.others)
    })
    .await?;
    let Some(observed) = found else {
        return Ok(None);
    };
    let owner = if !query.owner || !kind.taggable() {
        None
    } else if observed.unobserved.contains(&"/tags") {
        retry(&retrying, || kind.read_tags(&cx, &observed.id, &query.inputs))
            .await?
            .map(|tags| same_owner(&tags_of(&query.inputs), &tags))
    } else {
        Some(same_owner(&tags_of(&query.inputs), &tags_of(&observed.inputs)))
    };
    Ok(Some((observed, owner)))
}

fn kind_of(registry: &Registry, address: &Address) -> Result<Arc<dyn DynKind>, RefreshErrors> {
    registry
        .get(address.kind().as_str())
        .cloned()
        .ok_or_else(|| RefreshErrors::NoKind(address.clone()))
}

/// Settles what an earlier run announced and did not end.
async fn settle_pending(
    now: &mut State,
    registry: &Registry,
    options: &RefreshOptions,
    findings: &mut Findings,
    sink: &mut dyn Sink,
) -> Result<(), RefreshErrors> {
    let mut queries: Vec<(OpId, Query)> = Vec::new();
    for (op, pending) in &now.pending {
        let intent = &pending.intent;
        let resource = now.resources.get(&intent.address);
        let id = match intent.action {
            IntentAction::Create { .. } => pending.created.clone(),
            IntentAction::Update => now.current(&intent.address).map(|i| i.id.clone()),
            IntentAction::Delete(slot) => resource
                .and_then(|resource| resource.instance(slot))
                .map(|instance| instance.id.clone()),
        };
        let others = resource
            .into_iter()
            .flat_map(|resource| resource.ids())
            .filter(|other| Some(*other) != id.as_ref())
            .cloned()
            .collect();
        queries.push((
            *op,
            Query {
                address: intent.address.clone(),
                kind: kind_of(registry, &intent.address)?,
                placement: intent.placement.clone(),
                owner: matches!(intent.action, IntentAction::Create { .. }) && id.is_none(),
                id,
                inputs: intent.inputs.clone(),
                others,
            },
        ));
    }
    let mut problems = Vec::new();
    for answer in read_all(queries, options.parallelism, sink).await {
        let Some(pending) = now.pending.get(&answer.key) else {
            continue;
        };
        let action = pending.intent.action.clone();
        let address = answer.query.address;
        let outcome = match answer.found {
            Err(error) => {
                problems.push(Problem::unreadable(&address, &error));
                continue;
            }
            Ok(Some((observed, Some(false)))) => {
                problems.push(Problem::Taken {
                    address,
                    id: observed.id,
                });
                continue;
            }
            Ok(Some((observed, _))) => Recovery::Present {
                id: observed.id,
                // What was not looked at stays null in an incomplete resource, so that it differs
                // and is set.
                inputs: observed.inputs,
                outputs: observed.outputs,
            },
            Ok(None) => Recovery::Absent,
        };
        let finding = match (&action, &outcome) {
            (IntentAction::Create { .. }, Recovery::Present { .. }) => Finding::Adopted,
            (IntentAction::Create { .. }, Recovery::Absent) => Finding::NotCreated,
            (IntentAction::Update, _) => Finding::Reread,
            (IntentAction::Delete(_), Recovery::Absent) => Finding::Deleted,
            (IntentAction::Delete(_), Recovery::Present { .. }) => Finding::NotDeleted,
        };
        findings.recovered.push(Recovered { address, finding });
        let recovered = Record::Recovered {
            op: answer.key,
            outcome,
        };
        record(now, findings, recovered)?;
    }
    stop_on(problems)
}

/// Reads everything that the state has.
async fn read_known(
    now: &mut State,
    registry: &Registry,
    options: &RefreshOptions,
    findings: &mut Findings,
    sink: &mut dyn Sink,
) -> Result<(), RefreshErrors> {
    let just_read: BTreeSet<&Address> = findings.recovered.iter().map(|r| &r.address).collect();
    let mut queries: Vec<(Slot, Query)> = Vec::new();
    for (address, resource) in &now.resources {
        let kind = kind_of(registry, address)?;
        if kind.pure() {
            continue;
        }
        let slots = resource
            .current
            .iter()
            .filter(|_| !just_read.contains(address))
            .map(|instance| (Slot::Current, instance))
            .chain(resource.deposed.iter().map(|(key, i)| (Slot::Deposed(*key), i)));
        for (slot, instance) in slots {
            queries.push((
                slot,
                Query {
                    address: address.clone(),
                    kind: Arc::clone(&kind),
                    placement: instance.placement.clone(),
                    id: Some(instance.id.clone()),
                    inputs: instance.inputs.clone(),
                    others: Vec::new(),
                    owner: false,
                },
            ));
        }
    }
    let mut problems = Vec::new();
    for answer in read_all(queries, options.parallelism, sink).await {
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
        if let (Some(slot), Some(value)) =
            (observed.pointer_mut(pointer), known.there().pointer(pointer))
        {
            *slot = value.clone();
        }
    }
    observed
}

/// Looks for wanted resources that are not in the state but may exist: after the state was lost,
/// or because somebody else has the name.
async fn probe_wanted(
    graph: &Graph,
    now: &mut State,
    options: &RefreshOptions,
    findings: &mut Findings,
    sink: &mut dyn Sink,
) -> Result<(), RefreshErrors> {
    let gone: BTreeSet<&Address> = findings.gone.iter().collect();
    // A parent found in one round makes its children findable in the next.
    let mut asked: BTreeSet<Address> = gone.into_iter().cloned().collect();
    let mut problems = Vec::new();
    loop {
        let mut queries: Vec<(Option<Identity>, Query)> = Vec::new();
        for node in graph.in_order() {
            let resource = &node.resource;
            let known = now.resources.contains_key(&resource.address);
            if known || node.kind.pure() || asked.contains(&resource.address) {
                continue;
            }
            let resolved = value::resolve(&resource.inputs, &mut |reference| {
                now.current(&reference.address)
                    .and_then(|instance| instance.outputs.pointer(&reference.pointer))
                    .map_or(Lookup::Unknown, |value| Lookup::Known(value.clone()))
            });
            let Some(inputs) = resolved
                .ok()
                .filter(|inputs| !value::has_unknown(inputs))
                .and_then(|inputs| node.kind.normalize(inputs).ok())
            else {
                continue;
            };
            asked.insert(resource.address.clone());
            queries.push((
                node.kind.identity(&inputs),
                Query {
                    address: resource.address.clone(),
                    kind: Arc::clone(&node.kind),
                    placement: resource.placement.clone(),
                    id: None,
                    inputs,
                    others: Vec::new(),
                    owner: true,
                },
            ));
        }
        if queries.is_empty() {
            break;
        }
        for answer in read_all(queries, options.parallelism, sink).await {
            let address = answer.query.address.clone();
            let (observed, ours) = match answer.found {
                Err(error) => {
                    problems.push(Problem::unreadable(&address, &error));
                    continue;
                }
                Ok(None) => continue,
                Ok(Some(found)) => found,
            };
            // What cannot be tagged belongs to its parent, and the parent is ours.
            let in_parent = matches!(answer.key, Some(Identity::InParent { .. }));
            if !ours.unwrap_or(in_parent) {
                problems.push(Problem::Taken {
                    address,
                    id: observed.id,
                });
                continue;
            }
            let node = graph.get(&address);
            let lifecycle = node.map(|node| node.resource.lifecycle.clone()).unwrap_or_default();
            let inputs = answer.query.inputs;
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
