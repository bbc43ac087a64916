//! Putting, updating and deleting items.

use serde::Deserialize;
use serde_json::json;

use super::capacity::{self, consumed, write_units};
use super::expression::{Condition, Names, Parameter, Path, Update, condition, project, update};
use super::table::Table;
use super::value::{Item, RawItem, item_size, read_item, write_item};
use super::{At, State, validation};
use crate::wire::{Fault, Reply};

/// The largest item, in bytes.
const LARGEST: usize = 400 * 1024;

/// The input of `PutItem`, `UpdateItem` and `DeleteItem`, and of their parts of a transaction.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WriteItem {
    pub(super) table_name: String,
    item: Option<RawItem>,
    key: Option<RawItem>,
    update_expression: Option<String>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<RawItem>,
    expression_attribute_values: Option<RawItem>,
    #[serde(default)]
    return_values: ReturnValues,
    #[serde(default)]
    return_values_on_condition_check_failure: OnFailure,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ReturnValues {
    #[default]
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OnFailure {
    #[default]
    None,
    AllOld,
}

/// What is to be done with an item.
#[derive(Debug)]
enum Action {
    Put(Item),
    Update(Item, Option<Update>),
    Delete,
    /// Nothing: only the condition counts.
    Check,
}

/// A write that was read and checked, as far as that goes without the item.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) table: Table,
    /// The item's row.
    pub(super) row: String,
    action: Action,
    condition: Option<Condition>,
    on_failure: OnFailure,
}

/// What a write comes to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) before: Option<Item>,
    pub(super) after: Option<Item>,
    /// What an update names.
    paths: Vec<Path>,
}

impl Write {
    fn new(
        state: &State,
        at: &At,
        input: &WriteItem,
        action: impl FnOnce(&Table, &Names) -> Result<(Action, Item), Fault>,
        given: &[(Parameter, bool)],
    ) -> Result<Self, Fault> {
        let names = Names::read(
            input.expression_attribute_names.as_ref(),
            input.expression_attribute_values.as_ref(),
        )?;
        let condition = match &input.condition_expression {
            Some(text) => Some(condition(Parameter::Condition, text, &names)?),
            None => None,
        };
        let table = state.usable(at, &input.table_name)?;
        let (action, key) = action(&table, &names)?;
        names.check_used(given)?;
        Ok(Self {
            row: table.item_row(&key),
            table,
            action,
            condition,
            on_failure: input.return_values_on_condition_check_failure,
        })
    }

    pub(super) fn put(state: &State, at: &At, input: &WriteItem) -> Result<Self, Fault> {
        let raw = input.item.as_ref().ok_or_else(|| missing("item"))?;
        let item = read_item(raw)?;
        let given = [(Parameter::Condition, input.condition_expression.is_some())];
        Self::new(
            state,
            at,
            input,
            |table, _| {
                table.check_item(&item)?;
                check_size(&item, "Item size has exceeded the maximum allowed size")?;
                Ok((Action::Put(item.clone()), item))
            },
            &given,
        )
    }

    pub(super) fn update(state: &State, at: &At, input: &WriteItem) -> Result<Self, Fault> {
        let given = [
            (Parameter::Update, input.update_expression.is_some()),
            (Parameter::Condition, input.condition_expression.is_some()),
        ];
        let key = input.key()?;
        Self::new(
            state,
            at,
            input,
            |table, names| {
                table.key.check_key(&key)?;
                let update = match &input.update_expression {
                    Some(text) => Some(update(text, names)?),
                    None => None,
                };
                let paths = update.as_ref().map(Update::paths).unwrap_or_default();
                if let Some(path) = paths.iter().find(|path| table.key.has(&path.name)) {
                    return Err(validation(format!(
                        "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
                        path.name
                    )));
                }
                Ok((Action::Update(key.clone(), update), key))
            },
            &given,
        )
    }

    pub(super) fn delete(state: &State, at: &At, input: &WriteItem) -> Result<Self, Fault> {
        Self::of_key(state, at, input, Action::Delete)
    }

    pub(super) fn check(state: &State, at: &At, input: &WriteItem) -> Result<Self, Fault> {
        if input.condition_expression.is_none() {
            return Err(missing("conditionExpression"));
        }
        Self::of_key(state, at, input, Action::Check)
    }

    fn of_key(state: &State, at: &At, input: &WriteItem, action: Action) -> Result<Self, Fault> {
        let key = input.key()?;
        let given = [(Parameter::Condition, input.condition_expression.is_some())];
        Self::new(
            state,
            at,
            input,
            |table, _| {
                table.key.check_key(&key)?;
                Ok((action, key))
            },
            &given,
        )
    }

