//! Members of inputs. Three protocols lead here: CBOR and JSON have numbers, booleans and moments,
//! the query protocol has nothing but text.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::faults::{invalid_value, missing};
use crate::wire::Fault;

/// A member as text; numbers are no text.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

/// A member as text that must be there. `path` is how the fault names it.
pub(super) fn required<'a>(input: &'a Value, name: &str, path: &str) -> Result<&'a str, Fault> {
    match text(input, name) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(missing(path)),
    }
}

/// A number of any kind. CBOR's NaN and infinities come as null, which is NaN here.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null => Some(f64::NAN),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A member as a number.
pub(super) fn double(input: &Value, name: &str) -> Result<Option<f64>, Fault> {
    let malformed = || invalid_value(format!("The value for parameter {name} is not a number."));
    let value = input
        .get(name)
        .map(|value| number(value).ok_or_else(malformed));
    value.transpose()
}

/// A member as a whole number.
pub(super) fn integer(input: &Value, name: &str) -> Result<Option<i64>, Fault> {
    let malformed = || invalid_value(format!("The value for parameter {name} is not an integer."));
    let value = match input.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    value.map(Some).ok_or_else(malformed)
}

/// A member as yes or no.
pub(super) fn flag(input: &Value, name: &str) -> Option<bool> {
    match input.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => Some(text.eq_ignore_ascii_case("true")),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A member as a list; what is no list is an empty one.
pub(super) fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    let list = input.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A member as a list of texts.
pub(super) fn texts(input: &Value, name: &str) -> Vec<String> {
    let items = list(input, name).iter();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A member as a moment, in milliseconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is too large for a moment becomes the last one, and is refused as such"
)]
pub(super) fn moment(input: &Value, name: &str) -> Result<Option<i64>, Fault> {
    let malformed = || {
        invalid_value(format!(
            "The value for parameter {name} is not a timestamp."
        ))
    };
    let value = match input.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(at) => Some(millis(at)),
            Err(_) => text
                .parse()
                .ok()
                .map(|seconds: f64| (seconds * 1000.0).round() as i64),
        },
        Some(other) => number(other)
            .filter(|seconds| seconds.is_finite())
            .map(|seconds| (seconds * 1000.0).round() as i64),
    };
    value.map(Some).ok_or_else(malformed)
}

/// Milliseconds since 1970.
pub(super) fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// A moment given in milliseconds since 1970.
pub(super) fn at(millis: i64) -> OffsetDateTime {
    let nanos = i128::from(millis) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A moment given in milliseconds since 1970, for an output.
pub(super) fn output_moment(millis: i64) -> Value {
    crate::wire::time(at(millis))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_of_all_protocols_read_alike() {
        let typed = json!({"N": 2.5, "I": 3, "F": true, "T": 1.5, "L": ["a"]});
        let texts_only =
            json!({"N": "2.5", "I": "3", "F": "true", "T": "1970-01-01T00:00:01.5Z", "L": ["a"]});
        for input in [typed, texts_only] {
            assert_eq!(double(&input, "N"), Ok(Some(2.5)));
            assert_eq!(integer(&input, "I"), Ok(Some(3)));
            assert_eq!(flag(&input, "F"), Some(true));
            assert_eq!(moment(&input, "T"), Ok(Some(1500)));
            assert_eq!(texts(&input, "L"), ["a"]);
            assert_eq!(double(&input, "None"), Ok(None));
        }
        let wrong = json!({"N": "x", "I": 1.5, "T": "yesterday", "L": ""});
        assert!(double(&wrong, "N").is_err());
        assert!(integer(&wrong, "I").is_err());
        assert!(moment(&wrong, "T").is_err());
        assert!(list(&wrong, "L").is_empty());
    }
}
