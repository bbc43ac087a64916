//! Scopes: every one that is given to clients, or wanted of them, exists.

use std::collections::BTreeSet;

use crate::mistake::Mistake;
use crate::node::Node;

/// Scopes that a user pool knows of itself.
///
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html>
const STANDARD_SCOPES: [&str; 5] = [
    "openid",
    "email",
    "profile",
    "phone",
    "aws.cognito.signin.user.admin",
];
/// Scopes of every server, without their first part.
const SERVER_SCOPES: [&str; 2] = ["read", "write"];

/// Every scope that is given to clients exists.
pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let first = view
        .at("auth.cognito.resource_server_id")
        .and_then(Node::str)
        .unwrap_or("mcp");
    let prefix = format!("{first}/");
    let mut known: BTreeSet<String> = STANDARD_SCOPES.iter().map(|s| (*s).to_owned()).collect();
    known.extend(SERVER_SCOPES.map(|name| format!("{prefix}{name}")));
    for (key, entry) in view.entries("auth.scopes.custom") {
        let name = key.strip_prefix(&prefix).unwrap_or(key);
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '"' | '\\');
        if name.is_empty() || !name.chars().all(plain) {
            mistakes.push(
                Mistake::new(
                    format!("\"{key}\" cannot be a scope"),
                    entry.key.clone(),
                    "this name",
                )
                .help(format!(
                    "use letters, digits and punctuation without /, as in \"{prefix}admin\" or \"admin\""
                )),
            );
        }
        known.insert(format!("{prefix}{name}"));
    }
    let allowed: Option<BTreeSet<&str>> = view
        .at("auth.dcr.allowed_scopes")
        .map(|node| node.items().iter().filter_map(|item| item.str()).collect());
    for key in ["default_scopes", "allowed_scopes"] {
        for item in view.list(&format!("auth.dcr.{key}")) {
            let Some(scope) = item.str() else { continue };
            if !known.contains(scope) {
                let near = known
                    .iter()
                    .min_by_key(|name| strsim::damerau_levenshtein(name, scope))
                    .map_or("openid", String::as_str);
                mistakes.push(
                    Mistake::new(
                        format!("there is no scope \"{scope}\""),
                        item.span.clone(),
                        "not known",
                    )
                    .help(format!(
                        "did you mean \"{near}\"? Scopes of your own are named under [auth.scopes.custom]"
                    )),
                );
            } else if key == "default_scopes"
                && allowed.as_ref().is_some_and(|some| !some.contains(scope))
            {
                mistakes.push(
                    Mistake::new(
                        format!("clients get \"{scope}\" by default and may not have it"),
                        item.span.clone(),
                        "not among allowed_scopes",
                    )
                    .help("add it to allowed_scopes, or remove it here"),
                );
            }
        }
    }
    for (tool, entry) in view.entries("auth.tools") {
        for item in entry.node.items() {
            let Some(scope) = item.str() else { continue };
            if !known.contains(scope) {
                mistakes.push(
                    Mistake::new(
                        format!(
                            "the tool \"{tool}\" wants the scope \"{scope}\", which nobody can have"
                        ),
                        item.span.clone(),
                        "not known",
                    )
                    .help("name it under [auth.scopes.custom]"),
                );
            }
        }
    }
}
