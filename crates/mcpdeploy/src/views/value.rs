//! Properties and their values as people read them: names with dots, digests shortened, sizes in
//! MB, what only apply will tell, our own tags left out.

use serde_json::{Map, Value};

use super::text;
use super::words;

/// What only apply will tell.
pub(crate) const KNOWN_LATER: &str = "(known after apply)";
/// What is not there.
pub(crate) const NOT_SET: &str = "(not set)";
/// The tags by which the engine knows what is ours all begin so.
const OWNER_TAGS: &str = "mcpdeploy:";

/// A JSON pointer as a property: `/tags/team` is `tags.team`.
pub(crate) fn property(pointer: &str) -> String {
    segments(pointer)
        .map(|segment| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !segment.is_empty() && segment.chars().all(plain) {
                segment
            } else {
                Value::String(text::one_line(&segment)).to_string()
            }
        })
        .collect::<Vec<_>>()
        .join(".")
}

fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// What a property is about, in words: `/memory_mb` is about the memory.
pub(crate) fn topic(pointer: &str) -> String {
    let name = segments(pointer).next().unwrap_or_default();
    let bare = ["_mb", "_bytes", "_seconds", "_days", "_ms", "_sha256"]
        .iter()
        .find_map(|unit| name.strip_suffix(unit))
        .unwrap_or(&name);
    text::one_line(&bare.replace('_', " "))
}

/// What several properties are about, each once: "code and memory".
pub(crate) fn topics(pointers: &[String]) -> String {
    let mut topics: Vec<String> = Vec::new();
    for pointer in pointers.iter().filter(|pointer| !is_ours(pointer)) {
        let topic = topic(pointer);
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    if topics.is_empty() && !pointers.is_empty() {
        topics.push("owner tags".to_owned());
    }
    words::list(&topics)
}

/// Whether the property is one of our own tags, which nobody wants to read about.
pub(crate) fn is_ours(pointer: &str) -> bool {
    let mut segments = segments(pointer);
    segments.next().is_some_and(|first| first == "tags")
        && segments
            .next()
            .is_some_and(|key| key.starts_with(OWNER_TAGS))
}

/// Tags without our own.
pub(crate) fn without_ours(pointer: &str, value: &Value) -> Value {
    match value {
        Value::Object(tags) if pointer == "/tags" => tags
            .iter()
            .filter(|(key, _)| !key.starts_with(OWNER_TAGS))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Map<_, _>>()
            .into(),
        Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => value.clone(),
    }
}

/// Whether nothing is said by the value.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// What a value waits for, when it is not known yet: the text of `$unknown` or `$ref`.
pub(crate) fn open(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) if map.len() == 1 => {
            if map.contains_key("$join") {
                return Some("");
            }
            let to = map.get("$unknown").or_else(|| map.get("$ref"))?;
            Some(to.as_str().unwrap_or_default())
        }
        Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_) => None,
    }
}