    /// What it comes to, with the item as it is now.
    pub(super) fn outcome(&self, state: &State, at: &At) -> Result<Outcome, Fault> {
        let before = state.item(at, &self.table, &self.row).cloned();
        let nothing = Item::new();
        let have = before.as_ref().unwrap_or(&nothing);
        if self
            .condition
            .as_ref()
            .is_some_and(|condition| !condition.holds(have))
        {
            let fault = Fault::bad(
                "ConditionalCheckFailedException",
                "The conditional request failed",
            );
            return Err(match (self.on_failure, &before) {
                (OnFailure::AllOld, Some(item)) => fault.field("Item", write_item(item)),
                (OnFailure::AllOld | OnFailure::None, _) => fault,
            });
        }
        let mut paths = Vec::new();
        let after = match &self.action {
            Action::Put(item) => Some(item.clone()),
            Action::Delete => None,
            Action::Check => before.clone(),
            Action::Update(key, update) => {
                let from = before.as_ref().unwrap_or(key);
                let after = match update {
                    Some(update) => {
                        paths = update.paths();
                        update.apply(from)?
                    }
                    None => from.clone(),
                };
                self.table.check_item(&after)?;
                check_size(
                    &after,
                    "Item size to update has exceeded the maximum allowed size",
                )?;
                Some(after)
            }
        };
        Ok(Outcome {
            before,
            after,
            paths,
        })
    }
}

impl WriteItem {
    fn key(&self) -> Result<Item, Fault> {
        read_item(self.key.as_ref().ok_or_else(|| missing("key"))?)
    }
}

impl Outcome {
    /// Bytes that count: of the larger of the two.
    pub(super) fn size(&self) -> usize {
        let size = |item: &Option<Item>| item.as_ref().map_or(0, item_size);
        size(&self.before).max(size(&self.after))
    }

    fn returned(&self, wanted: ReturnValues) -> Option<Item> {
        match wanted {
            ReturnValues::None => None,
            ReturnValues::AllOld => self.before.clone(),
            ReturnValues::AllNew => self.after.clone(),
            ReturnValues::UpdatedOld => Some(project(self.before.as_ref()?, &self.paths)),
            ReturnValues::UpdatedNew => Some(project(self.after.as_ref()?, &self.paths)),
        }
        .filter(|item| !item.is_empty())
    }
}

impl State {
    pub(super) fn put_item(&mut self, at: &At, input: &WriteItem) -> Result<Reply, Fault> {
        only_all_old(input)?;
        let write = Write::put(self, at, input)?;
        self.write(at, input, &write)
    }

    pub(super) fn update_item(&mut self, at: &At, input: &WriteItem) -> Result<Reply, Fault> {
        let write = Write::update(self, at, input)?;
        self.write(at, input, &write)
    }

    pub(super) fn delete_item(&mut self, at: &At, input: &WriteItem) -> Result<Reply, Fault> {
        only_all_old(input)?;
        let write = Write::delete(self, at, input)?;
        self.write(at, input, &write)
    }

    fn write(&mut self, at: &At, input: &WriteItem, write: &Write) -> Result<Reply, Fault> {
        let outcome = write.outcome(self, at)?;
        let attributes = outcome
            .returned(input.return_values)
            .map(|i| write_item(&i));
        let units = write_units(outcome.size());
        let changed = outcome.after.is_some() || self.items.contains(&write.row);
        if changed {
            self.items.write(vec![(write.row.clone(), outcome.after)])?;
        }
        Ok(Reply::output(json!({
            "Attributes": attributes,
            "ConsumedCapacity": consumed(input.return_consumed_capacity, &write.table.name, units),
        })))
    }
}

fn only_all_old(input: &WriteItem) -> Result<(), Fault> {
    match input.return_values {
        ReturnValues::None | ReturnValues::AllOld => Ok(()),
        ReturnValues::UpdatedOld | ReturnValues::AllNew | ReturnValues::UpdatedNew => {
            Err(validation("Return values set to invalid value"))
        }
    }
}

fn check_size(item: &Item, message: &str) -> Result<(), Fault> {
    if item_size(item) > LARGEST {
        return Err(validation(message));
    }
    Ok(())
}

/// The fault of the service's model for a member that must be there.
pub(super) fn missing(member: &str) -> Fault {
    validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}
