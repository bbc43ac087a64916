//! `[secrets]`: values that must not be in a file, and what does not go together.

use crate::check::closest;
use crate::mistake::Mistake;
use crate::model::Ttl;
use crate::node::{Entry, Node, Span};
use crate::secret_scan::secrets_in;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    for (name, entry) in view.entries("secrets") {
        if let Some(plain) = view
            .entry_at("environment")
            .and_then(|environment| environment.node.entry(name))
        {
            mistakes.push(
                Mistake::new(
                    format!("`{name}` is both a secret and a plain variable"),
                    entry.key.clone(),
                    "a secret here",
                )
                .also(plain.key.clone(), "a plain variable here")
                .help("remove it from [environment]: a secret's value does not belong there"),
            );
        }
        let arn = entry.node.at("arn");
        for text in [Some(&*entry.node), entry.node.at("description"), arn] {
            value_or_arn(name, text, mistakes);
        }
        if let Some(arn) = arn.filter(|arn| arn.str().is_some_and(|arn| !arn.starts_with("arn:"))) {
            mistakes.push(other_arn(
                name,
                arn.str().unwrap_or_default(),
                arn.span.clone(),
            ));
        }
        existing(name, entry, mistakes);
        rotation(name, entry, mistakes);
        injected(view, name, entry, mistakes);
    }
}

/// A text that is the value itself, or an ARN of something else.
fn value_or_arn(name: &str, node: Option<&Node>, mistakes: &mut Vec<Mistake>) {
    let Some((node, text)) = node.and_then(|node| Some((node, node.str()?))) else {
        return;
    };
    if !secrets_in(text).is_empty() {
        mistakes.push(
            Mistake::new(
                format!("`{name}` has a secret's value in the file"),
                node.span.clone(),
                "this looks like the value itself",
            )
            .help(format!("revoke it if the file has left this machine; write {name} = \"what it is for\" and set the value with mcpdeploy secrets set {name}")),
        );
    } else if text.starts_with("arn:") && !is_secret_arn(text) {
        mistakes.push(other_arn(name, text, node.span.clone()));
    }
}

/// One that exists is only read: nothing about it is decided here.
fn existing(name: &str, entry: &Entry, mistakes: &mut Vec<Mistake>) {
    let Some(arn) = entry.node.entry("arn") else {
        return;
    };
    for key in ["backend", "rotation"] {
        let Some(other) = entry.node.entry(key) else {
            continue;
        };
        mistakes.push(
            Mistake::new(
                format!("`{name}` exists already: it has no `{key}` here"),
                other.key.clone(),
                "only said of secrets that mcpdeploy makes",
            )
            .also(arn.key.clone(), "this one exists")
            .help(format!(
                "remove `{key}`, or remove `arn` to have the secret made"
            )),
        );
    }
}

fn rotation(name: &str, entry: &Entry, mistakes: &mut Vec<Mistake>) {
    let Some(rotation) = entry.node.entry("rotation") else {
        return;
    };
    if entry.node.at("backend").and_then(Node::str) == Some("ssm") {
        mistakes.push(
            Mistake::new(
                format!("`{name}` cannot rotate: parameters of Systems Manager do not"),
                rotation.key.clone(),
                "only Secrets Manager rotates",
            )
            .help("remove `rotation`, or set backend = \"secretsmanager\""),
        );
    }
    let Some(every) = rotation.node.at("every") else {
        return;
    };
    let Some(ttl) = every.str().and_then(Ttl::parse) else {
        return;
    };
    let seconds = ttl.seconds();
    if !(4 * HOUR..=1_000 * DAY).contains(&seconds) || !seconds.is_multiple_of(HOUR) {
        mistakes.push(
            Mistake::new(
                format!(
                    "`every` is {}: Secrets Manager rotates every 4h to 1000d",
                    ttl.as_str()
                ),
                every.span.clone(),
                "no interval that there is",
            )
            .help("write whole hours or days: every = \"30d\""),
        );
    }
}

/// Without a bridge nobody is there who could put the value into a variable.
fn injected(view: &Node, name: &str, entry: &Entry, mistakes: &mut Vec<Mistake>) {
    let Some(inject) = entry.node.at("inject") else {
        return;
    };
    let transport = view.at("server.transport").and_then(Node::str);
    if inject.str() == Some("env") && !matches!(transport, Some("http" | "stdio")) {
        mistakes.push(
            Mistake::new(
                format!("`{name}` cannot be put into a variable of a server that is its own Lambda runtime"),
                inject.span.clone(),
                "nobody starts the server but Lambda",
            )
            .help(format!("set inject = \"arn\" and read the secret by the ARN in {}_SECRET_ARN, or set transport = \"http\" or \"stdio\"", name.to_uppercase())),
        );
    }
}

fn is_secret_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return false;
    };
    let named = match *service {
        "secretsmanager" => resource.strip_prefix("secret:"),
        "ssm" => resource.strip_prefix("parameter/"),
        _ => None,
    };
    partition.starts_with("aws")
        && !region.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && named.is_some_and(|name| !name.is_empty())
}

fn other_arn(name: &str, arn: &str, span: Span) -> Mistake {
    let service = arn.split(':').nth(2).unwrap_or_default();
    let label = match closest(service, ["secretsmanager", "ssm"]) {
        _ if !arn.starts_with("arn:") => "no ARN".to_owned(),
        Some("secretsmanager") => "not the whole ARN of a secret".to_owned(),
        Some("ssm") => "not the whole ARN of a parameter".to_owned(),
        _ => format!("an ARN of \"{service}\""),
    };
    Mistake::new(
        format!("`{name}` is not the ARN of a secret"),
        span,
        label,
    )
    .help("use an ARN of Secrets Manager, \"arn:aws:secretsmanager:<region>:<account>:secret:<name>\", or of a parameter, \"arn:aws:ssm:<region>:<account>:parameter/<name>\", or a description to have the secret made")
}
