//! Queries and scans.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::capacity::{self, consumed, read_units};
use super::expression::{Condition, KeyCondition, Names, Parameter, Path, condition, projection};
use super::keys;
use super::read::shown;
use super::table::{Index, IndexKind, Projection, Table};
use super::value::{Item, RawItem, item_size, read_item, write_item};
use super::{At, State, validation};
use crate::wire::{Fault, Reply};

/// How many bytes one answer is made of, at most.
const PAGE: usize = 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Search {
    table_name: String,
    index_name: Option<String>,
    select: Option<Select>,
    key_condition_expression: Option<String>,
    filter_expression: Option<String>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<RawItem>,
    expression_attribute_values: Option<RawItem>,
    limit: Option<usize>,
    exclusive_start_key: Option<RawItem>,
    scan_index_forward: Option<bool>,
    #[serde(default)]
    consistent_read: bool,
    segment: Option<u64>,
    total_segments: Option<u64>,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Select {
    AllAttributes,
    AllProjectedAttributes,
    SpecificAttributes,
    Count,
}

/// A search that was read and checked.
struct Plan {
    table: Table,
    index: Option<Index>,
    key: Option<KeyCondition>,
    filter: Option<Condition>,
    paths: Option<Vec<Path>>,
    select: Select,
}

impl State {
    pub(super) fn query(&self, at: &At, input: &Search) -> Result<Reply, Fault> {
        let Some(text) = &input.key_condition_expression else {
            return Err(validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            ));
        };
        let plan = self.plan(at, input, Some(text))?;
        if let (Some(filter), Some(_)) = (&plan.filter, &plan.key) {
            let schema = plan
                .index
                .as_ref()
                .map_or(&plan.table.key, |index| &index.key);
            let paths = filter.paths();
            if let Some(path) = paths.iter().find(|path| schema.has(&path.name)) {
                return Err(validation(format!(
                    "Filter Expression can only contain non-primary key attributes: Primary key attribute: {}",
                    path.name
                )));
            }
        }
        self.search(at, input, &plan)
    }

    pub(super) fn scan(&self, at: &At, input: &Search) -> Result<Reply, Fault> {
        match (input.segment, input.total_segments) {
            (None, None) => {}
            (Some(_), None) => {
                return Err(validation(
                    "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
                ));
            }
            (None, Some(_)) => {
                return Err(validation(
                    "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
                ));
            }
            (Some(segment), Some(total)) if segment >= total => {
                return Err(validation(format!(
                    "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than TotalSegments: {total}"
                )));
            }
            (Some(_), Some(_)) => {}
        }
        let plan = self.plan(at, input, None)?;
        self.search(at, input, &plan)
    }

    fn plan(&self, at: &At, input: &Search, key: Option<&str>) -> Result<Plan, Fault> {
        let names = Names::read(
            input.expression_attribute_names.as_ref(),
            input.expression_attribute_values.as_ref(),
        )?;
        let table = self.usable(at, &input.table_name)?;
        let index = input.index_name.as_deref().map(|name| table.index(name));
        let index = index.transpose()?.cloned();
        let schema = index.as_ref().map_or(&table.key, |index| &index.key);
        let key = match key {
            Some(text) => {
                let condition = condition(Parameter::KeyCondition, text, &names)?;
                Some(KeyCondition::new(condition, schema)?)
            }
            None => None,
        };
        let filter = input.filter_expression.as_deref();
        let filter = filter.map(|text| condition(Parameter::Filter, text, &names));
        let filter = filter.transpose()?;
        let paths = input.projection_expression.as_deref();
        let paths = paths.map(|text| projection(text, &names)).transpose()?;
        let mut given = vec![
            (Parameter::Filter, filter.is_some()),
            (Parameter::Projection, paths.is_some()),
        ];
        if key.is_some() {
            given.push((Parameter::KeyCondition, true));
        }
        names.check_used(&given)?;
        if input.consistent_read
            && index
                .as_ref()
                .is_some_and(|index| index.kind == IndexKind::Global)
        {
            return Err(validation(
                "Consistent reads are not supported on global secondary indexes",
            ));
        }
        let select = select(input.select, index.as_ref(), paths.as_deref(), &table)?;
        Ok(Plan {
            table,
            index,
            key,
            filter,
            paths,
            select,
        })
    }

    fn search(&self, at: &At, input: &Search, plan: &Plan) -> Result<Reply, Fault> {
        if input.limit == Some(0) {
            return Err(validation(
                "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
            ));
        }
        let mut rows = self.rows(at, plan);
        if let (Some(segment), Some(total)) = (input.segment, input.total_segments) {
            rows.retain(|(order, _)| keys::segment(order, total) == segment);
        }
        let backward = input.scan_index_forward == Some(false);
        if backward {
            rows.reverse();
        }
        let start = input.exclusive_start_key.as_ref();
        let start = start.map(|raw| plan.start(raw)).transpose()?;
        let is_past = |order: &str| match &start {
            None => true,
            Some(start) if backward => order < start.as_str(),
            Some(start) => order > start.as_str(),
        };
        let (mut items, mut count, mut scanned, mut bytes) = (Vec::new(), 0usize, 0usize, 0);
        let mut last = None;
        for (_, item) in rows.iter().filter(|(order, _)| is_past(order)) {
            let seen = plan.seen(item);
            scanned += 1;
            bytes += item_size(&seen);
            if plan
                .filter
                .as_ref()
                .is_none_or(|filter| filter.holds(&seen))
            {
                count += 1;
                if plan.select != Select::Count {
                    items.push(write_item(&shown(&seen, plan.paths.as_deref())));
                }
            }
            if input.limit == Some(scanned) || bytes > PAGE {
                last = Some(write_item(&plan.keys_of(item)));
                break;
            }
        }
        let units = read_units(bytes, input.consistent_read);
        let mut out = json!({
            "Count": count,
            "ScannedCount": scanned,
            "LastEvaluatedKey": last,
            "ConsumedCapacity": consumed(input.return_consumed_capacity, &plan.table.name, units),
        });
        if plan.select != Select::Count {
            out["Items"] = Json::Array(items);
        }
        Ok(Reply::output(out))
    }

    /// The items that the key condition wants, each with what it sorts by.
    fn rows<'a>(&'a self, at: &At, plan: &Plan) -> Vec<(String, &'a Item)> {
        let all = format!("{}/", plan.table.id);
        let hash = plan.key.as_ref().map(|key| keys::sortable_hash(&key.hash));
        let in_range = |item: &Item| {
            let range = plan.key.as_ref().and_then(|key| key.range.as_ref());
            range.is_none_or(|range| range.holds(item))
        };
        let Some(index) = &plan.index else {
            let prefix = format!("{all}{}", hash.unwrap_or_default());
            return self
                .items_under(at, &plan.table, &prefix)
                .filter(|(_, item)| in_range(item))
                .map(|(row, item)| (row[all.len()..].to_owned(), item))
                .collect();
        };
        let mut rows: Vec<(String, &Item)> = self
            .items_under(at, &plan.table, &all)
            .filter_map(|(_, item)| {
                let order = index.key.sortable(item)?;
                let wanted = hash
                    .as_ref()
                    .is_none_or(|hash| order.starts_with(hash.as_str()));
                (wanted && in_range(item)).then(|| (plan.order(&order, item), item))
            })
            .collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows
    }
}

