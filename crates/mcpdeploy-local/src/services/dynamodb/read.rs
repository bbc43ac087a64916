//! Getting items by their keys.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::capacity::{self, consumed, read_units};
use super::expression::{Names, Parameter, Path, project, projection};
use super::table::Table;
use super::value::{Item, RawItem, item_size, read_item, write_item};
use super::{At, State};
use crate::wire::{Fault, Reply};

/// The input of `GetItem`, and of its part of a transaction.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetItem {
    pub(super) table_name: String,
    key: RawItem,
    projection_expression: Option<String>,
    expression_attribute_names: Option<RawItem>,
    #[serde(default)]
    consistent_read: bool,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

/// A read that was checked.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) table: Table,
    pub(super) row: String,
    paths: Option<Vec<Path>>,
}

impl Read {
    pub(super) fn new(state: &State, at: &At, input: &GetItem) -> Result<Self, Fault> {
        let paths = paths(
            input.projection_expression.as_deref(),
            input.expression_attribute_names.as_ref(),
        )?;
        let key = read_item(&input.key)?;
        let table = state.usable(at, &input.table_name)?;
        table.key.check_key(&key)?;
        Ok(Self {
            row: table.item_row(&key),
            table,
            paths,
        })
    }

    /// The item, and how many bytes were read.
    pub(super) fn get(&self, state: &State, at: &At) -> (Option<Json>, usize) {
        match state.item(at, &self.table, &self.row) {
            Some(item) => {
                let shown = shown(item, self.paths.as_deref());
                (Some(write_item(&shown)), item_size(item))
            }
            None => (None, 0),
        }
    }
}

/// The paths of a projection; none is everything.
pub(super) fn paths(
    text: Option<&str>,
    names: Option<&RawItem>,
) -> Result<Option<Vec<Path>>, Fault> {
    let names = Names::read(names, None)?;
    let paths = text.map(|text| projection(text, &names)).transpose()?;
    names.check_used(&[(Parameter::Projection, text.is_some())])?;
    Ok(paths)
}

/// What of an item is wanted.
pub(super) fn shown(item: &Item, paths: Option<&[Path]>) -> Item {
    match paths {
        Some(paths) => project(item, paths),
        None => item.clone(),
    }
}

impl State {
    pub(super) fn get_item(&self, at: &At, input: &GetItem) -> Result<Reply, Fault> {
        let read = Read::new(self, at, input)?;
        let (item, bytes) = read.get(self, at);
        let units = read_units(bytes, input.consistent_read);
        Ok(Reply::output(json!({
            "Item": item,
            "ConsumedCapacity": consumed(input.return_consumed_capacity, &read.table.name, units),
        })))
    }
}
