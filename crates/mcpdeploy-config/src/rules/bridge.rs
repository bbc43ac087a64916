//! `server.transport`: what only a server has a use for that the runtime starts and speaks for, and
//! what the runtime keeps for itself.

use crate::mistake::Mistake;
use crate::node::Node;

/// Variables of the runtime that are the user's to set; docs/runtime.md has their meaning.
const USERS: &[&str] = &[
    "MCPDEPLOY_HOST",
    "MCPDEPLOY_READY_PATH",
    "MCPDEPLOY_READY_TIMEOUT_MS",
];

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let transport = view.at("server.transport").and_then(Node::str);
    match transport {
        Some("http" | "stdio") => variables(view, transport == Some("http"), mistakes),
        Some("lambda") | None => unbridged(view, mistakes),
        // What is none of these is a mistake already.
        Some(_) => {}
    }
    let arguments = view.at("server.args");
    for argument in arguments.map(Node::items).unwrap_or_default() {
        if argument.str().is_some_and(|text| text.contains('\0')) {
            mistakes.push(
                Mistake::new(
                    "an argument has a NUL character",
                    argument.span.clone(),
                    "no argument can hold one",
                )
                .help("remove it"),
            );
        }
    }
}

/// What the runtime does is not done where the binary is the function's own.
fn unbridged(view: &Node, mistakes: &mut Vec<Mistake>) {
    if let Some(arguments) = view.entry_at("server.args")
        && !arguments.node.items().is_empty()
    {
        mistakes.push(
            Mistake::new(
                "nobody gives `args` to a server that Lambda starts",
                arguments.key.clone(),
                "does nothing with transport = \"lambda\"",
            )
            .help("remove it; or, if the server speaks HTTP or stdio, set transport = \"http\" or \"stdio\""),
        );
    }
    if let Some(tools) = view.entry_at("auth.tools")
        && view.entries("auth.tools").next().is_some()
    {
        mistakes.push(
            Mistake::new(
                "nobody checks `[auth.tools]` before a server that Lambda starts",
                tools.key.clone(),
                "does nothing with transport = \"lambda\"",
            )
            .help("set [server] transport = \"http\" or \"stdio\", so that the runtime checks it; or remove it and check scopes in the server: the gateway hands it the token's claims"),
        );
    }
}

fn variables(view: &Node, http: bool, mistakes: &mut Vec<Mistake>) {
    for section in ["environment", "secrets"] {
        for (name, entry) in view.entries(section) {
            let (message, help) = if http && name == "PORT" {
                (
                    "the runtime gives the server its port".to_owned(),
                    "remove it: the server is to listen on the port that PORT says then",
                )
            } else if name.starts_with("MCPDEPLOY_") && !USERS.contains(&name.as_str()) {
                (
                    format!("`{name}` belongs to the runtime"),
                    "remove it, or give the variable another name; the runtime's settings follow from [server]",
                )
            } else {
                continue;
            };
            mistakes.push(Mistake::new(message, entry.key.clone(), "set by mcpdeploy").help(help));
        }
    }
}
