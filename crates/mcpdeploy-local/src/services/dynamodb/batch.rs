//! Several items in one request, each for itself.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::capacity::{self, consumed, read_units, write_units};
use super::read::{paths, shown};
use super::value::{RawItem, item_size, read_item, write_item};
use super::{At, State, validation};
use crate::wire::{Fault, Reply};

/// How many bytes one answer is made of, at most.
const PAGE: usize = 16 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchGet {
    request_items: Map<String, Json>,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeysOfTable {
    keys: Vec<RawItem>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<RawItem>,
    #[serde(default)]
    consistent_read: bool,
    attributes_to_get: Option<Json>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchWrite {
    request_items: Map<String, Json>,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WriteRequest {
    put_request: Option<PutRequest>,
    delete_request: Option<DeleteRequest>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRequest {
    item: RawItem,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteRequest {
    key: RawItem,
}

impl State {
    pub(super) fn batch_get(&self, at: &At, input: &BatchGet) -> Result<Reply, Fault> {
        let (mut responses, mut left, mut capacity) = (Map::new(), Map::new(), Vec::new());
        let (mut bytes, mut count) = (0, 0);
        if input.request_items.is_empty() {
            return Err(no_requests());
        }
        for (name, raw) in &input.request_items {
            let wanted: KeysOfTable = read(raw)?;
            if wanted.attributes_to_get.is_some() {
                return Err(Fault::absent("DynamoDB's legacy parameter AttributesToGet"));
            }
            count += wanted.keys.len();
            if count > 100 {
                return Err(validation(
                    "Too many items requested for the BatchGetItem call",
                ));
            }
            let paths = paths(
                wanted.projection_expression.as_deref(),
                wanted.expression_attribute_names.as_ref(),
            )?;
            let table = self.usable(at, name)?;
            let (mut seen, mut items, mut units) = (HashSet::new(), Vec::new(), 0.0);
            let mut unread = Vec::new();
            for raw in &wanted.keys {
                let key = read_item(raw)?;
                table.key.check_key(&key)?;
                let row = table.item_row(&key);
                if !seen.insert(row.clone()) {
                    return Err(duplicates());
                }
                let item = self.item(at, &table, &row);
                let size = item.map_or(0, item_size);
                if bytes + size > PAGE {
                    unread.push(raw);
                    continue;
                }
                bytes += size;
                units += read_units(size, wanted.consistent_read);
                items.extend(item.map(|item| write_item(&shown(item, paths.as_deref()))));
            }
            if !unread.is_empty() {
                let mut request = raw.clone();
                request["Keys"] = json!(unread);
                left.insert(name.clone(), request);
            }
            responses.insert(name.clone(), json!(items));
            capacity.push(consumed(input.return_consumed_capacity, &table.name, units));
        }
        Ok(Reply::output(json!({
            "Responses": responses,
            "UnprocessedKeys": left,
            "ConsumedCapacity": listed(input.return_consumed_capacity, capacity),
        })))
    }

    pub(super) fn batch_write(&mut self, at: &At, input: &BatchWrite) -> Result<Reply, Fault> {
        let (mut changes, mut capacity) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        if input.request_items.is_empty() {
            return Err(no_requests());
        }
        for (name, raw) in &input.request_items {
            let requests: Vec<WriteRequest> = read(raw)?;
            let table = self.usable(at, name)?;
            let mut units = 0.0;
            for request in requests {
                let (key, item) = match (request.put_request, request.delete_request) {
                    (Some(put), None) => {
                        let item = read_item(&put.item)?;
                        table.check_item(&item)?;
                        if item_size(&item) > 400 * 1024 {
                            return Err(validation(
                                "Item size has exceeded the maximum allowed size",
                            ));
                        }
                        (table.key.of(&item), Some(item))
                    }
                    (None, Some(delete)) => {
                        let key = read_item(&delete.key)?;
                        table.key.check_key(&key)?;
                        (key, None)
                    }
                    (Some(_), Some(_)) | (None, None) => {
                        return Err(validation(
                            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
                        ));
                    }
                };
                let row = table.item_row(&key);
                if !seen.insert(row.clone()) {
                    return Err(duplicates());
                }
                let before = self.item(at, &table, &row).map_or(0, item_size);
                units += write_units(item.as_ref().map_or(0, item_size).max(before));
                changes.push((row, item));
            }
            if changes.len() > 25 {
                return Err(validation(
                    "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]",
                ));
            }
            capacity.push(consumed(input.return_consumed_capacity, &table.name, units));
        }
        self.items.write(changes)?;
        Ok(Reply::output(json!({
            "UnprocessedItems": {},
            "ConsumedCapacity": listed(input.return_consumed_capacity, capacity),
        })))
    }
}

fn read<T: serde::de::DeserializeOwned>(raw: &Json) -> Result<T, Fault> {
    T::deserialize(raw).map_err(|error| Fault::bad("SerializationException", error.to_string()))
}

fn listed(wanted: capacity::Wanted, list: Vec<Json>) -> Json {
    match wanted {
        capacity::Wanted::None => Json::Null,
        capacity::Wanted::Total | capacity::Wanted::Indexes => Json::Array(list),
    }
}

fn duplicates() -> Fault {
    validation("Provided list of item keys contains duplicates")
}

fn no_requests() -> Fault {
    validation(
        "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    )
}
