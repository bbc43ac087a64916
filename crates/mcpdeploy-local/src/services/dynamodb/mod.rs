//! DynamoDB: tables and items.
//!
//! Every read is consistent, of indexes too: an index is not a copy, but a look at the table's items
//! in another order. An item whose time to live is over is gone at once, where DynamoDB takes up to
//! some days. Streams are switched on and off, but nothing can be read from them; there is no
//! PartiQL, no backup, and none of the parameters that expressions have replaced.

mod batch;
mod capacity;
mod expression;
mod keys;
mod number;
mod query;
mod read;
mod table;
mod transact;
mod value;
mod write;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use self::table::{Status, Table};
use self::value::{Item, Value};
use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct DynamoDb(Mutex<State>);

/// What it keeps.
#[derive(Debug)]
struct State {
    /// By `region/name`.
    tables: Collection<Table>,
    /// By `table id/key`.
    items: Collection<Item>,
    /// Transactions of late, by the token of their requests. They are forgotten at a restart.
    tokens: HashMap<String, transact::Done>,
}

/// Where and when a call is answered.
#[derive(Debug, Clone)]
struct At {
    region: String,
    now: OffsetDateTime,
    /// How long tables take to be made, changed and removed.
    pending: Duration,
}

impl DynamoDb {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self(Mutex::new(State {
            tables: storage.collection("dynamodb.tables")?,
            items: storage.collection("dynamodb.items")?,
            tokens: HashMap::new(),
        })))
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let at = At {
            region: call.region.clone(),
            now: cloud.now(),
            pending: cloud.switches().pending,
        };
        let mut state = self.state();
        state.settle(&at)?;
        no_legacy(call)?;
        match call.operation.as_str() {
            "CreateTable" => state.create_table(&at, call.typed()?),
            "DescribeTable" => state.describe_table(&at, &call.typed()?),
            "UpdateTable" => state.update_table(&at, call.typed()?),
            "DeleteTable" => state.delete_table(&at, &call.typed()?),
            "ListTables" => state.list_tables(&at, &call.typed()?),
            "UpdateTimeToLive" => state.update_ttl(&at, call.typed()?),
            "DescribeTimeToLive" => state.describe_ttl(&at, &call.typed()?),
            "UpdateContinuousBackups" => state.update_backups(&at, &call.typed()?),
            "DescribeContinuousBackups" => state.describe_backups(&at, &call.typed()?),
            "TagResource" => state.tag(&at, call.typed()?),
            "UntagResource" => state.untag(&at, &call.typed()?),
            "ListTagsOfResource" => state.list_tags(&at, &call.typed()?),
            "PutItem" => state.put_item(&at, &call.typed()?),
            "UpdateItem" => state.update_item(&at, &call.typed()?),
            "DeleteItem" => state.delete_item(&at, &call.typed()?),
            "GetItem" => state.get_item(&at, &call.typed()?),
            "Query" => state.query(&at, &call.typed()?),
            "Scan" => state.scan(&at, &call.typed()?),
            "BatchGetItem" => state.batch_get(&at, &call.typed()?),
            "BatchWriteItem" => state.batch_write(&at, &call.typed()?),
            "TransactGetItems" => state.transact_get(&at, &call.typed()?),
            "TransactWriteItems" => state.transact_write(&at, &call.input),
            other => Err(Fault::absent(format!("dynamodb.{other}"))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A table whose items can be read and written, by its name or ARN.
    fn usable(&self, at: &At, name: &str) -> Result<Table, Fault> {
        let table = self.tables.get(&table::row(at, name));
        match table.map(|table| (table.status(at.now), table)) {
            Some((Status::Active | Status::Updating, table)) => Ok(table.clone()),
            Some((Status::Creating | Status::Deleting, _)) | None => Err(not_found()),
        }
    }

    /// An item, unless its time is over.
    fn item(&self, at: &At, table: &Table, row: &str) -> Option<&Item> {
        self.items.get(row).filter(|item| !is_over(at, table, item))
    }

    /// The items of a table that begin with this part of a key, in the order of their keys.
    fn items_under<'a, 'p>(
        &'a self,
        at: &'p At,
        table: &'p Table,
        prefix: &'p str,
    ) -> impl Iterator<Item = (&'a str, &'a Item)> + use<'a, 'p> {
        self.items
            .under(prefix)
            .filter(|(_, item)| !is_over(at, table, item))
    }
}

/// Whether an item's time to live is over. A time more than five years ago does not count.
/// Source: "Using time to live" in the developer guide.
fn is_over(at: &At, table: &Table, item: &Item) -> bool {
    const FIVE_YEARS: i64 = 5 * 365 * 24 * 60 * 60;
    let Some(Value::N(ends)) = table.ttl.as_ref().and_then(|name| item.get(name)) else {
        return false;
    };
    let now = at.now.unix_timestamp();
    ends.to_seconds()
        .is_some_and(|ends| ends < now && ends > now - FIVE_YEARS)
}

fn validation(message: impl Into<String>) -> Fault {
    Fault::bad("ValidationException", message)
}

fn not_found() -> Fault {
    Fault::bad("ResourceNotFoundException", "Requested resource not found")
}

/// The parameters of before there were expressions, which nobody has a reason to use.
fn no_legacy(call: &Call) -> Result<(), Fault> {
    const LEGACY: [&str; 7] = [
        "AttributesToGet",
        "AttributeUpdates",
        "ConditionalOperator",
        "Expected",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
    ];
    match LEGACY.iter().find(|name| call.input.get(**name).is_some()) {
        Some(name) => Err(Fault::absent(format!("DynamoDB's legacy parameter {name}"))),
        None => Ok(()),
    }
}
