//! `aws.dynamodb.table`: a table of DynamoDB, billed by request.
//!
//! Facts, from the DynamoDB API reference:
//! - a name is unique within account and region; keys cannot be changed;
//! - CreateTable answers at once with `CREATING`; most calls then fail with ResourceInUseException
//!   until it is `ACTIVE`, and time to live and point-in-time recovery are calls of their own;
//! - only one secondary index can be made or removed at a time, and an index is filled before it is
//!   `ACTIVE`;
//! - time to live can be changed once an hour;
//! - DescribeTable tells neither tags nor time to live nor point-in-time recovery;
//! - a table with deletion protection cannot be deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Poll, Tags, Who,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{TableArn, TableName, partition};
use crate::tags;

mod index;
mod settings;

pub use index::{Index, KeyType, Projection};
pub use settings::StreamView;

/// How long a new table may be invisible.
const VISIBLE_WITHIN: Duration = Duration::from_secs(15);

/// A table.
#[derive(Debug)]
pub enum Table {}

/// What one can ask of a table. `hash_key` alone is enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableInputs {
    /// Its name: 3 to 255 letters, digits and `_-.`. When not set, the name in its address.
    #[serde(default)]
    pub name: Option<TableName>,
    /// The attribute that parts the items.
    pub hash_key: String,
    /// That attribute's type: `S` text, `N` number, `B` bytes.
    #[serde(default)]
    pub hash_key_type: KeyType,
    /// The attribute that orders the items of one hash key.
    #[serde(default)]
    pub range_key: Option<String>,
    /// That attribute's type.
    #[serde(default)]
    pub range_key_type: KeyType,
    /// Global secondary indexes by their names.
    #[serde(default)]
    pub indexes: BTreeMap<String, Index>,
    /// The attribute with the time, in seconds since 1970, at which an item goes away.
    #[serde(default)]
    pub ttl_attribute: Option<String>,
    /// Whether the table can be restored to any second of the last 35 days, which costs extra.
    #[serde(default)]
    pub point_in_time_recovery: bool,
    /// Whether DynamoDB refuses to delete it.
    #[serde(default)]
    pub deletion_protection: bool,
    /// What of an item its stream of changes carries; no stream when not set.
    #[serde(default)]
    pub stream: Option<StreamView>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableOutputs {
    /// Its name.
    pub name: TableName,
    /// Its ARN.
    pub arn: TableArn,
    /// The ARN of its stream, if it has one.
    #[serde(default)]
    pub stream_arn: Option<String>,
}

impl Table {
    /// Refers to the name of the table at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<TableName> {
        Ref::new(address, "/name")
    }

    /// Refers to the ARN of the table at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<TableArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the ARN of the stream of the table at `address`.
    #[must_use]
    pub fn stream_arn(address: &Address) -> Ref<String> {
        Ref::new(address, "/stream_arn")
    }
}

