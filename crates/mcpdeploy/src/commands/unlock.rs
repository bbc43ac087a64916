//! `state unlock`: takes the lock away from a run that is dead.

use std::time::Duration;

use mcpdeploy_engine::record::RunInfo;
use mcpdeploy_engine::store::{Holder, Store, StoreError};

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;
use crate::stores;
use crate::views::errors::Report;

pub(crate) async fn run(
    project: &Project,
    global: &Global,
    run: Option<&str>,
    force: bool,
    screen: &Screen,
) -> Result<(), Failure> {
    let store = stores::of_project(project, global).await?;
    let Some(holder) = store.holder()? else {
        screen.say("Nobody holds the lock.");
        return Ok(());
    };
    if let (Some(run), Some(by)) = (run, &holder.by)
        && run != by.run
    {
        return Err(Failure::usage(format!(
            "the lock is held by run {}, not by {run}",
            by.run
        )));
    }
    if !force {
        alive(&store, &holder, screen).await?;
    }
    match store.break_lock(&holder) {
        Ok(()) => {}
        Err(StoreError::Unbreakable(_)) => return Err(by_the_system(holder.by.as_ref())),
        Err(error) => return Err(error.into()),
    }
    screen.say(&match &holder.by {
        Some(by) => format!("The lock of run {} ({}) is removed.", by.run, by.host),
        None => "The lock is removed.".to_owned(),
    });
    screen.say("If that run is still there, it can write nothing more.");
    screen.next("mcpdeploy apply        (goes on from what it recorded)");
    Ok(())
}

/// Watches for a sign of life: clocks of two machines prove nothing.
async fn alive(store: &Store, holder: &Holder, screen: &Screen) -> Result<(), Failure> {
    let Some(heartbeat) = holder.heartbeat else {
        return Ok(());
    };
    let patience = heartbeat.every.min(Duration::from_secs(60)) * 5 / 2;
    screen.say(&format!(
        "Watching for a sign of life of the run that holds the lock, for {} seconds",
        patience.as_secs()
    ));
    let until = tokio::time::Instant::now() + patience;
    while tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let Some(now) = store.holder()? else {
            return Ok(());
        };
        if now.version != holder.version {
            let who = now.by.as_ref().map_or_else(String::new, |by| {
                format!(" ({} on {}, since {})", by.command, by.host, by.at)
            });
            return Err(Failure::new(
                Exit::Locked,
                Report::new(format!(
                    "the run that holds the lock{who} gave a sign of life just now"
                )),
            )
            .hint("wait for it, or end it there")
            .hint("take the lock all the same with --force: it can write nothing more then, and its calls in flight are looked for by the next run"));
        }
    }
    Ok(())
}

/// The lock of the local store is the operating system's: it ends with its process.
fn by_the_system(by: Option<&RunInfo>) -> Failure {
    let who = by.map_or_else(
        || "a process".to_owned(),
        |by| format!("process {} on {}", by.pid, by.host),
    );
    let failure = Failure::new(
        Exit::Locked,
        Report::new(format!("the lock is held by {who}, which runs")),
    );
    match by {
        Some(by) => failure.hint(format!(
            "end that process and the lock is free: kill {}",
            by.pid
        )),
        None => failure.hint("end that process and the lock is free"),
    }
}
