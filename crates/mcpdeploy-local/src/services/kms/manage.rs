//! Making, changing and deleting keys.

use serde::Deserialize;
use serde_json::{Value, json};
use time::Duration;

use super::key::{Key, KeyState, Rotation, Tag};
use super::{At, KeyId, State, nothing, validation};
use crate::wire::{self, Fault, Reply};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateKey {
    description: String,
    key_usage: Option<String>,
    key_spec: Option<String>,
    customer_master_key_spec: Option<String>,
    origin: Option<String>,
    multi_region: bool,
    policy: Option<String>,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleDeletion {
    key_id: String,
    pending_window_in_days: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Description {
    key_id: String,
    description: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutPolicy {
    key_id: String,
    policy: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EnableRotation {
    key_id: String,
    rotation_period_in_days: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    key_id: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResource {
    key_id: String,
    tag_keys: Vec<String>,
}

impl State {
    pub(super) fn create(&mut self, at: &At, input: CreateKey) -> Result<Reply, Fault> {
        let spec = input.key_spec.or(input.customer_master_key_spec);
        for (value, wanted, what) in [
            (&spec, "SYMMETRIC_DEFAULT", "keys of the spec"),
            (&input.key_usage, "ENCRYPT_DECRYPT", "keys of the usage"),
            (&input.origin, "AWS_KMS", "keys of the origin"),
        ] {
            if let Some(value) = value
                && value != wanted
            {
                return Err(Fault::absent(format!("{what} {value}")));
            }
        }
        if input.multi_region {
            return Err(Fault::absent("keys of several regions"));
        }
        let mut key = Key::new(at, input.description, false)?;
        key.tags = input.tags;
        if let Some(policy) = input.policy {
            check_policy(&policy)?;
            key.policy = policy;
        }
        let answer = json!({ "KeyMetadata": key.metadata() });
        self.keys.put(&key.row(), key)?;
        Ok(Reply::output(answer))
    }

    pub(super) fn describe(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        let key = self.key(at, &input.key_id)?;
        Ok(Reply::output(json!({ "KeyMetadata": key.metadata() })))
    }

    /// Changes a key that is not an alias's, and stays.
    fn change(
        &mut self,
        at: &At,
        id: &str,
        change: impl FnOnce(&mut Key) -> Result<(), Fault>,
    ) -> Result<Reply, Fault> {
        let mut key = self.key(at, id)?;
        key.check_stays()?;
        change(&mut key)?;
        self.keys.put(&key.row(), key)?;
        Ok(nothing())
    }

    pub(super) fn enable(&mut self, at: &At, input: &KeyId, on: bool) -> Result<Reply, Fault> {
        self.change(at, &input.key_id, |key| {
            key.state = if on {
                KeyState::Enabled
            } else {
                KeyState::Disabled
            };
            Ok(())
        })
    }

    pub(super) fn schedule_deletion(
        &mut self,
        at: &At,
        input: &ScheduleDeletion,
    ) -> Result<Reply, Fault> {
        let days = input.pending_window_in_days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            let (wrong, bound) = if days < 7 {
                ("greater", 7)
            } else {
                ("less", 30)
            };
            return Err(validation(format!(
                "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value {wrong} than or equal to {bound}"
            )));
        }
        let mut key = self.key(at, &input.key_id)?;
        key.check_stays()?;
        let end = at.now + Duration::days(days);
        key.state = KeyState::PendingDeletion(end);
        let answer = json!({
            "KeyId": key.arn(),
            "DeletionDate": wire::time(end),
            "KeyState": "PendingDeletion",
            "PendingWindowInDays": days,
        });
        self.keys.put(&key.row(), key)?;
        Ok(Reply::output(answer))
    }

    pub(super) fn cancel_deletion(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        let mut key = self.key(at, &input.key_id)?;
        let arn = key.arn();
        if key.check_stays().is_ok() {
            return Err(Fault::bad(
                "KMSInvalidStateException",
                format!("{arn} is not pending deletion."),
            ));
        }
        key.state = KeyState::Disabled;
        self.keys.put(&key.row(), key)?;
        Ok(Reply::output(json!({ "KeyId": arn })))
    }

    pub(super) fn update_description(
        &mut self,
        at: &At,
        input: Description,
    ) -> Result<Reply, Fault> {
        self.change(at, &input.key_id, |key| {
            key.description = input.description;
            Ok(())
        })
    }

    pub(super) fn get_policy(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        let key = self.key(at, &input.key_id)?;
        Ok(Reply::output(
            json!({"Policy": key.policy, "PolicyName": "default"}),
        ))
    }

    pub(super) fn put_policy(&mut self, at: &At, input: PutPolicy) -> Result<Reply, Fault> {
        check_policy(&input.policy)?;
        self.change(at, &input.key_id, |key| {
            key.policy = input.policy;
            Ok(())
        })
    }

    pub(super) fn list_policies(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        self.key(at, &input.key_id)?;
        Ok(Reply::output(
            json!({"PolicyNames": ["default"], "Truncated": false}),
        ))
    }

    pub(super) fn rotation_status(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        let key = self.key(at, &input.key_id)?;
        let mut out = json!({
            "KeyRotationEnabled": key.rotation.is_some(),
            "KeyId": key.arn(),
        });
        if let Some(rotation) = &key.rotation {
            let next = rotation.since + Duration::days(rotation.days.into());
            out["RotationPeriodInDays"] = json!(rotation.days);
            out["NextRotationDate"] = wire::time(next);
        }
        Ok(Reply::output(out))
    }

    pub(super) fn enable_rotation(
        &mut self,
        at: &At,
        input: &EnableRotation,
    ) -> Result<Reply, Fault> {
        let days = input.rotation_period_in_days.unwrap_or(365);
        if !(90..=2560).contains(&days) {
            return Err(validation(format!(
                "1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value between 90 and 2560"
            )));
        }
        self.change(at, &input.key_id, |key| {
            key.check_usable()?;
            key.rotation = Some(Rotation {
                since: at.now,
                days,
            });
            Ok(())
        })
    }

    pub(super) fn disable_rotation(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        self.change(at, &input.key_id, |key| {
            key.rotation = None;
            Ok(())
        })
    }

    pub(super) fn tag(&mut self, at: &At, input: TagResource) -> Result<Reply, Fault> {
        self.change(at, &input.key_id, |key| {
            for tag in input.tags {
                match key
                    .tags
                    .iter_mut()
                    .find(|there| there.tag_key == tag.tag_key)
                {
                    Some(there) => there.tag_value = tag.tag_value,
                    None => key.tags.push(tag),
                }
            }
            if key.tags.len() > 50 {
                return Err(Fault::bad("LimitExceededException", "Too many tags"));
            }
            Ok(())
        })
    }

    pub(super) fn untag(&mut self, at: &At, input: &UntagResource) -> Result<Reply, Fault> {
        self.change(at, &input.key_id, |key| {
            key.tags
                .retain(|tag| !input.tag_keys.contains(&tag.tag_key));
            Ok(())
        })
    }

    pub(super) fn list_tags(&mut self, at: &At, input: &KeyId) -> Result<Reply, Fault> {
        let key = self.key(at, &input.key_id)?;
        Ok(Reply::output(json!({"Tags": key.tags, "Truncated": false})))
    }
}

fn check_policy(policy: &str) -> Result<(), Fault> {
    let policy: Option<Value> = serde_json::from_str(policy).ok();
    if policy.is_some_and(|policy| policy.get("Statement").is_some()) {
        return Ok(());
    }
    Err(Fault::bad(
        "MalformedPolicyDocumentException",
        "The new key policy is not valid JSON with a Statement.",
    ))
}
