//! Subscriptions: who is told of what a topic publishes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attributes::{check_subscription, default_delivery, read_map};
use super::delivery::{self, Confirmation};
use super::faults::{invalid, no_subscription, no_topic};
use super::{Sns, arn, required, text};
use crate::cloud::{ACCOUNT, Cloud};
use crate::wire::{Call, Fault, map};

/// A subscription's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// What somebody set.
    pub(super) attributes: BTreeMap<String, String>,
    /// Confirms it; gone when it is confirmed.
    pub(super) token: Option<String>,
}

fn check_endpoint(protocol: &str, endpoint: &str) -> Result<(), Fault> {
    match protocol {
        "email" | "email-json" => match endpoint.split_once('@') {
            Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(()),
            _ => Err(invalid("Email address")),
        },
        "http" | "https" if endpoint.starts_with(&format!("{protocol}://")) => Ok(()),
        "http" | "https" => Err(invalid("Endpoint must match the specified protocol")),
        "lambda" if endpoint.starts_with("arn:") && endpoint.contains(":lambda:") => Ok(()),
        "lambda" => Err(invalid("Lambda endpoint ARN")),
        // Whether there is such a queue is not looked at on AWS either.
        "sqs" if endpoint.starts_with("arn:") && endpoint.contains(":sqs:") => Ok(()),
        "sqs" => Err(invalid("SQS endpoint ARN")),
        "sms" | "firehose" | "application" => Err(Fault::absent(format!(
            "sns.Subscribe with the protocol {protocol}"
        ))),
        other => Err(invalid(&format!(
            "Amazon SNS does not support this protocol string: {other}"
        ))),
    }
}

impl Sns {
    pub(super) fn subscribe(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = &call.input;
        let topic = arn(input, "TopicArn")?;
        let protocol = required(input, "Protocol")?;
        let endpoint = text(input, "Endpoint").unwrap_or_default();
        check_endpoint(protocol, endpoint)?;
        let attributes = read_map(input, "Attributes");
        for (name, value) in &attributes {
            check_subscription(protocol, name, value)?;
        }
        let tell_arn = text(input, "ReturnSubscriptionArn").is_some_and(|flag| flag == "true");
        let mut state = self.lock();
        if !state.topics.contains(topic) {
            return Err(no_topic());
        }
        let prefix = format!("{topic}:");
        let known = state
            .subscriptions
            .under(&prefix)
            .find(|(_, known)| known.protocol == protocol && known.endpoint == endpoint);
        let (arn, subscription) = match known {
            // Again: the same; who has not confirmed is asked again.
            Some((arn, known)) => (arn.to_owned(), known.clone()),
            None => {
                let asks = !["lambda", "sqs"].contains(&protocol);
                let token = || {
                    format!(
                        "{}{}",
                        uuid::Uuid::new_v4().simple(),
                        uuid::Uuid::new_v4().simple()
                    )
                };
                let subscription = Subscription {
                    protocol: protocol.to_owned(),
                    endpoint: endpoint.to_owned(),
                    attributes,
                    token: asks.then(token),
                };
                let arn = format!("{topic}:{}", uuid::Uuid::new_v4());
                state.subscriptions.put(&arn, subscription.clone())?;
                (arn, subscription)
            }
        };
        drop(state);
        let pending = subscription.token.is_some();
        if let Some(token) = subscription.token {
            let confirmation = Confirmation {
                topic: topic.to_owned(),
                token,
            };
            delivery::ask(cloud, &self.outbox, protocol, endpoint, confirmation);
        }
        let shown = if pending && !tell_arn {
            "pending confirmation"
        } else {
            &arn
        };
        Ok(json!({"SubscriptionArn": shown}))
    }

    pub(super) fn confirm(&self, call: &Call) -> Result<Value, Fault> {
        let topic = arn(&call.input, "TopicArn")?;
        let token = required(&call.input, "Token")?;
        let mut state = self.lock();
        if !state.topics.contains(topic) {
            return Err(no_topic());
        }
        let prefix = format!("{topic}:");
        let found = state
            .subscriptions
            .under(&prefix)
            .find(|(_, subscription)| subscription.token.as_deref() == Some(token));
        let arn = found
            .map(|(arn, _)| arn.to_owned())
            .ok_or_else(|| invalid("Token"))?;
        state
            .subscriptions
            .update(&arn, |subscription| subscription.token = None)?;
        Ok(json!({"SubscriptionArn": arn}))
    }

    /// No error when there is none.
    pub(super) fn unsubscribe(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "SubscriptionArn")?;
        let mut state = self.lock();
        let Some(subscription) = state.subscriptions.get(arn) else {
            return Ok(json!({}));
        };
        if subscription.token.is_some() {
            return Err(invalid(
                "SubscriptionArn Reason: This subscription is pending confirmation",
            ));
        }
        state.subscriptions.remove(arn)?;
        if let Some((topic, _)) = arn.rsplit_once(':') {
            state.topics.update(topic, |topic| topic.deleted += 1)?;
        }
        Ok(json!({}))
    }

    pub(super) fn get_subscription_attributes(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "SubscriptionArn")?;
        let state = self.lock();
        let subscription = state.subscriptions.get(arn).ok_or_else(no_subscription)?;
        let topic = arn.rsplit_once(':').map_or(arn, |(topic, _)| topic);
        let pending = subscription.token.is_some();
        let mut attributes: BTreeMap<&str, String> = BTreeMap::from([
            ("SubscriptionArn", arn.to_owned()),
            ("TopicArn", topic.to_owned()),
            ("Owner", ACCOUNT.to_owned()),
            ("Protocol", subscription.protocol.clone()),
            ("Endpoint", subscription.endpoint.clone()),
            ("RawMessageDelivery", "false".to_owned()),
            ("PendingConfirmation", pending.to_string()),
            ("ConfirmationWasAuthenticated", (!pending).to_string()),
            (
                "SubscriptionPrincipal",
                format!("arn:aws:iam::{ACCOUNT}:root"),
            ),
        ]);
        if subscription.protocol.starts_with("http") {
            attributes.insert("EffectiveDeliveryPolicy", default_delivery());
        }
        if subscription.attributes.contains_key("FilterPolicy") {
            attributes.insert("FilterPolicyScope", "MessageAttributes".to_owned());
        }
        attributes.extend(
            subscription
                .attributes
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        );
        let attributes = attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)));
        Ok(json!({"Attributes": map(attributes)}))
    }

    pub(super) fn set_subscription_attributes(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "SubscriptionArn")?;
        let name = required(&call.input, "AttributeName")?;
        let value = text(&call.input, "AttributeValue").unwrap_or_default();
        let mut state = self.lock();
        let subscription = state.subscriptions.get(arn).ok_or_else(no_subscription)?;
        check_subscription(&subscription.protocol, name, value)?;
        let mut changed = subscription.clone();
        // An empty policy is none.
        let none = value.is_empty() || name == "FilterPolicy" && value == "{}";
        if none {
            changed.attributes.remove(name);
        } else {
            changed.attributes.insert(name.to_owned(), value.to_owned());
        }
        state.subscriptions.put(arn, changed)?;
        Ok(json!({}))
    }
}