/// The value on one line, in full.
pub(crate) fn shown(pointer: &str, value: &Value) -> String {
    if open(value).is_some() {
        return KNOWN_LATER.to_owned();
    }
    match value {
        Value::Null => NOT_SET.to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.as_u64() {
            Some(bytes) if is_size(pointer) => size(bytes),
            Some(_) | None => number.to_string(),
        },
        Value::String(text) => {
            let plain = !text.is_empty() && text.trim() == text && !text.contains('\n');
            match digest(text) {
                Some(short) => short,
                None if plain => text::clean(text).into_owned(),
                None => text::clean(&Value::String(text.clone()).to_string()).into_owned(),
            }
        }
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_array() && !item.is_object()) =>
        {
            let items: Vec<String> = items.iter().map(|item| shown(pointer, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Array(_) | Value::Object(_) => {
            text::clean(&readable(value).to_string()).into_owned()
        }
    }
}

/// The value in many lines, keys sorted: for documents.
pub(crate) fn document(value: &Value) -> String {
    // A value that was read from JSON can be written as JSON.
    serde_json::to_string_pretty(&readable(value)).unwrap_or_default()
}

/// Keys in order, and what is not known yet said in words.
fn readable(value: &Value) -> Value {
    if open(value).is_some() {
        return Value::String(KNOWN_LATER.to_owned());
    }
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            entries
                .into_iter()
                .map(|(key, value)| (key.clone(), readable(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(readable).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A SHA-256, in hexadecimal or in Base64, shortened to what tells it from another.
fn digest(text: &str) -> Option<String> {
    const SHOWN: usize = 8;
    let (prefix, digits) = match text.split_once(':') {
        Some(("sha256", digits)) => ("sha256:", digits),
        Some(_) | None => ("", text),
    };
    let hex = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let base64 = digits.len() == 44
        && digits.ends_with('=')
        && digits[..43]
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    (hex || base64).then(|| format!("{prefix}{}…", &digits[..SHOWN]))
}

fn is_size(pointer: &str) -> bool {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    last.ends_with("_bytes") || last.ends_with("_size") || ["bytes", "size"].contains(&last)
}

/// A number of bytes, as people say it.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let of = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..100_000 => format!("{:.1} kB", of(1_000)),
        100_000..1_000_000_000 => format!("{:.1} MB", of(1_000_000)),
        1_000_000_000.. => format!("{:.1} GB", of(1_000_000_000)),
    }
}

/// A time span: "0.3 s", "42 s", "3 min 5 s".
pub(crate) fn span(ms: u64) -> String {
    let tenths = ms.saturating_add(50) / 100;
    let seconds = ms.saturating_add(500) / 1_000;
    if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else if seconds < 3_600 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_and_topics() {
        let check = |pointer: &str, name: &str, about: &str| {
            assert_eq!(
                (property(pointer).as_str(), topic(pointer).as_str()),
                (name, about)
            );
        };
        check("/memory_mb", "memory_mb", "memory");
        check("/tags/team", "tags.team", "tags");
        check("/environment/a~1b", "environment.\"a/b\"", "environment");
        check(
            "/assume_role_policy/Statement",
            "assume_role_policy.Statement",
            "assume role policy",
        );
        let pointers = ["/code", "/memory_mb", "/tags/mcpdeploy:address"].map(str::to_owned);
        assert_eq!(topics(&pointers), "code and memory");
        assert_eq!(topics(&pointers[2..]), "owner tags");
    }

    #[test]
    fn values() {
        let hex = "9f2c41be9f2c41be9f2c41be9f2c41be9f2c41be9f2c41be9f2c41be9f2c41be";
        let check = |pointer: &str, value: Value, expected: &str| {
            assert_eq!(shown(pointer, &value), expected, "{value}");
        };
        check("/memory_mb", json!(512), "512");
        check("/code_size", json!(2_718_281), "2.7 MB");
        check("/code", json!(format!("sha256:{hex}")), "sha256:9f2c41be…");
        check("/code", json!(hex), "9f2c41be…");
        check(
            "/code",
            json!("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
            "47DEQpj8…",
        );
        check(
            "/role",
            json!({"$unknown": "aws.iam.role.exec#/arn"}),
            KNOWN_LATER,
        );
        check("/name", json!(""), "\"\"");
        check("/name", json!("a\nb"), "\"a\\nb\"");
        check("/name", json!("a\u{1b}[2J"), "a\\u{1b}[2J");
        check("/origins", json!(["a", "b"]), "[a, b]");
        check(
            "/x",
            json!({"b": {"$ref": "a.b.c#/d"}, "a": [1]}),
            r#"{"a":[1],"b":"(known after apply)"}"#,
        );
        check("/x", Value::Null, NOT_SET);
    }

    #[test]
    fn spans_and_sizes() {
        for (ms, expected) in [
            (0, "0.0 s"),
            (349, "0.3 s"),
            (9_780, "9.8 s"),
            (59_949, "59.9 s"),
            (59_951, "1 min 0 s"),
            (185_000, "3 min 5 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(span(ms), expected);
        }
        for (bytes, expected) in [
            (12, "12 bytes"),
            (1_500, "1.5 kB"),
            (500_000, "0.5 MB"),
            (2_700_000, "2.7 MB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
