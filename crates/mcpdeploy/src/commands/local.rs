//! `local`: the embedded cloud, up, down, its status, and anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mcpdeploy_local::{Running, Switches};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Global, Local, LocalUp};
use crate::commands::local_user;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local;
use crate::project::Project;
use crate::screen::Screen;
use crate::views::seen::Passing;

/// How often a cloud looks whether its folder is still there.
const GLANCE: Duration = Duration::from_secs(2);

pub(crate) async fn run(global: &Global, args: &Local, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    match args {
        Local::Up(up) => self::up(&project, up, screen).await,
        Local::Down { data } => down(&folder(&project, data.as_deref()), screen).await,
        Local::Status { data } => status(&folder(&project, data.as_deref()), screen).await,
        Local::Reset { data } => reset(&project, data.as_deref(), screen).await,
        Local::User(user) => local_user::run(&project, global, user, screen).await,
    }
}

/// The data folder that is meant.
fn folder(project: &Project, data: Option<&Path>) -> PathBuf {
    match data {
        Some(data) => std::path::absolute(data).unwrap_or_else(|_| data.to_owned()),
        None => local::data(project),
    }
}

async fn up(project: &Project, args: &LocalUp, screen: &Screen) -> Result<Exit, Failure> {
    let data = folder(project, args.data.as_deref());
    if args.foreground {
        return foreground(&data, args, screen).await;
    }
    let usual = local::data(project);
    if usual != data
        && let Some(running) = Running::find(&usual).await
    {
        return Err(Failure::usage(format!(
            "the embedded cloud of this project is up at {}, with its data in {}",
            running.endpoint,
            usual.display()
        ))
        .hint("end it first: mcpdeploy local down"));
    }
    local::make_folder(project)?;
    let switches = switches(args);
    if let Some(running) = Running::find(&data).await {
        if args
            .port
            .is_some_and(|port| !running.endpoint.ends_with(&format!(":{port}")))
        {
            return Err(Failure::usage(format!(
                "the embedded cloud is up at {}: its port cannot change",
                running.endpoint
            ))
            .hint("end it first: mcpdeploy local down"));
        }
        let before = running.status().await;
        let before = before.map_or_else(|_| Switches::default(), |status| status.switches);
        switch(&running, &switches).await?;
        let what = if before == switches {
            "The embedded cloud is up already"
        } else if switches == Switches::default() {
            "The embedded cloud was up already; its switches are off now"
        } else {
            "The embedded cloud was up already; it has its switches now"
        };
        remember(project, &data)?;
        told_up(what, &running, screen);
        return Ok(Exit::Done);
    }
    let running = local::start_background(&data, args.port).await?;
    switch(&running, &switches).await?;
    remember(project, &data)?;
    told_up("The embedded cloud is up", &running, screen);
    Ok(Exit::Done)
}

async fn switch(running: &Running, switches: &Switches) -> Result<(), Failure> {
    let switched = running.switch(switches).await;
    switched.map_err(|error| Failure::failed(format!("failed to {error}")))
}

fn told_up(what: &str, running: &Running, screen: &Screen) {
    screen.result(
        "local up",
        &format!("{what}: {}", running.endpoint),
        json!({"endpoint": running.endpoint, "pid": running.pid}),
    );
    screen.next("mcpdeploy --local deploy");
}

/// Keeps where `--local` finds a cloud whose data is not in the project.
fn remember(project: &Project, data: &Path) -> Result<(), Failure> {
    if local::data(project) == data {
        return Ok(());
    }
    let pointer = project.local_folder().join("data");
    let written = fs::File::create(&pointer).and_then(|mut file| {
        std::io::Write::write_all(&mut file, data.as_os_str().as_encoded_bytes())
    });
    written.map_err(|error| {
        Failure::failed(format!("failed to write {}", pointer.display())).cause(error)
    })
}

