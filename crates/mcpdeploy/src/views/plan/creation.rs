//! What is created, in a few words: of all its inputs the ones that tell most.

use mcpdeploy_engine::plan::PlannedAction;
use serde_json::Value;

use super::PlanContext;
use crate::views::text;
use crate::views::value;

/// How many inputs are told.
const SHOWN: usize = 3;
/// A text longer than this tells little.
const LONGEST: usize = 48;

/// Names first: they are how the cloud's console shows the thing. Then what it does, then how much.
const TELLING: [&str; 22] = [
    "function_name",
    "name",
    "bucket",
    "key",
    "route_key",
    "path",
    "domain",
    "schedule",
    "action",
    "principal",
    "protocol",
    "code",
    "source",
    "memory_mb",
    "timeout_seconds",
    "architecture",
    "runtime",
    "retention_days",
    "expiration_days",
    "authorization",
    "description",
    "size",
];

/// The most telling inputs of what is created.
pub(super) fn summary(action: &PlannedAction, context: &PlanContext) -> String {
    let mut known: Vec<(usize, String)> = Vec::new();
    for change in &action.changes {
        let name = change.pointer.trim_start_matches('/');
        let rank = TELLING.iter().position(|telling| *telling == name);
        let redundant = name == "name" && change.after.as_str() == Some(action.address.name());
        let size = change
            .after
            .as_str()
            .and_then(|digest| context.sizes.get(digest));
        if let (Some(rank), false) = (rank, redundant)
            && let Some(words) = words(name, &change.after, size.copied())
        {
            known.push((rank, words));
        }
    }
    known.sort();
    if known.is_empty() {
        known = action
            .changes
            .iter()
            .filter(|change| change.pointer != "/name" && change.pointer != "/tags")
            .filter_map(|change| {
                let name = value::property(&change.pointer);
                Some((
                    0,
                    format!("{name} {}", scalar(&change.pointer, &change.after)?),
                ))
            })
            .collect();
    }
    known.truncate(SHOWN);
    known
        .into_iter()
        .map(|(_, words)| words)
        .collect::<Vec<_>>()
        .join(", ")
}

fn words(name: &str, after: &Value, size: Option<u64>) -> Option<String> {
    let shown = scalar(name, after)?;
    Some(match name {
        "memory_mb" => format!("{shown} MB"),
        "timeout_seconds" => format!("at most {shown} s"),
        "retention_days" => format!("kept {shown} days"),
        "expiration_days" => format!("expires after {shown} days"),
        "code" | "source" => match size {
            Some(bytes) => format!("{shown} ({})", value::size(bytes)),
            None => shown,
        },
        "principal" => format!("for {shown}"),
        "authorization" => format!("authorization {shown}"),
        _ => shown,
    })
}

fn scalar(pointer: &str, after: &Value) -> Option<String> {
    match after {
        Value::String(text) if text.is_empty() => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let shown = text::one_line(&value::shown(pointer, after));
            (text::width(&shown) <= LONGEST).then_some(shown)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
