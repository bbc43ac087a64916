//! Reads resources, many at once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::address::{Address, PhysicalId};
use crate::event::{Event, Sink};
use crate::kind::{DynCx, DynKind, DynObserved, KindError, Placement, same_owner};
use crate::pace::{Access, Lane, Pace};
use crate::resource::tags_of;
use crate::retry::retry;

use super::RefreshOptions;

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

/// The queries to one service that wait, with their places among all.
struct Line<K> {
    lane: Lane,
    waiting: VecDeque<(usize, K, Query)>,
}

/// The queries by service.
fn lines<K>(queries: Vec<(K, Query)>, pace: &Pace) -> Vec<Line<K>> {
    let mut lines: Vec<Line<K>> = Vec::new();
    let mut known: HashMap<(String, Placement), usize> = HashMap::new();
    for (index, (key, query)) in queries.into_iter().enumerate() {
        let kind = query.address.kind();
        let service = (kind.service().to_owned(), query.placement.clone());
        let line = *known.entry(service).or_insert_with(|| {
            lines.push(Line {
                lane: pace.lane(kind, &query.placement),
                waiting: VecDeque::new(),
            });
            lines.len() - 1
        });
        lines[line].waiting.push_back((index, key, query));
    }
    lines
}

/// Reads many at once. The order of the answers is that of the queries.
pub(super) async fn read_all<K: Send + 'static>(
    queries: Vec<(K, Query)>,
    options: &RefreshOptions,
    sink: &mut dyn Sink,
) -> Vec<Answer<K>> {
    let total = queries.len();
    let mut answers: Vec<Option<Answer<K>>> = Vec::new();
    answers.resize_with(total, || None);
    let mut lines = lines(queries, &options.pace);
    let slots = Arc::new(Semaphore::new(options.parallelism.max(1)));
    let mut moves = options.pace.moves();
    let mut running = JoinSet::new();
    let mut done = 0;
    while done < total {
        moves.mark_unchanged();
        while let Ok(slot) = Arc::clone(&slots).try_acquire_owned()
            && let Some((index, key, query, lane)) = next(&mut lines)
        {
            let access = Access::new(lane, slot);
            running.spawn(async move {
                let found = read_one(&query, &access).await;
                (index, Answer { key, query, found })
            });
        }
        // Without a free slot, time opens nothing.
        let waiting = lines.iter().filter(|line| !line.waiting.is_empty());
        let opens_in = waiting
            .filter(|_| slots.available_permits() > 0)
            .filter_map(|line| line.lane.opens_in())
            .min();
        tokio::select! {
            biased;
            Some(ended) = running.join_next() => {
                match ended {
                    Ok((index, answer)) => answers[index] = Some(answer),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                }
                done += 1;
                sink.event(&Event::Reading { done, total });
            }
            _ = moves.changed() => {}
            () = async {
                match opens_in {
                    Some(opens_in) => tokio::time::sleep(opens_in).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
    }
    answers.into_iter().flatten().collect()
}

/// The first of those whose service can be called.
fn next<K>(lines: &mut [Line<K>]) -> Option<(usize, K, Query, Lane)> {
    let first = lines
        .iter_mut()
        .filter(|line| line.lane.is_open())
        .min_by_key(|line| line.waiting.front().map_or(usize::MAX, |first| first.0))?;
    let (index, key, query) = first.waiting.pop_front()?;
    Some((index, key, query, first.lane.clone()))
}

/// Reads one; with its owner when that is asked for: `Some(true)` ours, `Some(false)` not ours,
/// `None` nobody can tell.
async fn read_one(
    query: &Query,
    access: &Access,
) -> Result<Option<(DynObserved, Option<bool>)>, KindError> {
    let quiet = |_: &str| ();
    let retrying = |_: &KindError, _: Duration| ();
    let cx = DynCx::new(&query.address, &query.placement, &quiet).paced(access);
    let kind = &*query.kind;
    let found = retry(access, &retrying, || {
        kind.read(&cx, query.id.as_ref(), &query.inputs, &query.others)
    })
    .await?;
    let Some(observed) = found else {
        return Ok(None);
    };
    let owner = if !query.owner || !kind.taggable() {
        None
    } else if observed.unobserved.contains(&"/tags") {
        retry(access, &retrying, || {
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
