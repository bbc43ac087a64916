//! The state as text: what there is, and one resource with all that is known of it.

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::record::IntentAction;
use mcpdeploy_engine::state::{Instance, Pending, State};
use serde_json::Value;

use super::columns::Columns;
use super::style::{Paint, Theme};
use super::text;
use super::value;

/// Every address and its id; what is to be deleted still, and what is not certain, is said.
pub(crate) fn list(state: &State, theme: &Theme) -> String {
    let mut columns = Columns::default();
    for (address, resource) in &state.resources {
        if let Some(current) = &resource.current {
            let note = if current.incomplete {
                "change not finished"
            } else {
                ""
            };
            columns.painted(row(address, current, Paint::Warn, note));
        }
        for old in resource.deposed.values() {
            columns.painted(row(address, old, Paint::Faint, "replaced, to be deleted"));
        }
    }
    for pending in state
        .pending
        .values()
        .filter(|pending| pending.created.is_none())
    {
        if let Some(doing) = doing(pending) {
            columns.painted([
                (Paint::Plain, pending.intent.address.to_string()),
                (Paint::Plain, String::new()),
                (Paint::Warn, format!("{doing}; the next run finds out")),
            ]);
        }
    }
    if columns.is_empty() {
        return "Nothing is deployed in this environment.\n".to_owned();
    }
    columns.render(theme)
}

fn row(address: &Address, instance: &Instance, paint: Paint, note: &str) -> [(Paint, String); 3] {
    [
        (Paint::Plain, address.to_string()),
        (Paint::Faint, instance.id.to_string()),
        (paint, note.to_owned()),
    ]
}

/// Only a creation may stand for something that the list would not show otherwise.
fn doing(pending: &Pending) -> Option<&'static str> {
    match pending.intent.action {
        IntentAction::Create { .. } => Some("may have been created"),
        IntentAction::Update | IntentAction::Delete(_) => None,
    }
}

/// One resource with all that is known of it; `None` when the state has none at that address.
pub(crate) fn show(state: &State, address: &Address, theme: &Theme) -> Option<String> {
    let resource = state.resources.get(address)?;
    let mut out = format!("{}\n", theme.paint(Paint::Strong, address.as_str()));
    if let Some(current) = &resource.current {
        out.push_str(&instance(current, theme));
    }
    for (key, old) in &resource.deposed {
        out.push_str(&format!(
            "\n  {}\n",
            theme.paint(Paint::Warn, format!("replaced, to be deleted ({key})"))
        ));
        out.push_str(&instance(old, theme));
    }
    if !resource.history.is_empty() {
        let ids: Vec<String> = resource
            .history
            .iter()
            .rev()
            .map(|kept| kept.id.to_string())
            .collect();
        let head = format!("\n  {}  ", theme.paint(Paint::Faint, "kept"));
        let kept = text::hang(
            head.trim_start_matches('\n'),
            &ids.join(", "),
            theme.width,
            &|l| l.to_owned(),
        );
        out.push('\n');
        out.push_str(&kept);
    }
    Some(out)
}

fn instance(instance: &Instance, theme: &Theme) -> String {
    let mut facts = vec![("id".to_owned(), instance.id.to_string())];
    let placement = &instance.placement;
    facts.extend(
        placement
            .region
            .clone()
            .map(|region| ("region".to_owned(), region)),
    );
    facts.extend(
        placement
            .account
            .clone()
            .map(|account| ("account".to_owned(), account)),
    );
    if !instance.depends_on.is_empty() {
        let all: Vec<String> = instance
            .depends_on
            .iter()
            .map(ToString::to_string)
            .collect();
        facts.push(("depends on".to_owned(), all.join("\n")));
    }
    let marks: Vec<&str> = [
        (instance.protect, "protected"),
        (instance.retain, "retained"),
        (instance.incomplete, "change not finished"),
    ]
    .into_iter()
    .filter_map(|(is, mark)| is.then_some(mark))
    .collect();
    if !marks.is_empty() {
        facts.push(("marked".to_owned(), marks.join(", ")));
    }
    let mut out = section(&facts, 2, theme);
    for (title, values) in [("inputs", instance.there()), ("outputs", &instance.outputs)] {
        let rows = properties(values);
        if !rows.is_empty() {
            out.push_str(&format!("\n  {}\n", theme.paint(Paint::Strong, title)));
            out.push_str(&section(&rows, 4, theme));
        }
    }
    out
}

fn section(rows: &[(String, String)], indent: usize, theme: &Theme) -> String {
    let mut columns = Columns::default().indented(indent);
    for (name, shown) in rows {
        columns.painted([(Paint::Faint, name.clone()), (Paint::Plain, shown.clone())]);
    }
    columns.render(theme)
}

/// All properties that say something, with dots in their names; our own tags left out.
fn properties(values: &Value) -> Vec<(String, String)> {
    let Value::Object(map) = values else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for (key, inner) in map {
        let mut pointer = String::new();
        mcpdeploy_engine::value::push_pointer(&mut pointer, key);
        descend(&mut pointer, inner, &mut rows);
    }
    rows
}

fn descend(pointer: &mut String, here: &Value, rows: &mut Vec<(String, String)>) {
    if value::is_nothing(here) || value::is_ours(pointer) {
        return;
    }
    match here {
        Value::Object(map) if value::open(here).is_none() => {
            let length = pointer.len();
            for (key, inner) in map {
                mcpdeploy_engine::value::push_pointer(pointer, key);
                descend(pointer, inner, rows);
                pointer.truncate(length);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            rows.push((value::property(pointer), value::document(here)));
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Null => {
            rows.push((value::property(pointer), in_full(pointer, here)));
        }
    }
}

/// A string is shown whole here, digests too: this is where one looks them up.
fn in_full(pointer: &str, here: &Value) -> String {
    match here {
        Value::String(whole) => text::clean(whole).into_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value::shown(pointer, here)
        }
    }
}
