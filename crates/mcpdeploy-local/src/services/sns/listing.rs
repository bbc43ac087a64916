//! Lists of topics and subscriptions, in pages.

use serde_json::{Value, json};

use super::faults::{invalid, no_topic};
use super::subscriptions::Subscription;
use super::{Sns, arn, text};
use crate::cloud::ACCOUNT;
use crate::wire::{Call, Fault};

/// How many are on a page.
const PAGE: usize = 100;

/// What a list shows in the place of an unconfirmed subscription's ARN.
const PENDING: &str = "PendingConfirmation";

/// Rows with their keys, and the token of the next page.
type Page<'a, T> = (Vec<(&'a str, T)>, Option<String>);

/// A page of those behind the token, which is the key of the last one before.
fn page<'a, T>(
    call: &Call,
    prefix: &str,
    all: impl Iterator<Item = (&'a str, T)>,
) -> Result<Page<'a, T>, Fault> {
    let after = text(&call.input, "NextToken").filter(|token| !token.is_empty());
    if after.is_some_and(|after| !after.starts_with(prefix)) {
        return Err(invalid("NextToken"));
    }
    let mut found = all.filter(|(key, _)| after.is_none_or(|after| *key > after));
    let page: Vec<_> = found.by_ref().take(PAGE).collect();
    let next = found
        .next()
        .and(page.last())
        .map(|(key, _)| (*key).to_owned());
    Ok((page, next))
}

fn output(arn: &str, subscription: &Subscription) -> Value {
    let topic = arn.rsplit_once(':').map_or(arn, |(topic, _)| topic);
    json!({
        "SubscriptionArn": if subscription.token.is_some() { PENDING } else { arn },
        "Owner": ACCOUNT,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": topic,
    })
}

impl Sns {
    pub(super) fn list_topics(&self, call: &Call) -> Result<Value, Fault> {
        let prefix = format!("arn:aws:sns:{}:", call.region);
        let state = self.lock();
        let (page, next) = page(call, &prefix, state.topics.under(&prefix))?;
        let topics: Vec<Value> = page
            .iter()
            .map(|(arn, _)| json!({"TopicArn": arn}))
            .collect();
        Ok(json!({"Topics": topics, "NextToken": next}))
    }

    pub(super) fn list_subscriptions(&self, call: &Call) -> Result<Value, Fault> {
        self.list(call, &format!("arn:aws:sns:{}:", call.region))
    }

    pub(super) fn list_subscriptions_by_topic(&self, call: &Call) -> Result<Value, Fault> {
        let topic = arn(&call.input, "TopicArn")?;
        if !self.lock().topics.contains(topic) {
            return Err(no_topic());
        }
        self.list(call, &format!("{topic}:"))
    }

    fn list(&self, call: &Call, prefix: &str) -> Result<Value, Fault> {
        let state = self.lock();
        let (page, next) = page(call, prefix, state.subscriptions.under(prefix))?;
        let list: Vec<Value> = page
            .iter()
            .map(|(arn, subscription)| output(arn, subscription))
            .collect();
        Ok(json!({"Subscriptions": list, "NextToken": next}))
    }
}