impl Kind for Table {
    const NAME: &'static str = "aws.dynamodb.table";
    const REPLACE_ON: &'static [&'static str] = &[
        "/name",
        "/hash_key",
        "/hash_key_type",
        "/range_key",
        "/range_key_type",
    ];
    const VOLATILE: &'static [(&'static str, &'static str)] = &[("/stream", "/stream_arn")];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 8_000;

    type Clients = Clients;
    type Inputs = TableInputs;
    type Outputs = TableOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        match &inputs.name {
            Some(name) => Identity::Name(name.to_string()),
            // The address decides, which no two resources share.
            None => Identity::OwnerTag,
        }
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if let Some(name) = &inputs.name {
            validate_name(name.as_str(), "/name")?;
        }
        for (attribute, at) in [
            (Some(&inputs.hash_key), "/hash_key"),
            (inputs.range_key.as_ref(), "/range_key"),
        ] {
            if attribute.is_some_and(|name| name.is_empty() || name.len() > 255) {
                return wrong(at, "a key's name has 1 to 255 bytes");
            }
        }
        if inputs.range_key.as_ref() == Some(&inputs.hash_key) {
            return wrong(
                "/range_key",
                "hash key and range key must be two attributes",
            );
        }
        index::validate(inputs)?;
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let name = inputs.name.as_ref().map_or("*", TableName::as_str);
        let region = placement.region_or_any();
        let on = format!(
            "arn:{}:dynamodb:{region}:{}:table/{name}",
            partition(region),
            placement.account_or_any()
        );
        let actions: &[&str] = match op {
            Op::Read => &[
                "dynamodb:DescribeTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:ListTagsOfResource",
            ],
            Op::Create => &[
                "dynamodb:CreateTable",
                "dynamodb:DescribeTable",
                "dynamodb:TagResource",
                "dynamodb:UpdateTimeToLive",
                "dynamodb:UpdateContinuousBackups",
            ],
            Op::Update => &[
                "dynamodb:DescribeTable",
                "dynamodb:UpdateTable",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:UpdateTimeToLive",
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:ListTagsOfResource",
                "dynamodb:TagResource",
                "dynamodb:UntagResource",
            ],
            Op::Delete => &["dynamodb:DeleteTable", "dynamodb:DescribeTable"],
        };
        Permission::all(actions, &on)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who
            .id
            .map_or_else(|| table_name(cx, who.inputs), PhysicalId::as_str);
        let (table, ttl_attribute, point_in_time_recovery) = tokio::join!(
            describe(cx, name),
            settings::ttl_attribute(cx, name),
            settings::point_in_time_recovery(cx, name),
        );
        let Some(table) = table? else { return Ok(None) };
        if table.table_status() == Some(&sdk::TableStatus::Deleting) {
            return Ok(None);
        }
        let key = |of| index::key(table.key_schema(), of);
        let type_of = |name: &str| KeyType::observed(table.attribute_definitions(), name);
        let hash_key = key(sdk::KeyType::Hash).unwrap_or_default();
        let range_key = key(sdk::KeyType::Range);
        Ok(Some(Observed {
            id: PhysicalId::new(name),
            outputs: outputs(&table),
            inputs: TableInputs {
                name: who.inputs.name.as_ref().map(|_| name.into()),
                hash_key_type: type_of(&hash_key),
                range_key_type: range_key.as_deref().map(type_of).unwrap_or_default(),
                hash_key,
                range_key,
                indexes: index::observed(&table),
                ttl_attribute: ttl_attribute?,
                point_in_time_recovery: point_in_time_recovery?,
                deletion_protection: table.deletion_protection_enabled().unwrap_or_default(),
                stream: StreamView::observed(table.stream_specification()),
                tags: Tags::new(),
            },
            unobserved: &["/tags"],
        }))
    }

    async fn read_tags(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<Option<Tags>, KindError> {
        match describe(cx, id.as_str()).await? {
            Some(table) => settings::list_tags(cx, table.table_arn().unwrap_or_default()).await,
            None => Ok(None),
        }
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let name = table_name(cx, want);
        // Here, and not in `validate`, because only now is the name known that the address gives.
        validate_name(name, "/name").map_err(|(_, message)| KindError::fatal(message).on(name))?;
        cx.clients
            .dynamodb()
            .create_table()
            .table_name(name)
            .billing_mode(sdk::BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(index::attribute_definitions(want)?))
            .set_key_schema(Some(index::key_schema(
                &want.hash_key,
                want.range_key.as_deref(),
            )?))
            .set_global_secondary_indexes(index::to_sdk(&want.indexes)?)
            .deletion_protection_enabled(want.deletion_protection)
            .set_stream_specification(want.stream.map(StreamView::to_sdk).transpose()?)
            .set_tags(
                (!want.tags.is_empty())
                    .then(|| settings::sdk_tags(&want.tags))
                    .transpose()?,
            )
            .send()
            .await
            .fault("dynamodb", "CreateTable", name)?;
        Ok(Created::id(name))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        let name = id.as_str();
        let to_set = if delta.is_created() {
            want.ttl_attribute.is_some() || want.point_in_time_recovery
        } else {
            true
        };
        if !to_set {
            return Ok(());
        }
        let table = active(cx, name).await?;
        let streams = want.stream != StreamView::observed(table.stream_specification());
        if !delta.is_created() && delta.touches("/stream") && streams {
            settings::put_stream(cx, name, want.stream, &table).await?;
        }
        if delta.updates("/deletion_protection") {
            cx.clients
                .dynamodb()
                .update_table()
                .table_name(name)
                .deletion_protection_enabled(want.deletion_protection)
                .send()
                .await
                .fault("dynamodb", "UpdateTable", name)?;
        }
        if delta.updates("/indexes") {
            put_indexes(cx, name, want).await?;
        }
        if delta.touches("/ttl_attribute") {
            settings::put_ttl(cx, name, want.ttl_attribute.as_deref(), delta).await?;
        }
        if delta.updates("/point_in_time_recovery")
            || delta.is_created() && want.point_in_time_recovery
        {
            settings::put_point_in_time_recovery(cx, name, want.point_in_time_recovery).await?;
        }
        if delta.updates("/tags") {
            settings::put_tags(cx, table.table_arn().unwrap_or_default(), &want.tags).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        active(cx, id.as_str()).await.map(|table| outputs(&table))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let name = id.as_str();
        let answer = cx
            .clients
            .dynamodb()
            .delete_table()
            .table_name(name)
            .send()
            .await
            .found("dynamodb", "DeleteTable", name);
        match answer {
            Err(error) if says_protected(&error) => {
                return Err(
                    error.hint("set `deletion_protection = false`, apply, and delete it then")
                );
            }
            Err(error) => return Err(error),
            Ok(None) => return Ok(()),
            Ok(Some(_)) => {}
        }
        cx.poll(Poll::SECONDS, "waiting until the table is gone", || async {
            Ok(describe(cx, name).await?.is_none().then_some(()))
        })
        .await
    }
}

/// Whether the deletion failed because the table is protected from it.
fn says_protected(error: &KindError) -> bool {
    let message = error.message.to_lowercase();
    message.contains("protected against deletion") || message.contains("deletionprotection")
}

fn validate_name(name: &str, at: &str) -> Result<(), (String, String)> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if (3..=255).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    wrong(
        at,
        format!("`{name}` is no table's name: 3 to 255 letters, digits and `_-.`"),
    )
}

