//! What differs between what is wanted and what is there.
//!
//! Three values decide: what is wanted, what was asked last, and what the cloud has. A property
//! that is not wanted (null) and was not asked for is the service's own: whatever it is, it does
//! not differ. Keys of maps have no such default: one that is there and not wanted differs.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::covers;
use crate::value::{is_unknown, push_pointer};

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Where: a JSON pointer into the inputs.
    pub pointer: String,
    /// What is there; null when nothing is.
    pub before: Value,
    /// What it becomes; null when it goes, `{"$unknown": …}` when only apply will tell.
    pub after: Value,
}

/// The properties in which `wanted` differs from `there`, in the order of the inputs.
///
/// `asked`: what was wanted when the resource was last changed.
#[must_use]
pub fn diff(wanted: &Value, asked: &Value, there: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    go(
        wanted,
        Some(asked),
        Some(there),
        &mut String::new(),
        &mut changes,
    );
    changes
}

fn go(
    wanted: &Value,
    asked: Option<&Value>,
    there: Option<&Value>,
    at: &mut String,
    changes: &mut Vec<Change>,
) {
    match (wanted, there) {
        (_, Some(there)) if wanted == there => {}
        (Value::Null, None) => {}
        (Value::Null, Some(_)) if asked.is_none_or(Value::is_null) => {}
        (Value::Object(wanted), Some(Value::Object(there))) if !is_unknown_map(wanted) => {
            let asked = asked.and_then(Value::as_object);
            let len = at.len();
            for (key, wanted) in wanted {
                push_pointer(at, key);
                go(
                    wanted,
                    asked.and_then(|m| m.get(key)),
                    there.get(key),
                    at,
                    changes,
                );
                at.truncate(len);
            }
            for (key, there) in there {
                if wanted.contains_key(key) || there.is_null() {
                    continue;
                }
                push_pointer(at, key);
                changes.push(Change {
                    pointer: at.clone(),
                    before: there.clone(),
                    after: Value::Null,
                });
                at.truncate(len);
            }
        }
        (_, there) => changes.push(Change {
            pointer: at.clone(),
            before: there.cloned().unwrap_or(Value::Null),
            after: wanted.clone(),
        }),
    }
}

fn is_unknown_map(map: &serde_json::Map<String, Value>) -> bool {
    map.len() == 1 && map.contains_key(crate::value::UNKNOWN)
}

/// Drops the changes that a resource's `ignore_changes` name.
pub fn ignore(changes: &mut Vec<Change>, pointers: &[String]) {
    changes.retain(|change| {
        !pointers.iter().any(|pointer| {
            change.pointer == *pointer || change.pointer.starts_with(&format!("{pointer}/"))
        })
    });
}

/// Puts back what `ignore_changes` name, so that what is sent is what is there: also that it is
/// not there.
pub fn keep_ignored(wanted: &mut Value, there: &Value, pointers: &[String]) {
    for pointer in pointers {
        match (wanted.pointer_mut(pointer), there.pointer(pointer)) {
            (Some(slot), Some(there)) => *slot = there.clone(),
            (None, None) => {}
            (_, there) => {
                let Some((parent, key)) = pointer.rsplit_once('/') else {
                    continue;
                };
                let key = key.replace("~1", "/").replace("~0", "~");
                if let Some(Value::Object(map)) = wanted.pointer_mut(parent) {
                    match there {
                        Some(there) => {
                            map.insert(key, there.clone());
                        }
                        None => {
                            map.shift_remove(&key);
                        }
                    }
                }
            }
        }
    }
}

/// The pointers of changes.
#[must_use]
pub fn pointers(changes: &[Change]) -> BTreeSet<String> {
    changes
        .iter()
        .map(|change| change.pointer.clone())
        .collect()
}

/// The first change that touches one of `pointers`.
#[must_use]
pub fn touching<'a>(changes: &'a [Change], pointers: &[&str]) -> Option<&'a Change> {
    changes.iter().find(|change| {
        pointers
            .iter()
            .any(|pointer| covers(pointer, &change.pointer))
    })
}

/// Whether the change depends on something that only apply will tell.
#[must_use]
pub fn is_open(change: &Change) -> bool {
    is_unknown(&change.after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences() {
        let check = |wanted: Value, asked: Value, there: Value, expected: &[&str]| {
            let found: Vec<String> = diff(&wanted, &asked, &there)
                .into_iter()
                .map(|c| c.pointer)
                .collect();
            assert_eq!(found, expected, "{wanted} / {asked} / {there}");
        };
        check(json!({"a": 1}), json!({"a": 1}), json!({"a": 1}), &[]);
        check(json!({"a": 2}), json!({"a": 1}), json!({"a": 1}), &["/a"]);
        // Drift: asked and wanted agree, the cloud differs.
        check(json!({"a": 1}), json!({"a": 1}), json!({"a": 9}), &["/a"]);
        // The service's own default.
        check(
            json!({"a": null}),
            json!({"a": null}),
            json!({"a": "default"}),
            &[],
        );
        // No longer wanted.
        check(
            json!({"a": null}),
            json!({"a": "mine"}),
            json!({"a": "mine"}),
            &["/a"],
        );
        // Maps: what is there and not wanted goes.
        check(
            json!({"t": {"x": 1}}),
            json!({"t": {"x": 1}}),
            json!({"t": {"x": 1, "y": 2}}),
            &["/t/y"],
        );
        check(
            json!({"t": {"x/y": 1}}),
            json!({}),
            json!({"t": {}}),
            &["/t/x~1y"],
        );
        // Lists are compared whole.
        check(
            json!({"l": [1, 2]}),
            json!({"l": [1]}),
            json!({"l": [1]}),
            &["/l"],
        );
        check(
            json!({"a": {"$unknown": "mcpdeploy.data.x#/id"}}),
            json!({"a": "1"}),
            json!({"a": "1"}),
            &["/a"],
        );
    }

    #[test]
    fn what_is_ignored_is_sent_as_it_is_there() {
        let mut wanted = json!({"tags": {"mine": "1", "gone": "x", "both": "new"}, "n": 1});
        let there = json!({"tags": {"theirs/x": "2", "both": "old"}, "n": 2});
        let pointers = ["/tags/theirs~1x", "/tags/gone", "/tags/both", "/nowhere/x"];
        keep_ignored(&mut wanted, &there, &pointers.map(str::to_owned));
        assert_eq!(
            wanted,
            json!({"tags": {"mine": "1", "both": "old", "theirs/x": "2"}, "n": 1})
        );
    }

    #[test]
    fn ignored_changes_are_dropped_with_all_below() {
        let mut changes = diff(
            &json!({"tags": {"a": 1}, "name": "n", "tagsx": 1}),
            &json!({}),
            &json!({"tags": {"a": 2}, "name": "m", "tagsx": 2}),
        );
        ignore(&mut changes, &["/tags".to_owned()]);
        assert_eq!(
            pointers(&changes).into_iter().collect::<Vec<_>>(),
            ["/name", "/tagsx"]
        );
    }
}
