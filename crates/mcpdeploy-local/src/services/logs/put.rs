//! Events come in: from callers by PutLogEvents, from services by [`Logs::append`].

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{constraint, invalid, no_group, no_stream};
use super::groups::Group;
use super::{LogLine, LogTarget, Logs, State, group_key, millis, stream_key};
use crate::cloud::Cloud;
use crate::storage::StorageError;
use crate::wire::{Call, Fault};

/// The largest batch and the largest event, in bytes as AWS counts them (PutLogEvents).
const LARGEST: usize = 1_048_576;
const HOUR: i64 = 3_600_000;
const OLDEST: i64 = 14 * 24 * HOUR;
const NEWEST: i64 = 2 * HOUR;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Put {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    timestamp: i64,
    message: String,
}

impl Logs {
    pub(super) fn put_events(&self, cloud: &Cloud, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Put = call.typed()?;
        check(&input.log_events)?;
        let now = millis(cloud.now());
        let group_key = group_key(&call.region, &input.log_group_name);
        let key = stream_key(&call.region, &input.log_group_name, &input.log_stream_name);
        let mut state = self.lock();
        let group = state.groups.get(&group_key).ok_or_else(no_group)?;
        if !state.streams.contains(&key) {
            return Err(no_stream());
        }
        let total = input.log_events.len();
        let horizon = group.horizon(now);
        let expired = input.log_events.partition_point(|e| e.timestamp < horizon);
        let old = input
            .log_events
            .partition_point(|e| e.timestamp < now - OLDEST);
        let new = input
            .log_events
            .partition_point(|e| e.timestamp <= now + NEWEST);
        let first = expired.max(old).min(new);
        let kept: Vec<(i64, String)> = input
            .log_events
            .into_iter()
            .skip(first)
            .take(new - first)
            .map(|event| (event.timestamp, event.message))
            .collect();
        if let (Some((earliest, _)), Some((latest, _))) = (kept.first(), kept.last())
            && latest - earliest > 24 * HOUR
        {
            return Err(invalid(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            ));
        }
        let samples = state.filters.samples(&group_key, now, &kept);
        if !kept.is_empty() {
            state.keep(&key, now, horizon, kept)?;
        }
        drop(state);
        for sample in samples {
            sample.record(cloud, &call.region);
        }
        let rejected = json!({
            "tooNewLogEventStartIndex": (new < total).then_some(new),
            "tooOldLogEventEndIndex": (old > 0).then_some(old),
            "expiredLogEventEndIndex": (expired > 0).then_some(expired),
        });
        let any = new < total || old > 0 || expired > 0;
        Ok(Some(json!({
            // Ignored by AWS since 2023, and still given out.
            "nextSequenceToken": format!("{:056}", uuid::Uuid::new_v4().as_u128()),
            "rejectedLogEventsInfo": any.then_some(rejected),
        })))
    }

    /// Takes lines that a service writes. Group and stream are made when they are not there; lines
    /// that cannot be kept are dropped, as nobody could be told.
    pub(crate) fn append(&self, cloud: &Cloud, target: LogTarget<'_>, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let now = millis(cloud.now());
        let new: Vec<(i64, String)> = lines
            .into_iter()
            .map(|line| (millis(line.at), line.message))
            .collect();
        let mut state = self.lock();
        let samples = state
            .filters
            .samples(&group_key(target.region, target.group), now, &new);
        let kept = state.append(target, now, new);
        drop(state);
        match kept {
            Ok(()) => samples
                .into_iter()
                .for_each(|sample| sample.record(cloud, target.region)),
            Err(error) => tracing::warn!(%error, group = target.group, "lines of a log are lost"),
        }
    }
}

impl State {
    fn append(
        &mut self,
        target: LogTarget<'_>,
        now: i64,
        new: Vec<(i64, String)>,
    ) -> Result<(), StorageError> {
        let LogTarget {
            region,
            group,
            stream,
        } = target;
        let group_key = group_key(region, group);
        if !self.groups.contains(&group_key) {
            self.groups.put(&group_key, Group::new(now))?;
        }
        let horizon = self
            .groups
            .get(&group_key)
            .map_or(i64::MIN, |group| group.horizon(now));
        let key = stream_key(region, group, stream);
        if !self.streams.contains(&key) {
            self.put_stream(region, group, stream, now)?;
        }
        self.keep(&key, now, horizon, new)
    }

    fn keep(
        &mut self,
        key: &str,
        now: i64,
        horizon: i64,
        new: Vec<(i64, String)>,
    ) -> Result<(), StorageError> {
        let Some(stream) = self.streams.get(key) else {
            return Ok(());
        };
        self.events.append(key, &stream.file, now, horizon, new)
    }
}

/// Refuses a batch that breaks a rule of PutLogEvents as a whole.
fn check(events: &[Input]) -> Result<(), Fault> {
    let count = |wanted: &str| {
        Err(constraint(
            format!("[{} events]", events.len()),
            "logEvents",
            wanted,
        ))
    };
    if events.is_empty() {
        return count("Member must have length greater than or equal to 1");
    }
    if events.len() > 10_000 {
        return count("Member must have length less than or equal to 10000");
    }
    for (index, event) in events.iter().enumerate() {
        let member = index + 1;
        if event.timestamp < 0 {
            return Err(constraint(
                event.timestamp,
                &format!("logEvents.{member}.member.timestamp"),
                "Member must have value greater than or equal to 0",
            ));
        }
        if event.message.is_empty() {
            return Err(constraint(
                "",
                &format!("logEvents.{member}.member.message"),
                "Member must have length greater than or equal to 1",
            ));
        }
        let size = event.message.len() + 26;
        if size > LARGEST {
            return Err(invalid(format!(
                "Log event too large: {size} bytes exceeds limit of {LARGEST}"
            )));
        }
    }
    let size: usize = events.iter().map(|event| event.message.len() + 26).sum();
    if size > LARGEST {
        return Err(invalid(format!(
            "Upload too large: {size} bytes exceeds limit of {LARGEST}"
        )));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    Ok(())
}
