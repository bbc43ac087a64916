//! `state`: looks at the state, and mends it.

use std::io::Read;
use std::path::Path;

use mcpdeploy_engine::record::{Record, Slot};
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{self, Lock, StateProblem, Store, StoreError};

use crate::cli::{self, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::host;
use crate::project::Project;
use crate::screen::Screen;

pub(crate) fn run(global: &Global, args: &cli::State, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    match args {
        cli::State::List => {
            let state = load(&project)?;
            if global.json {
                screen.document(&state.resources)?;
            } else {
                screen.state(&state);
            }
        }
        cli::State::Show { address } => {
            let state = load(&project)?;
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
            let (store, lock, old) = for_change(&project, "state mv")?;
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
            let (store, lock, old) = for_change(&project, "state rm")?;
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
            let state = load(&project)?;
            screen.document(&state)?;
        }
        cli::State::Push { file, force } => push(&project, file, *force, screen)?,
        cli::State::Unlock { run } => unlock(&project, run.as_deref(), screen)?,
    }
    Ok(Exit::Done)
}

/// The state, or an error that says that there is none.
pub(crate) fn load(project: &Project) -> Result<State, Failure> {
    let loaded = project.store().load()?;
    loaded.state.ok_or_else(|| {
        Failure::failed(format!(
            "nothing is deployed in the environment {}",
            project.environment
        ))
        .next("mcpdeploy apply")
    })
}

fn no_such(address: &str) -> Failure {
    Failure::usage(format!("there is no {address} in the state"))
        .hint("see what there is: mcpdeploy state list")
}

fn for_change(project: &Project, command: &str) -> Result<(Store, Lock, State), Failure> {
    let store = project.store();
    let lock = store.lock(&host::run_info(command))?;
    let state = load(project)?;
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
        screen.say(&format!("The state as it was is in {}", backup.display()));
    }
    Ok(())
}

fn push(project: &Project, file: &Path, force: bool, screen: &Screen) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::usage(format!("failed to read {}", file.display())).cause(error)
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
    let store = project.store();
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

/// The lock of the local store is the operating system's: it ends with its process.
fn unlock(project: &Project, run: Option<&str>, screen: &Screen) -> Result<(), Failure> {
    match project.store().lock(&host::run_info("state unlock")) {
        Ok(_) => {
            screen.say("Nobody holds the lock: it ends with the process that took it.");
            Ok(())
        }
        Err(StoreError::Locked {
            holder: Some(by), ..
        }) => {
            if run.is_some_and(|run| run != by.run) {
                return Err(Failure::usage(format!(
                    "the lock is held by run {}, not by {}",
                    by.run,
                    run.unwrap_or_default()
                )));
            }
            Err(Failure::new(
                Exit::Locked,
                crate::views::errors::Report::new(format!(
                    "the lock is held by process {} on {}, which runs",
                    by.pid, by.host
                )),
            )
            .hint(format!(
                "end that process and the lock is free: kill {}",
                by.pid
            )))
        }
        Err(error) => Err(error.into()),
    }
}
