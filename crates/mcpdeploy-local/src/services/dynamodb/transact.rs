//! Several items in one request, all or none.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use time::{Duration, OffsetDateTime};

use super::capacity::{self, consumed, read_units, write_units};
use super::read::{GetItem, Read};
use super::write::{Write, WriteItem};
use super::{At, State, validation};
use crate::wire::{Fault, Reply};

/// How long the token of a transaction is remembered.
const REMEMBERED: Duration = Duration::minutes(10);

/// A transaction that was done.
#[derive(Debug)]
pub(super) struct Done {
    at: OffsetDateTime,
    /// What it was.
    items: Json,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactWrite {
    transact_items: Vec<WriteAction>,
    client_request_token: Option<String>,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WriteAction {
    condition_check: Option<WriteItem>,
    put: Option<WriteItem>,
    update: Option<WriteItem>,
    delete: Option<WriteItem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TransactGet {
    transact_items: Vec<GetAction>,
    #[serde(default)]
    return_consumed_capacity: capacity::Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetAction {
    get: GetItem,
}

impl State {
    pub(super) fn transact_write(&mut self, at: &At, raw: &Json) -> Result<Reply, Fault> {
        let input = TransactWrite::deserialize(raw)
            .map_err(|error| Fault::bad("SerializationException", error.to_string()))?;
        check_count(input.transact_items.len())?;
        let items = &raw["TransactItems"];
        self.tokens.retain(|_, done| at.now - done.at < REMEMBERED);
        let done = input.client_request_token.as_ref();
        match done.and_then(|token| self.tokens.get(token)) {
            Some(done) if done.items == *items => return Ok(Reply::output(json!({}))),
            Some(_) => {
                return Err(Fault::bad(
                    "IdempotentParameterMismatchException",
                    "The request was rejected because the client request token was used with another request",
                ));
            }
            None => {}
        }
        let writes = input
            .transact_items
            .iter()
            .map(|action| self.read_action(at, action))
            .collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        if !writes.iter().all(|write| seen.insert(&write.row)) {
            return Err(validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        let outcomes: Vec<_> = writes.iter().map(|write| write.outcome(self, at)).collect();
        if outcomes.iter().any(Result::is_err) {
            return Err(cancelled(outcomes.into_iter().map(Result::err).collect()));
        }
        let mut changes = Vec::new();
        let mut capacity = Vec::new();
        for (write, outcome) in writes.iter().zip(outcomes) {
            let outcome = outcome?;
            // A transaction costs twice.
            let units = write_units(outcome.size()) * 2.0;
            add(&mut capacity, &write.table.name, units);
            changes.push((write.row.clone(), outcome.after));
        }
        self.items.write(changes)?;
        if let Some(token) = input.client_request_token {
            let items = items.clone();
            self.tokens.insert(token, Done { at: at.now, items });
        }
        let capacity = listed(input.return_consumed_capacity, &capacity);
        Ok(Reply::output(json!({ "ConsumedCapacity": capacity })))
    }

    fn read_action(&self, at: &At, action: &WriteAction) -> Result<Write, Fault> {
        let one = (
            &action.condition_check,
            &action.put,
            &action.update,
            &action.delete,
        );
        match one {
            (Some(check), None, None, None) => Write::check(self, at, check),
            (None, Some(put), None, None) => Write::put(self, at, put),
            (None, None, Some(update), None) => Write::update(self, at, update),
            (None, None, None, Some(delete)) => Write::delete(self, at, delete),
            _ => Err(validation(
                "TransactItems can only contain one of Check, Put, Update or Delete",
            )),
        }
    }

    pub(super) fn transact_get(&self, at: &At, input: &TransactGet) -> Result<Reply, Fault> {
        check_count(input.transact_items.len())?;
        let (mut responses, mut capacity) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for action in &input.transact_items {
            let read = Read::new(self, at, &action.get)?;
            if !seen.insert(read.row.clone()) {
                return Err(validation(
                    "Transaction request cannot include multiple operations on one item",
                ));
            }
            let (item, bytes) = read.get(self, at);
            add(
                &mut capacity,
                &read.table.name,
                read_units(bytes, true) * 2.0,
            );
            responses.push(match item {
                Some(item) => json!({ "Item": item }),
                None => json!({}),
            });
        }
        Ok(Reply::output(json!({
            "Responses": responses,
            "ConsumedCapacity": listed(input.return_consumed_capacity, &capacity),
        })))
    }
}

fn check_count(count: usize) -> Result<(), Fault> {
    let (wrong, bound) = match count {
        0 => ("greater", 1),
        1..=100 => return Ok(()),
        _ => ("less", 100),
    };
    Err(validation(format!(
        "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length {wrong} than or equal to {bound}"
    )))
}

/// The fault of a transaction, with a reason for each of its items.
fn cancelled(faults: Vec<Option<Fault>>) -> Fault {
    let code = |fault: &Option<Fault>| match fault.as_ref().map(|fault| fault.code.as_str()) {
        None => "None",
        Some("ConditionalCheckFailedException") => "ConditionalCheckFailed",
        Some(_) => "ValidationError",
    };
    let codes: Vec<&str> = faults.iter().map(code).collect();
    let reasons: Vec<Json> = faults
        .iter()
        .map(|fault| {
            let mut reason = json!({ "Code": code(fault) });
            if let Some(fault) = fault {
                reason["Message"] = json!(fault.message);
                if let Some(item) = fault.fields.get("Item") {
                    reason["Item"] = item.clone();
                }
            }
            reason
        })
        .collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    Fault::bad("TransactionCanceledException", message.clone())
        .field("Message", message)
        .field("CancellationReasons", reasons)
}

fn add(capacity: &mut Vec<(String, f64)>, table: &str, units: f64) {
    match capacity.iter_mut().find(|(name, _)| name == table) {
        Some((_, sum)) => *sum += units,
        None => capacity.push((table.to_owned(), units)),
    }
}

fn listed(wanted: capacity::Wanted, capacity: &[(String, f64)]) -> Json {
    match wanted {
        capacity::Wanted::None => Json::Null,
        capacity::Wanted::Total | capacity::Wanted::Indexes => capacity
            .iter()
            .map(|(table, units)| consumed(wanted, table, *units))
            .collect(),
    }
}
