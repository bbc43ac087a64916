//! Tags of functions.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Lambda;
use super::faults::{Violations, invalid};
use super::model::revision;
use super::names::Target;
use crate::wire::{Call, Fault, Reply};

/// The most tags that a function can have.
const MOST: usize = 50;
/// Source: the API's model, `TaggableResource`, as far as functions go.
const PATTERN: &str = r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?)";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    tags: Option<BTreeMap<String, String>>,
}

impl Lambda {
    pub(super) fn list_tags(&self, call: &Call, resource: &str) -> Result<Reply, Fault> {
        let target = target(call, resource)?;
        let rows = self.lock();
        let tags = &rows.function(&target)?.tags;
        Ok(Reply::output(json!({ "Tags": tags })))
    }

    pub(super) fn tag_resource(&self, call: &Call, resource: &str) -> Result<Reply, Fault> {
        let target = target(call, resource)?;
        let input: Input = call.json()?;
        let tags = input.tags.unwrap_or_default();
        if tags.is_empty() {
            return Err(invalid(
                "An error occurred and the request cannot be processed.",
            ));
        }
        check(&tags)?;
        self.lock().change(&target, |function| {
            function.tags.extend(tags);
            function.latest.revision = revision();
            if function.tags.len() > MOST {
                return Err(too_many());
            }
            Ok(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn untag_resource(&self, call: &Call, resource: &str) -> Result<Reply, Fault> {
        let target = target(call, resource)?;
        let keys: Vec<&String> = call
            .query
            .iter()
            .filter(|(name, _)| name == "tagKeys")
            .map(|(_, key)| key)
            .collect();
        if keys.is_empty() {
            let mut violations = Violations::default();
            violations.missing("tagKeys");
            violations.check()?;
        }
        self.lock().change(&target, |function| {
            function.tags.retain(|key, _| !keys.contains(&key));
            function.latest.revision = revision();
            Ok(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

/// Whether these can be tags.
///
/// # Errors
/// For keys and values that are too long, keys that are AWS's, and more than 50.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    let mut violations = Violations::default();
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            violations.add(
                key,
                "tags",
                "Map keys must satisfy constraint: [Member must have length less than or equal to \
                 128, Member must have length greater than or equal to 1]",
            );
        }
        if value.chars().count() > 256 {
            violations.add(
                value,
                "tags",
                "Map value must satisfy constraint: [Member must have length less than or equal to \
                 256, Member must have length greater than or equal to 0]",
            );
        }
    }
    violations.check()?;
    if tags
        .keys()
        .any(|key| key.to_ascii_lowercase().starts_with("aws:"))
    {
        return Err(invalid(
            "The tag keys provided are invalid: keys that begin with aws: are reserved for AWS.",
        ));
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    Ok(())
}

fn too_many() -> Fault {
    invalid("Number of tags exceeds resource tag limit.")
}

fn target(call: &Call, resource: &str) -> Result<Target, Fault> {
    if !resource.starts_with("arn:") || Target::of_arn(resource).is_none() {
        let constraint = format!("Member must satisfy regular expression pattern: {PATTERN}");
        return Err(Violations::one(resource, "resource", &constraint));
    }
    let target = Target::of(call, resource)?;
    if target.qualifier.is_some() {
        return Err(invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
        ));
    }
    Ok(target)
}
