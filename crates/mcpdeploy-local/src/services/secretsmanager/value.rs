//! Values: putting and getting them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use time::Time;

use super::list::{Filter, page};
use super::record::{CURRENT, Content, PENDING, Secret, Version};
use super::{At, State, invalid_parameter, invalid_request};
use crate::wire::{self, Fault, Reply};

/// The largest value, in bytes.
const LARGEST: usize = 65_536;

/// The members by which three operations take a value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewValue {
    secret_string: Option<Hidden>,
    secret_binary: Option<Hidden>,
    client_request_token: Option<String>,
}

/// Text that `Debug` does not show.
#[derive(Deserialize)]
#[serde(transparent)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl NewValue {
    /// The value, if one is given.
    pub(super) fn content(&self) -> Result<Option<Content>, Fault> {
        match (&self.secret_string, &self.secret_binary) {
            (Some(_), Some(_)) => Err(invalid_parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            )),
            (Some(Hidden(text)), None) => {
                check_size("secretString", text, LARGEST)?;
                Ok(Some(Content::Text(text.clone())))
            }
            (None, Some(Hidden(text))) => match BASE64_STANDARD.decode(text) {
                Ok(bytes) if bytes.len() <= LARGEST => Ok(Some(Content::Binary(text.clone()))),
                Ok(_) => Err(too_long("secretBinary", LARGEST)),
                Err(_) => Err(Fault::bad(
                    "SerializationException",
                    "SecretBinary is not Base64",
                )),
            },
            (None, None) => Ok(None),
        }
    }

    /// The token that becomes the version's id.
    pub(super) fn token(&self) -> Result<String, Fault> {
        match &self.client_request_token {
            Some(token) if (32..=64).contains(&token.len()) => Ok(token.clone()),
            Some(_) => Err(invalid_parameter(
                "ClientRequestToken must be 32-64 characters long.",
            )),
            None => Ok(uuid::Uuid::new_v4().to_string()),
        }
    }
}

/// The fault of the service's model for text that is too long.
pub(super) fn check_size(member: &str, text: &str, most: usize) -> Result<(), Fault> {
    if text.len() > most {
        return Err(too_long(member, most));
    }
    Ok(())
}

