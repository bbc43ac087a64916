//! `aws.secretsmanager.secret`: a secret of Secrets Manager, without its value.
//!
//! The value never passes through plans, state or files: it is set by whoever has it, once the
//! secret is there, or made at random where it is given to the service ([`Generate`]).
//!
//! Facts, from the Secrets Manager API reference:
//! - a name is unique within account and region; the ARN ends with six random characters;
//! - DeleteSecret schedules the deletion 7 to 30 days ahead; until then the name is taken, and
//!   CreateSecret fails with InvalidRequestException "… already scheduled for deletion".
//!   DescribeSecret still answers then, with a `DeletedDate`;
//! - RestoreSecret takes that back, value and tags included: so a creation that finds our own
//!   deleted secret restores it, and the call that brings it into being is RestoreSecret;
//! - DescribeSecret tells everything, tags included, but never the value; that there is one is told
//!   by the labels of its versions;
//! - an empty description or key in UpdateSecret removes it.

mod generate;
mod rotation;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::Tag;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Tags, Who, same_owner,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::generate::Generate;
pub(crate) use self::generate::current_version;
pub use self::rotation::{Rotation, Schedule};
use super::inputs::{some_text, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{FunctionArn, SecretArn, SecretName, partition};
use crate::tags;

/// A secret, without its value.
#[derive(Debug)]
pub enum Secret {}

/// What one can ask of a secret. Its value is not among it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretInputs {
    /// Its name: 1 to 512 letters, digits and `/_+=.@-`.
    pub name: SecretName,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The KMS key (id, ARN or alias) that encrypts it; Secrets Manager's own when not set.
    #[serde(default)]
    pub kms_key_id: Option<Input<String>>,
    /// Gives it a random value when it has none. What has a value keeps it, whatever changes here.
    #[serde(default)]
    pub generate: Option<Generate>,
    /// How new values are made without anybody asking. It begins once there is a value.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// For how many days after its deletion it can be restored: 7 to 30.
    #[serde(default = "thirty")]
    pub recovery_window_days: u8,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn thirty() -> u8 {
    30
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretOutputs {
    /// Its ARN, with the random ending.
    pub arn: SecretArn,
    /// Its name.
    pub name: SecretName,
    /// The id of the version that is given out; empty when it has no value.
    #[serde(default)]
    pub version: String,
}

impl Secret {
    /// Refers to the ARN of the secret at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<SecretArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the id of the version that the secret at `address` gives out.
    #[must_use]
    pub fn version(address: &Address) -> Ref<String> {
        Ref::new(address, "/version")
    }

    /// Refers to the name of the secret at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<SecretName> {
        Ref::new(address, "/name")
    }
}

impl Kind for Secret {
    const NAME: &'static str = "aws.secretsmanager.secret";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    const VOLATILE: &'static [(&'static str, &'static str)] = &[("/generate", "/version")];
    const TAGGABLE: bool = true;

    type Clients = Clients;
    type Inputs = SecretInputs;
    type Outputs = SecretOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = inputs.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!("`{name}` is no secret's name: 1 to 512 letters, digits and `/_+=.@-`"),
            );
        }
        if !(7..=30).contains(&inputs.recovery_window_days) {
            return wrong(
                "/recovery_window_days",
                "a deleted secret can be kept for 7 to 30 days",
            );
        }
        if let Some(generate) = inputs.generate {
            generate.validate()?;
        }
        if let Some(rotation) = &inputs.rotation {
            rotation.validate()?;
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let region = placement.region_or_any();
        let on = format!(
            "arn:{}:secretsmanager:{region}:{}:secret:{}-??????",
            partition(region),
            placement.account_or_any(),
            inputs.name
        );
        let writes = matches!(op, Op::Create | Op::Update);
        let mut more = Vec::new();
        if writes && inputs.generate.is_some() {
            more.extend(Permission::all(&["secretsmanager:PutSecretValue"], &on));
            if let Some(key) = &inputs.kms_key_id {
                let key = key_arn(key.known().map_or("", String::as_str), placement);
                more.extend(Permission::all(
                    &["kms:Decrypt", "kms:GenerateDataKey"],
                    &key,
                ));
            }
        }
        if writes {
            // Which rotation there was is not known here: to cancel it is always among it.
            more.extend(Permission::all(&["secretsmanager:CancelRotateSecret"], &on));
        }
        if let Some(rotation) = inputs.rotation.as_ref().filter(|_| writes) {
            more.extend(Permission::all(&["secretsmanager:RotateSecret"], &on));
            let function = rotation.function.known().map_or("*", FunctionArn::as_str);
            more.extend(Permission::all(&["lambda:InvokeFunction"], function));
        }
        let actions: &[&str] = match op {
            Op::Read => &["secretsmanager:DescribeSecret"],
            Op::Create => &[
                "secretsmanager:CreateSecret",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "secretsmanager:DescribeSecret",
                "secretsmanager:RestoreSecret",
                "secretsmanager:UpdateSecret",
            ],
            Op::Update => &[
                "secretsmanager:DescribeSecret",
                "secretsmanager:UpdateSecret",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
            ],
            Op::Delete => &["secretsmanager:DeleteSecret"],
        };
        let mut all = Permission::all(actions, &on);
        all.extend(more);
        all
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let id = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let found = describe(cx, id).await?;
        let Some(secret) = found.filter(|secret| secret.deleted_date().is_none()) else {
            return Ok(None);
        };
        let version = current_version(&secret);
        let has_value = version.is_some();
        let arn = secret.arn().unwrap_or_default();
        let name = SecretName::new(secret.name().unwrap_or_default());
        Ok(Some(Observed {
            id: PhysicalId::new(arn),
            outputs: SecretOutputs {
                arn: arn.into(),
                name: name.clone(),
                version: version.unwrap_or_default(),
            },
            inputs: SecretInputs {
                name,
                description: some_text(secret.description()),
                kms_key_id: some_text(secret.kms_key_id()).map(Input::from),
                // That it was to have a value and has none is what a plan has to see.
                generate: who.inputs.generate.filter(|_| has_value),
                rotation: Rotation::of(&secret),
                recovery_window_days: who.inputs.recovery_window_days,
                tags: observed_tags(&secret),
            },
            unobserved: if has_value {
                &["/recovery_window_days", "/generate"]
            } else {
                // There is nothing to rotate yet: that it is not rotated is no difference.
                &["/recovery_window_days", "/rotation"]
            },
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let answer = cx
            .clients
            .secretsmanager()
            .create_secret()
            .name(&want.name)
            .set_description(want.description.clone())
            .set_kms_key_id(want.kms_key_id.as_ref().map(|key| key.get().clone()))
            .set_tags((!want.tags.is_empty()).then(|| sdk_tags(&want.tags)))
            .set_secret_string(want.generate.map(Generate::value).transpose()?)
            .send()
            .await
            .fault("secretsmanager", "CreateSecret", &want.name);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.class == FaultClass::Exists => {
                let arn = restore(cx, want, error).await?;
                return Ok(Created::id(arn.unwrap_or_default()));
            }
            Err(error) => return Err(error),
        };
        let arn = answer.arn.unwrap_or_default();
        let outputs = SecretOutputs {
            arn: arn.as_str().into(),
            name: want.name.clone(),
            // It is told of a secret without a value, too.
            version: answer
                .version_id
                .filter(|_| want.generate.is_some())
                .unwrap_or_default(),
        };
        Ok(Created::with(arn, outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        _: &Delta<'_>,
    ) -> Result<(), KindError> {
        // What was restored has the inputs of its former life, and whether it was restored is not
        // told here: so this always looks, and sets what differs.
        let Some(have) = describe(cx, id.as_str()).await? else {
            return Err(KindError::fatal("the secret is gone").on(id.as_str()));
        };
        let description = want.description.as_deref().unwrap_or_default();
        let key = want.kms_key_id.as_ref().map_or("", |key| key.get());
        let client = cx.clients.secretsmanager();
        if have.description().unwrap_or_default() != description
            || have.kms_key_id().unwrap_or_default() != key
        {
            client
                .update_secret()
                .secret_id(id.as_str())
                .description(description)
                .kms_key_id(key)
                .send()
                .await
                .fault("secretsmanager", "UpdateSecret", id)?;
        }
        let changes = tags::changes(&observed_tags(&have), &want.tags);
        if !changes.set.is_empty() {
            client
                .tag_resource()
                .secret_id(id.as_str())
                .set_tags(Some(sdk_tags(&changes.set)))
                .send()
                .await
                .fault("secretsmanager", "TagResource", id)?;
        }
        if !changes.remove.is_empty() {
            client
                .untag_resource()
                .secret_id(id.as_str())
                .set_tag_keys(Some(changes.remove))
                .send()
                .await
                .fault("secretsmanager", "UntagResource", id)?;
        }
        let mut filled = current_version(&have).is_some();
        if let (false, Some(generate)) = (filled, want.generate) {
            generate::fill(cx, id.as_str(), generate).await?;
            filled = true;
        }
        match (&want.rotation, Rotation::of(&have)) {
            (Some(rotation), there) if filled && there.as_ref() != Some(rotation) => {
                rotation.set(cx, id.as_str()).await
            }
            (None, Some(_)) => rotation::cancel(cx, id.as_str()).await,
            (Some(_) | None, _) => Ok(()),
        }
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        // What had no value may have got one from `configure`.
        let known = so_far.filter(|told| want.generate.is_none() || !told.version.is_empty());
        if let Some(outputs) = known {
            return Ok(outputs);
        }
        let Some(secret) = describe(cx, id.as_str()).await? else {
            return Err(KindError::fatal("the secret is gone").on(id.as_str()));
        };
        Ok(SecretOutputs {
            arn: SecretArn::new(id.as_str()),
            name: want.name.clone(),
            version: current_version(&secret).unwrap_or_default(),
        })
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        had: &Self::Inputs,
    ) -> Result<(), KindError> {
        let answer = cx
            .clients
            .secretsmanager()
            .delete_secret()
            .secret_id(id.as_str())
            .recovery_window_in_days(had.recovery_window_days.into())
            .send()
            .await
            .removed("secretsmanager", "DeleteSecret", id);
        match answer {
            Err(error) if says_deleted(&error) => Ok(()),
            other => other,
        }
    }
}

/// The ARN of a KMS key by its id, alias or ARN.
pub(crate) fn key_arn(key: &str, placement: &Placement) -> String {
    if key.starts_with("arn:") && !key.contains(":alias/") {
        return key.to_owned();
    }
    let region = placement.region_or_any();
    // What an alias stands for only KMS knows.
    let id = if key.is_empty() || key.contains("alias/") {
        "*"
    } else {
        key
    };
    format!(
        "arn:{}:kms:{region}:{}:key/{id}",
        partition(region),
        placement.account_or_any()
    )
}

/// Whether the call failed because the secret's deletion is scheduled.
pub(crate) fn says_deleted(error: &KindError) -> bool {
    let message = error.message.to_lowercase();
    [
        "scheduled for deletion",
        "marked for deletion",
        "marked deleted",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// Brings our own deleted secret back. `error` says why there can be no new one.
async fn restore(
    cx: &Cx<'_, Clients>,
    want: &SecretInputs,
    error: KindError,
) -> Result<Option<String>, KindError> {
    let name = want.name.as_str();
    let found = describe(cx, name).await?;
    let Some(found) = found.filter(|found| found.deleted_date().is_some()) else {
        return Err(error);
    };
    if !same_owner(&observed_tags(&found), &want.tags) {
        return Err(error.hint(format!(
            "another's secret named `{name}` is scheduled for deletion: choose another name, wait until it is gone, or end it with `aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {name}`"
        )));
    }
    cx.phase("restoring the deleted secret");
    let answer = cx
        .clients
        .secretsmanager()
        .restore_secret()
        .secret_id(found.arn().unwrap_or(name))
        .send()
        .await
        .fault("secretsmanager", "RestoreSecret", name)?;
    Ok(answer.arn.or(found.arn))
}

async fn describe(
    cx: &Cx<'_, Clients>,
    id: &str,
) -> Result<Option<DescribeSecretOutput>, KindError> {
    cx.clients
        .secretsmanager()
        .describe_secret()
        .secret_id(id)
        .send()
        .await
        .found("secretsmanager", "DescribeSecret", id)
}

pub(crate) fn observed_tags(secret: &DescribeSecretOutput) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags::from_pairs(
        secret
            .tags()
            .iter()
            .map(|tag| (text(tag.key()), text(tag.value()))),
    )
}

pub(crate) fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn impossible_values_are_refused() {
        let check = |inputs| {
            Secret::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
        };
        assert_eq!(check(json!({"name": "calculator/api-key"})), Ok(()));
        assert_eq!(check(json!({"name": "a b"})), Err("/name".to_owned()));
        for days in [0, 6, 31] {
            let inputs = json!({"name": "x", "recovery_window_days": days});
            assert_eq!(check(inputs), Err("/recovery_window_days".to_owned()));
        }
    }

    #[test]
    fn a_value_is_no_input() {
        let inputs = json!({"name": "x", "value": "hunter2"});
        assert!(serde_json::from_value::<SecretInputs>(inputs).is_err());
    }

    #[test]
    fn only_what_is_scheduled_counts_as_deleted() {
        let says = |message: &str| says_deleted(&KindError::fatal(message));
        assert!(says(
            "You can't perform this operation on the secret because it was marked for deletion."
        ));
        assert!(!says(
            "You can't delete secret x that still has replica regions"
        ));
    }
}
