//! How asynchronous invocations are treated: how often and how long they are tried.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Lambda;
use super::faults::{Violations, invalid, not_found};
use super::model::{EventInvoke, Function};
use super::names::{LATEST, Target};
use super::rows::page;
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, Reply, time};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    maximum_retry_attempts: Option<i64>,
    maximum_event_age_in_seconds: Option<i64>,
    destination_config: Option<Destinations>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destinations {
    on_success: Option<Destination>,
    on_failure: Option<Destination>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    destination: Option<String>,
}

impl Lambda {
    /// PutFunctionEventInvokeConfig, or UpdateFunctionEventInvokeConfig, which keeps what it is
    /// not given and wants one to be there.
    pub(super) fn put_event_invoke(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
        update: bool,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let input: Input = call.json()?;
        input.check()?;
        let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
        let mut rows = self.lock();
        let there = rows.functions.get(&target.key());
        let Some(found) = there.filter(|function| function.has(qualifier)) else {
            return Err(not_found("The function doesn't exist."));
        };
        let before = found.event_invoke.get(qualifier);
        let (retries, max_age) = match before {
            Some(before) if update => (before.retries, before.max_age),
            None if update => return Err(none(&target)),
            Some(_) | None => (None, None),
        };
        let number = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        let new = EventInvoke {
            retries: number(input.maximum_retry_attempts).or(retries),
            max_age: number(input.maximum_event_age_in_seconds).or(max_age),
            last_modified: cloud.now(),
        };
        let output = rows.change(&target, |function| {
            let output = told(function, qualifier, &new);
            function.event_invoke.insert(qualifier.to_owned(), new);
            Ok(output)
        })?;
        Ok(Reply::output(output))
    }

    pub(super) fn get_event_invoke(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
        let rows = self.lock();
        let function = rows.functions.get(&target.key());
        let found = function.and_then(|function| {
            let config = function.event_invoke.get(qualifier)?;
            Some(told(function, qualifier, config))
        });
        found.map(Reply::output).ok_or_else(|| none(&target))
    }

    pub(super) fn delete_event_invoke(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
        let mut rows = self.lock();
        let function = rows.functions.get(&target.key());
        if function.is_none_or(|function| !function.event_invoke.contains_key(qualifier)) {
            return Err(none(&target));
        }
        rows.change(&target, |function| {
            function.event_invoke.remove(qualifier);
            Ok(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn list_event_invoke(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let rows = self.lock();
        let Some(function) = rows.functions.get(&target.key()) else {
            return Err(not_found("The function doesn't exist."));
        };
        let listed = function
            .event_invoke
            .iter()
            .map(|(qualifier, config)| told(function, qualifier, config))
            .collect();
        let (page, marker) = page(listed, call.query("Marker"), call.query("MaxItems"), 50)?;
        Ok(Reply::output(json!({
            "FunctionEventInvokeConfigs": page,
            "NextMarker": marker,
        })))
    }
}

impl Input {
    fn check(&self) -> Result<(), Fault> {
        let mut violations = Violations::default();
        if let Some(retries) = self.maximum_retry_attempts {
            violations.bounds(retries, "maximumRetryAttempts", 0, 2);
        }
        if let Some(age) = self.maximum_event_age_in_seconds {
            violations.bounds(age, "maximumEventAgeInSeconds", 60, 21_600);
        }
        violations.check()?;
        let Some(destinations) = &self.destination_config else {
            if self.maximum_retry_attempts.is_none() && self.maximum_event_age_in_seconds.is_none()
            {
                return Err(invalid(
                    "You must specify at least one of error handling or destination setting.",
                ));
            }
            return Ok(());
        };
        let set = |destination: &Option<Destination>| {
            let destination = destination
                .as_ref()
                .and_then(|one| one.destination.as_ref());
            destination.is_some_and(|arn| !arn.is_empty())
        };
        if set(&destinations.on_success) || set(&destinations.on_failure) {
            return Err(Fault::absent("destinations of asynchronous invocations"));
        }
        Ok(())
    }
}

fn none(target: &Target) -> Fault {
    let target = Target {
        qualifier: Some(
            target
                .qualifier
                .clone()
                .unwrap_or_else(|| LATEST.to_owned()),
        ),
        ..target.clone()
    };
    not_found(format!(
        "The function {} doesn't have an EventInvokeConfig",
        target.arn()
    ))
}

fn told(function: &Function, qualifier: &str, config: &EventInvoke) -> Value {
    json!({
        "LastModified": time(config.last_modified),
        "FunctionArn": format!("{}:{qualifier}", function.arn()),
        "MaximumRetryAttempts": config.retries,
        "MaximumEventAgeInSeconds": config.max_age,
        "DestinationConfig": { "OnSuccess": {}, "OnFailure": {} },
    })
}
