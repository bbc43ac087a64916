//! Finds values that were typed where only the name of a secret belongs: whatever they look like,
//! they are not shown, so that a mistake in the file does not carry them into a log.

use std::ops::Range;

use serde_json::Value as Json;

use crate::node::{Node, Span, Value};
use crate::schema::VIEW;

/// Keys of `[secrets]` under which people write the value itself.
const VALUES: &[&str] = &[
    "default",
    "password",
    "plaintext",
    "secret",
    "secret_string",
    "secret_value",
    "token",
    "value",
];

/// Keys anywhere in `[auth]` that hold a secret in other tools.
const CREDENTIALS: &[&str] = &["client_secret", "password", "private_key"];

/// Whether somebody who writes the key at `path`, a dotted one, means to give a secret's value.
pub(crate) fn holds_a_value(path: &str) -> bool {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    match section.split('.').next() {
        Some("secrets") => section.contains('.') && VALUES.contains(&key),
        Some("auth") => CREDENTIALS.contains(&key),
        _ => false,
    }
}

/// The places of such values in the file, in no order.
pub(crate) fn values(root: &Node) -> Vec<Span> {
    let mut found = Vec::new();
    in_view(root, &mut found);
    for (_, environment) in root.entries("environments") {
        in_view(&environment.node, &mut found);
    }
    found
}

fn in_view(view: &Node, found: &mut Vec<Span>) {
    for (_, entry) in view.entries("secrets") {
        match &entry.node.value {
            Value::String(_) => {}
            Value::Table(table) => found.extend(
                table
                    .iter()
                    .filter(|(key, _)| !is_setting(key))
                    .map(|(_, entry)| entry.node.span.clone()),
            ),
            // No type that a secret's entry has: a PIN, for example.
            Value::Integer(_)
            | Value::Huge
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Array(_) => found.push(entry.node.span.clone()),
        }
    }
    if let Some(auth) = view.at("auth") {
        credentials(auth, found);
    }
}

/// Whether a secret's table has this key.
fn is_setting(key: &str) -> bool {
    VIEW.pointer("/properties/secrets/additionalProperties/properties")
        .and_then(Json::as_object)
        .is_some_and(|known| known.contains_key(key))
}

fn credentials(section: &Node, found: &mut Vec<Span>) {
    for (key, entry) in section.table().into_iter().flatten() {
        if CREDENTIALS.contains(&key.as_str()) {
            found.push(entry.node.span.clone());
        } else {
            credentials(&entry.node, found);
        }
    }
    for item in section.items() {
        credentials(item, found);
    }
}

/// What stands behind the `=` of each line of a `[secrets]` section: for a file that is no TOML,
/// of which nobody can say where a value begins and ends.
pub(crate) fn lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let words = line.trim_start();
        if let Some(header) = words.strip_prefix('[') {
            inside = header
                .trim_start_matches('[')
                .split([']', '.'])
                .any(|part| part.trim() == "secrets");
        } else if let Some(equals) = line.find('=')
            && (inside || words.starts_with("secrets"))
        {
            found.push(start + equals + 1..end);
        }
        start = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    #[test]
    fn values_are_found_and_names_are_not() {
        let text = "[secrets]\nA = 'what for'\nB = { value = 'hunter2', backend = 'ssm' }\nC = 1234\n\
                    [auth]\nclient_secret = 'hunter3'\n[environments.p.secrets.D]\nvalu = 'hunter4'\n";
        let root = parse(text).unwrap();
        let mut shown: Vec<&str> = values(&root).into_iter().map(|span| &text[span]).collect();
        shown.sort_unstable();
        assert_eq!(shown, ["'hunter2'", "'hunter3'", "'hunter4'", "1234"]);
    }

    #[test]
    fn in_what_is_no_toml_all_of_the_section_is_meant() {
        let text =
            "[server]\nname = x\n[secrets]\nA = hunter2\n# no\n[tags]\nb = c\nsecrets.D = x\n";
        let shown: Vec<&str> = lines(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(shown, [" hunter2\n", " x\n"]);
    }

    #[test]
    fn keys_that_hold_values() {
        for (path, holds) in [
            ("secrets.KEY.value", true),
            ("secrets.value", false),
            ("secrets.KEY.description", false),
            ("auth.oidc.client_secret", true),
            ("auth.oidc.client_id", false),
            ("environment.password", false),
        ] {
            assert_eq!(holds_a_value(path), holds, "{path}");
        }
    }
}
