//! Values with references in them.
//!
//! Inputs are JSON. A reference to another resource's output is the object
//! `{"$ref": "<address>#/<pointer>"}`; text with references inside is `{"$join": [part, …]}`; a value
//! that only the cloud will tell is `{"$unknown": "<address>#/<pointer>"}`. Edges of the graph are
//! found by walking for `$ref`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
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

/// A reference that knows the type of what it refers to: a `Ref<RoleArn>` is no `Ref<BucketArn>`.
pub struct Ref<T> {
    reference: Reference,
    of: PhantomData<fn() -> T>,
}

impl<T> Ref<T> {
    /// Refers to the output at `pointer`; the caller vouches for its type.
    pub fn new(address: &Address, pointer: &str) -> Self {
        Self {
            reference: Reference::new(address.clone(), pointer),
            of: PhantomData,
        }
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self {
            reference: self.reference.clone(),
            of: PhantomData,
        }
    }
}

/// An input that is either a value or a reference to another resource's output.
///
/// While planning it may be unresolved; when a kind's calls run, the engine has put the value in
/// its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<T> {
    /// The value itself.
    Value(T),
    /// Not known yet: a reference, a join of references, or unknown until apply. Kept as JSON.
    Open(Value),
}

impl<T> Input<T> {
    /// The value, if it is known by now.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Open(_) => None,
        }
    }

    /// The value, where the engine has resolved all inputs: in a kind's calls.
    ///
    /// # Panics
    /// When the input is still open, which is a bug of the engine.
    #[track_caller]
    pub fn get(&self) -> &T {
        match self {
            Self::Value(value) => value,
            Self::Open(open) => panic!("the engine called a kind with the open input {open}"),
        }
    }
}

impl<T> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for Input<String> {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

impl<T> From<Ref<T>> for Input<T> {
    fn from(reference: Ref<T>) -> Self {
        Self::Open(reference.reference.to_value())
    }
}

impl<T: Default> Default for Input<T> {
    fn default() -> Self {
        Self::Value(T::default())
    }
}

/// Text put together from literal parts and references.
#[must_use]
pub fn join(parts: impl IntoIterator<Item = Value>) -> Value {
    json!({ JOIN: parts.into_iter().collect::<Vec<_>>() })
}

impl<T: Serialize> Serialize for Input<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Open(open) => open.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if is_open(&value) {
            return Ok(Self::Open(value));
        }
        T::deserialize(value)
            .map(Self::Value)
            .map_err(serde::de::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for Input<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
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
                match resolve(part, lookup)? {
                    Value::String(part) => text.push_str(&part),
                    open if is_unknown(&open) => return Ok(open),
                    other => text.push_str(&other.to_string()),
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

/// Reads the `${kind.name.output}` of a file's strings into references and joins; `$${` is a
/// literal `${`.
///
/// The first path segment after the address's name is the output; further segments go into it.
/// `is_kind` tells which dotted prefixes are kinds.
///
/// # Errors
/// When a reference is not closed or names no kind that exists.
pub fn parse_interpolation(
    text: &str,
    is_kind: &dyn Fn(&str) -> bool,
) -> Result<Value, InterpolationError> {
    let mut parts: Vec<Value> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let end = after
                .find('}')
                .ok_or_else(|| InterpolationError::Open(after.to_owned()))?;
            if !literal.is_empty() {
                parts.push(Value::String(std::mem::take(&mut literal)));
            }
            parts.push(parse_path(after[..end].trim(), is_kind)?.to_value());
            rest = &after[end + 1..];
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if parts.is_empty() {
        return Ok(Value::String(literal));
    }
    if !literal.is_empty() {
        parts.push(Value::String(literal));
    }
    match <[Value; 1]>::try_from(parts) {
        Ok([only]) => Ok(only),
        Err(parts) => Ok(join(parts)),
    }
}

/// Reads the interpolations of every string inside a value; see [`parse_interpolation`].
///
/// # Errors
/// The first mistake, with the JSON pointer of the string it stands in.
pub fn interpolate(
    value: &Value,
    is_kind: &dyn Fn(&str) -> bool,
) -> Result<Value, (String, InterpolationError)> {
    fn go(
        value: &Value,
        at: &mut String,
        is_kind: &dyn Fn(&str) -> bool,
    ) -> Result<Value, (String, InterpolationError)> {
        let len = at.len();
        let result = match value {
            Value::String(text) => parse_interpolation(text, is_kind).map_err(|e| (at.clone(), e))?,
            Value::Object(map) => {
                let mut out = Map::new();
                for (key, value) in map {
                    push_pointer(at, key);
                    out.insert(key.clone(), go(value, at, is_kind)?);
                    at.truncate(len);
                }
                Value::Object(out)
            }
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, value) in items.iter().enumerate() {
                    push_pointer(at, &index.to_string());
                    out.push(go(value, at, is_kind)?);
                    at.truncate(len);
                }
                Value::Array(out)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        };
        Ok(result)
    }
    go(value, &mut String::new(), is_kind)
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

fn parse_path(path: &str, is_kind: &dyn Fn(&str) -> bool) -> Result<Reference, InterpolationError> {
    let segments: Vec<&str> = path.split('.').collect();
    // The longest prefix that is a kind wins, so that kinds may nest.
    for split in (1..segments.len().saturating_sub(1)).rev() {
        let kind = segments[..split].join(".");
        if !is_kind(&kind) {
            continue;
        }
        let address = Address::new(&kind, segments[split])
            .map_err(|_| InterpolationError::Path(path.to_owned()))?;
        let mut pointer = String::new();
        for segment in &segments[split + 1..] {
            push_pointer(&mut pointer, segment);
        }
        return Ok(Reference::new(address, pointer));
    }
    Err(InterpolationError::Path(path.to_owned()))
}

/// A mistake in a `${…}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpolationError {
    /// The closing brace is missing.
    #[error("`${{{0}` is not closed by `}}`")]
    Open(String),
    /// What stands inside is no `<kind>.<name>.<output>`.
    #[error("`${{{0}}}` does not refer to an output: it takes the form ${{<kind>.<name>.<output>}}, e.g. ${{aws.iam.role.exec.arn}}")]
    Path(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(kind: &str) -> bool {
        ["aws.iam.role", "mcpdeploy.data"].contains(&kind)
    }

    #[test]
    fn interpolations() {
        let check = |text: &str, expected: Value| {
            assert_eq!(parse_interpolation(text, &kinds), Ok(expected), "{text}");
        };
        check("plain", json!("plain"));
        check("cost: 5$ or $5", json!("cost: 5$ or $5"));
        check("$${literal}", json!("${literal}"));
        check("${aws.iam.role.exec.arn}", json!({"$ref": "aws.iam.role.exec#/arn"}));
        check(
            "a-${mcpdeploy.data.x.out.deep}-z",
            json!({"$join": ["a-", {"$ref": "mcpdeploy.data.x#/out/deep"}, "-z"]}),
        );
        for bad in ["${", "${}", "${nope.x.y}", "${aws.iam.role.exec}", "${aws.iam.role}"] {
            assert!(parse_interpolation(bad, &kinds).is_err(), "{bad} was taken");
        }
    }

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

    #[test]
    fn an_input_is_a_value_or_open() {
        let open: Input<u32> = serde_json::from_value(json!({"$ref": "mcpdeploy.data.x#/n"})).unwrap();
        assert_eq!(open.known(), None);
        let known: Input<u32> = serde_json::from_value(json!(7)).unwrap();
        assert_eq!(known.get(), &7);
        assert!(serde_json::from_value::<Input<u32>>(json!("seven")).is_err());
    }
}
