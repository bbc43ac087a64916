//! `state migrate`: takes the state to where deploy.toml says, or encrypts it as it says.

use mcpdeploy_engine::store::{self, Store};

use crate::cli::{Global, Migrate};
use crate::failure::Failure;
use crate::host;
use crate::project::Project;
use crate::screen::Screen;
use crate::stores::Stores;

pub(crate) async fn run(
    project: &Project,
    global: &Global,
    args: &Migrate,
    screen: &Screen,
) -> Result<(), Failure> {
    if project.local {
        return Err(Failure::usage(
            "a state of the embedded cloud stays beside it",
        ));
    }
    let loaded = project.load()?;
    let stores = || Stores::new(project, global, Some(&loaded));
    let to = stores().open().await?;
    let table = args.from_lock_table.as_deref();
    let from = stores().open_named(&args.from, table).await?;
    let by = host::run_info("state migrate");
    let lock = to.lock(&by)?;
    if from.place() == to.place() {
        return reseal(&from, &to, &lock, screen);
    }
    let from_lock = from.lock(&by)?;
    let Some((state, copy)) = store::migrate(&from, &from_lock, &to, &lock)? else {
        if to.load()?.state.is_some() {
            drop(from_lock);
            return reseal(&to.clone(), &to, &lock, screen);
        }
        return Err(Failure::usage(format!(
            "there is no state of the environment {} in {}",
            project.environment,
            from.place()
        ))
        .hint("say where it is: mcpdeploy state migrate --from s3://BUCKET/PREFIX"));
    };
    screen.say(&format!(
        "The state is in {} now, with {} resources.",
        to.place(),
        state.resources.len()
    ));
    screen.say(&format!(
        "As it was it stays in {copy}; nothing uses that any more."
    ));
    screen.next("mcpdeploy plan");
    Ok(())
}

/// Writes a state where it is with the keys of today.
fn reseal(from: &Store, to: &Store, lock: &store::Lock, screen: &Screen) -> Result<(), Failure> {
    if store::reseal(from, to, lock)? {
        screen.say("The state is encrypted as deploy.toml says now.");
    } else {
        screen.say("The state is where, and as, deploy.toml says already.");
    }
    Ok(())
}