fn switches(args: &LocalUp) -> Switches {
    Switches {
        latency: args.latency,
        iam_propagation: args.iam_propagation.unwrap_or_default(),
        pending: args.pending.unwrap_or_default(),
        throttle: args.throttle,
        faults: args.fault.clone(),
    }
}

/// Runs the cloud here, until a signal or `local down` ends it.
async fn foreground(data: &Path, args: &LocalUp, screen: &Screen) -> Result<Exit, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error| Failure::failed("failed to listen for signals").cause(error))
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    // A terminal that goes away does not take the cloud with it.
    let mut hangup = listen(SignalKind::hangup())?;
    let cloud = local::start_here(data, args.port, switches(args)).await?;
    let mut seen = cloud.watch();
    cloud
        .announce()
        .map_err(|error| Failure::failed("failed to say where the cloud is").cause(error))?;
    screen.say(&format!(
        "The embedded cloud is up: {} (Ctrl-C ends it)",
        cloud.endpoint()
    ));
    let mut passing = Passing::new(screen);
    let mut glances = tokio::time::interval(GLANCE);
    loop {
        tokio::select! {
            // The project was deleted: nobody can find this cloud any more.
            _ = glances.tick() => if !data.exists() {
                break;
            },
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            () = cloud.asked_to_end() => break,
            _ = hangup.recv() => {}
            one = seen.recv() => if let Ok(one) = one {
                passing.show(&one);
            }
        }
    }
    cloud.stop().await;
    Ok(Exit::Done)
}

async fn down(data: &Path, screen: &Screen) -> Result<Exit, Failure> {
    let Some(running) = Running::find(data).await else {
        screen.result(
            "local down",
            "No embedded cloud is up here.",
            json!({"data": data}),
        );
        return Ok(Exit::Done);
    };
    stop(&running, data).await?;
    screen.result(
        "local down",
        "The embedded cloud is down; what it holds is kept for the next time.",
        json!({"endpoint": running.endpoint}),
    );
    Ok(Exit::Done)
}

async fn stop(running: &Running, data: &Path) -> Result<(), Failure> {
    let stopped = running.stop(data).await;
    stopped.map_err(|error| Failure::failed(format!("failed to {error}")))
}

async fn status(data: &Path, screen: &Screen) -> Result<Exit, Failure> {
    let Some(running) = Running::find(data).await else {
        screen.result(
            "local status",
            "The embedded cloud is down.",
            json!({"up": false, "data": data}),
        );
        screen.next("mcpdeploy local up");
        return Ok(Exit::Failed);
    };
    let status = running
        .status()
        .await
        .map_err(|error| Failure::failed(format!("failed to {error}")))?;
    screen.local_status(&status);
    Ok(Exit::Done)
}

async fn reset(project: &Project, data: Option<&Path>, screen: &Screen) -> Result<Exit, Failure> {
    let folder = folder(project, data);
    let running = Running::find(&folder).await;
    if let Some(running) = &running {
        stop(running, &folder).await?;
    }
    clear(&folder)?;
    if data.is_none() {
        // What was deployed there is gone, and so is what we know of it.
        remove(&project.local_folder().join("deployments"))?;
    }
    let what = if running.is_some() {
        let running = local::start_background(&folder, None).await?;
        format!(
            "The embedded cloud is empty, and up again: {}",
            running.endpoint
        )
    } else {
        "The embedded cloud is empty.".to_owned()
    };
    screen.result("local reset", &what, json!({"data": folder}));
    Ok(Exit::Done)
}

/// Removes what the cloud keeps; only what looks like a cloud's folder is touched.
fn clear(data: &Path) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(data) else {
        return Ok(());
    };
    if !data.join("lock").exists() {
        return Err(Failure::usage(format!(
            "{} is not the data folder of an embedded cloud",
            data.display()
        ))
        .hint("nothing was touched"));
    }
    for entry in entries.flatten() {
        if entry.file_name() != "lock" && entry.file_name() != "port" {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::failed(format!("failed to remove {}", path.display())).cause(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
