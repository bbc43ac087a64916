//! `dev`: builds, deploys to the embedded cloud, and again at every change of the source.

use std::path::PathBuf;
use std::time::Instant;

use mcpdeploy_build as build;
use mcpdeploy_config::TargetKind;
use mcpdeploy_local::{Cloud, Running, Seen, Switches};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc};

use crate::cli::{Dev, Global, Run, Selectors};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::{self, Need};
use crate::project::Project;
use crate::screen::Screen;
use crate::session::Session;
use crate::views::seen::Passing;
use crate::watch::Changes;

pub(crate) async fn run(global: &Global, args: &Dev, screen: &Screen) -> Result<Exit, Failure> {
    let mut project = Project::open(global)?;
    project.dev = true;
    // A file that does not read is told before anything is started.
    let loaded = project.load()?;
    screen.notes(&loaded);
    let mut ends = Ends::listen()?;
    let (cloud, mut seen) = cloud(&project, screen).await?;
    let root = std::path::absolute(&project.root).unwrap_or_else(|_| project.root.clone());
    let mut changes = Changes::of(&watched(&root, &loaded.config))
        .map_err(|error| Failure::failed("failed to watch the project's files").cause(error))?;
    let mut passing = Passing::new(screen);
    let exit = 'rounds: loop {
        let mut round = Box::pin(round(global, args, &project, screen));
        let mut ending = false;
        let result = loop {
            tokio::select! {
                result = &mut round => break result,
                one = seen.next() => passing.show(&one),
                // The first lets an apply come to a clean end; what is built is of no matter.
                () = ends.wait() => {
                    if ending {
                        break 'rounds Exit::Interrupted;
                    }
                    ending = true;
                }
            }
        };
        match result {
            _ if ending => break Exit::Done,
            Ok(Exit::Interrupted) => break Exit::Interrupted,
            Ok(_) => {}
            Err(failure) => {
                screen.failure(&failure);
            }
        }
        screen.say("Waiting for a change (Ctrl-C ends it)");
        let changed = loop {
            tokio::select! {
                changed = changes.next() => break changed,
                one = seen.next() => passing.show(&one),
                () = ends.wait() => break 'rounds Exit::Done,
            }
        };
        told_changed(&changed, &root, screen);
    };
    if let Some(cloud) = cloud {
        cloud.stop().await;
    }
    Ok(exit)
}

/// What to watch: what the build reads, or the ready executable, and the file.
fn watched(root: &std::path::Path, config: &mcpdeploy_config::DeployConfig) -> Vec<PathBuf> {
    let binary = config.server.as_ref().and_then(|s| s.binary.as_ref());
    match binary {
        None => build::source_folders(root),
        Some(binary) => {
            let binary = root.join(binary);
            let folder = binary.parent().map(std::path::Path::to_owned);
            folder.into_iter().chain([root.join(".pmcp")]).collect()
        }
    }
}

fn told_changed(changed: &[PathBuf], root: &std::path::Path, screen: &Screen) {
    let shown = changed.first().map_or_else(String::new, |path| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string()
    });
    let more = match changed.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    screen.say(&format!("\n{shown}{more} changed"));
}

/// Builds, plans and applies, once.
async fn round(
    global: &Global,
    args: &Dev,
    project: &Project,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let began = Instant::now();
    let loaded = project.load()?;
    if let (TargetKind::AwsLambda, Some(server)) =
        (&loaded.config.target.kind, &loaded.config.server)
    {
        let mut request = project.build_request(&loaded.config, server, None, None);
        if !args.release {
            request.profile = Some("dev".to_owned());
        }
        super::build::run_build(request, screen).await?;
    }
    let built = began.elapsed();
    let mut session = Session::of(project.clone(), global, Need::Stay, screen).await?;
    let select = Selectors {
        refresh: true,
        ..Selectors::default()
    };
    let run = Run {
        auto_approve: true,
        lock_timeout: std::time::Duration::from_secs(10),
    };
    let exit = super::apply::quietly(global, "dev", &select, &run, &mut session, screen).await?;
    if exit == Exit::Done {
        let url = session
            .state
            .outputs
            .get("mcp_url")
            .and_then(|u| u.as_str());
        let times = format!(
            "built in {:.1} s, live after {:.1} s",
            built.as_secs_f64(),
            began.elapsed().as_secs_f64()
        );
        let text = match url {
            Some(url) => format!("{url}  ({times})"),
            None => times,
        };
        screen.result(
            "dev",
            &text,
            json!({
                "mcp_url": url,
                "build_seconds": built.as_secs_f64(),
                "seconds": began.elapsed().as_secs_f64(),
            }),
        );
    }
    Ok(exit)
}

/// The cloud that runs, or one of this process that others can find.
async fn cloud(project: &Project, screen: &Screen) -> Result<(Option<Cloud>, Passed), Failure> {
    let data = local::data(project);
    if let Some(running) = Running::find(&data).await {
        let seen = running
            .watch()
            .await
            .map_err(|error| Failure::failed(format!("failed to {error}")))?;
        return Ok((None, Passed::Elsewhere(seen)));
    }
    local::make_folder(project)?;
    let cloud = local::start_here(&data, None, Switches::default()).await?;
    cloud
        .announce()
        .map_err(|error| Failure::failed("failed to say where the cloud is").cause(error))?;
    screen.say(&format!("The embedded cloud is up: {}", cloud.endpoint()));
    let seen = Passed::Here(cloud.watch());
    Ok((Some(cloud), seen))
}

/// What passes through the cloud.
enum Passed {
    Here(broadcast::Receiver<Seen>),
    Elsewhere(mpsc::Receiver<Seen>),
}

impl Passed {
    /// The next thing. Never returns once the cloud has ended.
    async fn next(&mut self) -> Seen {
        loop {
            match self {
                Self::Here(seen) => match seen.recv().await {
                    Ok(one) => return one,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                },
                Self::Elsewhere(seen) => match seen.recv().await {
                    Some(one) => return one,
                    None => std::future::pending().await,
                },
            }
        }
    }
}

/// What ends the command.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed("failed to listen for signals").cause(error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
