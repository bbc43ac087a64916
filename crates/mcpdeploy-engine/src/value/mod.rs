//! Values with references in them.
//!
//! Inputs are JSON. A reference to another resource's output is the object
//! `{"$ref": "<address>#/<pointer>"}`; text with references inside is `{"$join": [part, …]}`; a value
//! that only the cloud will tell is `{"$unknown": "<address>#/<pointer>"}`. Edges of the graph are
//! found by walking for `$ref`.

mod input;
mod interpolate;

pub use input::{Input, Ref};
pub use interpolate::{InterpolationError, interpolate, parse_interpolation};

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::address::{Address, AddressError};

pub(crate) const REF: &str = "$ref";
pub(crate) const JOIN: &str = "$join";
pub(crate) const UNKNOWN: &str = "$unknown";

/// A reference to one output of a resource: `<address>#/<pointer>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Whose output.
    pub address: Address,
    /// Which one: a JSON pointer into the outputs, e.g. `/arn`.
    pub pointer: String,
}

impl Reference {
    /// Refers to the output at `pointer` (e.g. `/arn`).
    pub fn new(address: Address, pointer: impl Into<String>) -> Self {
        Self {
            address,
            pointer: pointer.into(),
        }
    }

    /// The JSON form, `{"$ref": "…"}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ REF: self.to_string() })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.address, self.pointer)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Reference {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, pointer) = text
            .split_once('#')
            .ok_or_else(|| AddressError::Shape(text.to_owned()))?;
        Ok(Self::new(address.parse()?, pointer))
    }
}

/// Text put together from literal parts and references.
#[must_use]
pub fn join(parts: impl IntoIterator<Item = Value>) -> Value {
    json!({ JOIN: parts.into_iter().collect::<Vec<_>>() })
}

/// Whether the value itself (not something inside) is a reference, a join or unknown.
#[must_use]
pub fn is_open(value: &Value) -> bool {
    let Value::Object(map) = value else {
        return false;
    };
    map.len() == 1
        && map
            .keys()
            .all(|key| key == REF || key == JOIN || key == UNKNOWN)
}

/// Whether the value is unknown until apply.
#[must_use]
pub fn is_unknown(value: &Value) -> bool {
    matches!(value, Value::Object(map) if map.len() == 1 && map.contains_key(UNKNOWN))
}

/// Whether anything in the value is unknown until apply.
#[must_use]
pub fn has_unknown(value: &Value) -> bool {
    is_unknown(value)
        || match value {
            Value::Object(map) => map.values().any(has_unknown),
            Value::Array(items) => items.iter().any(has_unknown),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}

/// Whether anything in the value is a reference, a join or unknown.
#[must_use]
pub fn has_open(value: &Value) -> bool {
    is_open(value)
        || match value {
            Value::Object(map) => map.values().any(has_open),
            Value::Array(items) => items.iter().any(has_open),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}

/// The value with a text in the place of everything that is open.
pub(crate) fn fill_open(value: &Value, text: &str) -> Value {
    match value {
        open if is_open(open) => Value::String(text.to_owned()),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), fill_open(value, text)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| fill_open(item, text)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The mark of a value that only the cloud will tell.
#[must_use]
pub fn unknown(reference: &Reference) -> Value {
    json!({ UNKNOWN: reference.to_string() })
}

/// What a reference stands for when it is looked up.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// The value is known.
    Known(Value),
    /// Only the cloud will tell.
    Unknown,
    /// The resource has no such output.
    Missing,
}

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The text of a `$ref` is no reference.
    #[error("`{text}` is not a reference")]
    Malformed {
        /// The text as written.
        text: String,
        /// What is wrong with it.
        source: AddressError,
    },
    /// The resource exists but has no such output.
    #[error("{} has no output `{}`", .0.address, .0.pointer.trim_start_matches('/'))]
    NoSuchOutput(Reference),
}

/// Puts values in the place of references, as far as `lookup` knows them.
///
/// # Errors
/// When a reference is malformed or leads nowhere.
pub fn resolve(
    value: &Value,
    lookup: &mut dyn FnMut(&Reference) -> Lookup,
) -> Result<Value, ResolveError> {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key(REF) => {
            let reference = parse_reference(&map[REF])?;
            match lookup(&reference) {
                Lookup::Known(value) => Ok(value),
                Lookup::Unknown => Ok(unknown(&reference)),
                Lookup::Missing => Err(ResolveError::NoSuchOutput(reference)),
            }
        }
        Value::Object(map) if map.len() == 1 && map.contains_key(JOIN) => {
            let parts = map[JOIN].as_array().map_or(&[][..], Vec::as_slice);
            let mut text = String::new();
            for part in parts {
                let part = resolve(part, lookup)?;
                if is_unknown(&part) {
                    return Ok(part);
                }
                match part.as_str() {
                    Some(part) => text.push_str(part),
                    None => text.push_str(&part.to_string()),
                }
            }
            Ok(Value::String(text))
        }
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| Ok((key.clone(), resolve(value, lookup)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        Value::Array(items) => items
            .iter()
            .map(|item| resolve(item, lookup))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
    }
}

/// Calls `found` with every reference in the value.
///
/// # Errors
/// When a reference is malformed.
pub fn walk(value: &Value, found: &mut dyn FnMut(Reference)) -> Result<(), ResolveError> {
    match value {
        Value::Object(map) => {
            if let (1, Some(text)) = (map.len(), map.get(REF)) {
                found(parse_reference(text)?);
                return Ok(());
            }
            map.values().try_for_each(|value| walk(value, found))
        }
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn parse_reference(text: &Value) -> Result<Reference, ResolveError> {
    let text = text.as_str().unwrap_or_default();
    text.parse().map_err(|source| ResolveError::Malformed {
        text: text.to_owned(),
        source,
    })
}

/// Appends one segment to a JSON pointer, escaped (RFC 6901).
pub fn push_pointer(pointer: &mut String, segment: &str) {
    pointer.push('/');
    if segment.contains(['~', '/']) {
        pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
    } else {
        pointer.push_str(segment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_puts_values_in_place_and_keeps_the_unknown() {
        let value = json!({
            "a": {"$ref": "mcpdeploy.data.x#/id"},
            "b": [{"$join": ["p-", {"$ref": "mcpdeploy.data.x#/id"}]}],
            "c": {"$ref": "mcpdeploy.data.y#/id"},
            "d": {"$join": ["p-", {"$ref": "mcpdeploy.data.y#/id"}]},
        });
        let resolved = resolve(&value, &mut |reference| match reference.address.name() {
            "x" => Lookup::Known(json!("1")),
            _ => Lookup::Unknown,
        });
        assert_eq!(
            resolved,
            Ok(json!({
                "a": "1", "b": ["p-1"],
                "c": {"$unknown": "mcpdeploy.data.y#/id"},
                "d": {"$unknown": "mcpdeploy.data.y#/id"},
            }))
        );
    }
}
