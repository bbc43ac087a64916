//! How to write a value instead: advice that can be followed as it stands.

use serde_json::Value as Json;

use super::words::{choices, noun, wanted};
use crate::mistake::{Mistake, shortened};
use crate::node::{Node, Value};

/// The mistake of giving `path` a value of another type than `kind`, and how to write it instead.
pub(super) fn wrong_type(node: &Node, kind: &str, path: &str) -> Mistake {
    let message = format!(
        "{} must be {}, not {}",
        name(path),
        wanted(kind),
        noun(node)
    );
    let mistake = Mistake::new(
        message,
        node.span.clone(),
        format!("this is {}", noun(node)),
    );
    let key = path.rsplit('.').next().unwrap_or(path);
    let help = match (kind, &node.value) {
        ("integer", Value::String(text)) if text.trim().parse::<i64>().is_ok() => {
            format!("remove the quotes: {key} = {}", text.trim())
        }
        ("number", Value::String(text)) if text.trim().parse::<f64>().is_ok() => {
            format!("remove the quotes: {key} = {}", text.trim())
        }
        ("integer" | "number", Value::String(text)) => match leading_number(text) {
            Some(number) => format!("write the number alone: {key} = {number}"),
            None => format!("write a number: {key} = 1"),
        },
        ("integer", Value::Float(number)) => format!("write a whole number: {key} = {number:.0}"),
        ("boolean", Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            format!("remove the quotes: {key} = {text}")
        }
        ("boolean", _) => format!("write {key} = true or {key} = false"),
        ("string", Value::Integer(number)) => format!("put it in quotes: {key} = \"{number}\""),
        ("string", Value::Boolean(boolean)) => format!("put it in quotes: {key} = \"{boolean}\""),
        ("string", Value::Float(_) | Value::Datetime) => "put it in quotes".to_owned(),
        ("string", Value::Table(_)) => "write one text in quotes".to_owned(),
        ("array", Value::String(_)) => format!("put it in brackets: {key} = [\"…\"]"),
        ("array", Value::Table(_)) if is_list_of_tables(path) => {
            format!("it can be there several times: write [[{path}]] with two brackets")
        }
        ("object", Value::Array(_)) => {
            format!("it can be there only once: write [{path}] with one bracket")
        }
        ("object", _) => format!("it is a section: write [{path}], and its keys below"),
        _ => return mistake,
    };
    mistake.help(help)
}

fn is_list_of_tables(path: &str) -> bool {
    path == "resources" || path.starts_with("iam.")
}

/// How a key is called in a sentence: its last part.
pub(super) fn name(path: &str) -> String {
    format!(
        "`{}`",
        path.rsplit('.').next().map(short).unwrap_or_default()
    )
}

/// A word of the file, cut when it is a monster.
pub(super) fn short(text: &str) -> String {
    shortened(text, 60)
}

fn leading_number(text: &str) -> Option<&str> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

/// The beginning of a description, to go on with a sentence.
pub(super) fn clause(description: &str) -> String {
    let end = description
        .find([';', ':', '.', ','])
        .unwrap_or(description.len());
    let mut chars = description[..end].chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// A value that could stand at a key.
pub(super) fn example(path: &str, key: &str, property: Option<&Json>) -> String {
    if let Some(first) =
        property.and_then(|property| Some(choices(property)?.first()?.value.clone()))
    {
        return first.to_string();
    }
    match (path, key) {
        ("server", "name") => "\"calculator\"",
        ("resources", "kind") => "\"aws.dynamodb.table\"",
        ("resources", "name") => "\"sessions\"",
        ("iam.statements", "actions") => "[\"sqs:SendMessage\"]",
        (_, "actions") => "[\"read\"]",
        (_, "resources") => "[\"arn:aws:sqs:us-east-1:123456789012:jobs\"]",
        _ => "\"…\"",
    }
    .to_owned()
}
