//! Making, changing and deleting parameters.

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Hidden, OWN_KEY, Parameter, Tag, Tier, Type, Version};
use super::{At, State, invalid, missing};
use crate::wire::{Fault, Reply};

/// How many versions are kept.
const VERSIONS: usize = 100;
/// How many levels a path has.
const LEVELS: usize = 15;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    name: String,
    value: Hidden,
    description: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<Type>,
    key_id: Option<String>,
    #[serde(default)]
    overwrite: bool,
    allowed_pattern: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    tier: Option<Value>,
    policies: Option<String>,
    data_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Names {
    names: Vec<String>,
}

impl State {
    pub(super) fn put(&mut self, at: &At, input: Put) -> Result<Reply, Fault> {
        check_name(&input.name)?;
        if input.allowed_pattern.is_some() {
            return Err(Fault::absent("allowed patterns of parameters"));
        }
        if input.policies.is_some() {
            return Err(Fault::absent("policies of parameters"));
        }
        if input.data_type.is_some_and(|kind| kind != "text") {
            return Err(Fault::absent("parameters of other data types than text"));
        }
        if !input.tags.is_empty() && input.overwrite {
            return Err(invalid(
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
            ));
        }
        let tier = tier(input.tier.as_ref(), &input.value)?;
        check_value(&input.value, tier)?;
        let key = at.key(&input.name);
        let there = self.parameters.get(&key).cloned();
        if there.is_some() && !input.overwrite {
            return Err(Fault::bad(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            ));
        }
        let had = there.as_ref().map(|there| there.kind);
        let Some(kind) = input.kind.or(had) else {
            return Err(invalid(
                "A parameter type is required when you create a parameter.",
            ));
        };
        if had.is_some_and(|had| had != kind) {
            return Err(Fault::bad(
                "HierarchyTypeMismatchException",
                "The parameter's type cannot be changed.",
            ));
        }
        let secure = kind == Type::SecureString;
        if input.key_id.is_some() && !secure {
            return Err(invalid(
                "KeyId is required for SecureString type parameter only.",
            ));
        }
        let mut parameter = there.unwrap_or_else(|| Parameter {
            name: input.name,
            kind,
            tags: input.tags,
            versions: Vec::new(),
        });
        let before = parameter.last();
        let number = before.map_or(1, |version| version.number + 1);
        let version = Version {
            number,
            value: input.value,
            // What is not said stays.
            description: input
                .description
                .or_else(|| before.and_then(|version| version.description.clone())),
            key: secure.then(|| {
                let had = before.and_then(|version| version.key.clone());
                input.key_id.or(had).unwrap_or_else(|| OWN_KEY.to_owned())
            }),
            tier,
            at: at.now,
        };
        parameter.versions.push(version);
        if parameter.versions.len() > VERSIONS {
            parameter.versions.remove(0);
        }
        self.parameters.put(&key, parameter)?;
        Ok(Reply::output(json!({"Version": number, "Tier": tier})))
    }

    pub(super) fn delete(&mut self, at: &At, input: &Name) -> Result<Reply, Fault> {
        match self.parameters.remove(&at.key(&input.name))? {
            Some(_) => Ok(Reply::output(json!({}))),
            None => Err(missing(&input.name)),
        }
    }

    pub(super) fn delete_many(&mut self, at: &At, input: &Names) -> Result<Reply, Fault> {
        if input.names.is_empty() || input.names.len() > 10 {
            return Err(invalid("Names must have 1 to 10 members."));
        }
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for name in &input.names {
            match self.parameters.remove(&at.key(name))? {
                Some(_) => deleted.push(name),
                None => invalid.push(name),
            }
        }
        Ok(Reply::output(
            json!({"DeletedParameters": deleted, "InvalidParameters": invalid}),
        ))
    }
}

fn tier(asked: Option<&Value>, value: &Hidden) -> Result<Tier, Fault> {
    match asked.and_then(Value::as_str) {
        None | Some("Standard") => Ok(Tier::Standard),
        Some("Advanced") => Ok(Tier::Advanced),
        Some("Intelligent-Tiering") if value.0.len() > 4096 => Ok(Tier::Advanced),
        Some("Intelligent-Tiering") => Ok(Tier::Standard),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at 'tier' failed to satisfy constraint: Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]"
        ))),
    }
}

fn check_value(value: &Hidden, tier: Tier) -> Result<(), Fault> {
    let size = value.0.len();
    if size == 0 {
        return Err(invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
        ));
    }
    match tier {
        Tier::Standard if size > 4096 => Err(invalid(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        )),
        Tier::Advanced if size > 8192 => Err(invalid(
            "Advanced tier parameters support a maximum parameter value of 8192 characters.",
        )),
        Tier::Standard | Tier::Advanced => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if name.is_empty() || name.len() > 2048 || !name.chars().all(fits) {
        return Err(invalid(
            "Parameter name: can't be empty, and only a mix of letters, numbers and the following 3 symbols .-_ are allowed in its path segments",
        ));
    }
    let path = name.strip_prefix('/');
    if path.is_none() && name.contains('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    let levels: Vec<&str> = path.unwrap_or(name).split('/').collect();
    if levels.iter().any(|level| level.is_empty()) {
        return Err(invalid(
            "Parameter name must not end in a slash or have two in a row.",
        ));
    }
    let first = levels.first().map(|level| level.to_ascii_lowercase());
    let first = first.unwrap_or_default();
    if path.is_some() && first.starts_with("aws") {
        return Err(Fault::bad(
            "AccessDeniedException",
            format!("No access to reserved parameter name: {name}."),
        ));
    }
    if first.starts_with("aws") || first.starts_with("ssm") {
        return Err(invalid(
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
        ));
    }
    if levels.len() > LEVELS {
        return Err(Fault::bad(
            "HierarchyLevelLimitExceededException",
            format!("A hierarchy can have a maximum of {LEVELS} levels."),
        ));
    }
    Ok(())
}
