//! What a run left, in a form in which two runs can be compared: without what counts changes
//! (serials, revisions), and with ids by whose they are instead of by when they were given.

use mcpdeploy_engine::address::Address;
use serde_json::{Value, json};

use crate::lab::{Failed, Lab};

/// The cloud's truth and the state, without what differs from run to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Everything that exists, in the order of addresses.
    pub cloud: Vec<Value>,
    /// The state.
    pub state: Value,
}

impl Lab {
    /// What there is now.
    ///
    /// # Errors
    /// When the state cannot be loaded.
    pub fn picture(&self) -> Result<Picture, Failed> {
        let mut objects = self.cloud.objects();
        objects.sort_by_key(|object| {
            let number = object.uid.rsplit('-').next().and_then(|n| n.parse().ok());
            (object.address.clone(), number.unwrap_or(u64::MAX))
        });
        // Ids become `<address> <place among those of that address>`.
        let mut names: Vec<(String, String)> = Vec::new();
        let mut last: Option<&Address> = None;
        let mut place = 0;
        for object in &objects {
            place = if last == Some(&object.address) {
                place + 1
            } else {
                0
            };
            last = Some(&object.address);
            names.push((object.uid.clone(), format!("<{} {place}>", object.address)));
        }
        // The longest first: an id may be the beginning of another one.
        names.sort_by_key(|(uid, _)| std::cmp::Reverse(uid.len()));
        let cloud = objects
            .iter()
            .map(|object| {
                let seen = json!({
                    "uid": object.uid, "kind": object.kind, "address": object.address,
                    "inputs": object.inputs,
                });
                renamed(&seen, &names)
            })
            .collect();
        let mut state = json!(self.state()?);
        state["lineage"] = Value::Null;
        state["serial"] = Value::Null;
        Ok(Picture {
            cloud,
            state: renamed(&state, &names),
        })
    }
}

fn renamed(value: &Value, names: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => {
            let mut text = text.clone();
            for (uid, name) in names {
                text = text.replace(uid, name);
            }
            Value::String(text)
        }
        Value::Array(items) => items.iter().map(|item| renamed(item, names)).collect(),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "revision")
            .map(|(key, value)| (key.clone(), renamed(value, names)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
