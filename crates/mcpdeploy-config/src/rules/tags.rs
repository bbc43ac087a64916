//! `[tags]`: the prefixes that others keep for themselves.

use crate::mistake::{Mistake, shortened};
use crate::node::Node;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    for (key, entry) in view.entries("tags") {
        let lower = key.to_ascii_lowercase();
        let owner = if lower.starts_with("aws:") {
            "AWS"
        } else if lower.starts_with("mcpdeploy:") {
            "mcpdeploy"
        } else {
            continue;
        };
        mistakes.push(
            Mistake::new(
                format!("the tag `{}` cannot be set", shortened(key, 60)),
                entry.key.clone(),
                format!("this prefix belongs to {owner}"),
            )
            .help("give the tag another name"),
        );
    }
}