fn too_long(member: &str, most: usize) -> Fault {
    Fault::bad(
        "ValidationException",
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less than or equal to {most}"
        ),
    )
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutSecretValue {
    secret_id: String,
    version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    value: NewValue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchGet {
    secret_id_list: Option<Vec<String>>,
    filters: Option<Vec<Filter>>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Secret {
    /// Adds a version without labels.
    pub(super) fn add_version(&mut self, at: &At, id: &str, content: Content) {
        self.versions.push(Version {
            id: id.to_owned(),
            stages: Vec::new(),
            content: Some(content),
            created: at.now,
        });
    }

    /// Adds a version with these labels, or fills the one that a rotation made. The same again
    /// changes nothing.
    pub(super) fn put_version(
        &mut self,
        at: &At,
        id: &str,
        content: Content,
        stages: &[String],
    ) -> Result<(), Fault> {
        let there = self.versions.iter_mut().find(|version| version.id == id);
        match there {
            Some(version) if version.content.as_ref() == Some(&content) => return Ok(()),
            Some(version) if version.content.is_none() => version.content = Some(content),
            Some(_) => {
                return Err(Fault::bad(
                    "ResourceExistsException",
                    format!(
                        "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                        self.arn
                    ),
                ));
            }
            None => self.add_version(at, id, content),
        }
        // The first value is the current one, whatever its labels.
        if self.staged(CURRENT).is_none() && !stages.iter().any(|stage| stage == PENDING) {
            self.label(id, CURRENT);
        }
        for stage in stages {
            self.label(id, stage);
        }
        self.prune();
        Ok(())
    }

    /// The version that is asked for, or why there is none.
    fn wanted(&self, id: Option<&str>, stage: Option<&str>) -> Result<(&Version, &Content), Fault> {
        let version = match (id, stage) {
            (Some(id), None) => self.version(id),
            (Some(id), Some(stage)) => match self.version(id) {
                Some(version) if !version.stages.iter().any(|s| s == stage) => {
                    return Err(invalid_request(
                        "You provided a VersionStage that is not associated to the provided VersionId.",
                    ));
                }
                found => found,
            },
            (None, stage) => self.staged(stage.unwrap_or(CURRENT)),
        };
        let found = version.and_then(|v| v.content.as_ref().map(|content| (v, content)));
        found.ok_or_else(|| {
            let what = id.map_or_else(
                || format!("staging label: {}", stage.unwrap_or(CURRENT)),
                |id| format!("VersionId: {id}"),
            );
            Fault::bad(
                "ResourceNotFoundException",
                format!("Secrets Manager can't find the specified secret value for {what}"),
            )
        })
    }
}

impl State {
    pub(super) fn put_value(&mut self, at: &At, input: PutSecretValue) -> Result<Reply, Fault> {
        let (key, mut secret) = self.living(at, &input.secret_id)?;
        let Some(content) = input.value.content()? else {
            return Err(invalid_request(
                "You must provide either SecretString or SecretBinary.",
            ));
        };
        let token = input.value.token()?;
        let stages = input
            .version_stages
            .unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if stages.is_empty() || stages.len() > 20 {
            return Err(invalid_parameter("A version has 1 to 20 staging labels."));
        }
        secret.put_version(at, &token, content, &stages)?;
        secret.changed = at.now;
        let stages = secret.version(&token).map(|version| version.stages.clone());
        let answer = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": token,
            "VersionStages": stages,
        });
        self.secrets.put(&key, secret)?;
        Ok(Reply::output(answer))
    }

    pub(super) fn get_value(&mut self, at: &At, input: &GetSecretValue) -> Result<Reply, Fault> {
        let id = input.version_id.as_deref();
        let out = self.value(at, &input.secret_id, id, input.version_stage.as_deref())?;
        Ok(Reply::output(out))
    }

    fn value(
        &mut self,
        at: &At,
        secret_id: &str,
        version_id: Option<&str>,
        stage: Option<&str>,
    ) -> Result<Value, Fault> {
        let (key, mut secret) = self.living(at, secret_id)?;
        let (version, content) = secret.wanted(version_id, stage)?;
        let mut out = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version.id,
            "VersionStages": version.stages,
            "CreatedDate": wire::time(version.created),
        });
        match content {
            Content::Text(text) => out["SecretString"] = json!(text),
            Content::Binary(base64) => out["SecretBinary"] = json!(base64),
        }
        // Of the last access, AWS tells the day.
        let today = at.now.replace_time(Time::MIDNIGHT);
        if secret.accessed != Some(today) {
            secret.accessed = Some(today);
            self.secrets.put(&key, secret)?;
        }
        Ok(out)
    }

    pub(super) fn batch_get(&mut self, at: &At, input: BatchGet) -> Result<Reply, Fault> {
        let (ids, next) = match (input.secret_id_list, input.filters) {
            (Some(ids), None) => {
                if ids.is_empty() || ids.len() > 20 {
                    return Err(invalid_parameter("SecretIdList has 1 to 20 secrets."));
                }
                (ids, None)
            }
            (None, Some(filters)) => {
                let page = page(input.max_results, 20, input.next_token.as_deref())?;
                let living = |secret: &Secret| secret.deleted.is_none();
                let (found, next) = self.page(at, &filters, false, &page, living)?;
                (found.iter().map(|s| s.arn.clone()).collect(), next)
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid_parameter(
                    "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
                ));
            }
        };
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for id in ids {
            match self.value(at, &id, None, None) {
                Ok(value) => values.push(value),
                Err(fault) => errors.push(json!({
                    "SecretId": id,
                    "ErrorCode": fault.code,
                    "Message": fault.message,
                })),
            }
        }
        Ok(Reply::output(
            json!({"SecretValues": values, "Errors": errors, "NextToken": next}),
        ))
    }
}
