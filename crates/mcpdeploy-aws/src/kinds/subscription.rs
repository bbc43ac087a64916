//! `aws.sns.subscription`: who is told of what a topic publishes.
//!
//! Facts, from the SNS API reference:
//! - within a topic, protocol and endpoint name a subscription: Subscribe again answers the same;
//! - a mail address or a web endpoint must confirm first. Until then lists show
//!   `PendingConfirmation` in the place of the ARN; only Subscribe with ReturnSubscriptionArn tells
//!   it;
//! - an unconfirmed one can often not be removed: SNS itself does after some days, and at once
//!   with its topic;
//! - there are no tags.

use std::collections::HashMap;

use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{SubscriptionArn, TopicArn};

/// What lists show in the place of an unconfirmed subscription's ARN.
const PENDING: &str = "PendingConfirmation";
/// What lists show in the place of a removed subscription's ARN, for a while.
const DELETED: &str = "Deleted";
const RAW: &str = "RawMessageDelivery";
const PROTOCOLS: [&str; 9] = [
    "email",
    "email-json",
    "http",
    "https",
    "sms",
    "sqs",
    "lambda",
    "firehose",
    "application",
];

/// A subscription.
#[derive(Debug)]
pub enum Subscription {}

/// What one can ask of a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionInputs {
    /// The topic.
    pub topic: Input<TopicArn>,
    /// How it is told: `email`, `email-json`, `http`, `https`, `sms`, `sqs`, `lambda`, `firehose`
    /// or `application`.
    pub protocol: String,
    /// Who is told: a mail address, a URL, a number or an ARN, as the protocol wants it.
    pub endpoint: Input<String>,
    /// Whether it gets the message alone, without SNS's envelope: for `sqs`, `http`, `https` and
    /// `firehose`.
    #[serde(default)]
    pub raw_delivery: bool,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionOutputs {
    /// Its ARN; `PendingConfirmation` while nobody knows it.
    pub arn: SubscriptionArn,
}

impl Subscription {
    /// Refers to the ARN of the subscription at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<SubscriptionArn> {
        Ref::new(address, "/arn")
    }
}

