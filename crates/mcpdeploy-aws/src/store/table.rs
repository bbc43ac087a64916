//! A shared state in a DynamoDB table, for buckets that take no conditions.
//!
//! The table's keys are `id`, the bucket and prefix, and `key`. What is small is in the item; what is
//! not is an object of a name that is used once, written before the item that names it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::store::Version;
use mcpdeploy_engine::store::shared::Cell;
use std::collections::HashMap;

use super::s3::Objects;
use super::waited::Service;
use crate::fault::Fault;

/// The longest content that is in an item, in bytes; an item has 400 KB at most.
const INLINE: usize = 200 * 1024;
/// How often an item is read again whose object went meanwhile.
const TRIES: u32 = 5;
const UNMET: &str = "ConditionalCheckFailedException";

type Item = HashMap<String, AttributeValue>;

/// Items of a table, with objects for what is large.
#[derive(Debug)]
pub(super) struct Items {
    client: Client,
    table: String,
    /// What this deployment's items have in common.
    id: String,
    bodies: Objects,
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn version(item: &Item) -> Version {
    Version(text(item, "version").unwrap_or_default())
}

impl Items {
    pub(super) fn new(client: Client, table: &str, id: &str, bodies: Objects) -> Self {
        Self {
            client,
            table: table.to_owned(),
            id: id.to_owned(),
            bodies,
        }
    }

    fn keys(&self, key: &str) -> Item {
        HashMap::from([
            ("id".to_owned(), AttributeValue::S(self.id.clone())),
            ("key".to_owned(), AttributeValue::S(key.to_owned())),
        ])
    }

    /// Removes an object that no item names any more. One that stays costs a little and harms nobody.
    async fn forget(&self, object: &str) {
        if let Err(error) = self.bodies.remove(object, None).await {
            tracing::warn!(%error, object, "an old object was not removed");
        }
    }
}

impl Service for Items {
    fn place(&self, key: &str) -> String {
        format!("dynamodb://{}/{}{key}", self.table, self.id)
    }

    async fn get(&self, key: &str) -> Result<Option<Cell>, KindError> {
        for _ in 0..TRIES {
            let answer = self
                .client
                .get_item()
                .table_name(&self.table)
                .set_key(Some(self.keys(key)))
                .consistent_read(true)
                .send()
                .await
                .fault("dynamodb", "GetItem", self.place(key))?;
            let Some(item) = answer.item else {
                return Ok(None);
            };
            let bytes = match text(&item, "object") {
                None => item
                    .get("content")
                    .and_then(|content| content.as_b().ok())
                    .map(|content| content.as_ref().to_vec()),
                Some(object) => self.bodies.get(&object).await?.map(|cell| cell.bytes),
            };
            if let Some(bytes) = bytes {
                return Ok(Some(Cell {
                    bytes,
                    version: version(&item),
                }));
            }
            // It was replaced between the two reads.
        }
        Err(KindError::fatal("its content is not where the table says").on(self.place(key)))
    }

    async fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        expect: Option<&Version>,
    ) -> Result<Option<Version>, KindError> {
        let version = uuid();
        let mut item = self.keys(key);
        item.insert("version".to_owned(), AttributeValue::S(version.clone()));
        if bytes.len() <= INLINE {
            let content = AttributeValue::B(Blob::new(bytes));
            item.insert("content".to_owned(), content);
        } else {
            let object = format!("bodies/{version}.json");
            self.bodies.put_new(&object, bytes).await?;
            item.insert("object".to_owned(), AttributeValue::S(object));
        }
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values(ReturnValue::AllOld);
        let answer = expecting(call, expect).send().await;
        if answer.as_ref().is_err_and(|e| e.code() == Some(UNMET)) {
            self.forget(&format!("bodies/{version}.json")).await;
            return Ok(None);
        }
        let answer = answer.fault("dynamodb", "PutItem", self.place(key))?;
        if let Some(object) = answer.attributes.and_then(|old| text(&old, "object")) {
            self.forget(&object).await;
        }
        Ok(Some(Version(version)))
    }

    async fn remove(&self, key: &str, only: Option<&Version>) -> Result<bool, KindError> {
        let mut call = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(self.keys(key)))
            .return_values(ReturnValue::AllOld);
        if let Some(Version(version)) = only {
            call = call
                .condition_expression("attribute_not_exists(id) OR version = :version")
                .expression_attribute_values(":version", AttributeValue::S(version.clone()));
        }
        let answer = call.send().await;
        if answer.as_ref().is_err_and(|e| e.code() == Some(UNMET)) {
            return Ok(false);
        }
        let answer = answer.fault("dynamodb", "DeleteItem", self.place(key))?;
        if let Some(object) = answer.attributes.and_then(|old| text(&old, "object")) {
            self.forget(&object).await;
        }
        Ok(true)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, KindError> {
        let mut call = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .projection_expression("#key")
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":id", AttributeValue::S(self.id.clone()));
        // An empty prefix would be no valid condition.
        call = if prefix.is_empty() {
            call.key_condition_expression("id = :id")
        } else {
            call.key_condition_expression("id = :id AND begins_with(#key, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        };
        let mut pages = call.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.fault("dynamodb", "Query", self.place(prefix))?;
            keys.extend(page.items().iter().filter_map(|item| text(item, "key")));
        }
        Ok(keys)
    }
}

fn expecting(call: PutItemFluentBuilder, expect: Option<&Version>) -> PutItemFluentBuilder {
    match expect {
        None => call.condition_expression("attribute_not_exists(id)"),
        Some(Version(version)) => call
            .condition_expression("version = :version")
            .expression_attribute_values(":version", AttributeValue::S(version.clone())),
    }
}

fn uuid() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
