//! Tables.

mod create;
mod describe;
mod record;
mod settings;
mod tags;
mod update;

pub(super) use record::{Index, IndexKind, Projection, Status, Table};

use serde::Deserialize;
use serde_json::json;

use super::{At, State, validation};
use crate::wire::{Fault, Reply};
use record::{Change, Phase};

/// The input of operations that name a table and nothing else.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableName {
    table_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTables {
    exclusive_start_table_name: Option<String>,
    limit: Option<usize>,
}

/// The row of a table, by its name or ARN.
pub(super) fn row(at: &At, name: &str) -> String {
    let name = name.rsplit_once(":table/").map_or(name, |(_, name)| name);
    format!("{}/{name}", at.region)
}

impl State {
    /// Ends the changes of tables and indexes whose time has come.
    pub(super) fn settle(&mut self, at: &At) -> Result<(), Fault> {
        let due = |change: &Option<Change>| change.as_ref().is_some_and(|c| c.until <= at.now);
        let rows: Vec<String> = self
            .tables
            .iter()
            .filter(|(_, table)| due(&table.change) || table.indexes.iter().any(|i| due(&i.change)))
            .map(|(row, _)| row.to_owned())
            .collect();
        for row in rows {
            let Some(table) = self.tables.get(&row) else {
                continue;
            };
            if table
                .change
                .as_ref()
                .is_some_and(|c| c.phase == Phase::Deleting)
            {
                let prefix = format!("{}/", table.id);
                let items = self.items.under(&prefix);
                let items = items.map(|(row, _)| (row.to_owned(), None)).collect();
                self.items.write(items)?;
                self.tables.remove(&row)?;
                continue;
            }
            self.tables.update(&row, |table| {
                let gone = |index: &Index| {
                    due(&index.change)
                        && index
                            .change
                            .as_ref()
                            .is_some_and(|c| c.phase == Phase::Deleting)
                };
                table.indexes.retain(|index| !gone(index));
                for index in &mut table.indexes {
                    index.change.take_if(|change| change.until <= at.now);
                }
                table.change.take_if(|change| change.until <= at.now);
                table.drop_unused_definitions();
            })?;
        }
        Ok(())
    }

    /// A table in whatever state, as the control plane finds it.
    fn table(&self, at: &At, name: &str) -> Result<(String, Table), Fault> {
        let row = row(at, name);
        match self.tables.get(&row) {
            Some(table) => Ok((row, table.clone())),
            None => Err(Fault::bad(
                "ResourceNotFoundException",
                format!("Requested resource not found: Table: {name} not found"),
            )),
        }
    }

    /// As [`State::table`], but one that can be changed now.
    fn idle_table(&self, at: &At, name: &str) -> Result<(String, Table), Fault> {
        let (row, table) = self.table(at, name)?;
        let doing = match table.status(at.now) {
            Status::Active => return Ok((row, table)),
            Status::Creating => "created",
            Status::Updating => "updated",
            Status::Deleting => "deleted",
        };
        Err(Fault::bad(
            "ResourceInUseException",
            format!(
                "Attempt to change a resource which is still in use: Table is being {doing}: {}",
                table.name
            ),
        ))
    }

    pub(super) fn describe_table(&self, at: &At, input: &TableName) -> Result<Reply, Fault> {
        let (_, table) = self.table(at, &input.table_name)?;
        let status = table.status(at.now);
        let table = self.description(at, &table, status);
        Ok(Reply::output(json!({ "Table": table })))
    }

    pub(super) fn delete_table(&mut self, at: &At, input: &TableName) -> Result<Reply, Fault> {
        let (row, mut table) = self.idle_table(at, &input.table_name)?;
        if table.protected {
            return Err(validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
            ));
        }
        let description = self.description(at, &table, Status::Deleting);
        table.change = Some(Change::new(at, Phase::Deleting));
        self.tables.put(&row, table)?;
        self.settle(at)?;
        Ok(Reply::output(json!({ "TableDescription": description })))
    }

    pub(super) fn list_tables(&self, at: &At, input: &ListTables) -> Result<Reply, Fault> {
        let limit = input.limit.unwrap_or(100);
        if !(1..=100).contains(&limit) {
            return Err(validation(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {} than or equal to {}",
                if limit == 0 { "greater" } else { "less" },
                if limit == 0 { 1 } else { 100 }
            )));
        }
        let prefix = format!("{}/", at.region);
        let after = input.exclusive_start_table_name.as_deref();
        let mut names: Vec<&str> = self
            .tables
            .under(&prefix)
            .map(|(_, table)| table.name.as_str())
            .filter(|name| after.is_none_or(|after| *name > after))
            .take(limit + 1)
            .collect();
        let more = names.len() > limit;
        names.truncate(limit);
        let last = names.last().filter(|_| more);
        Ok(Reply::output(
            json!({"TableNames": names, "LastEvaluatedTableName": last}),
        ))
    }
}
