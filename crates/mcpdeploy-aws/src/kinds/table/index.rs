//! The keys of a table and its global secondary indexes.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types as sdk;
use mcpdeploy_engine::kind::KindError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::inputs::wrong;
use super::TableInputs;

/// The type of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum KeyType {
    /// Text.
    #[default]
    S,
    /// A number.
    N,
    /// Bytes.
    B,
}

impl KeyType {
    fn to_sdk(self) -> sdk::ScalarAttributeType {
        match self {
            Self::S => sdk::ScalarAttributeType::S,
            Self::N => sdk::ScalarAttributeType::N,
            Self::B => sdk::ScalarAttributeType::B,
        }
    }

    /// The type of the attribute `name` in a table's definitions.
    pub(super) fn observed(definitions: &[sdk::AttributeDefinition], name: &str) -> Self {
        let found = definitions
            .iter()
            .find(|definition| definition.attribute_name() == name);
        match found.map(sdk::AttributeDefinition::attribute_type) {
            Some(sdk::ScalarAttributeType::N) => Self::N,
            Some(sdk::ScalarAttributeType::B) => Self::B,
            _ => Self::S,
        }
    }
}

/// A global secondary index. Any change of it makes it anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The attribute that parts the items.
    pub hash_key: String,
    /// That attribute's type.
    #[serde(default)]
    pub hash_key_type: KeyType,
    /// The attribute that orders the items of one hash key.
    #[serde(default)]
    pub range_key: Option<String>,
    /// That attribute's type.
    #[serde(default)]
    pub range_key_type: KeyType,
    /// What of an item it holds.
    #[serde(default)]
    pub projection: Projection,
}

/// What of an item an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Everything.
    #[default]
    All,
    /// The keys of table and index.
    KeysOnly,
    /// The keys and these attributes.
    Include(BTreeSet<String>),
}

impl Projection {
    fn to_sdk(&self) -> sdk::Projection {
        let builder = sdk::Projection::builder();
        match self {
            Self::All => builder.projection_type(sdk::ProjectionType::All),
            Self::KeysOnly => builder.projection_type(sdk::ProjectionType::KeysOnly),
            Self::Include(attributes) => builder
                .projection_type(sdk::ProjectionType::Include)
                .set_non_key_attributes(Some(attributes.iter().cloned().collect())),
        }
        .build()
    }

    fn observed(projection: Option<&sdk::Projection>) -> Self {
        let Some(projection) = projection else {
            return Self::All;
        };
        match projection.projection_type() {
            Some(sdk::ProjectionType::KeysOnly) => Self::KeysOnly,
            Some(sdk::ProjectionType::Include) => {
                Self::Include(projection.non_key_attributes().iter().cloned().collect())
            }
            _ => Self::All,
        }
    }
}

/// One change on the way to the wanted indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Remove(String),
    Make(String),
}

/// What is to be done next; removals come first, because an index that differs is made anew.
pub(super) fn next_step(
    have: &BTreeMap<String, Index>,
    want: &BTreeMap<String, Index>,
) -> Option<Step> {
    let remove = have
        .iter()
        .find(|(name, index)| want.get(*name) != Some(index));
    let make = want.keys().find(|name| !have.contains_key(*name));
    remove
        .map(|(name, _)| Step::Remove(name.clone()))
        .or_else(|| make.map(|name| Step::Make(name.clone())))
}

impl Step {
    pub(super) fn to_sdk(
        &self,
        want: &BTreeMap<String, Index>,
    ) -> Result<sdk::GlobalSecondaryIndexUpdate, KindError> {
        let builder = sdk::GlobalSecondaryIndexUpdate::builder();
        Ok(match self {
            Self::Remove(name) => {
                let action = sdk::DeleteGlobalSecondaryIndexAction::builder()
                    .index_name(name)
                    .build();
                builder.delete(action.map_err(incomplete)?).build()
            }
            Self::Make(name) => {
                let index = &want[name];
                let action = sdk::CreateGlobalSecondaryIndexAction::builder()
                    .index_name(name)
                    .set_key_schema(Some(key_schema(
                        &index.hash_key,
                        index.range_key.as_deref(),
                    )?))
                    .projection(index.projection.to_sdk())
                    .build();
                builder.create(action.map_err(incomplete)?).build()
            }
        })
    }
}

/// A request that lacks a part: a bug of ours.
pub(super) fn incomplete(error: impl std::error::Error) -> KindError {
    KindError::fatal(error.to_string())
}

pub(super) fn validate(inputs: &TableInputs) -> Result<(), (String, String)> {
    if inputs.indexes.len() > 20 {
        return wrong(
            "/indexes",
            "a table has at most 20 global secondary indexes",
        );
    }
    let mut types = BTreeMap::new();
    for (at, name, kind) in attributes(inputs) {
        if *types.entry(name).or_insert(kind) != kind {
            return wrong(&at, format!("the attribute `{name}` cannot have two types"));
        }
    }
    for (name, index) in &inputs.indexes {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !(3..=255).contains(&name.len()) || !name.chars().all(fits) {
            return wrong(
                &format!("/indexes/{name}"),
                format!("`{name}` is no index's name: 3 to 255 letters, digits and `_-.`"),
            );
        }
        if index.range_key.as_ref() == Some(&index.hash_key) {
            return wrong(
                &format!("/indexes/{name}/range_key"),
                "hash key and range key must be two attributes",
            );
        }
    }
    Ok(())
}

