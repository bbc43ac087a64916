//! Filter policies: which messages a subscription gets. Source: "Amazon SNS subscription filter
//! policies" in the developer guide.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::faults::invalid;
use super::publish::Attribute;
use crate::wire::Fault;

/// Faults when a text is no policy.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Ok(());
    }
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
        return Err(invalid("FilterPolicy: failed to parse JSON."));
    };
    check_keys(&policy, 1)
}

fn check_keys(policy: &Map<String, Value>, depth: usize) -> Result<(), Fault> {
    if policy.len() > 5 || depth > 5 {
        return Err(invalid(
            "FilterPolicy: Filter policy can not have more than 5 keys",
        ));
    }
    for (key, value) in policy {
        match value {
            Value::Array(rules) => {
                for rule in rules {
                    check_rule(rule)?;
                }
            }
            Value::Object(inner) => check_keys(inner, depth + 1)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(invalid(&format!(
                    "FilterPolicy: \"{key}\" must be an object or an array"
                )));
            }
        }
    }
    Ok(())
}

fn check_rule(rule: &Value) -> Result<(), Fault> {
    let Value::Object(fields) = rule else {
        if rule.is_array() {
            return Err(invalid(
                "FilterPolicy: Match value must be String, number, true, false, or null",
            ));
        }
        return Ok(());
    };
    let Some((kind, operand)) = fields.iter().next().filter(|_| fields.len() == 1) else {
        return Err(invalid(
            "FilterPolicy: Only one key allowed in match expression",
        ));
    };
    let fits = match kind.as_str() {
        "prefix" | "suffix" | "equals-ignore-case" | "cidr" | "wildcard" => operand.is_string(),
        "anything-but" => true,
        "exists" => operand.is_boolean(),
        "numeric" => operand
            .as_array()
            .is_some_and(|parts| numeric(parts, 0.0).is_some()),
        _ => {
            return Err(invalid(&format!(
                "FilterPolicy: Unrecognized match type {kind}"
            )));
        }
    };
    if fits {
        Ok(())
    } else {
        Err(invalid(&format!(
            "Attributes Reason: FilterPolicy: Invalid member in {kind} match"
        )))
    }
}

/// Whether a subscription with these attributes gets a message.
pub(super) fn passes(
    subscription: &BTreeMap<String, String>,
    attributes: &BTreeMap<String, Attribute>,
    body: &str,
) -> bool {
    let Some(Ok(Value::Object(policy))) = subscription
        .get("FilterPolicy")
        .map(|text| serde_json::from_str(text))
    else {
        return true;
    };
    if subscription
        .get("FilterPolicyScope")
        .is_some_and(|scope| scope == "MessageBody")
    {
        return serde_json::from_str(body).is_ok_and(|body: Value| object_passes(&policy, &body));
    }
    policy.iter().all(|(name, rules)| {
        let rules = rules.as_array().map_or(&[][..], Vec::as_slice);
        any_rule(
            rules,
            &attributes
                .get(name)
                .map_or_else(Vec::new, Attribute::values),
        )
    })
}

fn object_passes(policy: &Map<String, Value>, body: &Value) -> bool {
    policy.iter().all(|(name, rules)| match rules {
        Value::Object(inner) => match body.get(name) {
            Some(Value::Array(items)) => items.iter().any(|item| object_passes(inner, item)),
            Some(item) => object_passes(inner, item),
            None => object_passes(inner, &Value::Null),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            let values = match body.get(name) {
                None => Vec::new(),
                Some(Value::Array(items)) => items.clone(),
                Some(value) => vec![value.clone()],
            };
            any_rule(rules.as_array().map_or(&[][..], Vec::as_slice), &values)
        }
    })
}

/// Whether any of the values fulfils any of the rules; no values is an attribute that is not there.
fn any_rule(rules: &[Value], values: &[Value]) -> bool {
    rules
        .iter()
        .any(|rule| match rule.get("exists").and_then(Value::as_bool) {
            Some(exists) => exists != values.is_empty(),
            None => values.iter().any(|value| holds(rule, value)),
        })
}

