//! Inputs in the types of kinds: a value, or a reference that knows its type.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;

use super::{Reference, is_open};
use crate::address::Address;

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_input_is_a_value_or_open() {
        let open: Input<u32> =
            serde_json::from_value(json!({"$ref": "mcpdeploy.data.x#/n"})).unwrap();
        assert_eq!(open.known(), None);
        let known: Input<u32> = serde_json::from_value(json!(7)).unwrap();
        assert_eq!(known.get(), &7);
        assert!(serde_json::from_value::<Input<u32>>(json!("seven")).is_err());
    }
}
