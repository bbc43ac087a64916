//! Tags of alarms and dashboards, by ARN.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::faults::{invalid_value, missing, not_found};
use super::input::{list, required, text, texts};
use super::{CloudWatch, State};
use crate::wire::{Call, Fault};

type Tags = BTreeMap<String, String>;

/// Reads a list of tags.
pub(super) fn read(input: &Value, name: &str) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for (index, tag) in list(input, name).iter().enumerate() {
        let at = format!("{name}.member.{}", index + 1);
        let key = required(tag, "Key", &format!("{at}.Key"))?;
        let value = text(tag, "Value").ok_or_else(|| missing(&format!("{at}.Value")))?;
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid_value(format!(
                "The value for parameter {at} is too long."
            )));
        }
        if key.starts_with("aws:") {
            return Err(invalid_value(format!(
                "The tag key {key} is reserved for AWS."
            )));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > 50 {
        return Err(too_many());
    }
    Ok(tags)
}

fn too_many() -> Fault {
    invalid_value("A resource can have no more than 50 tags.")
}

/// What an ARN means.
enum Target {
    /// The key of an alarm's row.
    Alarm(String),
    /// A dashboard's name.
    Dashboard(String),
}

impl Target {
    fn read(call: &Call) -> Result<Self, Fault> {
        let arn = required(&call.input, "ResourceARN", "ResourceARN")?;
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        if let ["arn", _, "cloudwatch", region, _, resource] = parts.as_slice() {
            if let Some(name) = resource.strip_prefix("alarm:") {
                return Ok(Self::Alarm(format!("{region}/{name}")));
            }
            if let Some(name) = resource.strip_prefix("dashboard/") {
                return Ok(Self::Dashboard(name.to_owned()));
            }
        }
        Err(invalid_value(format!("Invalid arn syntax: {arn}")))
    }

    fn gone(&self) -> Fault {
        let (kind, key) = match self {
            Self::Alarm(key) => (
                "Alarm",
                key.split_once('/').map_or(key.as_str(), |(_, name)| name),
            ),
            Self::Dashboard(name) => ("Dashboard", name.as_str()),
        };
        not_found(
            "ResourceNotFoundException",
            format!("{kind} {key} does not exist"),
        )
        .field("ResourceType", kind)
        .field("ResourceId", key)
    }
}

impl CloudWatch {
    pub(super) fn list_tags(&self, call: &Call) -> Result<Value, Fault> {
        let target = Target::read(call)?;
        let state = self.lock();
        let tags = state.tags(&target).ok_or_else(|| target.gone())?;
        let list: Vec<Value> = tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        Ok(json!({"Tags": list}))
    }

    pub(super) fn tag(&self, call: &Call) -> Result<Value, Fault> {
        let target = Target::read(call)?;
        let new = read(&call.input, "Tags")?;
        self.lock().change_tags(&target, |tags| tags.extend(new))
    }

    pub(super) fn untag(&self, call: &Call) -> Result<Value, Fault> {
        let target = Target::read(call)?;
        let keys = texts(&call.input, "TagKeys");
        self.lock()
            .change_tags(&target, |tags| tags.retain(|key, _| !keys.contains(key)))
    }
}

impl State {
    fn tags(&self, target: &Target) -> Option<&Tags> {
        match target {
            Target::Alarm(key) => self.alarms.get(key).map(|alarm| &alarm.tags),
            Target::Dashboard(name) => self.dashboards.get(name).map(|dashboard| &dashboard.tags),
        }
    }

    fn change_tags(
        &mut self,
        target: &Target,
        change: impl FnOnce(&mut Tags),
    ) -> Result<Value, Fault> {
        let mut tags = self.tags(target).ok_or_else(|| target.gone())?.clone();
        change(&mut tags);
        if tags.len() > 50 {
            return Err(too_many());
        }
        match target {
            Target::Alarm(key) => self.alarms.update(key, |alarm| alarm.tags = tags)?,
            Target::Dashboard(name) => self
                .dashboards
                .update(name, |dashboard| dashboard.tags = tags)?,
        };
        Ok(json!({}))
    }
}