fn holds(rule: &Value, value: &Value) -> bool {
    let Some((kind, operand)) = rule.as_object().and_then(|fields| fields.iter().next()) else {
        return same(rule, value);
    };
    let (wanted, text) = (operand.as_str().unwrap_or_default(), value.as_str());
    match kind.as_str() {
        "prefix" => text.is_some_and(|text| text.starts_with(wanted)),
        "suffix" => text.is_some_and(|text| text.ends_with(wanted)),
        "equals-ignore-case" => {
            text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
        }
        "wildcard" => text.is_some_and(|text| wildcard(wanted, text)),
        "anything-but" => match operand {
            Value::Array(others) => !others.iter().any(|other| same(other, value)),
            Value::Object(_) => !holds(operand, value),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                !same(operand, value)
            }
        },
        "numeric" => operand
            .as_array()
            .zip(value.as_f64())
            .and_then(|(parts, number)| numeric(parts, number))
            .unwrap_or(false),
        _ => false,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b,
    }
}

/// Whether a number fulfils `["=", 1]` or `[">", 0, "<=", 5]`; nothing when it is no such list.
fn numeric(parts: &[Value], number: f64) -> Option<bool> {
    if parts.is_empty() || parts.len() > 4 || !parts.len().is_multiple_of(2) {
        return None;
    }
    let mut all = true;
    for pair in parts.chunks(2) {
        let bound = pair[1].as_f64()?;
        all &= match pair[0].as_str()? {
            "=" => number.total_cmp(&bound).is_eq(),
            "<" => number < bound,
            "<=" => number <= bound,
            ">" => number > bound,
            ">=" => number >= bound,
            _ => return None,
        };
    }
    Some(all)
}

fn wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| wildcard(rest, &text[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn policies() {
        let attributes = BTreeMap::from(
            [
                ("colour", "String", "blue"),
                ("size", "Number", "5"),
                ("kinds", "String.Array", r#"["a", "b"]"#),
            ]
            .map(|(name, kind, text)| {
                (
                    name.to_owned(),
                    Attribute {
                        kind: kind.into(),
                        text: Some(text.into()),
                        binary: None,
                    },
                )
            }),
        );
        for (policy, wanted) in [
            (json!({}), true),
            (json!({"colour": ["red", "blue"]}), true),
            (json!({"colour": ["red"]}), false),
            (json!({"colour": ["blue"], "size": [4]}), false),
            (json!({"size": [5.0]}), true),
            (json!({"size": [{"numeric": [">", 4, "<=", 5]}]}), true),
            (json!({"size": [{"numeric": ["=", 4]}]}), false),
            (json!({"colour": [{"prefix": "bl"}]}), true),
            (json!({"colour": [{"suffix": "x"}]}), false),
            (json!({"colour": [{"wildcard": "b*e"}]}), true),
            (json!({"colour": [{"equals-ignore-case": "BLUE"}]}), true),
            (json!({"colour": [{"anything-but": ["red"]}]}), true),
            (
                json!({"colour": [{"anything-but": {"prefix": "bl"}}]}),
                false,
            ),
            (json!({"kinds": ["b"]}), true),
            (json!({"other": [{"exists": false}]}), true),
            (json!({"other": ["x"]}), false),
            (json!({"colour": [{"exists": true}]}), true),
        ] {
            let subscription = BTreeMap::from([("FilterPolicy".to_owned(), policy.to_string())]);
            assert_eq!(check(&policy.to_string()), Ok(()), "{policy}");
            assert_eq!(
                passes(&subscription, &attributes, "text"),
                wanted,
                "{policy}"
            );
        }
        let body = |policy: Value, body: Value| {
            let subscription = BTreeMap::from([
                ("FilterPolicy".to_owned(), policy.to_string()),
                ("FilterPolicyScope".to_owned(), "MessageBody".to_owned()),
            ]);
            passes(&subscription, &BTreeMap::new(), &body.to_string())
        };
        assert!(body(
            json!({"user": {"name": ["ann"]}}),
            json!({"user": {"name": "ann"}})
        ));
        assert!(!body(
            json!({"user": {"name": ["ann"]}}),
            json!({"user": {"name": "bob"}})
        ));
        assert!(!body(json!({"user": ["ann"]}), json!("text")));
    }

    #[test]
    fn what_is_no_policy() {
        for policy in [
            "{no",
            "[]",
            r#"{"a": "b"}"#,
            r#"{"a": [{"like": "b"}]}"#,
            r#"{"a": [{"numeric": ["~", 1]}]}"#,
            r#"{"a": [{"numeric": []}]}"#,
            r#"{"a": [[1]]}"#,
            r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#,
        ] {
            assert_eq!(
                check(policy).unwrap_err().code,
                "InvalidParameter",
                "{policy}"
            );
        }
    }
}
