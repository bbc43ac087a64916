//! Tags of groups: by ARN and, as old clients do, by name.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{constraint, invalid, no_group};
use super::groups::name_of;
use super::{Logs, group_key};
use crate::wire::{Call, Fault};

type Tags = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    resource_arn: Option<String>,
    log_group_name: Option<String>,
    /// A map to set, or a list of keys to remove from old clients.
    tags: Option<Value>,
    tag_keys: Option<Vec<String>>,
}

/// Reads tags that are to be set.
pub(super) fn check(tags: &Tags) -> Result<(), Fault> {
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            let wanted = "Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]";
            return Err(constraint(key.as_str(), "tags", wanted));
        }
        if key.starts_with("aws:") {
            return Err(invalid("Tag keys cannot start with aws:"));
        }
        if value.chars().count() > 256 {
            let wanted = "Map value must satisfy constraint: [Member must have length less than or equal to 256]";
            return Err(constraint(value.as_str(), "tags", wanted));
        }
    }
    if tags.len() > 50 {
        return Err(too_many());
    }
    Ok(())
}

fn too_many() -> Fault {
    Fault::bad(
        "TooManyTagsException",
        "A resource can have no more than 50 tags.",
    )
}

/// The group's name in an ARN; faults when it is no ARN of a group.
fn by_arn(input: &Input) -> Result<String, Fault> {
    let arn = input.resource_arn.as_deref().unwrap_or_default();
    if !arn.starts_with("arn:") || !arn.contains(":log-group:") {
        return Err(invalid("Invalid ARN format for the resource."));
    }
    Ok(name_of(arn).to_owned())
}

fn by_name(input: &Input) -> String {
    input.log_group_name.clone().unwrap_or_default()
}

impl Logs {
    pub(super) fn tag_resource(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Input = call.typed()?;
        self.set_tags(call, &by_arn(&input)?, &input)
    }

    pub(super) fn tag_group(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Input = call.typed()?;
        self.set_tags(call, &by_name(&input), &input)
    }

    pub(super) fn untag_resource(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Input = call.typed()?;
        let keys = input.tag_keys.clone().unwrap_or_default();
        self.remove_tags(call, &by_arn(&input)?, &keys)
    }

    pub(super) fn untag_group(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Input = call.typed()?;
        let keys = input.tags.iter().flat_map(Value::as_array).flatten();
        let keys: Vec<String> = keys.filter_map(Value::as_str).map(str::to_owned).collect();
        self.remove_tags(call, &by_name(&input), &keys)
    }

    pub(super) fn list_tags_for_resource(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Input = call.typed()?;
        self.list_tags(call, &by_arn(&input)?)
    }

    pub(super) fn list_tags_of_group(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Input = call.typed()?;
        self.list_tags(call, &by_name(&input))
    }

    fn set_tags(&self, call: &Call, name: &str, input: &Input) -> Result<Option<Value>, Fault> {
        let tags = input.tags.clone().unwrap_or_default();
        let tags = Tags::deserialize(tags)
            .map_err(|error| Fault::bad("SerializationException", error.to_string()))?;
        check(&tags)?;
        let key = group_key(&call.region, name);
        let mut state = self.lock();
        let group = state.groups.get(&key).ok_or_else(no_group)?;
        let mut group = group.clone();
        group.tags.extend(tags);
        if group.tags.len() > 50 {
            return Err(too_many());
        }
        state.groups.put(&key, group)?;
        Ok(None)
    }

    fn remove_tags(
        &self,
        call: &Call,
        name: &str,
        keys: &[String],
    ) -> Result<Option<Value>, Fault> {
        self.change(call, name, |group| {
            group.tags.retain(|key, _| !keys.contains(key));
        })
    }

    fn list_tags(&self, call: &Call, name: &str) -> Result<Option<Value>, Fault> {
        let state = self.lock();
        let group = state.groups.get(&group_key(&call.region, name));
        let group = group.ok_or_else(no_group)?;
        Ok(Some(json!({"tags": crate::wire::map(
            group.tags.iter().map(|(k, v)| (k.clone(), json!(v))),
        )})))
    }
}
