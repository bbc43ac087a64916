//! `aws.kms.key`: a symmetric key of KMS that encrypts what other services keep.
//!
//! Its alias is a kind of its own (`aws.kms.alias`): each has one call that makes it, so that after a
//! lost answer neither is made twice, and an alias that blocks its name goes before its key does.
//!
//! Facts, from the KMS API reference and developer guide:
//! - a key has no name of ours: it is found again by its owner tags, which ListKeys does not tell, so
//!   every key of the account and region is asked for them. Keys that the caller may not look at are
//!   passed over: they are not his;
//! - ScheduleKeyDeletion takes 7 to 30 days, in which the key is there but no good (PendingDeletion):
//!   for us it is gone. What it has encrypted is lost when the days are over;
//! - every key has a policy. The one that it is given when none is asked for lets the account's IAM
//!   policies decide;
//! - a new policy must let the caller change it again, or KMS refuses it;
//! - rotation and policy of a key that is switched off can be looked at; rotation can be changed only
//!   while it is switched on.

use aws_sdk_kms::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Tags, Who, same_owner,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::{some_text, wrong};
use crate::clients::Clients;
use crate::fault::{Fault, unless_gone};
use crate::ids::{KmsKeyArn, KmsKeyId, partition};
use crate::policy::PolicyDocument;
use crate::tags;

mod settings;

/// A key.
#[derive(Debug)]
pub enum KmsKey {}

/// What one can ask of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KmsKeyInputs {
    /// What it is for: up to 8192 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether KMS makes new key material once a year; what the old one encrypted stays readable.
    #[serde(default = "super::inputs::yes")]
    pub rotation: bool,
    /// Whether it can be used.
    #[serde(default = "super::inputs::yes")]
    pub enabled: bool,
    /// Who may use it; the account's IAM policies decide when not set.
    #[serde(default)]
    pub policy: Option<PolicyDocument>,
    /// For how many days after its deletion it can be restored: 7 to 30.
    #[serde(default = "thirty")]
    pub deletion_window_days: u8,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn thirty() -> u8 {
    30
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KmsKeyOutputs {
    /// Its id.
    pub id: KmsKeyId,
    /// Its ARN.
    pub arn: KmsKeyArn,
}

impl KmsKey {
    /// Refers to the id of the key at `address`.
    #[must_use]
    pub fn id(address: &Address) -> Ref<KmsKeyId> {
        Ref::new(address, "/id")
    }

    /// Refers to the ARN of the key at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<KmsKeyArn> {
        Ref::new(address, "/arn")
    }
}

