//! Topics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attributes::{check_topic, default_delivery, default_policy, read_map};
use super::faults::{invalid, no_topic};
use super::{Sns, State, arn, required, tags, text};
use crate::cloud::ACCOUNT;
use crate::wire::{Call, Fault, map};

/// A topic's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Topic {
    /// What somebody set.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    /// How many subscriptions were removed.
    pub(super) deleted: u64,
}

impl Topic {
    /// Whether its messages are in order and come once.
    pub(super) fn is_fifo(&self) -> bool {
        self.is("FifoTopic")
    }

    /// Whether an attribute is `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.attributes
            .get(name)
            .is_some_and(|value| value == "true")
    }
}

fn check_name(name: &str, fifo: bool) -> Result<(), Fault> {
    let stem = match (name.strip_suffix(".fifo"), fifo) {
        (Some(stem), true) => Some(stem),
        (None, false) => Some(name),
        (Some(_), false) | (None, true) => None,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if stem.is_some_and(|stem| !stem.is_empty() && stem.chars().all(fits)) && name.len() <= 256 {
        return Ok(());
    }
    let names = if fifo {
        "Fifo Topic names must end with .fifo and"
    } else {
        "Topic names"
    };
    Err(invalid(&format!(
        "Topic Name Reason: {names} must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
    )))
}

impl Sns {
    pub(super) fn create_topic(&self, call: &Call) -> Result<Value, Fault> {
        let name = required(&call.input, "Name")?;
        let attributes = read_map(&call.input, "Attributes");
        if call.input.get("DataProtectionPolicy").is_some() {
            return Err(Fault::absent("sns.CreateTopic with DataProtectionPolicy"));
        }
        let fifo = attributes
            .get("FifoTopic")
            .is_some_and(|value| value == "true");
        check_name(name, fifo)?;
        for (name, value) in &attributes {
            check_topic(name, value)?;
        }
        let tags = tags::read(&call.input)?;
        let arn = format!("arn:aws:sns:{}:{ACCOUNT}:{name}", call.region);
        let mut state = self.lock();
        if let Some(known) = state.topics.get(&arn) {
            let same = attributes.iter().all(|(name, value)| {
                let known = known.attributes.get(name).map_or("", String::as_str);
                known == value || *name == "FifoTopic" && value == "false"
            });
            if !same {
                return Err(invalid(
                    "Attributes Reason: Topic already exists with different attributes",
                ));
            }
            if tags
                .iter()
                .any(|(key, value)| known.tags.get(key) != Some(value))
            {
                return Err(invalid(
                    "Tags Reason: Topic already exists with different tags",
                ));
            }
            return Ok(json!({"TopicArn": arn}));
        }
        let topic = Topic {
            attributes,
            tags,
            deleted: 0,
        };
        state.topics.put(&arn, topic)?;
        Ok(json!({"TopicArn": arn}))
    }

    /// No error when there is none.
    pub(super) fn delete_topic(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "TopicArn")?;
        let mut state = self.lock();
        for subscription in state.subscriptions_of(arn) {
            state.subscriptions.remove(&subscription)?;
        }
        state.topics.remove(arn)?;
        Ok(json!({}))
    }

    pub(super) fn get_topic_attributes(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "TopicArn")?;
        let state = self.lock();
        let topic = state.topics.get(arn).ok_or_else(no_topic)?;
        let mut pending = 0;
        let mut confirmed = 0;
        for key in state.subscriptions_of(arn) {
            match state.subscriptions.get(&key) {
                Some(subscription) if subscription.token.is_some() => pending += 1,
                Some(_) => confirmed += 1,
                None => {}
            }
        }
        let mut attributes = BTreeMap::from([
            ("TopicArn".to_owned(), arn.to_owned()),
            ("Owner".to_owned(), ACCOUNT.to_owned()),
            ("DisplayName".to_owned(), String::new()),
            ("Policy".to_owned(), default_policy(arn)),
            ("SubscriptionsPending".to_owned(), pending.to_string()),
            ("SubscriptionsConfirmed".to_owned(), confirmed.to_string()),
            ("SubscriptionsDeleted".to_owned(), topic.deleted.to_string()),
            ("EffectiveDeliveryPolicy".to_owned(), default_delivery()),
        ]);
        if topic.is_fifo() {
            attributes.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
        }
        attributes.extend(topic.attributes.clone());
        let attributes = attributes
            .into_iter()
            .map(|(name, value)| (name, json!(value)));
        Ok(json!({"Attributes": map(attributes)}))
    }

    pub(super) fn set_topic_attributes(&self, call: &Call) -> Result<Value, Fault> {
        let arn = arn(&call.input, "TopicArn")?;
        let name = required(&call.input, "AttributeName")?;
        let value = text(&call.input, "AttributeValue").unwrap_or_default();
        check_topic(name, value)?;
        if name == "FifoTopic" {
            return Err(invalid("AttributeName"));
        }
        let changed = self.lock().topics.update(arn, |topic| {
            if value.is_empty() {
                topic.attributes.remove(name);
            } else {
                topic.attributes.insert(name.to_owned(), value.to_owned());
            }
        })?;
        changed.ok_or_else(no_topic)?;
        Ok(json!({}))
    }
}

impl State {
    /// The ARNs of a topic's subscriptions.
    pub(super) fn subscriptions_of(&self, topic: &str) -> Vec<String> {
        let prefix = format!("{topic}:");
        self.subscriptions
            .under(&prefix)
            .map(|(arn, _)| arn.to_owned())
            .collect()
    }
}
