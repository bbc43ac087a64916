//! CloudWatch Logs: groups, streams and events.
//!
//! Rows (groups, streams, metric filters) are collections; events are not: they are in memory, with
//! one append-only file a stream. Lock order: this service's lock is let go before another service
//! is called.

mod events;
mod faults;
mod groups;
mod metric_filters;
mod pattern;
mod put;
mod read;
mod streams;
mod tags;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use time::OffsetDateTime;

use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};
use events::EventStore;
use groups::Group;
use metric_filters::Filters;
use streams::Stream;

/// The service.
#[derive(Debug)]
pub(crate) struct Logs {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By `region/group`.
    groups: Collection<Group>,
    /// By `region/group:stream`; no group's name has a colon.
    streams: Collection<Stream>,
    filters: Filters,
    events: EventStore,
}

/// Where lines go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogTarget<'a> {
    pub(crate) region: &'a str,
    /// E.g. `/aws/lambda/x`.
    pub(crate) group: &'a str,
    /// E.g. `2026/01/02/[$LATEST]0123…`.
    pub(crate) stream: &'a str,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) at: OffsetDateTime,
    pub(crate) message: String,
}

impl Logs {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let groups: Collection<Group> = storage.collection("logs.groups")?;
        let streams: Collection<Stream> = storage.collection("logs.streams")?;
        let filters = Filters::open(storage)?;
        let mut events = EventStore::new(storage.folder("logs")?);
        let now = millis(OffsetDateTime::now_utc());
        for (key, stream) in streams.iter() {
            let group = key.rsplit_once(':').and_then(|(key, _)| groups.get(key));
            let horizon = group.map_or(i64::MIN, |group| group.horizon(now));
            events.load(key, &stream.file, horizon)?;
        }
        Ok(Self {
            state: Mutex::new(State {
                groups,
                streams,
                filters,
                events,
            }),
        })
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let output = match call.operation.as_str() {
            "CreateLogGroup" => self.create_group(cloud, call)?,
            "DescribeLogGroups" => self.describe_groups(call)?,
            "DeleteLogGroup" => self.delete_group(call)?,
            "PutRetentionPolicy" => self.put_retention(call)?,
            "DeleteRetentionPolicy" => self.delete_retention(call)?,
            "AssociateKmsKey" => self.set_key(call, true)?,
            "DisassociateKmsKey" => self.set_key(call, false)?,
            "TagResource" => self.tag_resource(call)?,
            "UntagResource" => self.untag_resource(call)?,
            "ListTagsForResource" => self.list_tags_for_resource(call)?,
            "TagLogGroup" => self.tag_group(call)?,
            "UntagLogGroup" => self.untag_group(call)?,
            "ListTagsLogGroup" => self.list_tags_of_group(call)?,
            "CreateLogStream" => self.create_stream(cloud, call)?,
            "DescribeLogStreams" => self.describe_streams(call)?,
            "DeleteLogStream" => self.delete_stream(call)?,
            "PutLogEvents" => self.put_events(cloud, call)?,
            "GetLogEvents" => self.get_events(cloud, call)?,
            "FilterLogEvents" => self.filter_events(cloud, call)?,
            "PutMetricFilter" => self.put_metric_filter(cloud, call)?,
            "DescribeMetricFilters" => self.describe_metric_filters(call)?,
            "DeleteMetricFilter" => self.delete_metric_filter(call)?,
            "TestMetricFilter" => metric_filters::test(call)?,
            other => return Err(Fault::absent(format!("logs.{other}"))),
        };
        Ok(Reply::output(output.unwrap_or_else(|| json!({}))))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970.
fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// The key of a group's row.
fn group_key(region: &str, group: &str) -> String {
    format!("{region}/{group}")
}

/// The key of a stream's row.
fn stream_key(region: &str, group: &str, stream: &str) -> String {
    format!("{region}/{group}:{stream}")
}
