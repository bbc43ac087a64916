//! Values whose feature is yet to come. Each is refused by name: nothing is silently ignored.

use crate::mistake::Mistake;
use crate::node::{Node, Value};

struct Planned {
    path: &'static str,
    value: &'static str,
    message: &'static str,
    label: &'static str,
    help: &'static str,
}

const PLANNED: &[Planned] = &[
    Planned {
        path: "lambda.enable_response_streaming",
        value: "true",
        message: "answers cannot be streamed",
        label: "an HTTP API cannot stream",
        help: "set it to false; answers are sent when they are complete, as MCP allows",
    },
    Planned {
        path: "post_deploy_tests.on_failure",
        value: "rollback",
        message: "rolling back by itself is not there yet in this version",
        label: "yet to come",
        help: "set on_failure = \"fail\" and, when it fails, run mcpdeploy rollback",
    },
    Planned {
        path: "metadata.snapshot_baked",
        value: "true",
        message: "baking a snapshot is not there yet in this version",
        label: "yet to come",
        help: "remove the key, and name the files that the server reads under [assets] include",
    },
    Planned {
        path: "post_deploy_tests.checks",
        value: "apps",
        message: "the check \"apps\" is not there yet in this version",
        label: "yet to come",
        help: "remove it; \"connectivity\" and \"conformance\" are there",
    },
];

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    for planned in PLANNED {
        let Some(node) = view.at(planned.path) else {
            continue;
        };
        let candidates = std::iter::once(node).chain(node.items().iter().map(AsRef::as_ref));
        for node in candidates.filter(|node| is(node, planned.value)) {
            mistakes.push(
                Mistake::new(planned.message, node.span.clone(), planned.label).help(planned.help),
            );
        }
    }
}

fn is(node: &Node, value: &str) -> bool {
    match &node.value {
        Value::String(text) => text == value,
        Value::Boolean(boolean) => boolean.to_string() == value,
        Value::Integer(_)
        | Value::Huge
        | Value::Float(_)
        | Value::Datetime
        | Value::Array(_)
        | Value::Table(_) => false,
    }
}
