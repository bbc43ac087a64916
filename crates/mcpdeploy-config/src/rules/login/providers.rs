//! Providers of other accounts, and the secrets by which they know this deployment.

use std::collections::BTreeSet;

use crate::mistake::Mistake;
use crate::node::{Entry, Node};

/// Other accounts: each named, each with the client that it knows us by.
pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let named: BTreeSet<&str> = view
        .list("auth.cognito.social_providers")
        .iter()
        .filter_map(|item| item.str())
        .collect();
    for item in view.list("auth.cognito.social_providers") {
        let Some(name) = item.str() else { continue };
        if view
            .entry_at(&format!("auth.cognito.providers.{name}"))
            .is_none()
        {
            mistakes.push(
                Mistake::new(
                    format!("it is not said which client {name} knows this deployment by"),
                    item.span.clone(),
                    "named here only",
                )
                .help(format!(
                    "add [auth.cognito.providers.{name}] with client_id = \"…\" and secret_name = \"{}_CLIENT_SECRET\"",
                    name.to_uppercase()
                )),
            );
        }
    }
    for (name, entry) in view.entries("auth.cognito.providers") {
        if !named.contains(name.as_str()) {
            mistakes.push(
                Mistake::new(
                    format!("nobody can log in with {name}"),
                    entry.key.clone(),
                    "not among social_providers",
                )
                .help(format!(
                    "add \"{name}\" to social_providers, or remove this table"
                )),
            );
        }
        provider(name, entry, mistakes);
        secret(view, &entry.node, mistakes);
    }
}

fn provider(name: &str, entry: &Entry, mistakes: &mut Vec<Mistake>) {
    let needs = |keys: &[&str]| -> Vec<String> {
        let missing = keys.iter().filter(|key| entry.node.entry(key).is_none());
        missing.map(|key| format!("`{key}`")).collect()
    };
    let (missing, why) = match name {
        "google" => (Vec::new(), ""),
        "apple" => (
            needs(&["team_id", "key_id"]),
            "Apple signs no client in without them",
        ),
        "github" => (
            needs(&["issuer"]),
            "GitHub gives no ID tokens: name an issuer that speaks OpenID Connect for it",
        ),
        _ => (
            needs(&["issuer"]),
            "the issuer's discovery document is read",
        ),
    };
    if !missing.is_empty() {
        mistakes.push(
            Mistake::new(
                format!("{name} lacks {}", missing.join(" and ")),
                entry.key.clone(),
                "in this table",
            )
            .help(why),
        );
    }
    for (key, of) in [("team_id", "apple"), ("key_id", "apple")] {
        if let Some(extra) = entry.node.entry(key)
            && name != of
        {
            mistakes.push(
                Mistake::new(
                    format!("`{key}` is something that only Apple has"),
                    extra.key.clone(),
                    "does nothing here",
                )
                .help("remove it"),
            );
        }
    }
    if let Some(issuer) = entry.node.entry("issuer")
        && matches!(name, "google" | "apple")
    {
        mistakes.push(
            Mistake::new(
                format!("{name} has an issuer of its own"),
                issuer.key.clone(),
                "does nothing here",
            )
            .help("remove it, or give the provider another name"),
        );
    }
}

/// The secret that `table` names exists.
pub(super) fn secret(view: &Node, table: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(node) = table.at("secret_name") else {
        return;
    };
    let Some(name) = node.str() else { return };
    for (key, value) in [("backend", "ssm"), ("inject", "env")] {
        let path = format!("secrets.{name}.{key}");
        if let Some(other) = view.at(&path).filter(|other| other.str() == Some(value)) {
            mistakes.push(
                Mistake::new(
                    format!("the login cannot use a secret with {key} = \"{value}\""),
                    other.span.clone(),
                    "of the login, by secret_name",
                )
                .also(node.span.clone(), "named here")
                .help("remove it: the login reads secrets of Secrets Manager by their ARN"),
            );
        }
    }
    if view.entry_at(&format!("secrets.{name}")).is_none() {
        mistakes.push(
            Mistake::new(
                format!("there is no secret {name}"),
                node.span.clone(),
                "not under [secrets]",
            )
            .help(format!(
                "add {name} = \"for the login\" under [secrets] and set its value with mcpdeploy secrets set {name}"
            )),
        );
    }
}
