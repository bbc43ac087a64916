//! `aws.sns.topic`: a topic of SNS.
//!
//! Facts, from the SNS API reference:
//! - a name is unique within account and region, and is the end of the ARN;
//! - CreateTopic answers the ARN of the topic that is there already, when its attributes and tags
//!   are the same; else it fails with InvalidParameter "already exists with different …". Our owner
//!   tags so keep us from taking another's topic;
//! - every topic has a policy: one of AWS's own making, with the id `__default_policy_ID`, when
//!   nobody set another;
//! - GetTopicAttributes tells no tags;
//! - DeleteTopic of what is absent is no error.

use std::collections::HashMap;

use aws_sdk_sns::types::Tag;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Tags, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::account::regional_arn;
use super::inputs::{some_text, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{TopicArn, partition};
use crate::policy::PolicyDocument;
use crate::tags;

/// The id of the policy that SNS gives a topic of its own accord.
const DEFAULT_POLICY: &str = "__default_policy_ID";

/// A topic.
#[derive(Debug)]
pub enum Topic {}

/// What one can ask of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicInputs {
    /// Its name: 1 to 256 letters, digits, `-` and `_`.
    pub name: String,
    /// The sender's name in mails and text messages.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The KMS key (id, ARN or alias) that messages are encrypted with; none when not set.
    /// CloudWatch alarms need a key of your own whose policy allows them to use it.
    #[serde(default)]
    pub kms_key: Option<Input<String>>,
    /// Who may publish and subscribe; the account itself when not set.
    #[serde(default)]
    pub policy: Option<PolicyDocument>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopicOutputs {
    /// Its ARN.
    pub arn: TopicArn,
    /// Its name.
    pub name: String,
}

impl Topic {
    /// Refers to the ARN of the topic at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<TopicArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the topic at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<String> {
        Ref::new(address, "/name")
    }
}

impl Kind for Topic {
    const NAME: &'static str = "aws.sns.topic";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    const TAGGABLE: bool = true;

