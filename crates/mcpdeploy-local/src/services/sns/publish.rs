//! Publish and PublishBatch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::faults::{invalid, no_topic};
use super::subscriptions::Subscription;
use super::{Sns, arn, delivery, filter, text};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault};

/// The largest message, in bytes.
const LARGEST: usize = 262_144;

/// How long a FIFO topic remembers what was published.
const REMEMBERED: Duration = Duration::minutes(5);

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// `String`, `String.Array`, `Number`, `Binary`, or one of these with a suffix.
    pub(super) kind: String,
    pub(super) text: Option<String>,
    /// In base64.
    pub(super) binary: Option<String>,
}

impl Attribute {
    /// What filter policies compare.
    pub(super) fn values(&self) -> Vec<Value> {
        let text = self.text.as_deref().unwrap_or_default();
        match self.kind.as_str() {
            "String.Array" => match serde_json::from_str(text) {
                Ok(Value::Array(items)) => items,
                Ok(item) => vec![item],
                Err(_) => Vec::new(),
            },
            kind if kind.starts_with("Number") => {
                text.parse::<f64>().map(Value::from).into_iter().collect()
            }
            kind if kind.starts_with("String") => vec![Value::from(text)],
            _ => Vec::new(),
        }
    }

    /// What those who get the message see.
    pub(super) fn output(&self) -> Value {
        json!({"Type": self.kind, "Value": self.text.as_ref().or(self.binary.as_ref())})
    }
}

/// A message.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    pub(super) subject: Option<String>,
    pub(super) text: String,
    /// `json`: the text holds a text for each protocol.
    pub(super) structure: Option<String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) id: String,
    /// Of FIFO topics.
    pub(super) sequence: Option<String>,
    at: OffsetDateTime,
}

impl Published {
    fn output(&self) -> Value {
        json!({"MessageId": self.id, "SequenceNumber": self.sequence})
    }
}

impl Message {
    fn read(input: &Value) -> Result<Self, Fault> {
        let message = Self {
            subject: text(input, "Subject").map(str::to_owned),
            text: text(input, "Message").unwrap_or_default().to_owned(),
            structure: text(input, "MessageStructure").map(str::to_owned),
            attributes: read_attributes(input)?,
            group: text(input, "MessageGroupId").map(str::to_owned),
            deduplication: text(input, "MessageDeduplicationId").map(str::to_owned),
        };
        if message.text.is_empty() {
            return Err(invalid("Empty message"));
        }
        if message.text.len() > LARGEST {
            return Err(invalid("Message too long"));
        }
        if let Some(subject) = &message.subject
            && (subject.is_empty()
                || subject.chars().count() > 100
                || subject.contains(char::is_control))
        {
            return Err(invalid("Subject"));
        }
        match message.structure.as_deref() {
            None => {}
            Some("json") => {
                let Ok(Value::Object(texts)) = serde_json::from_str(&message.text) else {
                    return Err(invalid(
                        "Message Structure - JSON message body failed to parse",
                    ));
                };
                if !texts.get("default").is_some_and(Value::is_string) {
                    return Err(invalid(
                        "Message Structure - No default entry in JSON message body",
                    ));
                }
            }
            Some(_) => return Err(invalid("MessageStructure")),
        }
        Ok(message)
    }

    /// The text for a protocol.
    pub(super) fn text_for(&self, protocol: &str) -> String {
        if self.structure.is_none() {
            return self.text.clone();
        }
        let texts: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let text = text(&texts, protocol).or_else(|| text(&texts, "default"));
        text.unwrap_or_default().to_owned()
    }
}

fn read_attributes(input: &Value) -> Result<BTreeMap<String, Attribute>, Fault> {
    let mut attributes = BTreeMap::new();
    for (name, value) in input
        .get("MessageAttributes")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let bad = |why: String| Fault::bad("ParameterValueInvalid", why);
        let kind = text(value, "DataType").unwrap_or_default();
        let attribute = Attribute {
            kind: kind.to_owned(),
            text: text(value, "StringValue").map(str::to_owned),
            binary: text(value, "BinaryValue").map(str::to_owned),
        };
        let base = kind.split('.').next().unwrap_or_default();
        let given = match base {
            "String" => attribute.text.as_deref(),
            "Number" => attribute
                .text
                .as_deref()
                .filter(|text| text.parse::<f64>().is_ok()),
            "Binary" => attribute.binary.as_deref(),
            _ => {
                return Err(bad(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                )));
            }
        };
        if given.is_none_or(str::is_empty) {
            return Err(bad(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
            )));
        }
        attributes.insert(name.clone(), attribute);
    }
    Ok(attributes)
}

