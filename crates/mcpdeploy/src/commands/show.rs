//! `show`: a saved plan, or the state.

use crate::cli::{Global, Show};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;
use crate::stores;

pub(crate) async fn run(global: &Global, args: &Show, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    match &args.plan {
        Some(path) => {
            // A saved plan may be encrypted, and then only a project has the keys.
            let keyring = stores::of_project(&project, global)
                .await?
                .keyring()
                .clone();
            let plan = super::plan::read(path, &keyring)?;
            if global.json {
                screen.document(&plan)?;
            } else {
                screen.saved_plan(&plan, format!("mcpdeploy apply {}", path.display()));
            }
        }
        None => {
            let state = stores::load(&project, global).await?;
            if global.json {
                screen.document(&state)?;
            } else {
                screen.state(&state);
            }
        }
    }
    Ok(Exit::Done)
}