    type Clients = Clients;
    type Inputs = TopicInputs;
    type Outputs = TopicOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.clone())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = inputs.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.ends_with(".fifo") {
            return wrong("/name", "FIFO topics are not supported");
        }
        if name.is_empty() || name.len() > 256 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!("`{name}` is no topic's name: 1 to 256 letters, digits, `-` and `_`"),
            );
        }
        if inputs
            .display_name
            .as_ref()
            .is_some_and(|name| name.chars().count() > 100)
        {
            return wrong("/display_name", "at most 100 characters");
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let region = placement.region_or_any();
        let account = placement.account_or_any();
        let on = format!(
            "arn:{}:sns:{region}:{account}:{}",
            partition(region),
            inputs.name
        );
        let actions: &[&str] = match op {
            Op::Read => &["sns:GetTopicAttributes", "sns:ListTagsForResource"],
            Op::Create => &["sns:CreateTopic", "sns:TagResource"],
            Op::Update => &[
                "sns:SetTopicAttributes",
                "sns:ListTagsForResource",
                "sns:TagResource",
                "sns:UntagResource",
            ],
            Op::Delete => &["sns:DeleteTopic"],
        };
        Permission::all(actions, &on)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let arn = match who.id {
            Some(id) => id.to_string(),
            None => regional_arn(cx, "sns", &who.inputs.name).await?,
        };
        let answer = cx
            .clients
            .sns()
            .get_topic_attributes()
            .topic_arn(&arn)
            .send()
            .await
            .found("sns", "GetTopicAttributes", &arn)?;
        let Some(attributes) = answer.and_then(|answer| answer.attributes) else {
            return Ok(None);
        };
        let attribute = |name: &str| some_text(attributes.get(name).map(String::as_str));
        let outputs = outputs(&arn);
        Ok(Some(Observed {
            id: PhysicalId::new(&arn),
            inputs: TopicInputs {
                name: outputs.name.clone(),
                display_name: attribute("DisplayName"),
                kms_key: attribute("KmsMasterKeyId").map(Input::from),
                policy: attribute("Policy")
                    .filter(|policy| !is_default(policy))
                    .map(|policy| PolicyDocument::observed(&policy)),
                tags: Tags::new(),
            },
            outputs,
            unobserved: &["/tags"],
        }))
    }

    async fn read_tags(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<Option<Tags>, KindError> {
        list_tags(cx, id).await
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let mut attributes = HashMap::new();
        if let Some(name) = &want.display_name {
            attributes.insert("DisplayName".to_owned(), name.clone());
        }
        if let Some(key) = &want.kms_key {
            attributes.insert("KmsMasterKeyId".to_owned(), key.get().clone());
        }
        if let Some(policy) = &want.policy {
            attributes.insert("Policy".to_owned(), policy.to_text());
        }
        let answer = cx
            .clients
            .sns()
            .create_topic()
            .name(&want.name)
            .set_attributes((!attributes.is_empty()).then_some(attributes))
            .set_tags(sdk_tags(&want.tags)?)
            .send()
            .await
            .fault("sns", "CreateTopic", &want.name)?;
        let arn = answer.topic_arn().unwrap_or_default();
        Ok(Created::with(arn, outputs(arn)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if delta.updates("/display_name") {
            let name = want.display_name.as_deref().unwrap_or_default();
            set(cx, id, "DisplayName", name).await?;
        }
        if delta.updates("/kms_key") {
            let key = want.kms_key.as_ref().map_or("", |key| key.get());
            set(cx, id, "KmsMasterKeyId", key).await?;
        }
        if delta.updates("/policy") {
            let policy = match &want.policy {
                Some(policy) => policy.to_text(),
                None => default_policy(id.as_str()),
            };
            set(cx, id, "Policy", &policy).await?;
        }
        if delta.updates("/tags") {
            put_tags(cx, id, &want.tags).await?;
        }
        Ok(())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        Ok(outputs(id.as_str()))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .sns()
            .delete_topic()
            .topic_arn(id.as_str())
            .send()
            .await
            .removed("sns", "DeleteTopic", id)
    }
}

fn outputs(arn: &str) -> TopicOutputs {
    TopicOutputs {
        arn: TopicArn::new(arn),
        name: arn.rsplit(':').next().unwrap_or_default().to_owned(),
    }
}

async fn set(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
    attribute: &str,
    value: &str,
) -> Result<(), KindError> {
    cx.clients
        .sns()
        .set_topic_attributes()
        .topic_arn(id.as_str())
        .attribute_name(attribute)
        .attribute_value(value)
        .send()
        .await
        .fault("sns", "SetTopicAttributes", id)
        .map(|_| ())
}

async fn list_tags(cx: &Cx<'_, Clients>, id: &PhysicalId) -> Result<Option<Tags>, KindError> {
    let answer = cx
        .clients
        .sns()
        .list_tags_for_resource()
        .resource_arn(id.as_str())
        .send()
        .await
        .found("sns", "ListTagsForResource", id)?;
    Ok(answer
        .map(|answer| tags::from_pairs(answer.tags().iter().map(|tag| (tag.key(), tag.value())))))
}

async fn put_tags(cx: &Cx<'_, Clients>, id: &PhysicalId, want: &Tags) -> Result<(), KindError> {
    let have = list_tags(cx, id).await?.unwrap_or_default();
    let changes = tags::changes(&have, want);
    let sns = cx.clients.sns();
    if !changes.set.is_empty() {
        sns.tag_resource()
            .resource_arn(id.as_str())
            .set_tags(sdk_tags(&changes.set)?)
            .send()
            .await
            .fault("sns", "TagResource", id)?;
    }
    if !changes.remove.is_empty() {
        sns.untag_resource()
            .resource_arn(id.as_str())
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("sns", "UntagResource", id)?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Result<Option<Vec<Tag>>, KindError> {
    let list = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| FaultClass::Fatal.error(error.to_string()))?;
    Ok((!list.is_empty()).then_some(list))
}

fn is_default(policy: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(policy)
        .is_ok_and(|policy| policy["Id"] == DEFAULT_POLICY)
}

/// The policy that SNS gives a topic of its own accord: the account itself may do anything.
fn default_policy(arn: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": DEFAULT_POLICY,
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": [
                "SNS:GetTopicAttributes",
                "SNS:SetTopicAttributes",
                "SNS:AddPermission",
                "SNS:RemovePermission",
                "SNS:DeleteTopic",
                "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic",
                "SNS:Publish",
            ],
            "Resource": arn,
            "Condition": { "StringEquals": { "AWS:SourceOwner": arn.split(':').nth(4) } },
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str| {
            let inputs = serde_json::from_value(json!({ "name": name })).unwrap();
            Topic::validate(&inputs).is_ok()
        };
        assert!(check("calculator-alarms"));
        for name in ["", "a b", "a.fifo", &"x".repeat(257)] {
            assert!(!check(name), "{name}");
        }
    }

    #[test]
    fn the_default_policy_counts_as_none() {
        let policy = default_policy("arn:aws:sns:eu-central-1:123456789012:x");
        assert!(is_default(&policy));
        assert!(policy.contains(r#""AWS:SourceOwner":"123456789012""#));
        assert!(!is_default(r#"{"Version":"2012-10-17","Statement":[]}"#));
    }
}
