//! `[state]`: keys that only mean something together.

use crate::mistake::Mistake;
use crate::node::Node;

/// What is of a state in S3 alone.
const OF_S3: [&str; 7] = [
    "bucket",
    "prefix",
    "region",
    "profile",
    "role_arn",
    "endpoint_url",
    "lock_table",
];

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(state) = view.entry_at("state") else {
        return;
    };
    let in_s3 = view.at("state.type").and_then(Node::str) == Some("s3");
    for (key, help) in [
        (
            "bucket",
            "bucket = \"acme-deployments\", one that is there already",
        ),
        (
            "prefix",
            "prefix = \"mcpdeploy/calculator\": it must stay the same when the server is renamed",
        ),
    ] {
        if in_s3 && view.at(&format!("state.{key}")).is_none() {
            mistakes.push(
                Mistake::new(
                    format!("a state in S3 needs `{key}`"),
                    state.key.clone(),
                    format!("{key} is missing"),
                )
                .help(format!("add {help}")),
            );
        }
    }
    for key in OF_S3 {
        if let Some(entry) = view.entry_at(&format!("state.{key}"))
            && !in_s3
        {
            mistakes.push(
                Mistake::new(
                    format!("`{key}` is for a state in S3, and this one is local"),
                    entry.key.clone(),
                    "has no effect here",
                )
                .help("add type = \"s3\", or remove the key"),
            );
        }
    }
    encryption(view, mistakes);
}

fn encryption(view: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(section) = view.entry_at("state.encryption") else {
        return;
    };
    let is_on = |key: &str| {
        view.at(&format!("state.encryption.{key}"))
            .and_then(Node::bool)
    };
    let recipients = view.at("state.encryption.recipients");
    let seals = is_on("passphrase") == Some(true)
        || recipients.is_some_and(|list| !list.items().is_empty())
        || view.at("state.encryption.kms_key").is_some();
    // To give encryption up, a fallback alone is enough: what is written then is plain.
    let falls_back = ["passphrase", "age"]
        .iter()
        .any(|key| is_on(&format!("fallback.{key}")) == Some(true))
        || view.at("state.encryption.fallback.kms_key").is_some();
    if !seals && !falls_back {
        mistakes.push(
            Mistake::new(
                "nothing says what to encrypt the state with",
                section.key.clone(),
                "no key is named",
            )
            .help("set passphrase = true (it is read from MCPDEPLOY_PASSPHRASE), recipients = [\"age1…\"] or kms_key = \"alias/…\", or remove the section"),
        );
    }
}
