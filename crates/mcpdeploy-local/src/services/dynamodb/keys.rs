//! Keys: what makes an item one of its own, and in which order items are kept.
//!
//! A row's key in the collection is `table id/hash/range`, made so that rows sort by the range key
//! within one hash key, and hash keys sort by their digest: as in DynamoDB, a scan has no order that
//! anybody should rely on.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::validation;
use super::value::{Item, Value};
use crate::wire::Fault;

/// The largest hash key, in bytes.
const HASH_LIMIT: usize = 2048;
/// The largest range key, in bytes.
const RANGE_LIMIT: usize = 1024;

/// An attribute that is part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyAttribute {
    pub(super) name: String,
    /// `S`, `N` or `B`.
    pub(super) kind: String,
}

/// The attributes of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeySchema {
    pub(super) hash: KeyAttribute,
    pub(super) range: Option<KeyAttribute>,
}

impl KeySchema {
    pub(super) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// Checks a key that is given to find an item: these attributes, no others.
    pub(super) fn check_key(&self, key: &Item) -> Result<(), Fault> {
        let fits = |attribute: &KeyAttribute| {
            let value = key.get(&attribute.name);
            value.is_some_and(|value| value.kind() == attribute.kind)
        };
        if key.len() != self.attributes().count() || !self.attributes().all(fits) {
            return Err(validation(
                "The provided key element does not match the schema",
            ));
        }
        self.check_values(key)
    }

    /// Checks the key of an item that is to be kept.
    pub(super) fn check_item(&self, item: &Item) -> Result<(), Fault> {
        for attribute in self.attributes() {
            let name = &attribute.name;
            let Some(value) = item.get(name) else {
                return Err(validation(format!(
                    "One or more parameter values were invalid: Missing the key {name} in the item"
                )));
            };
            if value.kind() != attribute.kind {
                return Err(validation(format!(
                    "One or more parameter values were invalid: Type mismatch for key {name} expected: {} actual: {}",
                    attribute.kind,
                    value.kind()
                )));
            }
        }
        self.check_values(item)
    }

    /// Checks the key of an index in an item that is to be kept. Without the attributes, the item is
    /// not in the index.
    pub(super) fn check_index(&self, index: &str, item: &Item) -> Result<(), Fault> {
        for attribute in self.attributes() {
            let name = &attribute.name;
            let Some(value) = item.get(name) else {
                continue;
            };
            if value.kind() != attribute.kind {
                return Err(validation(format!(
                    "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {} Actual: {} IndexName: {index}",
                    attribute.kind,
                    value.kind()
                )));
            }
            if is_empty(value) {
                return Err(validation(format!(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: {index}, IndexKey: {name}",
                    if attribute.kind == "S" {
                        "string"
                    } else {
                        "binary"
                    }
                )));
            }
        }
        Ok(())
    }

    fn check_values(&self, item: &Item) -> Result<(), Fault> {
        for attribute in self.attributes() {
            let Some(value) = item.get(&attribute.name) else {
                continue;
            };
            if is_empty(value) {
                return Err(validation(format!(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {} value. Key: {}",
                    if attribute.kind == "S" {
                        "string"
                    } else {
                        "binary"
                    },
                    attribute.name
                )));
            }
            if attribute.name == self.hash.name && value.size() > HASH_LIMIT {
                return Err(validation(
                    "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
                ));
            }
            if attribute.name != self.hash.name && value.size() > RANGE_LIMIT {
                return Err(validation(
                    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
                ));
            }
        }
        Ok(())
    }

    /// Text by which items of this key sort: first by the hash key's digest, then by the range key.
    /// None when a part of the key is missing or of another type.
    pub(super) fn sortable(&self, item: &Item) -> Option<String> {
        let mut out = String::new();
        for attribute in self.attributes() {
            let value = item.get(&attribute.name)?;
            if value.kind() != attribute.kind {
                return None;
            }
            if attribute.name == self.hash.name {
                out = sortable_hash(value);
            } else {
                out.push_str(&sortable(value));
            }
        }
        Some(out)
    }

    /// The key's attributes of an item.
    pub(super) fn of(&self, item: &Item) -> Item {
        self.attributes()
            .filter_map(|attribute| {
                let value = item.get(&attribute.name)?;
                Some((attribute.name.clone(), value.clone()))
            })
            .collect()
    }
}

/// The beginning of all rows of a hash key. Its digest alone would do but for collisions.
pub(super) fn sortable_hash(value: &Value) -> String {
    let text = sortable(value);
    let digest = Sha256::digest(&text);
    format!("{}{}/", hex::encode(&digest[..4]), hex::encode(text))
}

/// Which of so many parts of a table a row belongs to, by its hash key.
pub(super) fn segment(sortable: &str, total: u64) -> u64 {
    let digest = sortable.get(..8).unwrap_or_default();
    let number = u64::from_str_radix(digest, 16).unwrap_or_default();
    // Parts of one size each, in the order of the digests.
    (number * total) >> 32
}

/// Text that sorts as the values do.
fn sortable(value: &Value) -> String {
    match value {
        Value::S(text) => text.clone(),
        Value::N(number) => number.sortable(),
        Value::B(bytes) => hex::encode(bytes),
        Value::Bool(_)
        | Value::Null
        | Value::M(_)
        | Value::L(_)
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_) => String::new(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::S(text) => text.is_empty(),
        Value::B(bytes) => bytes.is_empty(),
        Value::N(_)
        | Value::Bool(_)
        | Value::Null
        | Value::M(_)
        | Value::L(_)
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_) => false,
    }
}
