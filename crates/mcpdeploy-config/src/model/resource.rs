//! `[[resources]]`: any resource of a registered kind, beside the server's own.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::shapes;

/// A value and its place in the file, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Range<usize>,
}

/// One entry of `[[resources]]`, checked in shape. Its kind checks the inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceConfig {
    /// The kind, such as `aws.dynamodb.table`.
    pub kind: Spanned<String>,
    /// The name, unique within its kind.
    pub name: Spanned<String>,
    /// The inputs, always an object. Strings may hold references: `${kind.name.output}`; `$${` is a plain `${`.
    pub inputs: Json,
    /// The place of each value within `inputs`, by JSON pointer; "" is `inputs` itself.
    pub input_spans: BTreeMap<String, Range<usize>>,
    /// The place of each key within `inputs`, by the JSON pointer of its value.
    pub input_key_spans: BTreeMap<String, Range<usize>>,
    /// Addresses that must be there before, though nothing refers to them.
    pub depends_on: Vec<Spanned<String>>,
    /// How it may be changed and removed.
    pub lifecycle: Lifecycle,
    /// The entry's place: its `[[resources]]` line.
    pub span: Range<usize>,
}

impl ResourceConfig {
    /// The address: kind and name.
    pub fn address(&self) -> String {
        format!("{}.{}", self.kind.value, self.name.value)
    }
}

/// How a resource may be changed and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Refuse every plan that would remove or replace it.
    pub protect: bool,
    /// Leave it in the cloud when it is removed from the file or the deployment is destroyed.
    pub retain: bool,
    /// JSON pointers into the inputs whose changes are not acted upon.
    #[schemars(inner(regex(pattern = shapes::POINTER)))]
    pub ignore_changes: Vec<String>,
    /// When it must be replaced: whether the new one is made before the old one goes. The kind decides when absent.
    pub create_before_destroy: Option<bool>,
}

/// A resource that has another address now. Nothing in the cloud changes by that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The address that it had.
    #[schemars(regex(pattern = shapes::ADDRESS))]
    pub from: String,
    /// The address that it has now: one of the file, or of the server's own.
    #[schemars(regex(pattern = shapes::ADDRESS))]
    pub to: String,
}

/// One entry of `[[resources]]` as it is written; only for the schema.
#[derive(JsonSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the schema is made of it; the values are read with their spans"
)]
pub(crate) struct ResourceEntry {
    /// The kind, such as "aws.dynamodb.table".
    #[schemars(regex(pattern = shapes::KIND))]
    kind: String,
    /// The name, unique within its kind.
    #[schemars(regex(pattern = shapes::RESOURCE_NAME))]
    name: String,
    /// What the kind needs. Strings may refer to outputs of other resources: "${aws.dynamodb.table.sessions.arn}".
    #[serde(default)]
    inputs: serde_json::Map<String, Json>,
    /// Addresses that must be there before, though nothing refers to them; rarely needed.
    #[serde(default)]
    #[schemars(inner(regex(pattern = shapes::ADDRESS)), extend("uniqueItems" = true))]
    depends_on: Vec<String>,
    /// How it may be changed and removed.
    #[serde(default)]
    lifecycle: Lifecycle,
}