impl Kind for KmsKey {
    const NAME: &'static str = "aws.kms.key";
    const REPLACE_ON: &'static [&'static str] = &[];
    const TAGGABLE: bool = true;

    type Clients = Clients;
    type Inputs = KmsKeyInputs;
    type Outputs = KmsKeyOutputs;

    fn identity(_: &Self::Inputs) -> Identity {
        Identity::OwnerTag
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let description = inputs.description.as_deref().unwrap_or_default();
        if description.chars().count() > 8192 {
            return wrong("/description", "a description has up to 8192 characters");
        }
        if !(7..=30).contains(&inputs.deletion_window_days) {
            return wrong(
                "/deletion_window_days",
                "a deleted key can be kept for 7 to 30 days",
            );
        }
        if inputs.rotation && !inputs.enabled {
            return wrong(
                "/rotation",
                "the rotation of a key that is switched off cannot be switched on: say `rotation = false`",
            );
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let region = placement.region_or_any();
        let on = format!(
            "arn:{}:kms:{region}:{}:key/*",
            partition(region),
            placement.account_or_any()
        );
        let (everywhere, on_keys): (&[&str], &[&str]) = match op {
            Op::Read => (
                &["kms:ListKeys"],
                &[
                    "kms:DescribeKey",
                    "kms:GetKeyPolicy",
                    "kms:GetKeyRotationStatus",
                    "kms:ListResourceTags",
                ],
            ),
            Op::Create => (
                &["kms:CreateKey"],
                &["kms:TagResource", "kms:EnableKeyRotation", "kms:DisableKey"],
            ),
            Op::Update => (
                &[],
                &[
                    "kms:DescribeKey",
                    "kms:DisableKey",
                    "kms:DisableKeyRotation",
                    "kms:EnableKey",
                    "kms:EnableKeyRotation",
                    "kms:ListResourceTags",
                    "kms:PutKeyPolicy",
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:UpdateKeyDescription",
                ],
            ),
            Op::Delete => (&[], &["kms:ScheduleKeyDeletion"]),
        };
        let mut permissions = Permission::all(everywhere, "*");
        // The policy that a key shall have is not given with it where there is none.
        let policy = op == Op::Create && inputs.policy.is_some();
        permissions.extend(Permission::all(on_keys, &on));
        permissions.extend(policy.then(|| Permission::new("kms:PutKeyPolicy", &on)));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let found = match who.id {
            Some(id) => describe(cx, id.as_str()).await?,
            None => find(cx, who).await?,
        };
        let Some(key) = found else { return Ok(None) };
        let id = key.key_id();
        let (policy, rotation, tags) = tokio::join!(
            settings::policy(cx, id),
            settings::rotation(cx, id),
            settings::list_tags(cx, id),
        );
        Ok(Some(Observed {
            id: PhysicalId::new(id),
            outputs: outputs(&key),
            inputs: KmsKeyInputs {
                description: some_text(key.description()),
                rotation: rotation?,
                enabled: key.enabled(),
                policy: policy?,
                deletion_window_days: who.inputs.deletion_window_days,
                tags: tags?,
            },
            unobserved: &["/deletion_window_days"],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let answer = cx
            .clients
            .kms()
            .create_key()
            .set_description(want.description.clone())
            .set_policy(want.policy.as_ref().map(PolicyDocument::to_text))
            .set_tags(
                (!want.tags.is_empty())
                    .then(|| settings::sdk_tags(&want.tags))
                    .transpose()?,
            )
            .send()
            .await
            .fault("kms", "CreateKey", cx.address)?;
        let Some(key) = answer.key_metadata() else {
            return Err(KindError::fatal("KMS does not say which key it made"));
        };
        Ok(Created::with(key.key_id(), outputs(key)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        settings::put(cx, id.as_str(), want, delta).await
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        let arn = super::account::regional_arn(cx, "kms", &format!("key/{id}")).await?;
        Ok(KmsKeyOutputs {
            id: id.as_str().into(),
            arn: arn.into(),
        })
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        had: &Self::Inputs,
    ) -> Result<(), KindError> {
        let answer = cx
            .clients
            .kms()
            .schedule_key_deletion()
            .key_id(id.as_str())
            .pending_window_in_days(had.deletion_window_days.into())
            .send()
            .await
            .removed("kms", "ScheduleKeyDeletion", id);
        match answer {
            Err(error) if says_pending(&error) => Ok(()),
            other => other,
        }
    }
}

/// Whether the call failed because the key's deletion is scheduled.
fn says_pending(error: &KindError) -> bool {
    let invalid = error.code.as_deref() == Some("KMSInvalidStateException");
    invalid && error.message.to_lowercase().contains("pending deletion")
}

/// The key, unless it is gone or about to be.
async fn describe(cx: &Cx<'_, Clients>, id: &str) -> Result<Option<sdk::KeyMetadata>, KindError> {
    let answer = cx
        .clients
        .kms()
        .describe_key()
        .key_id(id)
        .send()
        .await
        .found("kms", "DescribeKey", id)?;
    let key = answer.and_then(|answer| answer.key_metadata);
    Ok(key.filter(|key| {
        !matches!(
            key.key_state(),
            Some(sdk::KeyState::PendingDeletion | sdk::KeyState::PendingReplicaDeletion)
        )
    }))
}

/// The key that carries our owner tags.
async fn find(
    cx: &Cx<'_, Clients>,
    who: Who<'_, KmsKeyInputs>,
) -> Result<Option<sdk::KeyMetadata>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .kms()
            .list_keys()
            .limit(1000)
            .set_marker(next)
            .send()
            .await
            .fault("kms", "ListKeys", cx.address)?;
        for told in page.keys() {
            let id = told.key_id().unwrap_or_default();
            if who.others.iter().any(|other| other.as_str() == id) {
                continue;
            }
            let tags = cx.in_turn(|| settings::list_tags(cx, id)).await;
            let tags = match unless_gone(tags) {
                // One whose policy keeps us out is not ours.
                Err(error) if error.class == FaultClass::Denied => continue,
                other => other?,
            };
            if !tags.is_some_and(|tags| same_owner(&tags, &who.inputs.tags)) {
                continue;
            }
            let key = describe(cx, id).await?;
            if key.is_some() {
                return Ok(key);
            }
        }
        next = page.next_marker.filter(|marker| !marker.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
}

fn outputs(key: &sdk::KeyMetadata) -> KmsKeyOutputs {
    KmsKeyOutputs {
        id: key.key_id().into(),
        arn: key.arn().unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn impossible_values_are_refused() {
        let check = |inputs| {
            KmsKey::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
        };
        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({"enabled": false, "rotation": false})), Ok(()));
        assert_eq!(
            check(json!({"enabled": false})),
            Err("/rotation".to_owned())
        );
        for days in [0, 6, 31] {
            let inputs = json!({"deletion_window_days": days});
            assert_eq!(check(inputs), Err("/deletion_window_days".to_owned()));
        }
    }

    #[test]
    fn only_what_is_scheduled_counts_as_deleted() {
        let says = |code: &str, message: &str| {
            let mut error = KindError::fatal(message);
            error.code = Some(code.to_owned());
            says_pending(&error)
        };
        let code = "KMSInvalidStateException";
        assert!(says(code, "arn:aws:kms:…:key/x is pending deletion."));
        assert!(!says(code, "arn:aws:kms:…:key/x is disabled."));
        assert!(!says("AccessDeniedException", "pending deletion"));
    }
}
