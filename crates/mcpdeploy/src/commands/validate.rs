//! `validate`: checks deploy.toml, and the resources in it, without calling anybody.

use std::sync::Arc;

use mcpdeploy_aws::clients::ClientFactory;
use serde_json::json;

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{CONFIG, Project};
use crate::screen::Screen;

pub(crate) fn run(global: &Global, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    let loaded = project.load()?;
    // Kinds are only asked about inputs: their clients are never used.
    let registry = crate::cloud::registry(&Arc::new(ClientFactory::offline()));
    crate::session::check(&loaded, &project, &registry)?;
    screen.notes(&loaded);
    let resources = loaded.config.resources.len();
    let environments = &loaded.environments;
    screen.result(
        "validate",
        &format!(
            "{CONFIG} is in order: {}{}{}",
            loaded.config.deployment_name(),
            if resources == 0 {
                String::new()
            } else {
                let plural = if resources == 1 { "" } else { "s" };
                format!(", {resources} resource{plural} of its own")
            },
            if environments.is_empty() {
                String::new()
            } else {
                format!(", environments {}", environments.join(", "))
            }
        ),
        json!({
            "deployment": loaded.config.deployment_name(),
            "environments": environments,
            "resources": resources,
            "notes": loaded.notes.iter().map(|note| &note.message).collect::<Vec<_>>(),
        }),
    );
    screen.next("mcpdeploy plan");
    Ok(Exit::Done)
}
