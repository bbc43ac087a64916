//! `[assets]`: globs that can be read, and that stay within the project.

use crate::mistake::{Mistake, shortened};
use crate::node::Node;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    for path in ["assets.include", "assets.exclude"] {
        for item in view.list(path) {
            let Some(glob) = item.str() else { continue };
            if let Err(error) = globset::Glob::new(glob) {
                mistakes.push(
                    Mistake::new(
                        format!("the glob \"{}\" cannot be read", shortened(glob, 60)),
                        item.span.clone(),
                        error.kind().to_string(),
                    )
                    .help("** stands for any folders, * for any letters, {a,b} for either, [ab] for one of them"),
                );
            } else {
                within(glob, item, mistakes);
            }
        }
    }
    if let Some(folder) = view.at("assets.base_dir")
        && let Some(path) = folder.str()
    {
        within(path, folder, mistakes);
    }
}

fn within(path: &str, node: &Node, mistakes: &mut Vec<Mistake>) {
    let label = if path.starts_with('/') || path.starts_with('~') {
        "an absolute path"
    } else if path.split(['/', '\\']).any(|part| part == "..") {
        "leads out of the project"
    } else {
        return;
    };
    mistakes.push(
        Mistake::new(
            format!("\"{}\" is not within the project", shortened(path, 60)),
            node.span.clone(),
            label,
        )
        .help("write it relative to the workspace, without .."),
    );
}
