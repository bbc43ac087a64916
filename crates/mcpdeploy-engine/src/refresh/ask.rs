//! Reads resources, many at once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::address::{Address, PhysicalId};
use crate::event::{Event, Sink};
use crate::kind::{DynCx, DynKind, DynObserved, KindError, Placement, same_owner};
use crate::resource::tags_of;
use crate::retry::retry;

/// One thing to read.
pub(super) struct Query {
    pub(super) address: Address,
    pub(super) kind: Arc<dyn DynKind>,
    pub(super) placement: Placement,
    pub(super) id: Option<PhysicalId>,
    pub(super) inputs: Value,
    pub(super) others: Arc<[PhysicalId]>,
    /// Whether its tags are needed to tell whose it is.
    pub(super) owner: bool,
}

pub(super) struct Answer<K> {
    pub(super) key: K,
    pub(super) query: Query,
    pub(super) found: Result<Option<(DynObserved, Option<bool>)>, KindError>,
}

/// Reads many at once. The order of the answers is that of the queries.
pub(super) async fn read_all<K: Send + 'static>(
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
        retry(&retrying, || {
            kind.read_tags(&cx, &observed.id, &query.inputs)
        })
        .await?
        .map(|tags| same_owner(&tags_of(&query.inputs), &tags))
    } else {
        Some(same_owner(
            &tags_of(&query.inputs),
            &tags_of(&observed.inputs),
        ))
    };
    Ok(Some((observed, owner)))
}
