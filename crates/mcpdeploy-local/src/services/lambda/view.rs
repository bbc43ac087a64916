//! How rows look from outside.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::model::{Alias, Configuration, Function, Package};
use super::names::LATEST;

/// When a configuration is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// In the answer of the call that changed it: AWS never waits for a change to settle.
    Changed,
    /// Later.
    Now(OffsetDateTime),
}

/// Which version of a function is told, and by which ARN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// A number or [`LATEST`].
    pub(super) version: &'a str,
    /// What stands behind the function's ARN, if anything: a version or an alias.
    pub(super) qualifier: Option<&'a str>,
    /// The version's revision, which its policy changes.
    pub(super) revision: &'a str,
}

/// `2026-01-02T03:04:05.678+0000`.
pub(super) fn moment(at: OffsetDateTime) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000"
    );
    at.to_offset(time::UtcOffset::UTC)
        .format(format)
        .unwrap_or_default()
}

/// The digest as `CodeSha256` has it.
pub(super) fn code_sha256(package: &Package) -> String {
    hex::decode(&package.digest)
        .map(|bytes| BASE64_STANDARD.encode(bytes))
        .unwrap_or_default()
}

/// A `FunctionConfiguration` as lists have it: without the states.
pub(super) fn listed(function: &Function, shown: &Configuration, told: Told<'_>) -> Value {
    Value::Object(fields(function, shown, told))
}

/// A `FunctionConfiguration`.
pub(super) fn configuration(
    function: &Function,
    shown: &Configuration,
    told: Told<'_>,
    moment: Moment,
) -> Value {
    let mut out = fields(function, shown, told);
    let updating = match moment {
        Moment::Changed => shown.updated_at.is_some(),
        Moment::Now(now) => shown.is_updating(now),
    };
    let pending = match moment {
        Moment::Changed => shown.updated_at.is_none(),
        Moment::Now(now) => shown.is_pending(now),
    };
    let mut put = |name: &str, value: &str| out.insert(name.to_owned(), value.into());
    let reason = "The function is being created.";
    if pending {
        put("State", "Pending");
        put("StateReason", reason);
        put("StateReasonCode", "Creating");
    } else {
        put("State", "Active");
        if updating {
            put("LastUpdateStatus", "InProgress");
            put("LastUpdateStatusReason", reason);
            put("LastUpdateStatusReasonCode", "Creating");
        } else {
            put("LastUpdateStatus", "Successful");
        }
    }
    Value::Object(out)
}

fn fields(function: &Function, shown: &Configuration, told: Told<'_>) -> Map<String, Value> {
    let arn = match told.qualifier {
        None => function.arn(),
        Some(qualifier) => format!("{}:{qualifier}", function.arn()),
    };
    let logging = &shown.logging;
    let value = json!({
        "FunctionName": function.name,
        "FunctionArn": arn,
        "Runtime": shown.runtime,
        "Role": shown.role,
        "Handler": shown.handler,
        "CodeSize": shown.package.size,
        "Description": shown.description,
        "Timeout": shown.timeout,
        "MemorySize": shown.memory_mb,
        "LastModified": moment(shown.last_modified),
        "CodeSha256": code_sha256(&shown.package),
        "Version": told.version,
        "DeadLetterConfig": shown.dead_letter.as_ref().map(|arn| json!({ "TargetArn": arn })),
        "Environment": shown.environment.as_ref().map(|all| json!({ "Variables": all })),
        "KMSKeyArn": shown.kms_key,
        "TracingConfig": { "Mode": shown.tracing },
        "RevisionId": told.revision,
        "PackageType": "Zip",
        "Architectures": [shown.architecture],
        "EphemeralStorage": { "Size": shown.ephemeral_mb },
        "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
        "LoggingConfig": {
            "LogFormat": logging.format,
            "ApplicationLogLevel": logging.application_level,
            "SystemLogLevel": logging.system_level,
            "LogGroup": logging.group,
        },
    });
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// An `AliasConfiguration`.
pub(super) fn alias(function: &Function, name: &str, alias: &Alias) -> Value {
    let routing = alias.additional.map(|(version, weight)| {
        let weights = Map::from_iter([(version.to_string(), weight.into())]);
        json!({ "AdditionalVersionWeights": weights })
    });
    json!({
        "AliasArn": format!("{}:{name}", function.arn()),
        "Name": name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RoutingConfig": routing,
        "RevisionId": alias.revision,
    })
}

/// How `$LATEST` is told, with or without its qualifier.
pub(super) fn latest(function: &Function, qualified: bool) -> Told<'_> {
    Told {
        version: LATEST,
        qualifier: qualified.then_some(LATEST),
        revision: &function.latest.revision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_milliseconds_and_its_zone() {
        let at = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_700_000_000_007);
        assert_eq!(moment(at), "2023-11-14T22:13:20.007+0000");
    }
}
