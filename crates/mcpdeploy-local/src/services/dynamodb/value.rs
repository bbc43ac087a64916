//! Attribute values and items.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::number::Number;
use super::validation;
use crate::wire::Fault;

/// How deep maps and lists may be nested.
const DEPTH: usize = 32;

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Json", try_from = "Json")]
pub(super) enum Value {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    M(Item),
    L(Vec<Value>),
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
}

/// An item, or a map in one.
pub(super) type Item = BTreeMap<String, Value>;

/// An item as it comes in.
pub(super) type RawItem = Map<String, Json>;

impl Value {
    /// Reads `{"S": "text"}`.
    pub(super) fn read(json: &Json) -> Result<Self, Fault> {
        Self::read_at(json, 0)
    }

    fn read_at(json: &Json, depth: usize) -> Result<Self, Fault> {
        if depth > DEPTH {
            return Err(validation("Nesting Levels have exceeded supported limits"));
        }
        let Json::Object(fields) = json else {
            return Err(unlike("Start of structure or map"));
        };
        let mut fields = fields.iter().filter(|(_, value)| !value.is_null());
        let Some((kind, value)) = fields.next() else {
            return Err(validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        };
        if fields.next().is_some() {
            return Err(validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
            ));
        }
        Ok(match kind.as_str() {
            "S" => Self::S(text(value)?.to_owned()),
            "N" => Self::N(Number::parse(text(value)?)?),
            "B" => Self::B(bytes(value)?),
            "BOOL" => Self::Bool(value.as_bool().ok_or_else(|| unlike("Boolean"))?),
            "NULL" if value == &Json::Bool(true) => Self::Null,
            "NULL" => {
                return Err(validation(
                    "One or more parameter values were invalid: Null attribute value types must have the value of true",
                ));
            }
            "M" => {
                let fields = value.as_object().ok_or_else(|| unlike("Map"))?;
                Self::M(read_item_at(fields, depth + 1)?)
            }
            "L" => {
                let items = list(value)?.iter();
                let items = items.map(|item| Self::read_at(item, depth + 1));
                Self::L(items.collect::<Result<_, _>>()?)
            }
            "SS" => Self::Ss(set(list(value)?, "string", |v| Ok(text(v)?.to_owned()))?),
            "NS" => Self::Ns(set(list(value)?, "number", |v| Number::parse(text(v)?))?),
            "BS" => Self::Bs(set(list(value)?, "binary", bytes)?),
            _ => {
                return Err(validation(
                    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
                ));
            }
        })
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::S(text) => json!({ "S": text }),
            Self::N(number) => json!({ "N": number.text() }),
            Self::B(bytes) => json!({ "B": BASE64_STANDARD.encode(bytes) }),
            Self::Bool(flag) => json!({ "BOOL": flag }),
            Self::Null => json!({ "NULL": true }),
            Self::M(fields) => json!({ "M": write_item(fields) }),
            Self::L(items) => json!({ "L": items.iter().map(Self::to_json).collect::<Vec<_>>() }),
            Self::Ss(set) => json!({ "SS": set }),
            Self::Ns(set) => json!({ "NS": set.iter().map(Number::text).collect::<Vec<_>>() }),
            Self::Bs(set) => {
                let set = set.iter().map(|bytes| BASE64_STANDARD.encode(bytes));
                json!({ "BS": set.collect::<Vec<_>>() })
            }
        }
    }

    /// `S`, `NS`, `BOOL`, …
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::M(_) => "M",
            Self::L(_) => "L",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// How it compares with another of the same type; of types without an order, it does not.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::S(a), Self::S(b)) => Some(a.cmp(b)),
            (Self::N(a), Self::N(b)) => Some(a.cmp(b)),
            (Self::B(a), Self::B(b)) => Some(a.cmp(b)),
            (
                Self::S(_)
                | Self::N(_)
                | Self::B(_)
                | Self::Bool(_)
                | Self::Null
                | Self::M(_)
                | Self::L(_)
                | Self::Ss(_)
                | Self::Ns(_)
                | Self::Bs(_),
                _,
            ) => None,
        }
    }

    /// Bytes. Source: "Item sizes and formats" in the developer guide.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::M(fields) => 3 + fields.len() + item_size(fields),
            Self::L(items) => 3 + items.iter().map(|item| 1 + item.size()).sum::<usize>(),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }
}

