//! The `${…}` of a file's strings.

use serde_json::{Map, Value};

use super::{Reference, join, push_pointer};
use crate::address::Address;

/// Reads the `${kind.name.output}` of a file's strings into references and joins; `$${` is a
/// literal `${`.
///
/// The first path segment after the address's name is the output; further segments go into it.
/// `is_kind` tells which dotted prefixes are kinds.
///
/// # Errors
/// When a reference is not closed or names no kind that exists.
pub fn parse_interpolation(
    text: &str,
    is_kind: &dyn Fn(&str) -> bool,
) -> Result<Value, InterpolationError> {
    let mut parts: Vec<Value> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let end = after
                .find('}')
                .ok_or_else(|| InterpolationError::Open(after.to_owned()))?;
            if !literal.is_empty() {
                parts.push(Value::String(std::mem::take(&mut literal)));
            }
            parts.push(parse_path(after[..end].trim(), is_kind)?.to_value());
            rest = &after[end + 1..];
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if parts.is_empty() {
        return Ok(Value::String(literal));
    }
    if !literal.is_empty() {
        parts.push(Value::String(literal));
    }
    match <[Value; 1]>::try_from(parts) {
        Ok([only]) => Ok(only),
        Err(parts) => Ok(join(parts)),
    }
}

/// Reads the interpolations of every string inside a value; see [`parse_interpolation`].
///
/// # Errors
/// The first mistake, with the JSON pointer of the string it stands in.
pub fn interpolate(
    value: &Value,
    is_kind: &dyn Fn(&str) -> bool,
) -> Result<Value, (String, InterpolationError)> {
    fn go(
        value: &Value,
        at: &mut String,
        is_kind: &dyn Fn(&str) -> bool,
    ) -> Result<Value, (String, InterpolationError)> {
        let len = at.len();
        let result = match value {
            Value::String(text) => {
                parse_interpolation(text, is_kind).map_err(|e| (at.clone(), e))?
            }
            Value::Object(map) => {
                let mut out = Map::new();
                for (key, value) in map {
                    push_pointer(at, key);
                    out.insert(key.clone(), go(value, at, is_kind)?);
                    at.truncate(len);
                }
                Value::Object(out)
            }
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, value) in items.iter().enumerate() {
                    push_pointer(at, &index.to_string());
                    out.push(go(value, at, is_kind)?);
                    at.truncate(len);
                }
                Value::Array(out)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        };
        Ok(result)
    }
    go(value, &mut String::new(), is_kind)
}

fn parse_path(path: &str, is_kind: &dyn Fn(&str) -> bool) -> Result<Reference, InterpolationError> {
    let segments: Vec<&str> = path.split('.').collect();
    // The longest prefix that is a kind wins, so that kinds may nest.
    for split in (1..segments.len().saturating_sub(1)).rev() {
        let kind = segments[..split].join(".");
        if !is_kind(&kind) {
            continue;
        }
        let address = Address::new(&kind, segments[split])
            .map_err(|_| InterpolationError::Path(path.to_owned()))?;
        let mut pointer = String::new();
        for segment in &segments[split + 1..] {
            push_pointer(&mut pointer, segment);
        }
        return Ok(Reference::new(address, pointer));
    }
    Err(InterpolationError::Path(path.to_owned()))
}

/// A mistake in a `${…}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpolationError {
    /// The closing brace is missing.
    #[error("`${{{0}` is not closed by `}}`")]
    Open(String),
    /// What stands inside is no `<kind>.<name>.<output>`.
    #[error(
        "`${{{0}}}` does not refer to an output: it takes the form ${{<kind>.<name>.<output>}}, e.g. ${{aws.iam.role.exec.arn}}"
    )]
    Path(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(kind: &str) -> bool {
        ["aws.iam.role", "mcpdeploy.data"].contains(&kind)
    }

    #[test]
    fn interpolations() {
        let check = |text: &str, expected: Value| {
            assert_eq!(parse_interpolation(text, &kinds), Ok(expected), "{text}");
        };
        check("plain", json!("plain"));
        check("cost: 5$ or $5", json!("cost: 5$ or $5"));
        check("$${literal}", json!("${literal}"));
        check(
            "${aws.iam.role.exec.arn}",
            json!({"$ref": "aws.iam.role.exec#/arn"}),
        );
        check(
            "a-${mcpdeploy.data.x.out.deep}-z",
            json!({"$join": ["a-", {"$ref": "mcpdeploy.data.x#/out/deep"}, "-z"]}),
        );
        for bad in [
            "${",
            "${}",
            "${nope.x.y}",
            "${aws.iam.role.exec}",
            "${aws.iam.role}",
        ] {
            assert!(parse_interpolation(bad, &kinds).is_err(), "{bad} was taken");
        }
    }
}
