//! Making, changing and describing a secret.

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{CURRENT, Secret, Tag};
use super::value::{NewValue, check_size};
use super::{At, SecretId, State, invalid_parameter, invalid_request};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateSecret {
    name: String,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_replica_regions: Vec<Value>,
    #[serde(flatten)]
    value: NewValue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecret {
    secret_id: String,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(flatten)]
    value: NewValue,
}

impl State {
    pub(super) fn create(&mut self, at: &At, input: CreateSecret) -> Result<Reply, Fault> {
        check_name(&input.name)?;
        if !input.add_replica_regions.is_empty() {
            return Err(Fault::absent("replicas of secrets"));
        }
        let content = input.value.content()?;
        let token = input.value.token()?;
        let key = format!("{}/{}", at.region, input.name);
        if let Some(there) = self.secrets.get(&key) {
            if there.deleted.is_some() {
                return Err(invalid_request(
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                ));
            }
            // The same request again, whose answer may have been lost.
            return match there.version(&token) {
                Some(version) if version.content == content => Ok(created(there, Some(&token))),
                Some(_) | None => Err(Fault::bad(
                    "ResourceExistsException",
                    format!(
                        "The operation failed because the secret {} already exists.",
                        input.name
                    ),
                )),
            };
        }
        let mut secret = Secret::new(at, input.name)?;
        secret.description = input.description;
        secret.kms_key_id = input.kms_key_id;
        secret.tags = input.tags;
        let version = content.map(|content| {
            secret.add_version(at, &token, content);
            secret.label(&token, CURRENT);
            token
        });
        let answer = created(&secret, version.as_deref());
        self.secrets.put(&key, secret)?;
        Ok(answer)
    }

    pub(super) fn update(&mut self, at: &At, input: UpdateSecret) -> Result<Reply, Fault> {
        let (key, mut secret) = self.living(at, &input.secret_id)?;
        // An empty one removes what was there.
        let given = |text: String| (!text.is_empty()).then_some(text);
        if let Some(description) = input.description {
            secret.description = given(description);
        }
        if let Some(key) = input.kms_key_id {
            secret.kms_key_id = given(key);
        }
        let mut version = None;
        if let Some(content) = input.value.content()? {
            let token = input.value.token()?;
            secret.put_version(at, &token, content, &[CURRENT.to_owned()])?;
            version = Some(token);
        }
        secret.changed = at.now;
        let answer = created(&secret, version.as_deref());
        self.secrets.put(&key, secret)?;
        Ok(answer)
    }

    pub(super) fn describe(&self, at: &At, input: &SecretId) -> Result<Reply, Fault> {
        let (_, secret) = self.find(at, &input.secret_id)?;
        let mut out = secret.summary();
        if let Some(stages) = secret.stages() {
            out.insert("VersionIdsToStages".to_owned(), stages);
        }
        Ok(Reply::output(Value::Object(out)))
    }
}

fn created(secret: &Secret, version: Option<&str>) -> Reply {
    Reply::output(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": version}))
}

fn check_name(name: &str) -> Result<(), Fault> {
    check_size("name", name, 512)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Fault::bad(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    if name.ends_with('/') || name.contains("//") {
        return Err(invalid_parameter(
            "The secret name can't end in a slash or contain two of them in a row.",
        ));
    }
    Ok(())
}
