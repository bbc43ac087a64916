//! `output`: what the deployment gives.

use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;
use crate::stores;

pub(crate) async fn run(global: &Global, args: &Output, screen: &Screen) -> Result<Exit, Failure> {
    let state = stores::load(&Project::open(global)?, global).await?;
    let Some(name) = &args.name else {
        if global.json {
            screen.document(&state.outputs)?;
        } else {
            screen.outputs(&state.outputs);
        }
        return Ok(Exit::Done);
    };
    let Some(value) = state.outputs.get(name) else {
        let names: Vec<&str> = state.outputs.keys().map(String::as_str).collect();
        return Err(Failure::usage(format!("there is no output `{name}`"))
            .hint(format!("there are: {}", names.join(", "))));
    };
    let plain = value.as_str().filter(|_| args.raw || !global.json);
    let text = plain.map_or_else(|| value.to_string(), str::to_owned);
    screen.line(&text);
    Ok(Exit::Done)
}
