//! `[iam]`: no server may do everything.

use crate::mistake::Mistake;
use crate::node::Node;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    for statement in view.list("iam.statements") {
        if statement.at("effect").and_then(Node::str) != Some("Allow") {
            continue;
        }
        let is_all = |text: &str| matches!(text, "*" | "*:*");
        let all = |key: &str| {
            statement
                .list(key)
                .iter()
                .find(|item| item.str().is_some_and(is_all))
                .cloned()
        };
        if let (Some(actions), Some(resources)) = (all("actions"), all("resources")) {
            mistakes.push(
                Mistake::new(
                    "a server that may do everything is refused",
                    actions.span.clone(),
                    "every action",
                )
                .also(resources.span.clone(), "on everything")
                .help("name the actions (\"sqs:SendMessage\") and the ARNs that the server needs; for tables and buckets [[iam.tables]] and [[iam.buckets]] are shorter"),
            );
        }
    }
}
