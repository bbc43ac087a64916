//! `state`: looks at the state, and mends it.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use mcpdeploy_engine::record::{Record, Slot};
use mcpdeploy_engine::seal::{Document, What};
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{self, Lock, StateProblem, Store};

use crate::cli::{self, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::host;
use crate::project::Project;
use crate::screen::Screen;
use crate::stores;

pub(crate) async fn run(
    global: &Global,
    args: &cli::State,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    match args {
        cli::State::List => {
            let state = stores::load(&project, global).await?;
            if global.json {
                screen.document(&state.resources)?;
            } else {
                screen.state(&state);
            }
        }
        cli::State::Show { address } => {
            let state = stores::load(&project, global).await?;
            let Some(resource) = state.resources.get(address) else {
                return Err(no_such(&address.to_string()));
            };
            if global.json {
                screen.document(resource)?;
            } else {
                screen.resource(&state, address);
            }
        }
        cli::State::Mv { from, to } => {
            let (store, lock, old) = for_change(&project, global, "state mv").await?;
            if !old.resources.contains_key(from) {
                return Err(no_such(from.as_str()));
            }
            if old.resources.contains_key(to) {
                return Err(Failure::usage(format!("there is a resource {to} already")));
            }
            if from.kind() != to.kind() {
                return Err(Failure::usage(format!(
                    "{from} cannot become {to}: a resource keeps its kind"
                )));
            }
            let moved = Record::Moved {
                from: from.clone(),
                to: to.clone(),
            };
            change(&store, &lock, &old, &[moved], screen)?;
            screen.say(&format!("{from} is {to} now."));
            screen.next("mcpdeploy plan");
        }
        cli::State::Rm { addresses } => {
            let (store, lock, old) = for_change(&project, global, "state rm").await?;
            let mut records = Vec::new();
            for address in addresses {
                let Some(resource) = old.resources.get(address) else {
                    return Err(no_such(address.as_str()));
                };
                let deposed = resource.deposed.keys().map(|key| Slot::Deposed(*key));
                records.extend(
                    deposed
                        .chain([Slot::Current])
                        .map(|slot| Record::Forgotten {
                            address: address.clone(),
                            slot,
                        }),
                );
            }
            change(&store, &lock, &old, &records, screen)?;
            for address in addresses {
                screen.say(&format!("{address} is forgotten; it stays in the cloud."));
            }
        }
        cli::State::Pull => {
            let state = stores::load(&project, global).await?;
            screen.document(&state)?;
        }
        cli::State::Push { file, force } => push(&project, global, file, *force, screen).await?,
        cli::State::Migrate(args) => super::migrate::run(&project, global, args, screen).await?,
        cli::State::Unlock { run, force } => {
            super::unlock::run(&project, global, run.as_deref(), *force, screen).await?;
        }
    }
    Ok(Exit::Done)
}

fn no_such(address: &str) -> Failure {
    Failure::usage(format!("there is no {address} in the state"))
        .hint("see what there is: mcpdeploy state list")
}

async fn for_change(
    project: &Project,
    global: &Global,
    command: &str,
) -> Result<(Store, Lock, State), Failure> {
    let store = stores::of_project(project, global).await?;
    let lock = store.lock(&host::run_info(command))?;
    let state = stores::there(project, &store)?;
    Ok((store, lock, state))
}

fn change(
    store: &Store,
    lock: &Lock,
    old: &State,
    records: &[Record],
    screen: &Screen,
) -> Result<(), Failure> {
    let mut new = old.clone();
    for record in records {
        new.fold(record)
            .map_err(|error| Failure::failed("failed to change the state").cause(error))?;
    }
    replace(store, lock, Some(old), &mut new, screen)
}

fn replace(
    store: &Store,
    lock: &Lock,
    old: Option<&State>,
    new: &mut State,
    screen: &Screen,
) -> Result<(), Failure> {
    if let Some(backup) = store.replace_with_backup(lock, old, new)? {
        screen.say(&format!("The state as it was is in {backup}"));
    }
    Ok(())
}

async fn push(
    project: &Project,
    global: &Global,
    file: &Path,
    force: bool,
    screen: &Screen,
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::usage(format!("failed to read {}", file.display())).cause(error)
    })?;
    let store = stores::of_project(project, global).await?;
    // What is pushed may be a copy of an encrypted state, or one that was pulled and is plain.
    let bytes = match Document::read(What::State, &bytes) {
        Ok(Document::Sealed(_)) => store.keyring().open(What::State, &bytes),
        Ok(Document::Plain(plain)) => Ok(Cow::Borrowed(plain)),
        Err(error) => Err(error),
    };
    let bytes = bytes.map_err(|error| {
        let failure = Failure::usage(format!("failed to use {}", file.display())).cause(&error);
        error.hints().into_iter().fold(failure, Failure::hint)
    })?;
    let mut new = store::parse_state(&bytes).map_err(|problem| match problem {
        StateProblem::Newer(format) => Failure::usage(format!(
            "{} has format {format}, which this version of mcpdeploy does not know",
            file.display()
        )),
        StateProblem::Unreadable(error) => {
            Failure::usage(format!("{} is no state", file.display())).cause(error)
        }
    })?;
    let lock = store.lock(&host::run_info("state push"))?;
    let old = store.load()?.state;
    if let (Some(old), false) = (&old, force) {
        if old.lineage != new.lineage {
            return Err(Failure::usage(
                "the state to push is of another lineage than the one that is there",
            )
            .hint("push it all the same with --force; the one that is there is kept as a backup"));
        }
        if old.serial > new.serial {
            return Err(Failure::usage(format!(
                "the state to push is older (serial {}) than the one that is there (serial {})",
                new.serial, old.serial
            ))
            .hint("push it all the same with --force; the one that is there is kept as a backup"));
        }
    }
    // The serial only ever grows: a plan made from the old state must not fit the new one.
    new.serial = new.serial.max(old.as_ref().map_or(0, |old| old.serial));
    replace(&store, &lock, old.as_ref(), &mut new, screen)?;
    screen.say("The state is replaced.");
    screen.next("mcpdeploy plan");
    Ok(())
}
