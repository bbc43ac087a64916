//! Smithy's RPC protocol in CBOR, which the Rust SDK speaks to CloudWatch.

use ciborium::value::{Integer, Value as Cbor};
use serde_json::{Map, Number, Value};

use super::{MAP, TIME};

/// The tag of a moment: seconds since 1970 (RFC 8949, 3.4.2).
const EPOCH: u64 = 1;

/// Reads an input. Moments become seconds since 1970; an empty body is an empty structure.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Object(Map::new()));
    }
    let value: Cbor = ciborium::from_reader(bytes).ok()?;
    from_cbor(value)
}

fn from_cbor(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Integer(number) => {
            let number = i128::from(number);
            Value::Number(match u64::try_from(number) {
                Ok(positive) => positive.into(),
                Err(_) => i64::try_from(number).ok()?.into(),
            })
        }
        Cbor::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bytes(bytes) => {
            use base64::Engine;
            Value::String(base64::prelude::BASE64_STANDARD.encode(bytes))
        }
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Null => Value::Null,
        Cbor::Tag(_, inner) => from_cbor(*inner)?,
        Cbor::Array(items) => {
            Value::Array(items.into_iter().map(from_cbor).collect::<Option<_>>()?)
        }
        Cbor::Map(entries) => {
            let mut fields = Map::new();
            for (key, value) in entries {
                fields.insert(key.into_text().ok()?, from_cbor(value)?);
            }
            Value::Object(fields)
        }
        _ => return None,
    })
}

/// Writes an output.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing into memory cannot fail.
    drop(ciborium::into_writer(&to_cbor(value), &mut out));
    out
}

fn to_cbor(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Cbor::Integer(Integer::from(number)),
            (None, Some(number)) => Cbor::Integer(Integer::from(number)),
            (None, None) => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(to_cbor).collect()),
        Value::Object(fields) => {
            if let Some(seconds) = fields.get(TIME).and_then(Value::as_f64) {
                return Cbor::Tag(EPOCH, Box::new(Cbor::Float(seconds)));
            }
            let fields = match fields.get(MAP) {
                Some(Value::Object(entries)) => entries,
                _ => fields,
            };
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Cbor::Map(
                kept.map(|(k, v)| (Cbor::Text(k.clone()), to_cbor(v)))
                    .collect(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let value = json!({
            "N": 1, "Neg": -2, "F": 0.5, "T": "x", "L": [true, null], "M": {"a": "b"},
            "At": super::super::time(OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1500)),
        });
        let read = decode(&encode(&value)).unwrap();
        assert_eq!(
            read,
            json!({
                "N": 1, "Neg": -2, "F": 0.5, "T": "x", "L": [true, null], "M": {"a": "b"},
                "At": 1.5,
            })
        );
        assert_eq!(decode(b""), Some(json!({})));
        assert_eq!(decode(b"\xff\xff"), None);
    }
}
