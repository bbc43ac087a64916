//! Owns the environments: what the file is when one of them is laid over it.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::check::{check_names, closest};
use crate::load::DEFAULT_ENVIRONMENT;
use crate::mistake::{Mistake, Mistakes};
use crate::node::Node;

/// The file as each environment sees it; the default comes first.
pub(crate) fn views(root: &Arc<Node>, mistakes: &mut Mistakes) -> IndexMap<String, Arc<Node>> {
    let base = Arc::new(root.without(&["environments"]));
    let mut views = IndexMap::from([(DEFAULT_ENVIRONMENT.to_owned(), Arc::clone(&base))]);
    let Some(environments) = root.at("environments") else {
        return views;
    };
    let mut wrong = Vec::new();
    check_names(environments, &mut wrong);
    mistakes.add(wrong);
    for (name, entry) in root.entries("environments") {
        if entry.node.table().is_some() {
            views.insert(name.clone(), base.overlaid(&entry.node));
        }
    }
    views
}

/// The mistake of asking for an environment that the file has not.
pub(crate) fn no_such_environment(
    environment: &str,
    views: &IndexMap<String, Arc<Node>>,
) -> Mistake {
    let named: Vec<&str> = views
        .keys()
        .map(String::as_str)
        .filter(|name| *name != DEFAULT_ENVIRONMENT)
        .collect();
    let mistake = Mistake::nowhere(match closest(environment, named.iter().copied()) {
        Some(near) => format!("there is no environment `{environment}`; did you mean `{near}`?"),
        None => format!("there is no environment `{environment}`"),
    });
    if named.is_empty() {
        mistake.help(format!(
            "the file has only the default environment; add [environments.{environment}] for what is different in this one"
        ))
    } else {
        mistake.help(format!(
            "the file has {}, and default; add [environments.{environment}] for what is different in this one",
            named.join(", ")
        ))
    }
}
