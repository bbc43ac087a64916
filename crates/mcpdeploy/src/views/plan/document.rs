//! Documents (policies, dashboards, texts) compared line by line.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::views::style::{Paint, Theme};
use crate::views::text;
use crate::views::value;

const INDENT: usize = 8;
/// Unchanged lines around a change.
const AROUND: usize = 2;
/// More lines than this are only for `-v`.
const MOST_LINES: usize = 40;

/// The value in lines, when it is a document; the document inside a string, when it is JSON.
pub(super) fn lines(value: &Value) -> Option<Vec<String>> {
    if value::open(value).is_some() {
        return None;
    }
    let whole = match value {
        Value::Object(_) | Value::Array(_) => json(value),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inside @ (Value::Object(_) | Value::Array(_))) => json(&inside),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {
                if !text.trim_end().contains('\n') {
                    return None;
                }
                text.clone()
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => return None,
    };
    Some(text::clean(&whole).lines().map(str::to_owned).collect())
}

/// JSON in lines, without the commas: another item behind one is no change of it.
fn json(value: &Value) -> String {
    let lines: Vec<String> = value::document(value)
        .lines()
        .map(|line| line.strip_suffix(',').unwrap_or(line).to_owned())
        .collect();
    lines.join("\n")
}

/// The lines that differ, with a few around them. `None` when the two are no documents.
pub(super) fn diff(before: &Value, after: &Value, verbose: bool, theme: &Theme) -> Option<String> {
    let (before, after) = (lines(before)?, lines(after)?);
    let (before, after): (Vec<&str>, Vec<&str>) = (
        before.iter().map(String::as_str).collect(),
        after.iter().map(String::as_str).collect(),
    );
    let diff = TextDiff::from_slices(&before, &after);
    let mut shown: Vec<String> = Vec::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            shown.push(format!("{}  {}", " ".repeat(INDENT), theme.ellipsis()));
        }
        let changes: Vec<_> = group.iter().flat_map(|op| diff.iter_changes(op)).collect();
        let deep = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let indent = changes
            .iter()
            .map(|change| deep(change.value()))
            .min()
            .unwrap_or(0);
        for change in changes {
            let (sign, paint) = match change.tag() {
                ChangeTag::Equal => (' ', Paint::Faint),
                ChangeTag::Delete => ('-', Paint::Bad),
                ChangeTag::Insert => ('+', Paint::Good),
            };
            let line = text::cut(
                &format!(
                    "{sign} {}",
                    change.value().get(indent..).unwrap_or_default()
                ),
                theme.width.saturating_sub(INDENT),
                theme,
            );
            shown.push(format!(
                "{}{}",
                " ".repeat(INDENT),
                theme.paint(paint, line.trim_end())
            ));
        }
    }
    if shown.is_empty() {
        // They differ in spaces or in the order of keys only.
        return None;
    }
    if shown.len() > MOST_LINES && !verbose {
        let more = shown.len() - MOST_LINES;
        shown.truncate(MOST_LINES);
        shown.push(format!(
            "{}  {} {more} more lines (-v shows them)",
            " ".repeat(INDENT),
            theme.ellipsis()
        ));
    }
    let mut out = shown.join("\n");
    out.push('\n');
    Some(out)
}
