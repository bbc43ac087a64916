//! The embedded cloud as the commands see it: the one that runs, or one of this process.
//!
//! A command that leaves something to be called (`apply`, `deploy`, `import`) needs a cloud that
//! outlives it, and starts one in the background. One that only looks or removes (`plan`,
//! `destroy`) opens the data folder itself when no cloud runs, and leaves nothing behind.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mcpdeploy_local::{Cloud, LockError, OpenError, Running, Settings, Switches};

use crate::failure::{Failure, causes};
use crate::project::Project;
use crate::screen::Screen;

/// The port to prefer, so that addresses stay the same from one day to the next.
const PORT: u16 = 4600;
/// How long a cloud may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// The way to an embedded cloud.
#[derive(Debug)]
pub(crate) enum Embedded {
    /// Another process runs it (or `dev`, in this one).
    Running(Running),
    /// It is part of this process and ends with it.
    Own(Cloud),
}

impl Embedded {
    /// The address of its control plane.
    pub(crate) fn endpoint(&self) -> String {
        match self {
            Self::Running(running) => running.endpoint.clone(),
            Self::Own(cloud) => cloud.endpoint(),
        }
    }
}

/// What a command needs of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It must outlive the command.
    Stay,
    /// It may end with the command.
    Look,
}

/// Where the data of the project's cloud is: where `local up --data` said, or in the project.
pub(crate) fn data(project: &Project) -> PathBuf {
    let folder = project.local_folder();
    let pointer = fs::read_to_string(folder.join("data")).ok();
    match pointer.as_deref().map(str::trim).filter(|p| !p.is_empty()) {
        Some(elsewhere) => PathBuf::from(elsewhere),
        None => folder.join("cloud"),
    }
}

/// Makes the folder of everything local, which no version control is to take.
pub(crate) fn make_folder(project: &Project) -> Result<(), Failure> {
    let folder = project.local_folder();
    let ignore = folder.join(".gitignore");
    fs::create_dir_all(&folder)
        .and_then(|()| {
            if ignore.exists() {
                return Ok(());
            }
            io::Write::write_all(&mut File::create(&ignore)?, b"*\n")
        })
        .map_err(|error| {
            Failure::failed(format!("failed to make {}", folder.display())).cause(error)
        })
}

/// The cloud for a command.
pub(crate) async fn open(
    project: &Project,
    need: Need,
    screen: &Screen,
) -> Result<Embedded, Failure> {
    let data = data(project);
    if let Some(running) = Running::find(&data).await {
        return Ok(Embedded::Running(running));
    }
    make_folder(project)?;
    match need {
        Need::Stay => {
            let running = start_background(&data, None).await?;
            screen.say(&format!(
                "Started the embedded cloud at {} (mcpdeploy local down ends it)",
                running.endpoint
            ));
            Ok(Embedded::Running(running))
        }
        Need::Look => Ok(Embedded::Own(
            start_here(&data, None, Switches::default()).await?,
        )),
    }
}

/// Starts a cloud in this process: on the port it had, the usual one, or a free one.
pub(crate) async fn start_here(
    data: &Path,
    port: Option<u16>,
    switches: Switches,
) -> Result<Cloud, Failure> {
    let remembered = data.join("port");
    let had = fs::read_to_string(&remembered)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let settings = |port| Settings {
        data: Some(data.to_owned()),
        port,
        switches: switches.clone(),
    };
    let mut cloud = Cloud::start(settings(port.or(had).or(Some(PORT)))).await;
    // Another project's cloud, perhaps. A port that the user asked for is the user's.
    if port.is_none() && matches!(cloud, Err(OpenError::Listen { .. })) {
        cloud = Cloud::start(settings(None)).await;
    }
    let cloud = cloud.map_err(|error| start_failed(&error, data))?;
    if let Some(port) = cloud.endpoint().rsplit(':').next() {
        // Only a convenience: without it, the next start may get another port.
        let written = File::create(&remembered)
            .and_then(|mut f| io::Write::write_all(&mut f, port.as_bytes()));
        drop(written);
    }
    Ok(cloud)
}

fn start_failed(error: &OpenError, data: &Path) -> Failure {
    let mut failure = Failure::failed(format!("failed to start the embedded cloud: {error}"));
    for cause in causes(error) {
        failure = failure.cause(cause);
    }
    match error {
        OpenError::Lock(LockError::InUse(_)) => {
            failure.hint("see it with: mcpdeploy local status; end it with: mcpdeploy local down")
        }
        OpenError::Data(_) => failure.hint(format!(
            "the data folder is {}; mcpdeploy local reset starts anew",
            data.display()
        )),
        OpenError::Lock(LockError::Io { .. }) => failure.hint(format!(
            "the data folder is {}: it must be writable",
            data.display()
        )),
        OpenError::Listen { .. } => {
            failure.hint("choose another port: mcpdeploy local up --port N")
        }
    }
}

/// Starts a cloud in a process of its own and waits until it answers.
pub(crate) async fn start_background(data: &Path, port: Option<u16>) -> Result<Running, Failure> {
    let fail = |what: &str, error: io::Error| {
        Failure::failed(format!("failed to start the embedded cloud: {what}")).cause(error)
    };
    // What it holds, and what functions write to its log, is nobody else's.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| fail("make its folder", error))?;
    let path = data.join("cloud.log");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let log = options
        .open(&path)
        .map_err(|error| fail("open its log", error))?;
    let copy = log
        .try_clone()
        .map_err(|error| fail("open its log", error))?;
    let program = std::env::current_exe().map_err(|error| fail("find this program", error))?;
    let mut child = Command::new(program)
        .args(["local", "up", "--foreground", "--quiet", "--data"])
        .arg(data)
        .args(port.map(|port| format!("--port={port}")))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(copy)
        // Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()
        .map_err(|error| fail("start a process", error))?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(running) = Running::find(data).await {
            if running.pid != child.id() {
                // Somebody else's. Ours must not come up later, when that one is down again.
                drop(child.kill());
                drop(child.wait());
            }
            return Ok(running);
        }
        if ended(&mut child) {
            // Two commands at once: the other one's cloud is as good as ours.
            tokio::time::sleep(Duration::from_millis(300)).await;
            return match Running::find(data).await {
                Some(running) => Ok(running),
                None => Err(Failure::failed("the embedded cloud did not start").cause(tail(&path))),
            };
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(Failure::failed(format!(
        "the embedded cloud did not start within {} s",
        PATIENCE.as_secs()
    ))
    .cause(tail(&path)))
}

fn ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// The end of a log, for an error.
fn tail(path: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(2000)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    match read() {
        Ok(text) if !text.is_empty() => text,
        Ok(_) | Err(_) => format!("it said nothing (its log is {})", path.display()),
    }
}
