//! Log streams.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::events::file_name;
use super::faults::{constraint, exists, invalid, limit, no_group, no_stream};
use super::groups::{self, one_of, read_token, token};
use super::{Logs, State, group_key, millis, stream_key};
use crate::cloud::Cloud;
use crate::storage::StorageError;
use crate::wire::{Call, Fault};

/// A stream's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stream {
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// The file of its events, in the folder of the service.
    pub(super) file: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    log_group_name: String,
    log_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<i64>,
}

impl Logs {
    pub(super) fn create_stream(&self, cloud: &Cloud, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Named = call.typed()?;
        let (group, stream) = (&input.log_group_name, &input.log_stream_name);
        if stream.is_empty() || stream.len() > 512 {
            let wanted = "Member must have length between 1 and 512, inclusive";
            return Err(constraint(stream.as_str(), "logStreamName", wanted));
        }
        if stream.contains([':', '*']) {
            let wanted = "Member must satisfy regular expression pattern: [^:*]*";
            return Err(constraint(stream.as_str(), "logStreamName", wanted));
        }
        let mut state = self.lock();
        if !state.groups.contains(&group_key(&call.region, group)) {
            return Err(no_group());
        }
        let key = stream_key(&call.region, group, stream);
        if state.streams.contains(&key) {
            return Err(exists("log stream"));
        }
        state.put_stream(&call.region, group, stream, millis(cloud.now()))?;
        Ok(None)
    }

    pub(super) fn delete_stream(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Named = call.typed()?;
        let mut state = self.lock();
        if !state
            .groups
            .contains(&group_key(&call.region, &input.log_group_name))
        {
            return Err(no_group());
        }
        let key = stream_key(&call.region, &input.log_group_name, &input.log_stream_name);
        let stream = state.streams.remove(&key)?.ok_or_else(no_stream)?;
        state.events.remove(&key, &stream.file);
        Ok(None)
    }

    pub(super) fn describe_streams(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Describe = call.typed()?;
        let group = one_of(
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
        )?;
        let by_time = match input.order_by.as_deref() {
            None | Some("LogStreamName") => false,
            Some("LastEventTime") => true,
            Some(other) => {
                let wanted = "Member must satisfy enum value set: [LogStreamName, LastEventTime]";
                return Err(constraint(other, "orderBy", wanted));
            }
        };
        let prefix = input.log_stream_name_prefix.unwrap_or_default();
        if by_time && !prefix.is_empty() {
            return Err(invalid(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            ));
        }
        let limit = limit(input.limit, 50)?;
        let after = input.next_token.as_deref().map(read_token).transpose()?;
        let state = self.lock();
        if !state.groups.contains(&group_key(&call.region, &group)) {
            return Err(no_group());
        }
        let arn = groups::arn(&call.region, &group);
        let mut found: Vec<(i64, &str, Value)> = state
            .streams_of(&call.region, &group)
            .into_iter()
            .filter(|(name, _, _)| name.starts_with(&prefix))
            .map(|(name, key, stream)| {
                let events = state.events.of(key);
                let list = events.since(i64::MIN);
                let last = list.last().map(|event| event.at);
                let output = json!({
                    "logStreamName": name,
                    "creationTime": stream.created,
                    "firstEventTimestamp": list.first().map(|event| event.at),
                    "lastEventTimestamp": last,
                    "lastIngestionTime": events.last_ingestion(),
                    "uploadSequenceToken": last.map(|_| format!("{:056}", list.len())),
                    "arn": format!("{arn}:log-stream:{name}"),
                    // Deprecated by AWS, and always 0 since 2019.
                    "storedBytes": 0,
                });
                let order = if by_time { last.unwrap_or(i64::MIN) } else { 0 };
                (order, name, output)
            })
            .collect();
        found.sort_by(|(a_time, a, _), (b_time, b, _)| (a_time, a).cmp(&(b_time, b)));
        if input.descending {
            found.reverse();
        }
        let start = match after {
            Some(after) => found
                .iter()
                .position(|(_, name, _)| *name == after)
                .map_or(found.len(), |at| at + 1),
            None => 0,
        };
        let end = found.len().min(start + limit);
        let next = (end < found.len()).then(|| token(found[end - 1].1));
        let page: Vec<Value> = found
            .drain(start..end)
            .map(|(_, _, output)| output)
            .collect();
        Ok(Some(json!({"logStreams": page, "nextToken": next})))
    }
}

impl State {
    /// The streams of a group: name, key and row, by name.
    pub(super) fn streams_of(&self, region: &str, group: &str) -> Vec<(&str, &str, &Stream)> {
        let prefix = format!("{}:", group_key(region, group));
        self.streams
            .under(&prefix)
            .map(|(key, stream)| (&key[prefix.len()..], key, stream))
            .collect()
    }

    /// Makes a stream.
    pub(super) fn put_stream(
        &mut self,
        region: &str,
        group: &str,
        stream: &str,
        now: i64,
    ) -> Result<(), StorageError> {
        let row = Stream {
            created: now,
            file: file_name(region, group, stream),
        };
        self.streams.put(&stream_key(region, group, stream), row)
    }

    /// Removes all streams of a group.
    pub(super) fn delete_streams(&mut self, region: &str, group: &str) -> Result<(), StorageError> {
        let keys: Vec<String> = self
            .streams_of(region, group)
            .into_iter()
            .map(|(_, key, _)| key.to_owned())
            .collect();
        for key in keys {
            if let Some(stream) = self.streams.remove(&key)? {
                self.events.remove(&key, &stream.file);
            }
        }
        Ok(())
    }
}