impl Sns {
    pub(super) fn publish(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        if text(&call.input, "PhoneNumber").is_some() {
            return Err(Fault::absent("sns.Publish to a phone number"));
        }
        let name = if call.input.get("TopicArn").is_some() {
            "TopicArn"
        } else {
            "TargetArn"
        };
        let topic = arn(&call.input, name)?;
        let message = Message::read(&call.input)?;
        Ok(self.send(cloud, topic, message)?.output())
    }

    pub(super) fn publish_batch(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let topic = arn(&call.input, "TopicArn")?;
        let entries = call
            .input
            .get("PublishBatchRequestEntries")
            .and_then(Value::as_array);
        let entries = entries.map_or(&[][..], Vec::as_slice);
        if !self.lock().topics.contains(topic) {
            return Err(no_topic());
        }
        if entries.is_empty() {
            return Err(Fault::bad(
                "EmptyBatchRequest",
                "The batch request doesn't contain any entries.",
            ));
        }
        if entries.len() > 10 {
            return Err(Fault::bad(
                "TooManyEntriesInBatchRequest",
                "The batch request contains more entries than permissible.",
            ));
        }
        let mut ids = BTreeSet::new();
        for entry in entries {
            let id = text(entry, "Id").unwrap_or_default();
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if id.is_empty() || id.len() > 80 || !id.chars().all(fits) {
                return Err(Fault::bad(
                    "InvalidBatchEntryId",
                    "The Id of a batch entry in a batch request doesn't abide by the specification.",
                ));
            }
            if !ids.insert(id) {
                return Err(Fault::bad(
                    "BatchEntryIdsNotDistinct",
                    "Two or more batch entries in the request have the same Id.",
                ));
            }
        }
        let size: usize = entries
            .iter()
            .filter_map(|entry| text(entry, "Message"))
            .map(str::len)
            .sum();
        if size > LARGEST {
            return Err(Fault::bad(
                "BatchRequestTooLong",
                "The length of all the batch messages put together is more than the limit.",
            ));
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            let id = text(entry, "Id").unwrap_or_default();
            match Message::read(entry).and_then(|message| self.send(cloud, topic, message)) {
                Ok(published) => successful.push(json!({
                    "Id": id,
                    "MessageId": published.id,
                    "SequenceNumber": published.sequence,
                })),
                Err(fault) => failed.push(json!({
                    "Id": id,
                    "Code": fault.code,
                    "Message": fault.message,
                    "SenderFault": !fault.status.is_server_error(),
                })),
            }
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    /// Gives a message to all who want it; they get it in their own time.
    pub(super) fn send(
        &self,
        cloud: &Cloud,
        topic: &str,
        message: Message,
    ) -> Result<Published, Fault> {
        let now = cloud.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let row = state.topics.get(topic).ok_or_else(no_topic)?;
        let mut published = Published {
            id: uuid::Uuid::new_v4().to_string(),
            sequence: None,
            at: now,
        };
        if row.is_fifo() {
            if message.group.is_none() {
                return Err(invalid(
                    "The MessageGroupId parameter is required for FIFO topics",
                ));
            }
            let by_content = row.is("ContentBasedDeduplication");
            let id = match &message.deduplication {
                Some(id) => id.clone(),
                None if by_content => hex::encode(Sha256::digest(message.text.as_bytes())),
                None => {
                    return Err(invalid(
                        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
                    ));
                }
            };
            state.recent.retain(|_, known| now - known.at < REMEMBERED);
            let key = (topic.to_owned(), id);
            if let Some(known) = state.recent.get(&key) {
                return Ok(known.clone());
            }
            state.sequence += 1;
            published.sequence = Some(state.sequence.to_string());
            state.recent.insert(key, published.clone());
        } else if message.deduplication.is_some() {
            return Err(invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
            ));
        }
        let prefix = format!("{topic}:");
        let wanting: Vec<(String, Subscription)> = state
            .subscriptions
            .under(&prefix)
            .filter(|(_, subscription)| subscription.token.is_none())
            .filter(|(_, subscription)| {
                filter::passes(&subscription.attributes, &message.attributes, &message.text)
            })
            .map(|(arn, subscription)| (arn.to_owned(), subscription.clone()))
            .collect();
        drop(guard);
        for (arn, subscription) in wanting {
            delivery::deliver(
                cloud,
                &self.outbox,
                topic,
                &arn,
                &subscription,
                &message,
                &published,
            );
        }
        Ok(published)
    }
}
