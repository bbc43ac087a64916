//! The variables of `[environment]` and `[secrets]`: the names that Lambda keeps for itself, and the room
//! there is.

use crate::mistake::Mistake;
use crate::node::Node;

/// What Lambda takes for all variables together, in bytes.
const ROOM: usize = 4096;

/// Variables that Lambda sets and does not let anybody else set.
const RESERVED: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    for section in ["environment", "secrets"] {
        for (name, entry) in view.entries(section) {
            if RESERVED.contains(&name.as_str()) {
                mistakes.push(
                    Mistake::new(
                        format!("`{name}` belongs to Lambda"),
                        entry.key.clone(),
                        "Lambda sets this itself",
                    )
                    .help(advice(name)),
                );
            }
        }
    }
    for (name, entry) in view.entries("environment") {
        if entry.node.str().is_some_and(|text| text.contains('\0')) {
            mistakes.push(
                Mistake::new(
                    format!("`{name}` has a NUL character"),
                    entry.node.span.clone(),
                    "no variable can hold one",
                )
                .help("remove it, or write the value in base64"),
            );
        }
    }
    room(view, mistakes);
}

fn advice(name: &str) -> &'static str {
    if name.contains("REGION") {
        "remove it: the server finds its region in it already; to deploy elsewhere, set [aws] region"
    } else if name.contains("KEY") || name.contains("TOKEN") {
        "remove it: the server has its role's credentials already; what it may do is said under [iam]"
    } else {
        "remove it, or give the variable another name"
    }
}

fn room(view: &Node, mistakes: &mut Vec<Mistake>) {
    let variables = || {
        view.entries("environment")
            .filter_map(|(name, entry)| Some((name, entry, name.len() + entry.node.str()?.len())))
    };
    let total: usize = variables().map(|(_, _, size)| size).sum::<usize>() + ours(view);
    if total <= ROOM {
        return;
    }
    if variables().next().is_none() {
        if let Some(server) = view.entry("server") {
            mistakes.push(
                Mistake::new(
                    format!("what the runtime is told has {total} bytes; Lambda takes {ROOM} for all variables together"),
                    server.key.clone(),
                    "with its arguments, origins and tools",
                )
                .help("shorten [server] args, [api_gateway] cors_origins or [auth.tools]: patterns stand for many tools"),
            );
        }
    } else if let Some((name, largest, size)) = variables().max_by_key(|(_, _, size)| *size) {
        mistakes.push(
            Mistake::new(
                format!("the environment has {total} bytes; Lambda takes {ROOM} for all variables together"),
                largest.key.clone(),
                format!("the largest: {size} bytes"),
            )
            .help(format!("put `{name}` into a file and name the file under [assets] include, or read it from S3")),
        );
    }
}

/// What the runtime is told in variables, about.
fn ours(view: &Node) -> usize {
    let told = |node: &Node| node.str().map_or(0, |text| text.len() + "\"\",".len());
    let list = |node: &Node| node.items().iter().map(|item| told(item)).sum::<usize>();
    match view.at("server.transport").and_then(Node::str) {
        Some("http" | "stdio") => {
            let lists = ["server.args", "api_gateway.cors_origins"];
            let lists: usize = lists
                .iter()
                .filter_map(|path| view.at(path))
                .map(list)
                .sum();
            let tools = view.entries("auth.tools");
            let tools: usize = tools
                .map(|(name, entry)| name.len() + "\"\":[],".len() + list(&entry.node))
                .sum();
            // The names of the variables, and what does not depend on the file.
            lists + tools + 200
        }
        Some(_) | None => 0,
    }
}
