//! Reads resources, many at once, and with one call where a list serves many.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::address::{Address, PhysicalId};
use crate::event::{Event, Sink};
use crate::kind::{DynCx, DynKind, DynObserved, KindError, Placement, Who, same_owner};
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

/// What was found, and whether it is ours: see [`owned`].
type Found = Option<(DynObserved, Option<bool>)>;

pub(super) struct Answer<K> {
    pub(super) key: K,
    pub(super) query: Query,
    /// Those that were read together share their failure.
    pub(super) found: Result<Found, Arc<KindError>>,
}

/// A query that waits, with its place among all.
type Waiting<K> = (usize, K, Query);

/// The queries to one service that wait.
struct Line<K> {
    lane: Lane,
    waiting: VecDeque<Waiting<K>>,
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
            && let Some((lane, together)) = next(&mut lines)
        {
            let access = Access::new(lane, slot);
            let place = |(index, key, query)| ((index, key), query);
            let (places, queries): (Vec<_>, Vec<_>) = together.into_iter().map(place).unzip();
            running.spawn(async move {
                let found = read_together(&queries, &access).await;
                let asked = places.into_iter().zip(queries);
                let answer = |(((index, key), query), found)| (index, Answer { key, query, found });
                asked.zip(found).map(answer).collect::<Vec<_>>()
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
                let ended = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                done += ended.len();
                for (index, answer) in ended {
                    answers[index] = Some(answer);
                }
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

/// The first of those whose service can be called, and those that can be read along with it.
fn next<K>(lines: &mut [Line<K>]) -> Option<(Lane, Vec<Waiting<K>>)> {
    let line = lines
        .iter_mut()
        .filter(|line| line.lane.is_open())
        .min_by_key(|line| line.waiting.front().map_or(usize::MAX, |first| first.0))?;
    let first = line.waiting.pop_front()?;
    let (kind, most) = (first.2.kind.name(), first.2.kind.read_together_at_most());
    let mut together = vec![first];
    let mut at = 0;
    // All of a line are in one place.
    while together.len() < most && at < line.waiting.len() {
        match line.waiting.get(at) {
            Some((_, _, query)) if query.kind.name() == kind => {
                together.extend(line.waiting.remove(at));
            }
            Some(_) | None => at += 1,
        }
    }
    Some((line.lane.clone(), together))
}

/// Reads those, with an answer for each; see [`owned`].
async fn read_together(queries: &[Query], access: &Access) -> Vec<Result<Found, Arc<KindError>>> {
    let Some(first) = queries.first() else {
        return Vec::new();
    };
    let quiet = |_: &str| ();
    let retrying = |_: &KindError, _: Duration| ();
    let cx = DynCx::new(&first.address, &first.placement, &quiet).paced(access);
    let kind = &*first.kind;
    let who: Vec<Who<'_, Value>> = queries
        .iter()
        .map(|query| Who {
            id: query.id.as_ref(),
            inputs: &query.inputs,
            others: &query.others,
        })
        .collect();
    let found = retry(access, &retrying, || async {
        match who.as_slice() {
            [who] => Ok(vec![kind.read(&cx, who.id, who.inputs, who.others).await?]),
            many => kind.read_together(&cx, many).await,
        }
    })
    .await;
    match found {
        Ok(found) => {
            let mut answers = Vec::with_capacity(found.len());
            for (found, query) in found.into_iter().zip(queries) {
                answers.push(match found {
                    Some(observed) => match owned(query, observed, access).await {
                        Ok(found) => Ok(Some(found)),
                        Err(error) => Err(Arc::new(error)),
                    },
                    None => Ok(None),
                });
            }
            answers
        }
        Err(error) => {
            let error = Arc::new(error);
            queries.iter().map(|_| Err(Arc::clone(&error))).collect()
        }
    }
}

/// What was found, with its owner when that is asked for: `Some(true)` ours, `Some(false)` not
/// ours, `None` nobody can tell.
async fn owned(
    query: &Query,
    observed: DynObserved,
    access: &Access,
) -> Result<(DynObserved, Option<bool>), KindError> {
    let quiet = |_: &str| ();
    let retrying = |_: &KindError, _: Duration| ();
    let cx = DynCx::new(&query.address, &query.placement, &quiet).paced(access);
    let kind = &*query.kind;
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
    Ok((observed, owner))
}
