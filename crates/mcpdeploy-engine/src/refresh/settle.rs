//! Settles what an earlier run announced and did not end.

use serde_json::Value;

use crate::claims::Claims;
use crate::event::{Finding, Sink};
use crate::kind::Registry;
use crate::plan::{Findings, Recovered};
use crate::record::{IntentAction, OpId, Record, Recovery};
use crate::retry::LOOK_AGAIN;
use crate::state::State;

use super::ask::{Answer, Query, read_all};
use super::{Problem, RefreshErrors, RefreshOptions, kind_of, record, stop_on};

/// Settles what an earlier run announced and did not end.
pub(super) async fn settle_pending(
    now: &mut State,
    registry: &Registry,
    options: &RefreshOptions,
    findings: &mut Findings,
    sink: &mut dyn Sink,
) -> Result<(), RefreshErrors> {
    if now.pending.is_empty() {
        return Ok(());
    }
    let mut claims = Claims::of(now);
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
        let kind = intent.address.kind();
        let others = claims.others(kind, &intent.placement, id.as_ref());
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
    for answer in read_patiently(queries, options, sink).await {
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
            // Not the one that was announced, but another resource's or somebody else's: ours was
            // not created. If it is still wanted, the search for what is wanted says who has the name.
            Ok(Some((observed, owner)))
                if owner == Some(false)
                    || answer.query.id.as_ref() != Some(&observed.id)
                        && claims.has(address.kind(), &answer.query.placement, &observed.id) =>
            {
                Recovery::Absent
            }
            Ok(Some((mut observed, _))) => {
                // What was not looked at stays null in an incomplete resource, so that it differs
                // and is set. What was to become null is as it was, for the same reason.
                if let (IntentAction::Update, Some(old)) = (&action, now.current(&address)) {
                    for pointer in observed.unobserved {
                        let announced = pending.intent.inputs.pointer(pointer);
                        if announced.is_none_or(Value::is_null)
                            && let (Some(slot), Some(was)) = (
                                observed.inputs.pointer_mut(pointer),
                                old.there().pointer(pointer),
                            )
                        {
                            *slot = was.clone();
                        }
                    }
                }
                claims.add(address.kind(), &answer.query.placement, &observed.id);
                Recovery::Present {
                    id: observed.id,
                    inputs: observed.inputs,
                    outputs: observed.outputs,
                }
            }
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

/// Reads, and looks again for creations that left nothing to be seen: see [`LOOK_AGAIN`]. A call that
/// was on its way when its run was killed has arrived by then, too.
async fn read_patiently(
    queries: Vec<(OpId, Query)>,
    options: &RefreshOptions,
    sink: &mut dyn Sink,
) -> Vec<Answer<OpId>> {
    let mut answers = read_all(queries, options, sink).await;
    for wait in LOOK_AGAIN {
        let (unseen, seen): (Vec<_>, Vec<_>) = answers.into_iter().partition(may_lag);
        answers = seen;
        if unseen.is_empty() {
            break;
        }
        tokio::time::sleep(wait).await;
        let again = unseen.into_iter().map(|answer| (answer.key, answer.query));
        answers.extend(read_all(again.collect(), options, sink).await);
    }
    answers.sort_by_key(|answer| answer.key);
    answers
}

/// Whether something may have been created that cannot be seen yet.
fn may_lag(answer: &Answer<OpId>) -> bool {
    let query = &answer.query;
    let identity = query.kind.identity(&query.inputs);
    matches!(answer.found, Ok(None))
        && query.id.is_none()
        && identity.is_none_or(|identity| identity.may_lag())
}
