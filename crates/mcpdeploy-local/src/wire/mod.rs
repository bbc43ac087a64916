//! What goes over the wire: which service and operation a request means, in which protocol, and how
//! answers and faults are written in it.
//!
//! Inputs and outputs are JSON values whatever the protocol. Two kinds of value that JSON does not
//! have are marked: [`time`] and [`map`].

mod call;
mod cbor;
mod fault;
mod query;
mod reply;
mod xml;

pub(crate) use call::{Call, Protocol, ServiceId, Unreadable};
pub(crate) use fault::Fault;
pub(crate) use reply::{Body, Content, Reply, full};

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use serde_json::{Value, json};

const TIME: &str = "$time";
const MAP: &str = "$map";

/// A moment: seconds since 1970 in JSON and CBOR, ISO 8601 in XML.
pub(crate) fn time(at: OffsetDateTime) -> Value {
    json!({ TIME: seconds(at) })
}

/// Seconds since 1970, to the millisecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit into 52 bits"
)]
pub(crate) fn seconds(at: OffsetDateTime) -> f64 {
    ((at.unix_timestamp_nanos() / 1_000_000) as f64) / 1000.0
}

/// ISO 8601 to the second or, where there are any, the millisecond: `2026-01-02T03:04:05Z`.
pub(crate) fn iso(at: OffsetDateTime) -> String {
    let whole = at
        .replace_nanosecond(at.millisecond() as u32 * 1_000_000)
        .unwrap_or(at);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// A map with free keys, which XML writes otherwise than a structure.
pub(crate) fn map(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    json!({ MAP: Value::Object(entries.into_iter().collect()) })
}

/// A list whose items repeat the element of the list in XML, as S3's do.
pub(crate) fn flat(items: impl IntoIterator<Item = Value>) -> Value {
    json!({ xml::FLAT: items.into_iter().collect::<Vec<_>>() })
}

/// A value without its marks: as JSON has it.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut fields) if fields.len() == 1 => {
            if let Some(seconds) = fields.remove(TIME) {
                return seconds;
            }
            if let Some(entries) = fields.remove(MAP) {
                return plain(entries);
            }
            Value::Object(fields.into_iter().map(|(k, v)| (k, plain(v))).collect())
        }
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(k, v)| (k, plain(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}
