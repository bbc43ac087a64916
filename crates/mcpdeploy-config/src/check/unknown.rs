//! Says something useful about a key that nobody knows.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::known::{known, meant_at};
use super::words::closest;
use crate::mistake::{Mistake, shortened};
use crate::node::Span;
use crate::schema::VIEW;

/// Where each key of the schema lives: its sections, as they are written in a header.
static SECTIONS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut sections = HashMap::new();
    collect(&VIEW, "", &mut sections);
    sections
});

fn collect(schema: &Json, section: &str, sections: &mut HashMap<String, Vec<String>>) {
    let Some(Json::Object(properties)) = schema.get("properties") else {
        return;
    };
    for (key, schema) in properties {
        sections
            .entry(key.clone())
            .or_default()
            .push(section.to_owned());
        let path = join(section, key);
        collect(schema, &path, sections);
        if let Some(items) = schema.get("items") {
            collect(items, &path, sections);
        }
    }
}

/// `section.key`, or the key alone at the top level.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

/// The key that is meant by the unknown `key`, if it is one of the same section.
pub(super) fn meant(
    section: &str,
    key: &str,
    properties: Option<&Map<String, Json>>,
) -> Option<String> {
    let properties = properties?;
    let elsewhere = meant_at(&join(section, key));
    match elsewhere {
        Some(meant) => properties.contains_key(meant).then(|| meant.to_owned()),
        None => closest(key, properties.keys().map(String::as_str)).map(str::to_owned),
    }
}

/// The mistake of writing `key` in `section`, which knows only `properties`.
pub(super) fn unknown(
    section: &str,
    key: &str,
    span: Span,
    properties: Option<&Map<String, Json>>,
) -> Mistake {
    if let Some(known) = known(&join(section, key), key) {
        let mistake = Mistake::new(known.message, span, known.label);
        return if known.help.is_empty() {
            mistake
        } else {
            mistake.help(known.help)
        };
    }
    let message = format!("unknown key `{}`", shortened(key, 60));
    let names = || {
        properties
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
    };
    if let Some(meant) = closest(key, names()) {
        return Mistake::new(message, span, format!("did you mean `{meant}`?"));
    }
    if let Some(home) = SECTIONS.get(key).and_then(|homes| homes.first()) {
        let place = if home.is_empty() {
            format!("`{key}` is a section of its own: write it as `[{key}]`")
        } else {
            format!("`{key}` belongs under `[{home}]`")
        };
        return Mistake::new(message, span, place);
    }
    let elsewhere = closest(key, SECTIONS.keys().map(String::as_str));
    if let Some(meant) = elsewhere
        && let Some(home) = SECTIONS.get(meant).and_then(|homes| homes.first())
        && !home.is_empty()
    {
        return Mistake::new(
            message,
            span,
            format!("did you mean `{meant}` under `[{home}]`?"),
        );
    }
    let mut all: Vec<&str> = names().collect();
    all.sort_unstable();
    let label = if section.is_empty() {
        "there is no such section".to_owned()
    } else {
        format!("not a key of `[{section}]`")
    };
    Mistake::new(message, span, label).help(format!("known here: {}", all.join(", ")))
}