fn table_name<'a>(cx: &Cx<'a, Clients>, inputs: &'a TableInputs) -> &'a str {
    inputs
        .name
        .as_ref()
        .map_or_else(|| cx.address.name(), TableName::as_str)
}

fn outputs(table: &sdk::TableDescription) -> TableOutputs {
    TableOutputs {
        name: table.table_name().unwrap_or_default().into(),
        arn: table.table_arn().unwrap_or_default().into(),
        // The last stream's ARN stays for a day after it was switched off.
        stream_arn: StreamView::observed(table.stream_specification())
            .and_then(|_| table.latest_stream_arn().map(ToOwned::to_owned)),
    }
}

async fn describe(
    cx: &Cx<'_, Clients>,
    name: &str,
) -> Result<Option<sdk::TableDescription>, KindError> {
    let answer = cx
        .clients
        .dynamodb()
        .describe_table()
        .table_name(name)
        .send()
        .await
        .found("dynamodb", "DescribeTable", name)?;
    Ok(answer.and_then(|answer| answer.table))
}

/// Waits until the table and all its indexes can be used. Right after its creation a table may not
/// be visible yet.
async fn active(cx: &Cx<'_, Clients>, name: &str) -> Result<sdk::TableDescription, KindError> {
    let started = tokio::time::Instant::now();
    cx.poll(
        Poll::SECONDS,
        "waiting until the table is active",
        || async move {
            match describe(cx, name).await? {
                Some(table) => Ok(Some(table).filter(is_active)),
                None if started.elapsed() < VISIBLE_WITHIN => Ok(None),
                None => Err(FaultClass::Gone.error("the table is gone").on(name)),
            }
        },
    )
    .await
}

fn is_active(table: &sdk::TableDescription) -> bool {
    let mut indexes = table.global_secondary_indexes().iter();
    table.table_status() == Some(&sdk::TableStatus::Active)
        && indexes.all(|index| index.index_status() == Some(&sdk::IndexStatus::Active))
}

/// Removes and makes indexes, one after the other, until they are as wanted.
async fn put_indexes(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &TableInputs,
) -> Result<(), KindError> {
    loop {
        // Filling an index takes as long as the table is large.
        let table = cx
            .poll(
                Poll::MINUTES,
                "waiting until the index is filled",
                || async { Ok(describe(cx, name).await?.filter(is_active)) },
            )
            .await?;
        let Some(step) = index::next_step(&index::observed(&table), &want.indexes) else {
            return Ok(());
        };
        cx.clients
            .dynamodb()
            .update_table()
            .table_name(name)
            .set_attribute_definitions(Some(index::attribute_definitions(want)?))
            .global_secondary_index_updates(step.to_sdk(&want.indexes)?)
            .send()
            .await
            .fault("dynamodb", "UpdateTable", name)?;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(inputs: serde_json::Value) -> Result<(), String> {
        Table::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
    }

    #[test]
    fn a_hash_key_is_enough() {
        assert_eq!(check(json!({"hash_key": "id"})), Ok(()));
        assert_eq!(
            check(json!({"hash_key": "id", "ttl_attribute": "expires"})),
            Ok(())
        );
    }

    #[test]
    fn impossible_tables_are_refused() {
        for (inputs, at) in [
            (json!({"hash_key": ""}), "/hash_key"),
            (json!({"hash_key": "a", "range_key": "a"}), "/range_key"),
            (json!({"hash_key": "a", "name": "x"}), "/name"),
            (json!({"hash_key": "a", "name": "a b c"}), "/name"),
        ] {
            assert_eq!(check(inputs), Err(at.to_owned()));
        }
    }
}
