//! How a table is described.

use serde_json::{Value as Json, json};

use super::super::keys::KeySchema;
use super::super::value::item_size;
use super::super::{At, State};
use super::record::{Billing, Index, IndexKind, Projection, Status, Table, Throughput};
use crate::wire::{self};

impl State {
    /// The description of a table. Counts and sizes are those of now, which DynamoDB looks up only
    /// every six hours.
    pub(super) fn description(&self, at: &At, table: &Table, status: Status) -> Json {
        let prefix = format!("{}/", table.id);
        let (mut count, mut bytes) = (0u64, 0);
        for (_, item) in self.items_under(at, table, &prefix) {
            count += 1;
            bytes += item_size(item);
        }
        let mut out = json!({
            "TableName": table.name,
            "TableArn": table.arn(),
            "TableId": table.id,
            "TableStatus": status.name(),
            "CreationDateTime": wire::time(table.created),
            "AttributeDefinitions": table.definitions.iter().map(|(name, kind)| {
                json!({"AttributeName": name, "AttributeType": kind})
            }).collect::<Vec<_>>(),
            "KeySchema": key_schema(&table.key),
            "ItemCount": count,
            "TableSizeBytes": bytes,
            "ProvisionedThroughput": throughput(table.billing.provisioned()),
            "DeletionProtectionEnabled": table.protected,
        });
        if let Billing::Request(since) = &table.billing {
            out["BillingModeSummary"] = json!({
                "BillingMode": "PAY_PER_REQUEST",
                "LastUpdateToPayPerRequestDateTime": wire::time(*since),
            });
        }
        for (name, kind) in [
            ("LocalSecondaryIndexes", IndexKind::Local),
            ("GlobalSecondaryIndexes", IndexKind::Global),
        ] {
            let indexes = table.indexes.iter().filter(|index| index.kind == kind);
            let indexes: Vec<Json> = indexes
                .map(|index| self.describe_index(at, table, index))
                .collect();
            if !indexes.is_empty() {
                out[name] = json!(indexes);
            }
        }
        if let Some(stream) = &table.stream {
            out["LatestStreamLabel"] = json!(stream.label);
            out["LatestStreamArn"] = json!(format!("{}/stream/{}", table.arn(), stream.label));
            if let Some(view) = &stream.view {
                out["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": view});
            }
        }
        if let Some(encryption) = &table.encryption {
            out["SSEDescription"] = json!({
                "Status": "ENABLED",
                "SSEType": "KMS",
                "KMSMasterKeyArn": encryption.key,
            });
        }
        if let Some(class) = &table.class {
            out["TableClassSummary"] = json!({ "TableClass": class });
        }
        out
    }

    fn describe_index(&self, at: &At, table: &Table, index: &Index) -> Json {
        let prefix = format!("{}/", table.id);
        let (mut count, mut bytes) = (0u64, 0);
        for (_, item) in self.items_under(at, table, &prefix) {
            if index.key.sortable(item).is_some() {
                count += 1;
                bytes += item_size(&index.project(table, item));
            }
        }
        let projection = match &index.projection {
            Projection::All => json!({"ProjectionType": "ALL"}),
            Projection::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
            Projection::Include(names) => {
                json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names})
            }
        };
        let mut out = json!({
            "IndexName": index.name,
            "IndexArn": format!("{}/index/{}", table.arn(), index.name),
            "KeySchema": key_schema(&index.key),
            "Projection": projection,
            "ItemCount": count,
            "IndexSizeBytes": bytes,
        });
        if index.kind == IndexKind::Global {
            let status = Status::of(index.change.as_ref(), at.now);
            out["IndexStatus"] = json!(status.name());
            out["ProvisionedThroughput"] = throughput(index.throughput);
            if status == Status::Creating && table.status(at.now) != Status::Creating {
                out["Backfilling"] = json!(true);
            }
        }
        out
    }
}

impl Billing {
    fn provisioned(&self) -> Option<Throughput> {
        match self {
            Self::Request(_) => None,
            Self::Provisioned(throughput) => Some(*throughput),
        }
    }
}

fn throughput(throughput: Option<Throughput>) -> Json {
    json!({
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": throughput.map_or(0, |t| t.read_capacity_units),
        "WriteCapacityUnits": throughput.map_or(0, |t| t.write_capacity_units),
    })
}

fn key_schema(key: &KeySchema) -> Json {
    let mut out = vec![json!({"AttributeName": key.hash.name, "KeyType": "HASH"})];
    if let Some(range) = &key.range {
        out.push(json!({"AttributeName": range.name, "KeyType": "RANGE"}));
    }
    json!(out)
}
