//! Time to live and point-in-time recovery.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use time::Duration;

use super::super::{At, State, validation};
use super::TableName;
use super::record::{Recovery, Table};
use crate::wire::{self, Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateTimeToLive {
    table_name: String,
    time_to_live_specification: TimeToLive,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    enabled: bool,
    attribute_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateBackups {
    table_name: String,
    point_in_time_recovery_specification: RecoverySpecification,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecoverySpecification {
    point_in_time_recovery_enabled: bool,
    recovery_period_in_days: Option<u8>,
}

impl State {
    /// Unlike DynamoDB's, this can be changed more than once an hour.
    pub(in super::super) fn update_ttl(
        &mut self,
        at: &At,
        input: UpdateTimeToLive,
    ) -> Result<Reply, Fault> {
        let (row, mut table) = self.idle_table(at, &input.table_name)?;
        let wanted = input.time_to_live_specification;
        if wanted.attribute_name.is_empty() || wanted.attribute_name.len() > 255 {
            return Err(validation(
                "1 validation error detected: Value at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length between 1 and 255",
            ));
        }
        match (&table.ttl, wanted.enabled) {
            (Some(there), true) if *there == wanted.attribute_name => {
                return Err(validation("TimeToLive is already enabled"));
            }
            (Some(_), true) => {
                return Err(validation(
                    "TimeToLive is active on a different AttributeName: current AttributeName is "
                        .to_owned()
                        + table.ttl.as_deref().unwrap_or_default(),
                ));
            }
            (None, false) => return Err(validation("TimeToLive is already disabled")),
            (Some(there), false) if *there != wanted.attribute_name => {
                return Err(validation(format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {there}"
                )));
            }
            (Some(_), false) => table.ttl = None,
            (None, true) => table.ttl = Some(wanted.attribute_name.clone()),
        }
        self.tables.put(&row, table)?;
        Ok(Reply::output(json!({"TimeToLiveSpecification": {
            "Enabled": wanted.enabled,
            "AttributeName": wanted.attribute_name,
        }})))
    }

    pub(in super::super) fn describe_ttl(
        &self,
        at: &At,
        input: &TableName,
    ) -> Result<Reply, Fault> {
        let (_, table) = self.table(at, &input.table_name)?;
        let description = match &table.ttl {
            Some(name) => json!({"TimeToLiveStatus": "ENABLED", "AttributeName": name}),
            None => json!({"TimeToLiveStatus": "DISABLED"}),
        };
        Ok(Reply::output(
            json!({ "TimeToLiveDescription": description }),
        ))
    }

    pub(in super::super) fn update_backups(
        &mut self,
        at: &At,
        input: &UpdateBackups,
    ) -> Result<Reply, Fault> {
        let (row, mut table) = self.backed_up(at, &input.table_name)?;
        let wanted = &input.point_in_time_recovery_specification;
        let days = wanted.recovery_period_in_days.unwrap_or(35);
        if !(1..=35).contains(&days) {
            return Err(validation(format!(
                "1 validation error detected: Value '{days}' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: Member must have value between 1 and 35"
            )));
        }
        table.recovery = wanted.point_in_time_recovery_enabled.then(|| Recovery {
            since: table.recovery.as_ref().map_or(at.now, |r| r.since),
            days,
        });
        let description = backups(at, &table);
        self.tables.put(&row, table)?;
        Ok(Reply::output(description))
    }

    pub(in super::super) fn describe_backups(
        &self,
        at: &At,
        input: &TableName,
    ) -> Result<Reply, Fault> {
        let (_, table) = self.backed_up(at, &input.table_name)?;
        Ok(Reply::output(backups(at, &table)))
    }

    /// A table, by the operations of backups, which have a fault of their own for none.
    fn backed_up(&self, at: &At, name: &str) -> Result<(String, Table), Fault> {
        self.table(at, name)
            .map_err(|_| Fault::bad("TableNotFoundException", format!("Table not found: {name}")))
    }
}

fn backups(at: &At, table: &Table) -> Json {
    let recovery = match &table.recovery {
        None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
        Some(recovery) => {
            let window = at.now - Duration::days(recovery.days.into());
            json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": recovery.days,
                "EarliestRestorableDateTime": wire::time(recovery.since.max(window)),
                "LatestRestorableDateTime": wire::time(at.now),
            })
        }
    };
    json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": recovery,
    }})
}
