//! `show`: a saved plan, or the state.

use crate::cli::{Global, Show};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(crate) fn run(global: &Global, args: &Show, screen: &Screen) -> Result<Exit, Failure> {
    match &args.plan {
        Some(path) => {
            let plan = super::plan::read(path)?;
            if global.json {
                screen.document(&plan)?;
            } else {
                screen.saved_plan(&plan, format!("mcpdeploy apply {}", path.display()));
            }
        }
        None => {
            let state = super::state::load(&Project::open(global)?)?;
            if global.json {
                screen.document(&state)?;
            } else {
                screen.state(&state);
            }
        }
    }
    Ok(Exit::Done)
}
