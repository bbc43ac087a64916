//! SNS: topics, subscriptions, and what is published.
//!
//! Functions and plain web endpoints really get messages. Nothing here sends mail: what would be
//! mailed is written to `sns/outbox.jsonl` in the data folder, confirmations included.

mod attributes;
mod delivery;
mod faults;
mod filter;
mod listing;
mod publish;
mod subscriptions;
mod tags;
mod topics;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};
use publish::{Message, Published};
use subscriptions::Subscription;
use topics::Topic;

/// The service.
#[derive(Debug)]
pub(crate) struct Sns {
    state: Mutex<State>,
    /// What would have been mailed: a line of JSON each.
    outbox: PathBuf,
}

#[derive(Debug)]
struct State {
    /// By ARN.
    topics: Collection<Topic>,
    /// By ARN, which starts with the topic's.
    subscriptions: Collection<Subscription>,
    /// What was published to FIFO topics lately, by topic and deduplication id.
    recent: HashMap<(String, String), Published>,
    /// Counts the messages of FIFO topics.
    sequence: u128,
}

impl Sns {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            state: Mutex::new(State {
                topics: storage.collection("sns.topics")?,
                subscriptions: storage.collection("sns.subscriptions")?,
                recent: HashMap::new(),
                sequence: 10_000_000_000_000_000_000,
            }),
            outbox: storage.folder("sns")?.join("outbox.jsonl"),
        })
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let output = match call.operation.as_str() {
            "CreateTopic" => self.create_topic(call)?,
            "DeleteTopic" => self.delete_topic(call)?,
            "GetTopicAttributes" => self.get_topic_attributes(call)?,
            "SetTopicAttributes" => self.set_topic_attributes(call)?,
            "ListTopics" => self.list_topics(call)?,
            "Subscribe" => self.subscribe(cloud, call)?,
            "ConfirmSubscription" => self.confirm(call)?,
            "Unsubscribe" => self.unsubscribe(call)?,
            "GetSubscriptionAttributes" => self.get_subscription_attributes(call)?,
            "SetSubscriptionAttributes" => self.set_subscription_attributes(call)?,
            "ListSubscriptions" => self.list_subscriptions(call)?,
            "ListSubscriptionsByTopic" => self.list_subscriptions_by_topic(call)?,
            "Publish" => self.publish(cloud, call)?,
            "PublishBatch" => self.publish_batch(cloud, call)?,
            "ListTagsForResource" => self.list_tags(call)?,
            "TagResource" => self.tag(call)?,
            "UntagResource" => self.untag(call)?,
            other => return Err(Fault::absent(format!("sns.{other}"))),
        };
        // Some operations answer nothing but that they were done.
        Ok(Reply::output(output))
    }

    /// Publishes to a topic on behalf of a service, e.g. an alarm.
    ///
    /// # Errors
    /// `NotFound` when there is no such topic.
    pub(crate) fn notify(
        &self,
        cloud: &Cloud,
        topic: &str,
        subject: &str,
        message: &str,
    ) -> Result<(), Fault> {
        let message = Message {
            // Longer subjects would be refused (Publish).
            subject: Some(subject.chars().take(100).collect()),
            text: message.to_owned(),
            ..Message::default()
        };
        self.send(cloud, topic, message).map(|_| ())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A member as text.
fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

/// A member as text that must be there.
fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, Fault> {
    text(input, name)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| faults::invalid(name))
}

/// A member as an ARN.
fn arn<'a>(input: &'a Value, name: &str) -> Result<&'a str, Fault> {
    let arn = required(input, name)?;
    let elements = arn.split(':').count();
    if elements < 6 {
        return Err(faults::invalid(&format!(
            "{name} Reason: An ARN must have at least 6 elements, not {elements}"
        )));
    }
    Ok(arn)
}