impl Kind for Subscription {
    const NAME: &'static str = "aws.sns.subscription";
    const REPLACE_ON: &'static [&'static str] = &["/topic", "/protocol", "/endpoint"];

    type Clients = Clients;
    type Inputs = SubscriptionInputs;
    type Outputs = SubscriptionOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        let endpoint = inputs.endpoint.known().map_or("", String::as_str);
        Identity::InParent {
            parent: inputs
                .topic
                .known()
                .map(ToString::to_string)
                .unwrap_or_default(),
            key: format!("{}:{endpoint}", inputs.protocol),
        }
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let protocol = inputs.protocol.as_str();
        if !PROTOCOLS.contains(&protocol) {
            return wrong(
                "/protocol",
                format!(
                    "SNS knows no protocol `{protocol}`: {}",
                    PROTOCOLS.join(", ")
                ),
            );
        }
        if inputs.raw_delivery && !["sqs", "http", "https", "firehose"].contains(&protocol) {
            return wrong(
                "/raw_delivery",
                format!("`{protocol}` takes no raw messages"),
            );
        }
        let Some(endpoint) = inputs.endpoint.known() else {
            return Ok(());
        };
        let fits = match protocol {
            "email" | "email-json" => endpoint
                .split_once('@')
                .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()),
            "http" => endpoint.starts_with("http://"),
            "https" => endpoint.starts_with("https://"),
            "sms" => !endpoint.is_empty(),
            _ => endpoint.starts_with("arn:"),
        };
        if fits {
            Ok(())
        } else {
            wrong(
                "/endpoint",
                format!("`{endpoint}` is no endpoint of the protocol `{protocol}`"),
            )
        }
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let topic = match inputs.topic.known() {
            Some(topic) => topic.to_string(),
            None => format!(
                "arn:{}:sns:{}:{}:*",
                crate::ids::partition(placement.region_or_any()),
                placement.region_or_any(),
                placement.account_or_any()
            ),
        };
        // Subscriptions are checked against their topic; the ones about one take its ARN too.
        let mut permissions = vec![Permission::new("sns:ListSubscriptionsByTopic", &topic)];
        let actions: &[&str] = match op {
            Op::Read => &["sns:GetSubscriptionAttributes"],
            Op::Create => &["sns:Subscribe"],
            Op::Update => &["sns:SetSubscriptionAttributes"],
            Op::Delete => &["sns:Unsubscribe"],
        };
        permissions.extend(Permission::all(actions, &format!("{topic}*")));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let id = match who.id.filter(|id| id.as_str().starts_with("arn:")) {
            Some(id) => id.clone(),
            None => match find(cx, who.inputs).await? {
                Some(id) => id,
                None => return Ok(None),
            },
        };
        if !id.as_str().starts_with("arn:") {
            // Unconfirmed and without ARN: all that is known is that it is there.
            return Ok(Some(Observed {
                outputs: outputs(&id),
                id,
                inputs: who.inputs.clone(),
                unobserved: &["/raw_delivery"],
            }));
        }
        let answer = cx
            .clients
            .sns()
            .get_subscription_attributes()
            .subscription_arn(id.as_str())
            .send()
            .await
            .found("sns", "GetSubscriptionAttributes", &id)?;
        let Some(attributes) = answer.and_then(|answer| answer.attributes) else {
            return Ok(None);
        };
        let attribute = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        Ok(Some(Observed {
            outputs: outputs(&id),
            inputs: SubscriptionInputs {
                topic: TopicArn::new(attribute("TopicArn")).into(),
                protocol: attribute("Protocol"),
                endpoint: attribute("Endpoint").into(),
                raw_delivery: attribute(RAW) == "true",
            },
            id,
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let raw = want
            .raw_delivery
            .then(|| HashMap::from([(RAW.to_owned(), "true".to_owned())]));
        let answer = cx
            .clients
            .sns()
            .subscribe()
            .topic_arn(want.topic.get())
            .protocol(&want.protocol)
            .endpoint(want.endpoint.get())
            .set_attributes(raw)
            .return_subscription_arn(true)
            .send()
            .await
            .fault("sns", "Subscribe", want.topic.get())?;
        let arn = answer
            .subscription_arn()
            .filter(|arn| arn.starts_with("arn:"));
        let id = PhysicalId::new(arn.unwrap_or(PENDING));
        Ok(Created::with(id.as_str(), outputs(&id)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates("/raw_delivery") {
            return Ok(());
        }
        let Some(id) = with_arn(cx, id, want).await? else {
            // Without its ARN it cannot be changed. It has what Subscribe set; what was asked for
            // later differs, and is set, as soon as it is confirmed and can be read.
            return Ok(());
        };
        cx.clients
            .sns()
            .set_subscription_attributes()
            .subscription_arn(id.as_str())
            .attribute_name(RAW)
            .attribute_value(want.raw_delivery.to_string())
            .send()
            .await
            .fault("sns", "SetSubscriptionAttributes", &id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        // A person's confirmation may take days: nobody waits for it.
        Ok(outputs(id))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        had: &Self::Inputs,
    ) -> Result<(), KindError> {
        let Some(id) = with_arn(cx, id, had).await? else {
            return Ok(());
        };
        let answer = cx
            .clients
            .sns()
            .unsubscribe()
            .subscription_arn(id.as_str())
            .send()
            .await
            .removed("sns", "Unsubscribe", &id);
        match answer {
            Err(error)
                if error
                    .message
                    .to_lowercase()
                    .contains("pending confirmation") =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

fn outputs(id: &PhysicalId) -> SubscriptionOutputs {
    SubscriptionOutputs {
        arn: SubscriptionArn::new(id.as_str()),
    }
}

/// Its ARN: perhaps it was confirmed in the meantime. `None` as long as nobody tells.
async fn with_arn(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
    inputs: &SubscriptionInputs,
) -> Result<Option<PhysicalId>, KindError> {
    let is_arn = |id: &PhysicalId| id.as_str().starts_with("arn:");
    if is_arn(id) {
        return Ok(Some(id.clone()));
    }
    Ok(find(cx, inputs).await?.filter(is_arn))
}

/// The id of the topic's subscription with our protocol and endpoint: its ARN, or that it is
/// pending.
async fn find(
    cx: &Cx<'_, Clients>,
    inputs: &SubscriptionInputs,
) -> Result<Option<PhysicalId>, KindError> {
    let topic = inputs.topic.get();
    let mut next = None;
    loop {
        let page = cx
            .clients
            .sns()
            .list_subscriptions_by_topic()
            .topic_arn(topic)
            .set_next_token(next)
            .send()
            .await
            .found("sns", "ListSubscriptionsByTopic", topic)?;
        let Some(page) = page else { return Ok(None) };
        let found = page.subscriptions().iter().find(|found| {
            found.protocol() == Some(&inputs.protocol)
                && found.endpoint() == Some(inputs.endpoint.get())
                && found.subscription_arn() != Some(DELETED)
        });
        if let Some(found) = found {
            return Ok(Some(PhysicalId::new(
                found.subscription_arn().unwrap_or(PENDING),
            )));
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn endpoints_fit_their_protocol() {
        let check = |protocol: &str, endpoint: serde_json::Value| {
            let inputs = json!({"topic": "t", "protocol": protocol, "endpoint": endpoint});
            Subscription::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
        };
        for (protocol, endpoint) in [
            ("email", json!("ops@example.com")),
            ("https", json!("https://example.com/x")),
            ("sqs", json!("arn:aws:sqs:r:1:q")),
            ("lambda", json!({"$ref": "aws.lambda.function.x#/arn"})),
        ] {
            assert_eq!(check(protocol, endpoint), Ok(()), "{protocol}");
        }
        assert_eq!(
            check("email", json!("example.com")),
            Err("/endpoint".into())
        );
        assert_eq!(
            check("https", json!("http://example.com")),
            Err("/endpoint".into())
        );
        assert_eq!(check("pigeon", json!("x")), Err("/protocol".into()));
    }
}
