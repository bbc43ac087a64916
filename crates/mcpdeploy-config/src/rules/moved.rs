//! `[[moved]]`: moves that make sense.

use std::collections::HashMap;

use crate::mistake::Mistake;
use crate::node::Node;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let wanted: Vec<String> = view
        .list("resources")
        .iter()
        .filter_map(|entry| {
            let kind = entry.at("kind")?.str()?;
            Some(format!("{kind}.{}", entry.at("name")?.str()?))
        })
        .collect();
    let mut from_seen = HashMap::new();
    let mut to_seen = HashMap::new();
    for entry in view.list("moved") {
        let (Some(from), Some(to)) = (entry.at("from"), entry.at("to")) else {
            continue;
        };
        let (Some(old), Some(new)) = (from.str(), to.str()) else {
            continue;
        };
        let kind = |address: &str| address.rsplit_once('.').map(|(kind, _)| kind.to_owned());
        if kind(old) != kind(new) {
            mistakes.push(
                Mistake::new(
                    format!("`{old}` cannot become `{new}`"),
                    to.span.clone(),
                    "another kind",
                )
                .help("a resource keeps its kind; remove the one and add the other"),
            );
        } else if old == new {
            mistakes.push(
                Mistake::new(
                    format!("`{old}` moves to where it is"),
                    to.span.clone(),
                    "the same address",
                )
                .help("remove the entry"),
            );
        } else if wanted.iter().any(|address| address == old) {
            mistakes.push(
                Mistake::new(
                    format!("`{old}` has moved, and is in the file"),
                    from.span.clone(),
                    "there is a resource of this address",
                )
                .help("remove the entry, or give that resource another name"),
            );
        }
        for (node, address, seen) in [(from, old, &mut from_seen), (to, new, &mut to_seen)] {
            if let Some(first) = seen.insert(address.to_owned(), node.span.clone()) {
                mistakes.push(
                    Mistake::new(
                        format!("two moves name `{address}`"),
                        node.span.clone(),
                        "again here",
                    )
                    .also(first, "first here")
                    .help("a resource moves to one address, and one resource to an address"),
                );
            }
        }
    }
}
