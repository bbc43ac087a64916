//! Making a table.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::keys::{KeyAttribute, KeySchema};
use super::super::{At, State, validation};
use super::record::{
    Billing, Change, Encryption, Index, IndexKind, Phase, Projection, Status, Stream, Table, Tag,
    Throughput,
};
use crate::cloud::ACCOUNT;
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateTable {
    table_name: String,
    #[serde(default)]
    attribute_definitions: Vec<Definition>,
    #[serde(default)]
    key_schema: Vec<KeyElement>,
    local_secondary_indexes: Option<Vec<NewIndex>>,
    global_secondary_indexes: Option<Vec<NewIndex>>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<Throughput>,
    stream_specification: Option<StreamSpecification>,
    #[serde(rename = "SSESpecification")]
    encryption: Option<SseSpecification>,
    table_class: Option<String>,
    #[serde(default)]
    deletion_protection_enabled: bool,
    #[serde(default)]
    tags: Vec<Tag>,
    resource_policy: Option<Json>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Definition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewIndex {
    index_name: String,
    key_schema: Vec<KeyElement>,
    #[serde(default)]
    projection: NewProjection,
    provisioned_throughput: Option<Throughput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NewProjection {
    projection_type: Option<String>,
    non_key_attributes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamSpecification {
    pub(super) stream_enabled: bool,
    pub(super) stream_view_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SseSpecification {
    #[serde(default)]
    enabled: bool,
    #[serde(rename = "KMSMasterKeyId")]
    key: Option<String>,
}

impl State {
    pub(in super::super) fn create_table(
        &mut self,
        at: &At,
        input: CreateTable,
    ) -> Result<Reply, Fault> {
        check_name("tableName", &input.table_name)?;
        if input.resource_policy.is_some() {
            return Err(Fault::absent("resource policies of tables"));
        }
        let definitions = definitions(input.attribute_definitions)?;
        let billing = billing(
            at,
            input.billing_mode.as_deref().unwrap_or("PROVISIONED"),
            input.provisioned_throughput,
        )?;
        let key = key_schema(&input.key_schema, &definitions)?;
        let locals = new_indexes("Local", input.local_secondary_indexes)?;
        let globals = new_indexes("Global", input.global_secondary_indexes)?;
        let mut indexes = Vec::new();
        for (kind, new) in locals
            .into_iter()
            .map(|new| (IndexKind::Local, new))
            .chain(globals.into_iter().map(|new| (IndexKind::Global, new)))
        {
            let index = index(kind, new, &key, &definitions, &billing)?;
            if indexes.iter().any(|there: &Index| there.name == index.name) {
                return Err(wrong(format!("Duplicate index name: {}", index.name)));
            }
            indexes.push(index);
        }
        check_all_used(&definitions, &key, &indexes)?;
        let row = super::row(at, &input.table_name);
        if self.tables.contains(&row) {
            return Err(Fault::bad(
                "ResourceInUseException",
                format!("Table already exists: {}", input.table_name),
            ));
        }
        let stream = match input.stream_specification {
            Some(specification) => stream(at, &specification)?,
            None => None,
        };
        let mut table = Table {
            name: input.table_name,
            region: at.region.clone(),
            id: uuid::Uuid::new_v4().to_string(),
            created: at.now,
            key,
            definitions,
            indexes,
            billing,
            stream,
            encryption: input.encryption.and_then(|sse| encryption(at, sse)),
            class: input.table_class,
            protected: input.deletion_protection_enabled,
            tags: input.tags,
            ttl: None,
            recovery: None,
            change: Some(Change::new(at, Phase::Creating)),
        };
        for index in &mut table.indexes {
            index.change = table.change.clone();
        }
        let mut description = self.description(at, &table, Status::Creating);
        if let Some(Json::Array(indexes)) = description.get_mut("GlobalSecondaryIndexes") {
            for index in indexes {
                index["IndexStatus"] = json!("CREATING");
            }
        }
        self.tables.put(&row, table)?;
        Ok(Reply::output(json!({ "TableDescription": description })))
    }
}

fn wrong(message: impl AsRef<str>) -> Fault {
    validation(format!(
        "One or more parameter values were invalid: {}",
        message.as_ref()
    ))
}

pub(super) fn check_name(member: &str, name: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(validation(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )));
    }
    if !(3..=255).contains(&name.len()) {
        let label = if member == "tableName" {
            "TableName"
        } else {
            "IndexName"
        };
        return Err(validation(format!(
            "{label} must be at least 3 characters long and at most 255 characters long"
        )));
    }
    Ok(())
}

pub(super) fn definitions(list: Vec<Definition>) -> Result<BTreeMap<String, String>, Fault> {
    let mut definitions = BTreeMap::new();
    for definition in list {
        let kind = definition.attribute_type;
        if !["S", "N", "B"].contains(&kind.as_str()) {
            return Err(validation(format!(
                "1 validation error detected: Value '{kind}' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]"
            )));
        }
        if definitions
            .insert(definition.attribute_name, kind)
            .is_some()
        {
            return Err(wrong("Duplicate AttributeName in AttributeDefinitions"));
        }
    }
    Ok(definitions)
}

fn key_schema(
    elements: &[KeyElement],
    definitions: &BTreeMap<String, String>,
) -> Result<KeySchema, Fault> {
    let attribute = |element: &KeyElement| match definitions.get(&element.attribute_name) {
        Some(kind) => Ok(KeyAttribute {
            name: element.attribute_name.clone(),
            kind: kind.clone(),
        }),
        None => {
            let keys: Vec<&str> = elements.iter().map(|e| e.attribute_name.as_str()).collect();
            let defined: Vec<&str> = definitions.keys().map(String::as_str).collect();
            Err(wrong(format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], AttributeDefinitions: [{}]",
                keys.join(", "),
                defined.join(", ")
            )))
        }
    };
    let (hash, range) = match elements {
        [hash] => (hash, None),
        [hash, range] => (hash, Some(range)),
        [] => {
            return Err(validation(
                "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ));
        }
        [_, _, _, ..] => return Err(Fault::absent("keys of more than two attributes")),
    };
    if hash.key_type != "HASH" {
        return Err(validation(
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ));
    }
    if range.is_some_and(|range| range.key_type != "RANGE") {
        return Err(validation(
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ));
    }
    if range.is_some_and(|range| range.attribute_name == hash.attribute_name) {
        return Err(validation(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ));
    }
    Ok(KeySchema {
        hash: attribute(hash)?,
        range: range.map(attribute).transpose()?,
    })
}

/// An empty list of indexes is a fault of its own.
fn new_indexes(kind: &str, list: Option<Vec<NewIndex>>) -> Result<Vec<NewIndex>, Fault> {
    match list {
        Some(list) if list.is_empty() => {
            Err(wrong(format!("List of {kind}SecondaryIndexes is empty")))
        }
        Some(list) => Ok(list),
        None => Ok(Vec::new()),
    }
}

pub(super) fn index(
    kind: IndexKind,
    new: NewIndex,
    table: &KeySchema,
    definitions: &BTreeMap<String, String>,
    billing: &Billing,
) -> Result<Index, Fault> {
    check_name("indexName", &new.index_name)?;
    let key = key_schema(&new.key_schema, definitions)?;
    if kind == IndexKind::Local {
        if table.range.is_none() {
            return Err(wrong(
                "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
            ));
        }
        if key.hash.name != table.hash.name {
            return Err(wrong(format!(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: {}. index hash key: {}, table hash key: {}",
                new.index_name, key.hash.name, table.hash.name
            )));
        }
        if key.range.is_none() {
            return Err(wrong(format!(
                "Index KeySchema does not have a range key for index: {}",
                new.index_name
            )));
        }
    }
    let include = new.projection.non_key_attributes;
    let projection = match (
        new.projection.projection_type.as_deref(),
        include.is_empty(),
    ) {
        (Some("ALL"), true) => Projection::All,
        (Some("KEYS_ONLY"), true) => Projection::KeysOnly,
        (Some("INCLUDE"), false) => Projection::Include(include),
        (Some("INCLUDE"), true) => {
            return Err(wrong(
                "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
            ));
        }
        (Some(kind @ ("ALL" | "KEYS_ONLY")), false) => {
            return Err(wrong(format!(
                "ProjectionType is {kind}, but NonKeyAttributes is specified"
            )));
        }
        (kind, _) => {
            return Err(wrong(format!(
                "Unknown ProjectionType: {}",
                kind.unwrap_or("null")
            )));
        }
    };
    let throughput = match (kind, billing, new.provisioned_throughput) {
        (IndexKind::Global, Billing::Provisioned(_), None) => {
            return Err(wrong(format!(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified for index: {}",
                new.index_name
            )));
        }
        (IndexKind::Global, Billing::Request(_), Some(_)) => return Err(no_throughput()),
        (IndexKind::Global | IndexKind::Local, _, throughput) => throughput,
    };
    Ok(Index {
        name: new.index_name,
        kind,
        key,
        projection,
        throughput,
        change: None,
    })
}

fn check_all_used(
    definitions: &BTreeMap<String, String>,
    key: &KeySchema,
    indexes: &[Index],
) -> Result<(), Fault> {
    let keys = std::iter::once(key).chain(indexes.iter().map(|index| &index.key));
    let used: BTreeSet<&str> = keys
        .flat_map(KeySchema::attributes)
        .map(|attribute| attribute.name.as_str())
        .collect();
    let defined: BTreeSet<&str> = definitions.keys().map(String::as_str).collect();
    if used == defined {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(wrong(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ));
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    Err(wrong(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        list(defined),
        list(used)
    )))
}

pub(super) fn billing(
    at: &At,
    mode: &str,
    throughput: Option<Throughput>,
) -> Result<Billing, Fault> {
    match (mode, throughput) {
        ("PAY_PER_REQUEST", None) => Ok(Billing::Request(at.now)),
        ("PAY_PER_REQUEST", Some(_)) => Err(no_throughput()),
        ("PROVISIONED", Some(throughput)) => {
            if throughput.read_capacity_units == 0 || throughput.write_capacity_units == 0 {
                return Err(validation(
                    "1 validation error detected: Value '0' at 'provisionedThroughput' failed to satisfy constraint: Member must have value greater than or equal to 1",
                ));
            }
            Ok(Billing::Provisioned(throughput))
        }
        ("PROVISIONED", None) => Err(wrong(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
        (other, _) => Err(validation(format!(
            "1 validation error detected: Value '{other}' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"
        ))),
    }
}

fn no_throughput() -> Fault {
    wrong(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    )
}

/// The stream that a specification asks for.
pub(super) fn stream(at: &At, wanted: &StreamSpecification) -> Result<Option<Stream>, Fault> {
    if !wanted.stream_enabled {
        return match wanted.stream_view_type {
            None => Ok(None),
            Some(_) => Err(wrong(
                "StreamViewType must not be specified when StreamEnabled is false",
            )),
        };
    }
    let views = ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"];
    let view = wanted.stream_view_type.as_deref().unwrap_or_default();
    if !views.contains(&view) {
        return Err(wrong(
            "StreamViewType must be specified when StreamEnabled is true",
        ));
    }
    let label = crate::wire::iso(at.now);
    Ok(Some(Stream {
        label: label.trim_end_matches('Z').to_owned(),
        view: Some(view.to_owned()),
    }))
}

pub(super) fn encryption(at: &At, sse: SseSpecification) -> Option<Encryption> {
    let account = |rest: &str| format!("arn:aws:kms:{}:{ACCOUNT}:{rest}", at.region);
    let key = match sse.key {
        None => account("alias/aws/dynamodb"),
        Some(key) if key.starts_with("arn:") => key,
        Some(key) if key.starts_with("alias/") => account(&key),
        Some(key) => account(&format!("key/{key}")),
    };
    sse.enabled.then_some(Encryption { key })
}