/// Every key attribute of table and indexes: where it is said, its name and its type.
fn attributes(inputs: &TableInputs) -> Vec<(String, &str, KeyType)> {
    let mut found = vec![(
        "/hash_key_type".to_owned(),
        inputs.hash_key.as_str(),
        inputs.hash_key_type,
    )];
    if let Some(name) = &inputs.range_key {
        found.push(("/range_key_type".to_owned(), name, inputs.range_key_type));
    }
    for (index_name, index) in &inputs.indexes {
        let at = |field| format!("/indexes/{index_name}/{field}");
        found.push((at("hash_key_type"), &index.hash_key, index.hash_key_type));
        if let Some(name) = &index.range_key {
            found.push((at("range_key_type"), name, index.range_key_type));
        }
    }
    found
}

/// Each key attribute once, as the service wants them.
pub(super) fn attribute_definitions(
    inputs: &TableInputs,
) -> Result<Vec<sdk::AttributeDefinition>, KindError> {
    let types: BTreeMap<_, _> = attributes(inputs)
        .into_iter()
        .map(|(_, name, kind)| (name, kind))
        .collect();
    types
        .into_iter()
        .map(|(name, kind)| {
            let definition = sdk::AttributeDefinition::builder().attribute_name(name);
            definition
                .attribute_type(kind.to_sdk())
                .build()
                .map_err(incomplete)
        })
        .collect()
}

pub(super) fn key_schema(
    hash: &str,
    range: Option<&str>,
) -> Result<Vec<sdk::KeySchemaElement>, KindError> {
    let keys = [
        (Some(hash), sdk::KeyType::Hash),
        (range, sdk::KeyType::Range),
    ];
    keys.into_iter()
        .filter_map(|(name, of)| name.map(|name| (name, of)))
        .map(|(name, of)| {
            let element = sdk::KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(of);
            element.build().map_err(incomplete)
        })
        .collect()
}

/// The attribute that is the key of that sort.
pub(super) fn key(schema: &[sdk::KeySchemaElement], of: sdk::KeyType) -> Option<String> {
    let found = schema.iter().find(|element| *element.key_type() == of);
    found.map(|element| element.attribute_name().to_owned())
}

pub(super) fn to_sdk(
    indexes: &BTreeMap<String, Index>,
) -> Result<Option<Vec<sdk::GlobalSecondaryIndex>>, KindError> {
    let list = indexes
        .iter()
        .map(|(name, index)| {
            sdk::GlobalSecondaryIndex::builder()
                .index_name(name)
                .set_key_schema(Some(key_schema(
                    &index.hash_key,
                    index.range_key.as_deref(),
                )?))
                .projection(index.projection.to_sdk())
                .build()
                .map_err(incomplete)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((!list.is_empty()).then_some(list))
}

pub(super) fn observed(table: &sdk::TableDescription) -> BTreeMap<String, Index> {
    let type_of = |name: &str| KeyType::observed(table.attribute_definitions(), name);
    table
        .global_secondary_indexes()
        .iter()
        .filter(|index| index.index_status() != Some(&sdk::IndexStatus::Deleting))
        .map(|index| {
            let hash_key = key(index.key_schema(), sdk::KeyType::Hash).unwrap_or_default();
            let range_key = key(index.key_schema(), sdk::KeyType::Range);
            let observed = Index {
                hash_key_type: type_of(&hash_key),
                range_key_type: range_key.as_deref().map(type_of).unwrap_or_default(),
                hash_key,
                range_key,
                projection: Projection::observed(index.projection()),
            };
            (index.index_name().unwrap_or_default().to_owned(), observed)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn indexes(value: serde_json::Value) -> BTreeMap<String, Index> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn indexes_change_one_at_a_time() {
        let mut have = indexes(
            json!({"old": {"hash_key": "a"}, "same": {"hash_key": "b"}, "other": {"hash_key": "c"}}),
        );
        let want = indexes(json!({
            "same": {"hash_key": "b"},
            "other": {"hash_key": "c", "projection": "keys_only"},
            "new": {"hash_key": "d", "projection": {"include": ["x"]}},
        }));
        let mut steps = Vec::new();
        while let Some(step) = next_step(&have, &want) {
            match &step {
                Step::Remove(name) => drop(have.remove(name)),
                Step::Make(name) => drop(have.insert(name.clone(), want[name].clone())),
            }
            assert!(step.to_sdk(&want).is_ok());
            steps.push(step);
        }
        assert_eq!(have, want);
        assert_eq!(steps.len(), 4);
    }

    #[test]
    fn one_attribute_one_type() {
        let table = |index_type: &str| -> TableInputs {
            let by_time =
                json!({"hash_key": "id", "range_key": "at", "range_key_type": index_type});
            serde_json::from_value(json!({
                "hash_key": "id", "range_key": "at", "range_key_type": "N",
                "indexes": {"by-time": by_time},
            }))
            .unwrap()
        };
        assert_eq!(validate(&table("N")), Ok(()));
        assert_eq!(attribute_definitions(&table("N")).unwrap().len(), 2);
        assert_eq!(
            validate(&table("S")).unwrap_err().0,
            "/indexes/by-time/range_key_type"
        );
    }
}
