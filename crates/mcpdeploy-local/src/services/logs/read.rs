//! Events are read: one stream by GetLogEvents, a group by FilterLogEvents.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::events::{Event, Place};
use super::faults::{bad_token, invalid, limit, no_group, no_stream};
use super::groups::one_of;
use super::pattern::Pattern;
use super::{Logs, group_key, millis, stream_key};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault};

/// How much a page holds at most: 1 MB or 10 000 events (GetLogEvents, FilterLogEvents).
const PAGE_BYTES: usize = 1_048_576;
const PAGE_EVENTS: i64 = 10_000;

/// FilterLogEvents reads from the end only from this day on, 2024-01-01.
const FIRST_FROM_TAIL: i64 = 1_704_067_200_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Get {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    start_from_head: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
}

/// Where a read goes on: after a place, or before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Forward(Place),
    Backward(Place),
}

impl Cursor {
    /// `f/<time><number>/s`, as long as AWS's: 56 digits.
    fn write(self) -> String {
        let (letter, (at, number)) = match self {
            Self::Forward(place) => ('f', place),
            Self::Backward(place) => ('b', place),
        };
        format!("{letter}/{at:028}{number:028}/s")
    }

    fn read(token: &str) -> Result<Self, Fault> {
        let mut parts = token.split('/');
        let letter = parts.next().unwrap_or_default();
        let digits = parts.next().unwrap_or_default();
        let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|d| d.parse().ok());
        let at = number(0..28).and_then(|at: u64| i64::try_from(at).ok());
        let place = (
            at.ok_or_else(bad_token)?,
            number(28..56).ok_or_else(bad_token)?,
        );
        match letter {
            "f" => Ok(Self::Forward(place)),
            "b" => Ok(Self::Backward(place)),
            _ => Err(bad_token()),
        }
    }
}

/// As many events from the start, or from the end, as a page holds.
fn page(events: &[Event], limit: usize, from_end: bool) -> &[Event] {
    let mut bytes = 0;
    let mut fits = |event: &&Event| {
        bytes += event.size();
        bytes <= PAGE_BYTES
    };
    if from_end {
        let count = events
            .iter()
            .rev()
            .take(limit)
            .take_while(&mut fits)
            .count();
        &events[events.len() - count..]
    } else {
        let count = events.iter().take(limit).take_while(&mut fits).count();
        &events[..count]
    }
}

impl Logs {
    pub(super) fn get_events(&self, cloud: &Cloud, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Get = call.typed()?;
        let group = one_of(
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
        )?;
        let limit = limit(input.limit, PAGE_EVENTS)?;
        let cursor = input.next_token.as_deref().map(Cursor::read).transpose()?;
        let state = self.lock();
        let row = state.groups.get(&group_key(&call.region, &group));
        let row = row.ok_or_else(no_group)?;
        let key = stream_key(&call.region, &group, &input.log_stream_name);
        if !state.streams.contains(&key) {
            return Err(no_stream());
        }
        let from = row
            .horizon(millis(cloud.now()))
            .max(input.start_time.unwrap_or(i64::MIN));
        let events = state.events.of(&key).since(from);
        let until = input.end_time.unwrap_or(i64::MAX);
        let events = &events[..events.partition_point(|event| event.at < until)];
        let (shown, place) = match cursor {
            Some(Cursor::Forward(place)) => {
                let start = events.partition_point(|event| event.place() <= place);
                (page(&events[start..], limit, false), place)
            }
            Some(Cursor::Backward(place)) => {
                let end = events.partition_point(|event| event.place() < place);
                (page(&events[..end], limit, true), place)
            }
            None => (page(events, limit, !input.start_from_head), (0, 0)),
        };
        // At either end, the token that leads there comes back unchanged.
        let last = shown.last().map_or(place, Event::place);
        let first = shown.first().map_or(place, Event::place);
        Ok(Some(json!({
            "events": shown.iter().map(|event| json!({
                "timestamp": event.at,
                "message": event.message,
                "ingestionTime": event.ingested,
            })).collect::<Vec<_>>(),
            "nextForwardToken": Cursor::Forward(last).write(),
            "nextBackwardToken": Cursor::Backward(first).write(),
        })))
    }

