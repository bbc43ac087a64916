//! Aliases: names for a version, or for two with a weight.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Lambda;
use super::faults::{Violations, conflict, invalid, no_function, not_found, stale};
use super::functions::created;
use super::model::{Alias, Configuration, Function, revision};
use super::names::{self, LATEST, Target};
use super::rows::{Rows, page};
use super::view;
use crate::wire::{Call, Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    function_version: Option<String>,
    description: Option<String>,
    routing_config: Option<Routing>,
    revision_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Routing {
    additional_version_weights: Option<BTreeMap<String, f64>>,
}

impl Lambda {
    pub(super) fn create_alias(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let input: Input = call.json()?;
        let mut violations = Violations::default();
        match &input.name {
            None => violations.missing("name"),
            Some(name) => {
                violations.longest(name, "name", 128);
                if !names::is_alias(name) {
                    violations.add(
                        name,
                        "name",
                        "Member must satisfy regular expression pattern: \
                         (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
                    );
                }
            }
        }
        if input.function_version.is_none() {
            violations.missing("functionVersion");
        }
        input.note(&mut violations);
        violations.check()?;
        let weights = input.weights()?;
        let name = input.name.unwrap_or_default();
        let version = input.function_version.unwrap_or_default();
        let mut rows = self.lock();
        let found = rows.function(&target)?;
        check_version(found, &version)?;
        if found.aliases.contains_key(&name) {
            return Err(conflict(format!(
                "Alias already exists: {}:{name}",
                target.arn()
            )));
        }
        let additional = rows.additional(found, &version, weights)?;
        let output = rows.change(&target, |function| {
            let alias = Alias {
                version,
                description: input.description.unwrap_or_default(),
                additional,
                revision: revision(),
            };
            let output = view::alias(function, &name, &alias);
            function.aliases.insert(name, alias);
            Ok(output)
        })?;
        Ok(created(output))
    }

    pub(super) fn get_alias(
        &self,
        call: &Call,
        function: &str,
        name: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let rows = self.lock();
        let function = rows.function(&target)?;
        let alias = function.aliases.get(name);
        let alias = alias.ok_or_else(|| no_alias(&target, name))?;
        Ok(Reply::output(view::alias(function, name, alias)))
    }

    pub(super) fn update_alias(
        &self,
        call: &Call,
        function: &str,
        name: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let input: Input = call.json()?;
        let mut violations = Violations::default();
        input.note(&mut violations);
        violations.check()?;
        let weights = input.weights()?;
        let mut rows = self.lock();
        let function = rows.function(&target)?;
        let alias = function
            .aliases
            .get(name)
            .ok_or_else(|| not_found(format!("Alias not found: {}:{name}", target.arn())))?;
        if input.revision_id.is_some_and(|id| id != alias.revision) {
            return Err(stale("GetFunction/GetAlias"));
        }
        let version = input.function_version.as_ref().unwrap_or(&alias.version);
        check_version(function, version)?;
        let additional = match (&input.routing_config, alias.additional) {
            (Some(_), _) => rows.additional(function, version, weights)?,
            // Weights stay, and must fit the version that is the main one now.
            (None, Some((number, weight))) => {
                rows.additional(function, version, Some((number.to_string(), weight)))?
            }
            (None, None) => None,
        };
        let alias = Alias {
            version: version.clone(),
            description: input
                .description
                .unwrap_or_else(|| alias.description.clone()),
            additional,
            revision: revision(),
        };
        let output = rows.change(&target, |function| {
            let output = view::alias(function, name, &alias);
            function.aliases.insert(name.to_owned(), alias);
            Ok(output)
        })?;
        Ok(Reply::output(output))
    }

    pub(super) fn delete_alias(
        &self,
        call: &Call,
        function: &str,
        name: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let mut rows = self.lock();
        // One that there is not is deleted already.
        if rows.function(&target)?.aliases.contains_key(name) {
            rows.change(&target, |function| {
                function.aliases.remove(name);
                function.forget(name);
                Ok(())
            })?;
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    pub(super) fn list_aliases(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let version = call.query("FunctionVersion");
        let rows = self.lock();
        let function = rows.function(&target)?;
        let listed: Vec<_> = function
            .aliases
            .iter()
            .filter(|(_, alias)| version.is_none_or(|version| alias.version == version))
            .map(|(name, alias)| view::alias(function, name, alias))
            .collect();
        let (page, marker) = page(listed, call.query("Marker"), call.query("MaxItems"), 50)?;
        Ok(Reply::output(
            json!({ "Aliases": page, "NextMarker": marker }),
        ))
    }
}

impl Input {
    fn note(&self, violations: &mut Violations) {
        if let Some(description) = &self.description {
            violations.longest(description, "description", 256);
        }
        if let Some(version) = &self.function_version
            && version != LATEST
            && !names::is_number(version)
        {
            violations.add(
                version,
                "functionVersion",
                r"Member must satisfy regular expression pattern: (\$LATEST|[0-9]+)",
            );
        }
        let weights = self
            .routing_config
            .iter()
            .filter_map(|routing| routing.additional_version_weights.as_ref())
            .flatten();
        for (version, weight) in weights {
            let text = format!("{{{version}={weight}}}");
            let at = "routingConfig.additionalVersionWeights";
            if !names::is_number(version) {
                violations.add(
                    &text,
                    at,
                    "Map keys must satisfy constraint: [Member must have length less than or equal \
                     to 1024, Member must have length greater than or equal to 1, Member must \
                     satisfy regular expression pattern: [0-9]+]",
                );
            }
            if !(0.0..=1.0).contains(weight) {
                violations.add(
                    &text,
                    at,
                    "Map value must satisfy constraint: [Member must have value less than or equal \
                     to 1.0, Member must have value greater than or equal to 0.0, Member must not \
                     be null]",
                );
            }
        }
    }

    /// The one additional version that there may be.
    fn weights(&self) -> Result<Option<(String, f64)>, Fault> {
        let weights = self
            .routing_config
            .as_ref()
            .and_then(|routing| routing.additional_version_weights.as_ref());
        let Some(weights) = weights else {
            return Ok(None);
        };
        if weights.len() > 1 {
            return Err(invalid(
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ));
        }
        let first = weights.iter().next();
        Ok(first.map(|(version, weight)| (version.clone(), *weight)))
    }
}

impl Rows {
    /// The additional version of an alias whose main version is `version`.
    fn additional(
        &self,
        function: &Function,
        version: &str,
        weights: Option<(String, f64)>,
    ) -> Result<Option<(u64, f64)>, Fault> {
        let Some((other, weight)) = weights else {
            return Ok(None);
        };
        if version == LATEST {
            return Err(invalid(
                "$LATEST is not supported for an alias pointing to more than 1 version",
            ));
        }
        if other == version {
            return Err(invalid(format!(
                "Invalid function version {version}. Function version {version} is already \
                 included in routing configuration."
            )));
        }
        check_version(function, &other)?;
        let of = |version: &str| {
            let number = version.parse().ok()?;
            self.version(function, number)
        };
        if let (Some(main), Some(additional)) = (of(version), of(&other)) {
            check_pair(main, additional)?;
        }
        Ok(other.parse().ok().map(|number| (number, weight)))
    }
}

/// Two versions of an alias have the same role and the same dead letter's target.
/// Source: "Configuring Lambda aliases", conditions of weighted aliases.
fn check_pair(one: &Configuration, other: &Configuration) -> Result<(), Fault> {
    if one.role != other.role {
        return Err(invalid(
            "Both versions of an alias must have the same execution role.",
        ));
    }
    if one.dead_letter != other.dead_letter {
        return Err(invalid(
            "Both versions of an alias must have the same dead-letter queue configuration, or no \
             dead-letter queue configuration.",
        ));
    }
    Ok(())
}

fn check_version(function: &Function, version: &str) -> Result<(), Fault> {
    if function.has_version(version) {
        Ok(())
    } else {
        Err(no_function(&format!("{}:{version}", function.arn())))
    }
}

fn no_alias(target: &Target, name: &str) -> Fault {
    not_found(format!("Cannot find alias arn: {}:{name}", target.arn()))
}