/// The bytes of an item: of its names and values.
pub(super) fn item_size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value.size())
        .sum()
}

/// Reads an item or a key.
pub(super) fn read_item(raw: &RawItem) -> Result<Item, Fault> {
    read_item_at(raw, 0)
}

fn read_item_at(raw: &RawItem, depth: usize) -> Result<Item, Fault> {
    raw.iter()
        .map(|(name, value)| Ok((name.clone(), Value::read_at(value, depth)?)))
        .collect()
}

/// Writes an item or a key.
pub(super) fn write_item(item: &Item) -> Json {
    let fields = item
        .iter()
        .map(|(name, value)| (name.clone(), value.to_json()));
    Json::Object(fields.collect())
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        value.to_json()
    }
}

impl TryFrom<Json> for Value {
    type Error = String;

    fn try_from(json: Json) -> Result<Self, String> {
        Self::read(&json).map_err(|fault| fault.message)
    }
}

fn unlike(wanted: &str) -> Fault {
    Fault::bad(
        "SerializationException",
        format!("{wanted} expected in an attribute value"),
    )
}

fn text(json: &Json) -> Result<&str, Fault> {
    json.as_str().ok_or_else(|| unlike("String"))
}

fn bytes(json: &Json) -> Result<Vec<u8>, Fault> {
    BASE64_STANDARD
        .decode(text(json)?)
        .map_err(|_| unlike("Base64"))
}

fn list(json: &Json) -> Result<&[Json], Fault> {
    json.as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| unlike("List"))
}

fn set<T: Ord>(
    items: &[Json],
    what: &str,
    read: impl Fn(&Json) -> Result<T, Fault>,
) -> Result<BTreeSet<T>, Fault> {
    if items.is_empty() {
        return Err(validation(format!(
            "One or more parameter values were invalid: An {what} set  may not be empty"
        )));
    }
    let set = items.iter().map(read).collect::<Result<BTreeSet<_>, _>>()?;
    if set.len() < items.len() {
        let texts: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
        return Err(validation(format!(
            "One or more parameter values were invalid: Input collection [{}] contains duplicates.",
            texts.join(", ")
        )));
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_they_are_read() {
        for json in [
            json!({"S": ""}),
            json!({"N": "1.5"}),
            json!({"B": "AQI="}),
            json!({"BOOL": false}),
            json!({"NULL": true}),
            json!({"M": {"a": {"L": [{"S": "x"}, {"M": {}}]}}}),
            json!({"SS": ["a", "b"]}),
            json!({"NS": ["-1", "2"]}),
            json!({"BS": ["AQ=="]}),
        ] {
            assert_eq!(Value::read(&json).unwrap().to_json(), json);
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (json, says) in [
            (json!({}), "is empty"),
            (json!({"X": "a"}), "is empty"),
            (json!({"S": "a", "N": "1"}), "more than one"),
            (json!({"N": "x"}), "numeric value: x"),
            (json!({"SS": []}), "An string set  may not be empty"),
            (json!({"NS": ["1", "1.0"]}), "[1, 1.0] contains duplicates"),
            (json!({"NULL": false}), "must have the value of true"),
        ] {
            let fault = Value::read(&json).unwrap_err();
            assert_eq!(fault.code, "ValidationException");
            assert!(fault.message.contains(says), "{json}: {}", fault.message);
        }
        let mut deep = json!({"S": "a"});
        for _ in 0..33 {
            deep = json!({"L": [deep]});
        }
        assert!(Value::read(&deep).is_err());
    }
}
