//! What the inputs of several kinds share: sets that may hold references, and how mistakes are told.

use mcpdeploy_engine::value::Input;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// A set of values and references: in one order whatever the order written, each once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct InputSet<T>(Vec<Input<T>>);

impl<T> InputSet<T> {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in it.
    pub fn iter(&self) -> impl Iterator<Item = &Input<T>> {
        self.0.iter()
    }
}

impl<T> Default for InputSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize> FromIterator<Input<T>> for InputSet<T> {
    fn from_iter<I: IntoIterator<Item = Input<T>>>(items: I) -> Self {
        let mut items: Vec<_> = items
            .into_iter()
            .map(|item| (serde_json::to_string(&item).unwrap_or_default(), item))
            .collect();
        items.sort_by(|a, b| a.0.cmp(&b.0));
        items.dedup_by(|a, b| a.0 == b.0);
        Self(items.into_iter().map(|(_, item)| item).collect())
    }
}

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for InputSet<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Input<T>>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl<T: JsonSchema> JsonSchema for InputSet<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("SetOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        json_schema!({ "type": "array", "items": items, "uniqueItems": true })
    }
}

/// A mistake in the inputs: where it is, and a sentence about it.
pub(super) fn wrong<T>(pointer: &str, message: impl Into<String>) -> Result<T, (String, String)> {
    Err((pointer.to_owned(), message.into()))
}

/// The default of switches that are on unless switched off.
pub(super) fn yes() -> bool {
    true
}

/// As services' integers are.
pub(super) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// As a service's integer says; 0 for what it does not say.
pub(super) fn uint(number: Option<i32>) -> u32 {
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_default()
}

/// Text that is not empty: services give back an empty text for none.
pub(super) fn some_text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_has_one_order() {
        let read = |value| serde_json::from_value::<InputSet<String>>(value).unwrap();
        let a = read(json!(["b", {"$ref": "aws.sns.topic.x#/arn"}, "a", "b"]));
        let b = read(json!([{"$ref": "aws.sns.topic.x#/arn"}, "a", "b"]));
        assert_eq!(a, b);
        assert_eq!(a.iter().count(), 3);
        assert_eq!(
            serde_json::to_value(read(json!(["b", "a"]))).unwrap(),
            json!(["a", "b"])
        );
    }
}
