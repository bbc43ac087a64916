//! Aliases.

use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use time::serde::rfc3339;
use uuid::Uuid;

use super::key::Key;
use super::list::Page;
use super::{At, State, nothing, validation};
use crate::cloud::ACCOUNT;
use crate::wire::{self, Fault, Reply};

/// The services that have keys of their own. A key is made when it is first looked at.
const SERVICES: [&str; 12] = [
    "acm",
    "backup",
    "dynamodb",
    "ebs",
    "elasticfilesystem",
    "kinesis",
    "lambda",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "ssm",
];

/// Another name of a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) key: Uuid,
    #[serde(with = "rfc3339")]
    created: OffsetDateTime,
    #[serde(with = "rfc3339")]
    updated: OffsetDateTime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutAlias {
    alias_name: String,
    target_key_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AliasName {
    alias_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListAliases {
    key_id: Option<String>,
    #[serde(flatten)]
    page: Page,
}

impl State {
    /// The key of an alias.
    pub(super) fn key_of_alias(&mut self, at: &At, name: &str) -> Result<Key, Fault> {
        let row = format!("{}/{name}", at.region);
        if let Some(alias) = self.aliases.get(&row) {
            let id = alias.key.to_string();
            return self.key(at, &id);
        }
        let service = name.strip_prefix("alias/aws/");
        let Some(service) = service.filter(|service| SERVICES.contains(service)) else {
            return Err(not_found(at, name));
        };
        let description =
            format!("Default key that protects my {service} data when no other key is defined");
        let key = Key::new(at, description, true)?;
        self.keys.put(&key.row(), key.clone())?;
        self.aliases.put(&row, Alias::new(at, key.id))?;
        Ok(key)
    }

    pub(super) fn create_alias(&mut self, at: &At, input: PutAlias) -> Result<Reply, Fault> {
        let name = input.alias_name;
        check_name(&name)?;
        if input.target_key_id.contains("alias/") {
            return Err(validation("Aliases must refer to keys. Not aliases"));
        }
        let key = self.key(at, &input.target_key_id)?;
        key.check_stays()?;
        let row = format!("{}/{name}", at.region);
        if self.aliases.contains(&row) {
            return Err(Fault::bad(
                "AlreadyExistsException",
                format!("An alias with the name {} already exists", arn(at, &name)),
            ));
        }
        self.aliases.put(&row, Alias::new(at, key.id))?;
        Ok(nothing())
    }

    pub(super) fn update_alias(&mut self, at: &At, input: &PutAlias) -> Result<Reply, Fault> {
        let name = &input.alias_name;
        check_name(name)?;
        let key = self.key(at, &input.target_key_id)?;
        key.check_stays()?;
        let changed = self
            .aliases
            .update(&format!("{}/{name}", at.region), |alias| {
                alias.key = key.id;
                alias.updated = at.now;
            })?;
        match changed {
            Some(()) => Ok(nothing()),
            None => Err(not_found(at, name)),
        }
    }

    pub(super) fn delete_alias(&mut self, at: &At, input: &AliasName) -> Result<Reply, Fault> {
        let name = &input.alias_name;
        check_name(name)?;
        match self.aliases.remove(&format!("{}/{name}", at.region))? {
            Some(_) => Ok(nothing()),
            None => Err(not_found(at, name)),
        }
    }

    pub(super) fn list_aliases(&mut self, at: &At, input: &ListAliases) -> Result<Reply, Fault> {
        let of = match &input.key_id {
            Some(id) => Some(self.key(at, id)?.id),
            None => None,
        };
        let prefix = format!("{}/", at.region);
        let mut aliases: Vec<_> = self
            .aliases
            .under(&prefix)
            .filter(|(_, alias)| of.is_none_or(|id| alias.key == id))
            .map(|(row, alias)| {
                let name = &row[prefix.len()..];
                let aliases = json!({
                    "AliasName": name,
                    "AliasArn": arn(at, name),
                    "TargetKeyId": alias.key,
                    "CreationDate": wire::time(alias.created),
                    "LastUpdatedDate": wire::time(alias.updated),
                });
                (name.to_owned(), aliases)
            })
            .collect();
        // Those of services whose keys nobody has looked at have none yet.
        for service in SERVICES.iter().filter(|_| of.is_none()) {
            let name = format!("alias/aws/{service}");
            if !self.aliases.contains(&format!("{prefix}{name}")) {
                let alias = json!({"AliasName": name, "AliasArn": arn(at, &name)});
                aliases.push((name, alias));
            }
        }
        aliases.sort_by(|(a, _), (b, _)| a.cmp(b));
        let aliases = aliases.into_iter().map(|(_, alias)| alias).collect();
        input.page.answer("Aliases", aliases)
    }
}

impl Alias {
    fn new(at: &At, key: Uuid) -> Self {
        Self {
            key,
            created: at.now,
            updated: at.now,
        }
    }
}

fn arn(at: &At, name: &str) -> String {
    format!("arn:aws:kms:{}:{ACCOUNT}:{name}", at.region)
}

fn not_found(at: &At, name: &str) -> Fault {
    Fault::bad(
        "NotFoundException",
        format!("Alias {} is not found.", arn(at, name)),
    )
}

fn check_name(name: &str) -> Result<(), Fault> {
    let Some(rest) = name.strip_prefix("alias/") else {
        return Err(Fault::bad(
            "ValidationException",
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    };
    if rest.starts_with("aws/") {
        return Err(Fault::bad("NotAuthorizedException", ""));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    if rest.is_empty() || name.len() > 256 || !rest.chars().all(fits) {
        return Err(validation(format!(
            "1 validation error detected: Value '{name}' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
        )));
    }
    Ok(())
}