    pub(super) fn filter_events(&self, cloud: &Cloud, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Filter = call.typed()?;
        let group = one_of(
            input.log_group_name.as_deref(),
            input.log_group_identifier.as_deref(),
        )?;
        let names = input.log_stream_names.unwrap_or_default();
        if !names.is_empty() && input.log_stream_name_prefix.is_some() {
            return Err(invalid(
                "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.",
            ));
        }
        let start = input.start_time.unwrap_or(i64::MIN);
        let end = input.end_time.unwrap_or(i64::MAX);
        if start > end {
            return Err(invalid("startTime must be before endTime."));
        }
        let limit = limit(input.limit, PAGE_EVENTS)?;
        let pattern = Pattern::read(input.filter_pattern.as_deref().unwrap_or_default())?;
        let cursor = input.next_token.as_deref().map(Mark::read).transpose()?;
        let from_tail = match &cursor {
            Some(cursor) => cursor.from_tail,
            None => input.start_from_head == Some(false),
        };
        if from_tail && start < FIRST_FROM_TAIL {
            return Err(invalid(
                "startFromHead can be false only when startTime is on or after 2024-01-01T00:00:00Z.",
            ));
        }
        let state = self.lock();
        let row = state.groups.get(&group_key(&call.region, &group));
        let row = row.ok_or_else(no_group)?;
        let streams = state.streams_of(&call.region, &group);
        if let Some(missing) = names
            .iter()
            .find(|name| !streams.iter().any(|(stream, _, _)| stream == name))
        {
            tracing::debug!(missing, "no such stream");
            return Err(no_stream());
        }
        let prefix = input.log_stream_name_prefix.unwrap_or_default();
        let horizon = row.horizon(millis(cloud.now())).max(start);
        let mut found: Vec<(Mark, &str, &Event)> = Vec::new();
        for (name, key, _) in streams {
            let wanted = name.starts_with(&prefix)
                && (names.is_empty() || names.iter().any(|one| one == name));
            if !wanted {
                continue;
            }
            let stream = hash(key);
            for event in state.events.of(key).since(horizon) {
                if event.at > end {
                    break;
                }
                let mark = Mark {
                    from_tail,
                    at: event.at,
                    stream,
                    number: event.number,
                };
                if cursor.as_ref().is_none_or(|c| mark.comes_after(c))
                    && pattern.matches(&event.message)
                {
                    found.push((mark, name, event));
                }
            }
        }
        found.sort_by_key(|(mark, _, _)| mark.order());
        if from_tail {
            found.reverse();
        }
        let mut bytes = 0;
        let count = found
            .iter()
            .take(limit)
            .take_while(|(_, _, event)| {
                bytes += event.size();
                bytes <= PAGE_BYTES
            })
            .count();
        let next = (count < found.len()).then(|| found[count - 1].0.write());
        let events: Vec<Value> = found[..count]
            .iter()
            .map(|(mark, name, event)| {
                json!({
                    "logStreamName": name,
                    "timestamp": event.at,
                    "message": event.message,
                    "ingestionTime": event.ingested,
                    "eventId": mark.event_id(),
                })
            })
            .collect();
        // Empty since AWS searches all streams at once.
        Ok(Some(
            json!({"events": events, "searchedLogStreams": [], "nextToken": next}),
        ))
    }
}

/// A place among the events of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    from_tail: bool,
    at: i64,
    /// Tells streams apart.
    stream: u32,
    number: u64,
}

impl Mark {
    fn order(&self) -> (i64, u32, u64) {
        (self.at, self.stream, self.number)
    }

    fn comes_after(&self, other: &Self) -> bool {
        if self.from_tail {
            self.order() < other.order()
        } else {
            self.order() > other.order()
        }
    }

    /// 56 digits, in the order of the events, as AWS's are.
    fn event_id(&self) -> String {
        format!("3{:019}{:018}{:018}", self.at, self.stream, self.number)
    }

    fn write(&self) -> String {
        let way = if self.from_tail { 't' } else { 'h' };
        format!("{way}-{}-{}-{}", self.at, self.stream, self.number)
    }

    fn read(token: &str) -> Result<Self, Fault> {
        let mut parts = token.split('-');
        let from_tail = match parts.next() {
            Some("h") => false,
            Some("t") => true,
            _ => return Err(bad_token()),
        };
        let mut part = || parts.next().and_then(|text| text.parse::<u64>().ok());
        let (Some(at), Some(stream), Some(number)) = (part(), part(), part()) else {
            return Err(bad_token());
        };
        Ok(Self {
            from_tail,
            at: i64::try_from(at).map_err(|_| bad_token())?,
            stream: u32::try_from(stream).map_err(|_| bad_token())?,
            number,
        })
    }
}

fn hash(text: &str) -> u32 {
    let digest = Sha256::digest(text.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back_and_others_are_refused() {
        for cursor in [
            Cursor::Forward((1_700_000_000_000, 7)),
            Cursor::Backward((0, 0)),
        ] {
            let token = cursor.write();
            assert_eq!(token.len(), 2 + 56 + 2);
            assert_eq!(Cursor::read(&token), Ok(cursor));
        }
        let mark = Mark {
            from_tail: true,
            at: 5,
            stream: 6,
            number: 7,
        };
        assert_eq!(Mark::read(&mark.write()), Ok(mark));
        assert_eq!(mark.event_id().len(), 56);
        for token in ["", "x", "f/12/s", "h-1-2", "t-1-99999999999-3", "h-x-1-1"] {
            assert_eq!(Cursor::read(token), Err(bad_token()), "{token}");
            assert_eq!(Mark::read(token), Err(bad_token()), "{token}");
        }
    }
}
