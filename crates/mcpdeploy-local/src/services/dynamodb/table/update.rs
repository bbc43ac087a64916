//! Changing a table.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::super::{At, State, not_found, validation};
use super::create::{
    Definition, NewIndex, SseSpecification, StreamSpecification, billing, definitions, encryption,
    index, stream,
};
use super::record::{Billing, Change, IndexKind, Phase, Status, Table, Throughput};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateTable {
    table_name: String,
    #[serde(default)]
    attribute_definitions: Vec<Definition>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<Throughput>,
    #[serde(default)]
    global_secondary_index_updates: Vec<IndexUpdate>,
    stream_specification: Option<StreamSpecification>,
    #[serde(rename = "SSESpecification")]
    encryption: Option<SseSpecification>,
    table_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
    #[serde(default)]
    replica_updates: Vec<Json>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexUpdate {
    create: Option<NewIndex>,
    update: Option<IndexThroughput>,
    delete: Option<IndexName>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexThroughput {
    index_name: String,
    provisioned_throughput: Option<Throughput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexName {
    index_name: String,
}

impl State {
    pub(in super::super) fn update_table(
        &mut self,
        at: &At,
        input: UpdateTable,
    ) -> Result<Reply, Fault> {
        let (row, mut table) = self.idle_table(at, &input.table_name)?;
        if !input.replica_updates.is_empty() {
            return Err(Fault::absent("replicas of tables"));
        }
        let mut changed = false;
        let mut takes_time = false;
        if input.billing_mode.is_some() || input.provisioned_throughput.is_some() {
            table.update_billing(
                at,
                input.billing_mode.as_deref(),
                input.provisioned_throughput,
            )?;
            (changed, takes_time) = (true, true);
        }
        if let Some(wanted) = &input.stream_specification {
            table.update_stream(at, wanted)?;
            (changed, takes_time) = (true, true);
        }
        if let Some(sse) = input.encryption {
            table.encryption = encryption(at, sse);
            (changed, takes_time) = (true, true);
        }
        if let Some(class) = input.table_class {
            table.class = Some(class);
            (changed, takes_time) = (true, true);
        }
        if let Some(protected) = input.deletion_protection_enabled {
            table.protected = protected;
            changed = true;
        }
        if !input.global_secondary_index_updates.is_empty() {
            for (name, kind) in definitions(input.attribute_definitions)? {
                match table.definitions.get(&name) {
                    Some(there) if *there != kind => {
                        return Err(validation(format!(
                            "One or more parameter values were invalid: The type of attribute {name} cannot be changed from {there} to {kind}"
                        )));
                    }
                    Some(_) | None => drop(table.definitions.insert(name, kind)),
                }
            }
            table.update_indexes(at, input.global_secondary_index_updates)?;
            (changed, takes_time) = (true, true);
        }
        if !changed {
            return Err(validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
            ));
        }
        table.drop_unused_definitions();
        if takes_time {
            table.change = Some(Change::new(at, Phase::Updating));
        }
        let status = if takes_time {
            Status::Updating
        } else {
            Status::Active
        };
        let description = self.description(at, &table, status);
        self.tables.put(&row, table)?;
        self.settle(at)?;
        Ok(Reply::output(json!({ "TableDescription": description })))
    }
}

impl Table {
    fn update_billing(
        &mut self,
        at: &At,
        mode: Option<&str>,
        throughput: Option<Throughput>,
    ) -> Result<(), Fault> {
        let mode = mode.unwrap_or(match self.billing {
            Billing::Request(_) => "PAY_PER_REQUEST",
            Billing::Provisioned(_) => "PROVISIONED",
        });
        let new = billing(at, mode, throughput)?;
        match (&self.billing, &new) {
            // When it began stays as it was.
            (Billing::Request(_), Billing::Request(_)) => {}
            (Billing::Provisioned(have), Billing::Provisioned(want)) if have == want => {
                return Err(validation(format!(
                    "The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: {}. Requested ReadCapacityUnits: {}. Current WriteCapacityUnits provisioned for the table: {}. Requested WriteCapacityUnits: {}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
                    have.read_capacity_units,
                    want.read_capacity_units,
                    have.write_capacity_units,
                    want.write_capacity_units
                )));
            }
            (Billing::Request(_) | Billing::Provisioned(_), _) => self.billing = new,
        }
        Ok(())
    }

    fn update_stream(&mut self, at: &At, wanted: &StreamSpecification) -> Result<(), Fault> {
        let on = self.stream.as_ref().is_some_and(|s| s.view.is_some());
        match (on, stream(at, wanted)?) {
            (true, Some(_)) => Err(validation(format!(
                "Table already has an enabled stream: TableName: {}",
                self.name
            ))),
            (false, None) => Err(validation(format!(
                "Table has no stream to disable: TableName: {}",
                self.name
            ))),
            (false, Some(stream)) => {
                self.stream = Some(stream);
                Ok(())
            }
            (true, None) => {
                if let Some(stream) = &mut self.stream {
                    stream.view = None;
                }
                Ok(())
            }
        }
    }

    fn update_indexes(&mut self, at: &At, updates: Vec<IndexUpdate>) -> Result<(), Fault> {
        let made_or_removed = updates
            .iter()
            .filter(|update| update.create.is_some() || update.delete.is_some())
            .count();
        if made_or_removed > 1 {
            return Err(Fault::bad(
                "LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
            ));
        }
        for update in updates {
            if let Some(new) = update.create {
                let mut index = index(
                    IndexKind::Global,
                    new,
                    &self.key,
                    &self.definitions,
                    &self.billing,
                )?;
                if self.indexes.iter().any(|there| there.name == index.name) {
                    return Err(validation(
                        "Attempting to create an index which already exists",
                    ));
                }
                index.change = Some(Change::new(at, Phase::Creating));
                self.indexes.push(index);
            }
            let global = |kind| kind == IndexKind::Global;
            if let Some(gone) = update.delete {
                let found = self
                    .indexes
                    .iter_mut()
                    .find(|index| index.name == gone.index_name && global(index.kind));
                let index = found.ok_or_else(not_found)?;
                index.change = Some(Change::new(at, Phase::Deleting));
            }
            if let Some(update) = update.update {
                let found = self
                    .indexes
                    .iter_mut()
                    .find(|index| index.name == update.index_name && global(index.kind));
                let index = found.ok_or_else(not_found)?;
                if update.provisioned_throughput.is_some() {
                    index.throughput = update.provisioned_throughput;
                }
            }
        }
        Ok(())
    }
}
