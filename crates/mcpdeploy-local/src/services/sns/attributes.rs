//! Attributes of topics and subscriptions: which there are, and what they may hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::faults::invalid;
use super::filter;
use crate::cloud::ACCOUNT;
use crate::wire::Fault;

/// A map of texts.
pub(super) fn read_map(input: &Value, name: &str) -> BTreeMap<String, String> {
    let entries = input.get(name).and_then(Value::as_object);
    let entries = entries.into_iter().flatten();
    entries
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Faults when a topic has no such attribute, or it cannot be this (SetTopicAttributes).
pub(super) fn check_topic(name: &str, value: &str) -> Result<(), Fault> {
    let fits = match name {
        "DisplayName" => value.chars().count() <= 100,
        "Policy" => {
            if !value.is_empty() && !is_object(value) {
                return Err(invalid("Policy Error: null"));
            }
            true
        }
        "DeliveryPolicy" | "ArchivePolicy" => value.is_empty() || is_object(value),
        "FifoTopic" | "ContentBasedDeduplication" => ["true", "false"].contains(&value),
        "TracingConfig" => ["PassThrough", "Active"].contains(&value),
        "SignatureVersion" => ["1", "2"].contains(&value),
        "FifoThroughputScope" => ["Topic", "MessageGroup"].contains(&value),
        "KmsMasterKeyId" => true,
        name => {
            // Who notes how deliveries went: LambdaSuccessFeedbackRoleArn and so on.
            let known = ["Application", "Firehose", "HTTP", "Lambda", "SQS"]
                .iter()
                .any(|protocol| {
                    let rest = name.strip_prefix(protocol);
                    rest.is_some_and(|rest| {
                        [
                            "SuccessFeedbackRoleArn",
                            "SuccessFeedbackSampleRate",
                            "FailureFeedbackRoleArn",
                        ]
                        .contains(&rest)
                    })
                });
            if !known {
                return Err(invalid("AttributeName"));
            }
            true
        }
    };
    if fits {
        Ok(())
    } else {
        Err(invalid(&format!(
            "Attributes Reason: {name}: invalid value"
        )))
    }
}

/// Faults when a subscription has no such attribute, or it cannot be this (SetSubscriptionAttributes).
pub(super) fn check_subscription(protocol: &str, name: &str, value: &str) -> Result<(), Fault> {
    match name {
        "RawMessageDelivery" => match value.to_ascii_lowercase().as_str() {
            "true" if !["sqs", "http", "https", "firehose"].contains(&protocol) => {
                Err(invalid(&format!(
                    "Attributes Reason: Delivery protocol [{protocol}] does not support raw message delivery."
                )))
            }
            "true" | "false" => Ok(()),
            _ => Err(invalid(
                "Attributes Reason: RawMessageDelivery: Invalid value. Must be true or false.",
            )),
        },
        "FilterPolicy" => filter::check(value),
        "FilterPolicyScope" => match value {
            "MessageAttributes" | "MessageBody" => Ok(()),
            _ => Err(invalid(&format!(
                "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
            ))),
        },
        "DeliveryPolicy" | "RedrivePolicy" | "ReplayPolicy"
            if value.is_empty() || is_object(value) =>
        {
            Ok(())
        }
        "DeliveryPolicy" | "RedrivePolicy" | "ReplayPolicy" => {
            Err(invalid(&format!("{name}: failed to parse JSON.")))
        }
        "SubscriptionRoleArn" => Ok(()),
        _ => Err(invalid("AttributeName")),
    }
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

/// The policy that SNS gives a topic of its own accord: the account itself may do anything.
pub(super) fn default_policy(arn: &str) -> String {
    let actions = [
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions.map(|action| format!("SNS:{action}")),
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
        }],
    })
    .to_string()
}

/// How AWS delivers to web endpoints when nobody says otherwise.
pub(super) fn default_delivery() -> String {
    json!({
        "http": {
            "defaultHealthyRetryPolicy": {
                "minDelayTarget": 20,
                "maxDelayTarget": 20,
                "numRetries": 3,
                "numMaxDelayRetries": 0,
                "numNoDelayRetries": 0,
                "numMinDelayRetries": 0,
                "backoffFunction": "linear",
            },
            "disableSubscriptionOverrides": false,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        },
    })
    .to_string()
}