impl Plan {
    /// What an item of an index sorts by: the index's key, then the table's.
    fn order(&self, of_index: &str, item: &Item) -> String {
        let of_table = self.table.key.sortable(item).unwrap_or_default();
        format!("{of_index}\u{0}{of_table}")
    }

    /// What of an item the search sees: all of it, or what the index has.
    fn seen<'a>(&self, item: &'a Item) -> Cow<'a, Item> {
        match &self.index {
            None => Cow::Borrowed(item),
            Some(index) => {
                let fetched = index.kind == IndexKind::Local
                    && matches!(
                        self.select,
                        Select::AllAttributes | Select::SpecificAttributes
                    );
                if fetched || index.projection == Projection::All {
                    Cow::Borrowed(item)
                } else {
                    Cow::Owned(index.project(&self.table, item))
                }
            }
        }
    }

    /// The keys of an item, of the table and of the index.
    fn keys_of(&self, item: &Item) -> Item {
        let mut keys = self.table.key.of(item);
        if let Some(index) = &self.index {
            keys.extend(index.key.of(item));
        }
        keys
    }

    /// What the item with this key sorts by.
    fn start(&self, raw: &RawItem) -> Result<String, Fault> {
        let key = read_item(raw)?;
        let invalid = || validation("The provided starting key is invalid");
        let of_table = self.table.key.sortable(&key).ok_or_else(invalid)?;
        if self.keys_of(&key).len() != key.len() {
            return Err(invalid());
        }
        let order = match &self.index {
            None => of_table,
            Some(index) => {
                let of_index = index.key.sortable(&key).ok_or_else(invalid)?;
                self.order(&of_index, &key)
            }
        };
        let hash = self.key.as_ref().map(|key| keys::sortable_hash(&key.hash));
        if hash.is_some_and(|hash| !order.starts_with(&hash)) {
            return Err(validation(
                "The provided starting key is outside query boundaries based on provided conditions",
            ));
        }
        Ok(order)
    }
}

fn select(
    wanted: Option<Select>,
    index: Option<&Index>,
    paths: Option<&[Path]>,
    table: &Table,
) -> Result<Select, Fault> {
    let select = match (wanted, paths) {
        (Some(Select::SpecificAttributes) | None, Some(_)) => Select::SpecificAttributes,
        (Some(Select::SpecificAttributes), None) => {
            return Err(validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
            ));
        }
        (Some(select), Some(_)) => {
            let what = match select {
                Select::Count => "only the Count",
                Select::AllAttributes => "ALL_ATTRIBUTES",
                Select::AllProjectedAttributes | Select::SpecificAttributes => {
                    "ALL_PROJECTED_ATTRIBUTES"
                }
            };
            return Err(validation(format!(
                "Cannot specify the ProjectionExpression when choosing to get {what}"
            )));
        }
        (Some(select), None) => select,
        (None, None) if index.is_some() => Select::AllProjectedAttributes,
        (None, None) => Select::AllAttributes,
    };
    match index {
        None if select == Select::AllProjectedAttributes => Err(validation(
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        )),
        Some(index) if index.kind == IndexKind::Global => {
            if select == Select::AllAttributes && index.projection != Projection::All {
                return Err(validation(format!(
                    "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its projection type is not ALL",
                    index.name
                )));
            }
            let absent: Vec<&str> = paths
                .unwrap_or_default()
                .iter()
                .map(|path| path.name.as_str())
                .filter(|name| !index.projects(table, name))
                .collect();
            if absent.is_empty() {
                return Ok(select);
            }
            Err(validation(format!(
                "One or more parameter values were invalid: Global secondary index {} does not project [{}]",
                index.name,
                absent.join(", ")
            )))
        }
        Some(_) | None => Ok(select),
    }
}
