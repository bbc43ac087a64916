//! Tags and resource policies.

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::Tag;
use super::{At, SecretId, State, invalid_parameter};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResource {
    secret_id: String,
    tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutPolicy {
    secret_id: String,
    resource_policy: String,
}

impl State {
    pub(super) fn tag(&mut self, at: &At, input: TagResource) -> Result<Reply, Fault> {
        self.change(at, &input.secret_id, |secret| {
            for tag in input.tags {
                match secret.tags.iter_mut().find(|there| there.key == tag.key) {
                    Some(there) => there.value = tag.value,
                    None => secret.tags.push(tag),
                }
            }
            if secret.tags.len() > 50 {
                return Err(invalid_parameter("A secret can have at most 50 tags."));
            }
            Ok(())
        })?;
        Ok(Reply::output(json!({})))
    }

    pub(super) fn untag(&mut self, at: &At, input: &UntagResource) -> Result<Reply, Fault> {
        self.change(at, &input.secret_id, |secret| {
            secret.tags.retain(|tag| !input.tag_keys.contains(&tag.key));
            Ok(())
        })?;
        Ok(Reply::output(json!({})))
    }

    pub(super) fn put_policy(&mut self, at: &At, input: PutPolicy) -> Result<Reply, Fault> {
        let policy: Option<Value> = serde_json::from_str(&input.resource_policy).ok();
        if policy.is_none_or(|policy| policy.get("Statement").is_none()) {
            return Err(Fault::bad(
                "MalformedPolicyDocumentException",
                "This resource policy contains invalid JSON.",
            ));
        }
        self.change(at, &input.secret_id, |secret| {
            secret.policy = Some(input.resource_policy);
            Ok(())
        })
    }

    pub(super) fn get_policy(&self, at: &At, input: &SecretId) -> Result<Reply, Fault> {
        let (_, secret) = self.living(at, &input.secret_id)?;
        Ok(Reply::output(json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "ResourcePolicy": secret.policy,
        })))
    }

    pub(super) fn delete_policy(&mut self, at: &At, input: &SecretId) -> Result<Reply, Fault> {
        self.change(at, &input.secret_id, |secret| {
            secret.policy = None;
            Ok(())
        })
    }
}
