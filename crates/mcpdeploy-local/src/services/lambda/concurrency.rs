//! How much of a function runs at once: reserved and provisioned concurrency, and the account's.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Lambda;
use super::faults::{Violations, conflict, invalid, no_function};
use super::flights::ACCOUNT_CONCURRENCY;
use super::model::{Function, Provisioned};
use super::names::{self, LATEST, Target};
use super::rows::{Rows, page};
use super::view;
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, Reply};

/// What must be left for functions without a reserve. Source: "Lambda quotas".
const LEAST_UNRESERVED: u32 = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reserve {
    reserved_concurrent_executions: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Provision {
    provisioned_concurrent_executions: Option<i64>,
}

impl Lambda {
    pub(super) fn put_concurrency(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let input: Reserve = call.json()?;
        let at = "reservedConcurrentExecutions";
        let mut violations = Violations::default();
        match input.reserved_concurrent_executions {
            None => violations.missing(at),
            Some(reserved) => violations.bounds(reserved, at, 0, i64::from(i32::MAX)),
        }
        violations.check()?;
        let reserved = input.reserved_concurrent_executions.unwrap_or_default();
        let reserved = u32::try_from(reserved).unwrap_or(u32::MAX);
        let mut rows = self.lock();
        let function = rows.function(&target)?;
        let others = rows.reserved(&call.region) - function.reserved.unwrap_or_default();
        let unreserved = ACCOUNT_CONCURRENCY.saturating_sub(others);
        if unreserved.saturating_sub(reserved) < LEAST_UNRESERVED {
            return Err(invalid(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )));
        }
        let provisioned = provisioned(function);
        if provisioned > reserved {
            return Err(invalid(format!(
                " ReservedConcurrentExecutions  {reserved} should not be lower than function's \
                 total provisioned concurrency [{provisioned}]."
            )));
        }
        rows.change(&target, |function| {
            function.reserved = Some(reserved);
            Ok(())
        })?;
        let output = json!({ "ReservedConcurrentExecutions": reserved });
        Ok(Reply::output(output))
    }

    pub(super) fn get_concurrency(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let rows = self.lock();
        Ok(Reply::output(match rows.function(&target)?.reserved {
            Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
            None => json!({}),
        }))
    }

    pub(super) fn delete_concurrency(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        self.lock().change(&target, |function| {
            function.reserved = None;
            Ok(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn put_provisioned(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let input: Provision = call.json()?;
        let at = "provisionedConcurrentExecutions";
        let mut violations = Violations::default();
        match input.provisioned_concurrent_executions {
            None => violations.missing(at),
            Some(wanted) => violations.bounds(wanted, at, 1, i64::from(i32::MAX)),
        }
        violations.check()?;
        let wanted = input.provisioned_concurrent_executions.unwrap_or_default();
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let (target, qualifier) = qualified(
            call,
            function,
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
        )?;
        let mut rows = self.lock();
        let function = rows.function(&target)?;
        check_qualifier(function, &target)?;
        check_overlap(function, &qualifier)?;
        let before = function.provisioned.get(&qualifier);
        let others = provisioned(function) - before.map_or(0, |before| before.requested);
        match function.reserved {
            Some(reserved) if reserved < others.saturating_add(wanted) => {
                return Err(invalid(
                    "Requested Provisioned Concurrency should not be greater than the \
                     reservedConcurrentExecution for function",
                ));
            }
            Some(_) => {}
            None => {
                let unreserved = ACCOUNT_CONCURRENCY - rows.reserved(&call.region);
                if unreserved.saturating_sub(others.saturating_add(wanted)) < LEAST_UNRESERVED {
                    return Err(invalid(format!(
                        "Specified ConcurrentExecutions for function decreases account's \
                         UnreservedConcurrentExecution below its minimum value of \
                         [{LEAST_UNRESERVED}]."
                    )));
                }
            }
        }
        let now = cloud.now();
        let new = Provisioned {
            requested: wanted,
            last_modified: now,
            ready_at: now + cloud.switches().pending,
        };
        let output = told(&new, None);
        rows.change(&target, |function| {
            function.provisioned.insert(qualifier, new);
            Ok(())
        })?;
        Ok(Reply {
            status: StatusCode::ACCEPTED,
            ..Reply::output(output)
        })
    }

    pub(super) fn get_provisioned(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let (target, qualifier) = qualified(call, function, NOT_PUBLISHED)?;
        let rows = self.lock();
        let function = rows.function(&target)?;
        check_qualifier(function, &target)?;
        match function.provisioned.get(&qualifier) {
            Some(found) => Ok(Reply::output(told(found, Some(cloud.now())))),
            None => Err(Fault::new(
                StatusCode::NOT_FOUND,
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
            .field("Type", "User")),
        }
    }

    pub(super) fn delete_provisioned(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let (target, qualifier) = qualified(call, function, NOT_PUBLISHED)?;
        let mut rows = self.lock();
        check_qualifier(rows.function(&target)?, &target)?;
        rows.change(&target, |function| {
            function.provisioned.remove(&qualifier);
            Ok(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn list_provisioned(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let rows = self.lock();
        let function = rows.function(&target)?;
        let now = cloud.now();
        let listed = function.provisioned.iter().map(|(qualifier, one)| {
            let mut told = told(one, Some(now));
            told["FunctionArn"] = format!("{}:{qualifier}", function.arn()).into();
            told
        });
        let listed = listed.collect();
        let (page, marker) = page(listed, call.query("Marker"), call.query("MaxItems"), 50)?;
        Ok(Reply::output(json!({
            "ProvisionedConcurrencyConfigs": page,
            "NextMarker": marker,
        })))
    }

    pub(super) fn account_settings(&self, call: &Call) -> Result<Reply, Fault> {
        let rows = self.lock();
        let prefix = names::key(&call.region, "");
        let mut functions = 0;
        let mut size = 0;
        for (_, function) in rows.functions.under(&prefix) {
            functions += 1;
            size += function.latest.package.size;
            let numbers = function.versions.keys();
            let versions = numbers.filter_map(|number| rows.version(function, *number));
            size += versions.map(|version| version.package.size).sum::<u64>();
        }
        let unreserved = ACCOUNT_CONCURRENCY - rows.reserved(&call.region);
        // Source: "Lambda quotas".
        Ok(Reply::output(json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800_u64,
                "CodeSizeUnzipped": super::code::LARGEST_UNPACKED,
                "CodeSizeZipped": super::code::LARGEST_ZIP,
                "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
                "UnreservedConcurrentExecutions": unreserved,
            },
            "AccountUsage": { "TotalCodeSize": size, "FunctionCount": functions },
        })))
    }
}

impl Rows {
    /// The sum of the reserves of a region's functions.
    pub(super) fn reserved(&self, region: &str) -> u32 {
        let prefix = names::key(region, "");
        let functions = self.functions.under(&prefix);
        functions
            .filter_map(|(_, function)| function.reserved)
            .sum()
    }
}

const NOT_PUBLISHED: &str =
    "The function resource provided must be an alias or a published version.";

/// A target that has a qualifier, and not that of `$LATEST`.
fn qualified(call: &Call, function: &str, refused: &str) -> Result<(Target, String), Fault> {
    let target = Target::of(call, function)?;
    match target.qualifier.clone() {
        Some(qualifier) if qualifier != LATEST => Ok((target, qualifier)),
        Some(_) => Err(invalid(refused)),
        None => {
            let mut violations = Violations::default();
            violations.missing("qualifier");
            violations.check()?;
            Err(invalid(refused))
        }
    }
}

fn check_qualifier(function: &Function, target: &Target) -> Result<(), Fault> {
    let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
    if function.has(qualifier) {
        Ok(())
    } else {
        Err(no_function(&target.arn()))
    }
}

/// A version has instances of its own, or through one alias.
fn check_overlap(function: &Function, qualifier: &str) -> Result<(), Fault> {
    if let Some(alias) = function.aliases.get(qualifier) {
        if function.provisioned.contains_key(&alias.version) {
            return Err(conflict(
                "Alias can't be used for Provisioned Concurrency configuration on an already \
                 Provisioned version",
            ));
        }
        return Ok(());
    }
    let pointed = function
        .aliases
        .iter()
        .any(|(name, alias)| alias.version == qualifier && function.provisioned.contains_key(name));
    if pointed {
        return Err(conflict(
            "Version is pointed by a Provisioned Concurrency alias",
        ));
    }
    Ok(())
}

fn provisioned(function: &Function) -> u32 {
    function.provisioned.values().map(|one| one.requested).sum()
}

/// A configuration by the clock; right after the change without one.
fn told(one: &Provisioned, now: Option<OffsetDateTime>) -> Value {
    let ready = now.is_some_and(|now| now >= one.ready_at);
    let there = if ready { one.requested } else { 0 };
    json!({
        "RequestedProvisionedConcurrentExecutions": one.requested,
        "AvailableProvisionedConcurrentExecutions": there,
        "AllocatedProvisionedConcurrentExecutions": there,
        "Status": if ready { "READY" } else { "IN_PROGRESS" },
        "LastModified": view::moment(one.last_modified),
    })
}
