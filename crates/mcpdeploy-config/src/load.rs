//! From the text to the configuration of one environment, or to everything that is wrong with it.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::check::check;
use crate::error::ConfigErrors;
use crate::fill::fill;
use crate::mistake::{Mistake, Mistakes};
use crate::model::DeployConfig;
use crate::node::Node;
use crate::parse::parse;
use crate::rules::{self, Note};
use crate::schema::VIEW;
use crate::secret_scan::secrets_in;
use crate::source::Source;
use crate::typed_secrets;
use crate::views::{no_such_environment, views};

/// The environment that needs no section of its own.
pub const DEFAULT_ENVIRONMENT: &str = "default";

/// A file that is in order.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says, for the chosen environment.
    pub config: DeployConfig,
    /// The file, to point into.
    pub source: Source,
    /// What does nothing or may surprise.
    pub notes: Vec<Note>,
    /// The environments that the file has sections for.
    pub environments: Vec<String>,
    view: Arc<Node>,
}

impl Loaded {
    /// The place of the value at a dotted path such as `aws.account_id`, if the file sets it.
    pub fn span_of(&self, path: &str) -> Option<Range<usize>> {
        self.view.at(path).map(|node| node.span.clone())
    }

    /// An error that points at the value at `path`, or at nothing when the file does not set it.
    pub fn error_at(
        &self,
        path: &str,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> ConfigErrors {
        let error = self.source.error(message, self.span_of(path), label, help);
        ConfigErrors::new(self.source.clone(), vec![error])
    }
}

/// Reads a `deploy.toml` for one environment.
///
/// `name` is the path to show. Every environment of the file is checked, not only the chosen one.
///
/// # Errors
///
/// All mistakes of the file at once, each with its place and how to mend it.
pub fn load(name: &str, text: &str, environment: &str) -> Result<Loaded, ConfigErrors> {
    let mut secrets = secrets_in(text);
    let root = parse(text);
    secrets.extend(match &root {
        Ok(root) => typed_secrets::values(root),
        Err(_) => typed_secrets::lines(text),
    });
    let source = Source::masked(name, text, &secrets);
    let fail = |mistakes: Vec<Mistake>| {
        let errors = mistakes
            .into_iter()
            .map(|mistake| mistake.into_error(&source));
        ConfigErrors::new(source.clone(), errors.collect())
    };
    let root = root.map_err(fail)?;
    if root.table().is_none_or(IndexMap::is_empty) {
        return Err(fail(vec![
            Mistake::nowhere("the file is empty")
                .help("mcpdeploy init writes one that fits the project"),
        ]));
    }
    if let Some(mistake) = rules::foreign_target(&root) {
        return Err(fail(vec![mistake]));
    }
    let mut mistakes = Mistakes::default();
    let views = views(&root, &mut mistakes);
    let Some(view) = views.get(environment) else {
        mistakes.add(vec![no_such_environment(environment, &views)]);
        return Err(fail(mistakes.found));
    };
    check_views(&views, environment, text, &mut mistakes);
    if !mistakes.found.is_empty() {
        return Err(fail(mistakes.found));
    }
    let config = fill(view).map_err(|mistake| fail(vec![mistake]))?;
    let notes = rules::notes(view, &config);
    let environments = views.keys().filter(|name| *name != DEFAULT_ENVIRONMENT);
    Ok(Loaded {
        notes,
        environments: environments.cloned().collect(),
        view: Arc::clone(view),
        config,
        source,
    })
}

fn check_views(
    views: &IndexMap<String, Arc<Node>>,
    chosen: &str,
    text: &str,
    mistakes: &mut Mistakes,
) {
    // Resources are many, and most environments leave them alone: those are checked once.
    let mut checked_resources = HashSet::new();
    for (name, view) in views {
        // The file alone may be incomplete when it is only used with an environment laid over it.
        let complete = name == chosen || name != DEFAULT_ENVIRONMENT;
        let mut found = Vec::new();
        if complete {
            found.extend(rules::missing_server(view));
        }
        let resources = view
            .entry("resources")
            .map(|entry| Arc::as_ptr(&entry.node));
        if resources.is_none_or(|resources| checked_resources.insert(resources)) {
            check(view, &VIEW, complete, &mut found);
            rules::resources(view, text, &mut found);
        } else {
            check(&view.without(&["resources"]), &VIEW, complete, &mut found);
        }
        rules::check(view, &mut found);
        mistakes.add(found);
    }
}
