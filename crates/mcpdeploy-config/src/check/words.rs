//! Words for values and types, and the search for the word that was meant.

use serde_json::Value as Json;

use crate::mistake::shortened;
use crate::node::{Node, Value};

/// Below this likeness a suggestion would only confuse.
const ALIKE: f64 = 0.82;

/// The candidate most like `word`, if any is like it at all.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let normal = normal(word);
    candidates
        .into_iter()
        .map(|candidate| (likeness(&normal, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn likeness(normal_word: &str, candidate: &str) -> f64 {
    let candidate = normal(candidate);
    if normal_word == candidate {
        return 1.0;
    }
    if normal_word.len() >= 5
        && (candidate.contains(normal_word) || normal_word.contains(&candidate))
    {
        return 0.9;
    }
    let typing = strsim::normalized_damerau_levenshtein(normal_word, &candidate);
    strsim::jaro_winkler(normal_word, &candidate).max(typing)
}

/// Case and the choice between - and _ do not make another word.
fn normal(word: &str) -> String {
    // Nobody's key is this long, and the comparison takes quadratic time.
    word.chars()
        .take(64)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// What a value is, with its article.
pub(super) fn noun(node: &Node) -> &'static str {
    match &node.value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Huge => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "a boolean",
        Value::Datetime => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// What the schema wants, with its article.
pub(super) fn wanted(kind: &str) -> &'static str {
    match kind {
        "string" => "a string",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}

/// A value as it may be said in a sentence: short, on one line.
pub(super) fn said(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(format!("\"{}\"", shortened(text, 40))),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(boolean) => Some(boolean.to_string()),
        Value::Huge | Value::Datetime | Value::Array(_) | Value::Table(_) => None,
    }
}

/// `a, b or c`.
pub(super) fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A value that a schema allows.
pub(super) struct Choice<'a> {
    pub(super) value: &'a Json,
    /// Its feature is yet to come: known, but not to be recommended.
    pub(super) planned: bool,
}

/// The values that a schema allows, when it lists them.
pub(super) fn choices(schema: &Json) -> Option<Vec<Choice<'_>>> {
    let ready = |value| Choice {
        value,
        planned: false,
    };
    if let Some(Json::Array(values)) = schema.get("enum") {
        return Some(values.iter().map(ready).collect());
    }
    let mut choices = Vec::new();
    for option in schema.get("oneOf")?.as_array()? {
        let about = option.get("description").and_then(Json::as_str);
        let planned = about.is_some_and(|about| about.contains("Not there yet"));
        match (option.get("const"), option.get("enum")) {
            (Some(value), _) => choices.push(Choice { value, planned }),
            (None, Some(Json::Array(several))) => choices.extend(several.iter().map(ready)),
            _ => return None,
        }
    }
    Some(choices)
}

/// What others call a value of ours.
pub(super) fn other_word(word: &str) -> Option<&'static str> {
    match word {
        "aarch64" | "graviton" => Some("arm64"),
        "amd64" | "x64" | "x86-64" => Some("x86_64"),
        "keycloak" | "auth0" | "okta" | "entra" | "google" => Some("oidc"),
        _ => None,
    }
}
