//! Tags of topics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::faults::{invalid, no_resource};
use super::{Sns, arn, text};
use crate::wire::{Call, Fault};

/// Reads the member `Tags`.
pub(super) fn read(input: &Value) -> Result<BTreeMap<String, String>, Fault> {
    let mut tags = BTreeMap::new();
    for tag in input
        .get("Tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let key = text(tag, "Key").unwrap_or_default();
        let value = text(tag, "Value").unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "Tags Reason: a key has 1 to 128 characters, a value 256 at most",
            ));
        }
        if key.starts_with("aws:") {
            return Err(invalid("Tags Reason: Tag keys cannot start with aws:"));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid("Duplicated keys are not allowed."));
        }
    }
    Ok(tags)
}

impl Sns {
    pub(super) fn list_tags(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "ResourceArn")?;
        let state = self.lock();
        let topic = state.topics.get(arn).ok_or_else(no_resource)?;
        let tags = topic
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}));
        Ok(json!({"Tags": tags.collect::<Vec<_>>()}))
    }

    pub(super) fn tag(&self, call: &Call) -> Result<Value, Fault> {
        let new = read(&call.input)?;
        self.change_tags(call, |tags| tags.extend(new))
    }

    pub(super) fn untag(&self, call: &Call) -> Result<Value, Fault> {
        let keys = call.input.get("TagKeys").and_then(Value::as_array);
        let keys: Vec<&str> = keys
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.change_tags(call, |tags| {
            tags.retain(|key, _| !keys.contains(&key.as_str()))
        })
    }

    fn change_tags(
        &self,
        call: &Call,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Value, Fault> {
        let arn = arn(&call.input, "ResourceArn")?;
        let mut state = self.lock();
        let mut topic = state.topics.get(arn).ok_or_else(no_resource)?.clone();
        change(&mut topic.tags);
        if topic.tags.len() > 50 {
            return Err(Fault::bad(
                "TagLimitExceeded",
                "Could not complete request: tag quota of per resource exceeded",
            ));
        }
        state.topics.put(arn, topic)?;
        Ok(json!({}))
    }
}
