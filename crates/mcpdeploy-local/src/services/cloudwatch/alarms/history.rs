//! What happened to alarms: DescribeAlarmHistory.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::judge::stamp;
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{bad_token, constraint};
use crate::services::cloudwatch::input::{integer, moment, output_moment, text, texts};
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault};

/// How long AWS keeps it: 30 days, in milliseconds.
const KEPT: i64 = 30 * 24 * 3_600_000;

/// All items.
#[derive(Debug)]
pub(in super::super) struct History {
    /// By region, moment and number, so that they are in the order in which things happened.
    items: Collection<Item>,
    last_number: u64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    alarm: String,
    /// `MetricAlarm` or `CompositeAlarm`.
    alarm_type: String,
    /// Milliseconds since 1970.
    at: i64,
    /// `ConfigurationUpdate`, `StateUpdate` or `Action`.
    kind: String,
    summary: String,
    /// JSON.
    data: String,
}

impl History {
    /// Opens it; what is older than 30 days at `now` is let go.
    pub(in super::super) fn open(storage: &Storage, now: i64) -> Result<Self, ReadError> {
        let mut items: Collection<Item> = storage.collection("cloudwatch.alarm_history")?;
        let old: Vec<String> = items
            .iter()
            .filter(|(_, item)| item.at < now - KEPT)
            .map(|(key, _)| key.to_owned())
            .collect();
        for key in old {
            if let Err(error) = items.remove(&key) {
                tracing::debug!(%error, "old history stays");
            }
        }
        let last = items
            .iter()
            .filter_map(|(key, _)| key.rsplit('/').next()?.parse().ok());
        let last_number = last.max().unwrap_or(0);
        Ok(Self { items, last_number })
    }

    pub(super) fn configured(
        &mut self,
        region: &str,
        alarm: &str,
        alarm_type: &str,
        done: &str,
        at: i64,
    ) {
        let kind = match done {
            "created" => "Create",
            "deleted" => "Delete",
            _ => "Update",
        };
        let data = json!({"version": "1.0", "type": kind});
        let summary = format!("Alarm \"{alarm}\" {done}");
        self.add(
            region,
            alarm,
            alarm_type,
            "ConfigurationUpdate",
            summary,
            &data,
            at,
        );
    }

    pub(super) fn changed(
        &mut self,
        region: &str,
        alarm: &str,
        alarm_type: &str,
        old: &State,
        new: &State,
    ) {
        let side = |state: &State| {
            let data: Option<Value> = state
                .reason_data
                .as_deref()
                .and_then(|data| serde_json::from_str(data).ok());
            json!({"stateValue": state.value.name(), "stateReason": state.reason, "stateReasonData": data})
        };
        let data = json!({"version": "1.0", "oldState": side(old), "newState": side(new)});
        let summary = format!(
            "Alarm updated from {} to {}",
            old.value.name(),
            new.value.name()
        );
        self.add(
            region,
            alarm,
            alarm_type,
            "StateUpdate",
            summary,
            &data,
            new.updated,
        );
    }

    pub(super) fn acted(
        &mut self,
        region: &str,
        alarm: &str,
        alarm_type: &str,
        action: &str,
        done: &Result<(), String>,
        at: i64,
    ) {
        let (summary, state) = match done {
            Ok(()) => (
                format!("Successfully executed action {action}"),
                "Succeeded",
            ),
            Err(why) => (
                format!("Failed to execute action {action}. Received error: \"{why}\""),
                "Failed",
            ),
        };
        let data = json!({
            "actionState": state,
            "notificationResource": action,
            "stateUpdateTimestamp": stamp(at),
            "error": done.as_ref().err(),
        });
        self.add(region, alarm, alarm_type, "Action", summary, &data, at);
    }

    #[expect(clippy::too_many_arguments, reason = "the members of one row")]
    fn add(
        &mut self,
        region: &str,
        alarm: &str,
        alarm_type: &str,
        kind: &str,
        summary: String,
        data: &Value,
        at: i64,
    ) {
        self.last_number += 1;
        let key = format!("{region}/{at:015}/{:010}", self.last_number);
        let item = Item {
            alarm: alarm.to_owned(),
            alarm_type: alarm_type.to_owned(),
            at,
            kind: kind.to_owned(),
            summary,
            data: data.to_string(),
        };
        // What happened has happened, noted or not.
        if let Err(error) = self.items.put(&key, item) {
            tracing::warn!(%error, alarm, "the history of an alarm cannot be kept");
        }
    }
}

impl CloudWatch {
    pub(in super::super) fn describe_alarm_history(&self, call: &Call) -> Result<Value, Fault> {
        let input = &call.input;
        let name = text(input, "AlarmName");
        let kind = text(input, "HistoryItemType");
        let types = texts(input, "AlarmTypes");
        let start = moment(input, "StartDate")?.unwrap_or(i64::MIN);
        let end = moment(input, "EndDate")?.unwrap_or(i64::MAX);
        let ascending = match text(input, "ScanBy") {
            None | Some("TimestampDescending") => false,
            Some("TimestampAscending") => true,
            Some(other) => {
                let wanted =
                    "Member must satisfy enum value set: [TimestampDescending, TimestampAscending]";
                return Err(constraint(other, "scanBy", wanted));
            }
        };
        let limit = super::describe::limit(integer(input, "MaxRecords")?)?;
        let after = text(input, "NextToken");
        let prefix = format!("{}/", call.region);
        if after.is_some_and(|after| !after.starts_with(&prefix)) {
            return Err(bad_token());
        }
        let state = self.lock();
        let mut found: Vec<(&str, &Item)> = state
            .history
            .items
            .under(&prefix)
            .filter(|(_, item)| {
                name.is_none_or(|name| name == item.alarm)
                    && kind.is_none_or(|kind| kind == item.kind)
                    && (types.is_empty() && item.alarm_type == "MetricAlarm"
                        || types.contains(&item.alarm_type)
                        || name.is_some() && types.is_empty())
                    && (start..=end).contains(&item.at)
            })
            .collect();
        if !ascending {
            found.reverse();
        }
        found.retain(|(key, _)| {
            after.is_none_or(|after| {
                if ascending {
                    *key > after
                } else {
                    *key < after
                }
            })
        });
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found
            .last()
            .filter(|_| more)
            .map(|(key, _)| (*key).to_owned());
        let items: Vec<Value> = found
            .into_iter()
            .map(|(_, item)| {
                json!({
                    "AlarmName": item.alarm,
                    "AlarmType": item.alarm_type,
                    "Timestamp": output_moment(item.at),
                    "HistoryItemType": item.kind,
                    "HistorySummary": item.summary,
                    "HistoryData": item.data,
                })
            })
            .collect();
        Ok(json!({"AlarmHistoryItems": items, "NextToken": next}))
    }
}
