//! The settings of a key: what KMS tells of them, and how they are changed.

use aws_sdk_kms::types as sdk;
use mcpdeploy_engine::kind::{Cx, Delta, KindError, Tags};
use serde_json::{Value, json};

use super::KmsKeyInputs;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::partition;
use crate::kinds::account::account;
use crate::policy::PolicyDocument;
use crate::tags;

/// The only name that a key's policy can have.
const POLICY: &str = "default";

/// The policy of a key; `None` for the one that KMS gives it of its own accord.
pub(super) async fn policy(
    cx: &Cx<'_, Clients>,
    id: &str,
) -> Result<Option<PolicyDocument>, KindError> {
    let answer = cx
        .clients
        .kms()
        .get_key_policy()
        .key_id(id)
        .policy_name(POLICY)
        .send()
        .await
        .found("kms", "GetKeyPolicy", id)?;
    let text = answer.and_then(|answer| answer.policy);
    let Some(text) = text else { return Ok(None) };
    let policy = PolicyDocument::observed(&text);
    Ok((!is_default(&policy)).then_some(policy))
}

pub(super) async fn rotation(cx: &Cx<'_, Clients>, id: &str) -> Result<bool, KindError> {
    let answer = cx
        .clients
        .kms()
        .get_key_rotation_status()
        .key_id(id)
        .send()
        .await
        .found("kms", "GetKeyRotationStatus", id)?;
    Ok(answer.is_some_and(|answer| answer.key_rotation_enabled()))
}

pub(super) async fn list_tags(cx: &Cx<'_, Clients>, id: &str) -> Result<Tags, KindError> {
    // A key has at most 50, and that is what one page holds.
    let answer = cx
        .clients
        .kms()
        .list_resource_tags()
        .key_id(id)
        .limit(50)
        .send()
        .await
        .fault("kms", "ListResourceTags", id)?;
    Ok(tags::from_pairs(
        answer
            .tags()
            .iter()
            .map(|tag| (tag.tag_key(), tag.tag_value())),
    ))
}

pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<sdk::Tag>, KindError> {
    let tag = |(key, value)| {
        sdk::Tag::builder()
            .tag_key(key)
            .tag_value(value)
            .build()
            .map_err(|error| KindError::fatal(error.to_string()))
    };
    tags.iter().map(tag).collect()
}

/// Sets what the creating call could not, or what differs.
pub(super) async fn put(
    cx: &Cx<'_, Clients>,
    id: &str,
    want: &KmsKeyInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    let kms = cx.clients.kms();
    if delta.updates("/description") {
        kms.update_key_description()
            .key_id(id)
            .description(want.description.as_deref().unwrap_or_default())
            .send()
            .await
            .fault("kms", "UpdateKeyDescription", id)?;
    }
    if delta.updates("/policy") {
        let policy = match &want.policy {
            Some(policy) => policy.to_text(),
            None => default_policy(&account(cx).await?, cx.clients.region()),
        };
        kms.put_key_policy()
            .key_id(id)
            .policy_name(POLICY)
            .policy(policy)
            .send()
            .await
            .fault("kms", "PutKeyPolicy", id)?;
    }
    put_switches(cx, id, want, delta).await?;
    if delta.updates("/tags") {
        put_tags(cx, id, &want.tags).await?;
    }
    Ok(())
}

/// The rotation can be changed only while the key is switched on: so it is switched on first, and
/// off last.
async fn put_switches(
    cx: &Cx<'_, Clients>,
    id: &str,
    want: &KmsKeyInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    let kms = cx.clients.kms();
    let (rotation, enabled) = (delta.updates("/rotation"), delta.updates("/enabled"));
    if enabled && want.enabled {
        kms.enable_key()
            .key_id(id)
            .send()
            .await
            .fault("kms", "EnableKey", id)?;
    }
    if want.rotation && (rotation || delta.is_created()) {
        kms.enable_key_rotation()
            .key_id(id)
            .send()
            .await
            .fault("kms", "EnableKeyRotation", id)?;
    }
    if !want.rotation && rotation && usable(cx, id).await? {
        kms.disable_key_rotation().key_id(id).send().await.fault(
            "kms",
            "DisableKeyRotation",
            id,
        )?;
    }
    if !want.enabled && (enabled || delta.is_created()) {
        kms.disable_key()
            .key_id(id)
            .send()
            .await
            .fault("kms", "DisableKey", id)?;
    }
    Ok(())
}

/// Whether the key is switched on. One that was switched off by an earlier try has no rotation any
/// more.
async fn usable(cx: &Cx<'_, Clients>, id: &str) -> Result<bool, KindError> {
    let key = super::describe(cx, id).await?;
    Ok(key.is_some_and(|key| key.enabled()))
}

async fn put_tags(cx: &Cx<'_, Clients>, id: &str, want: &Tags) -> Result<(), KindError> {
    let changes = tags::changes(&list_tags(cx, id).await?, want);
    let kms = cx.clients.kms();
    if !changes.set.is_empty() {
        kms.tag_resource()
            .key_id(id)
            .set_tags(Some(sdk_tags(&changes.set)?))
            .send()
            .await
            .fault("kms", "TagResource", id)?;
    }
    if !changes.remove.is_empty() {
        kms.untag_resource()
            .key_id(id)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("kms", "UntagResource", id)?;
    }
    Ok(())
}

/// The policy that KMS gives a key of its own accord: the account's IAM policies decide.
/// Source: "Default key policy".
fn default_policy(account: &str, region: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:{}:iam::{account}:root", partition(region)) },
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

/// By what it says, whatever its names: an account's own root may do anything, and nobody else.
fn is_default(policy: &PolicyDocument) -> bool {
    let document = policy.as_value();
    let Some([statement]) = document["Statement"].as_array().map(Vec::as_slice) else {
        return false;
    };
    let one = |value: &Value, fits: &dyn Fn(&str) -> bool| {
        let only = match value.as_array().map(Vec::as_slice) {
            Some([only]) => only,
            Some(_) | None => value,
        };
        only.as_str().is_some_and(fits)
    };
    statement["Effect"] == "Allow"
        && statement.get("Condition").is_none()
        && one(&statement["Action"], &|action| action == "kms:*")
        && one(&statement["Resource"], &|resource| resource == "*")
        && one(&statement["Principal"]["AWS"], &|who| {
            who.ends_with(":root") || who.len() == 12 && who.bytes().all(|b| b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_counts_as_none() {
        let text = default_policy("123456789012", "eu-central-1");
        assert!(is_default(&PolicyDocument::observed(&text)));
        for (from, to) in [
            ("kms:*", "kms:Decrypt"),
            (":root", ":role/x"),
            ("\"Allow\"", "\"Deny\""),
        ] {
            let other = text.replace(from, to);
            assert!(!is_default(&PolicyDocument::observed(&other)), "{other}");
        }
    }
}
