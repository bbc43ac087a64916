//! One process: started in a group of its own, listened to, and ended with all that it started. (What
//! has lost its parent, as daemons do, is not found again.)

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Pid;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::failure::Ending;
use super::family;
use super::log::Log;

/// How long a killed process may take until the system gives it back.
const REAPING: Duration = Duration::from_secs(5);

/// How often a program is tried again that somebody still writes: another process that was being
/// started while the file was unpacked holds it open until it has become another program itself.
const BUSY_TRIES: u32 = 20;

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Group,
    /// Both outputs through one pipe, which keeps their order; none when it has ended.
    output: Option<pipe::Receiver>,
    buffer: Box<[u8]>,
}

/// Ends a process group when it goes out of scope, however that comes.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    /// The group has no other name than the process id of its leader, which is not given to
    /// another process before the leader is reaped: it is called before, or right after.
    fn kill(&mut self) {
        if let Some(pid) = self.0.take() {
            family::end(pid);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Runs a program in a folder, with these environment variables and no others.
    pub(super) async fn start(
        program: &Path,
        folder: &Path,
        variables: &BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let mut tries = 0;
        loop {
            match Self::spawn(program, folder, variables) {
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES =>
                {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                started => return started,
            }
        }
    }

    fn spawn(
        program: &Path,
        folder: &Path,
        variables: &BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let output = pipe::Receiver::from_owned_fd(reader.into())?;
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Ok(Self {
            child,
            group: Group(pid.and_then(Pid::from_raw)),
            output: Some(output),
            buffer: vec![0; 8192].into(),
        })
    }

    /// Its process id, until it is reaped.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the next thing that it does by itself. May be dropped and called again.
    pub(super) async fn event(&mut self) -> ProcessEvent<'_> {
        tokio::select! {
            status = self.child.wait() => {
                self.group.kill();
                ProcessEvent::Ended(status.map_or(Ending::Code(0), Ending::of))
            }
            read = read(&mut self.output, &mut self.buffer) => {
                ProcessEvent::Wrote(self.buffer.get(..read).unwrap_or_default())
            }
        }
    }

    /// Takes what it has written so far, without waiting.
    pub(super) fn drain(&mut self, log: &mut Log) {
        while let Some(pipe) = &self.output {
            match rustix::io::read(pipe, &mut *self.buffer) {
                Ok(0) => self.output = None,
                Ok(read) => log.output(self.buffer.get(..read).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Ends it and all that it started, and waits until it is gone.
    pub(super) async fn end(&mut self) {
        self.group.kill();
        if tokio::time::timeout(REAPING, self.child.wait())
            .await
            .is_err()
        {
            tracing::warn!(pid = self.child.id(), "a killed process does not end");
        }
    }
}

/// What a process does by itself.
#[derive(Debug)]
pub(super) enum ProcessEvent<'a> {
    Wrote(&'a [u8]),
    Ended(Ending),
}

async fn read(output: &mut Option<pipe::Receiver>, buffer: &mut [u8]) -> usize {
    while let Some(pipe) = output {
        let result = match pipe.readable().await {
            Ok(()) => pipe.try_read(buffer),
            Err(error) => Err(error),
        };
        match result {
            Ok(0) => *output = None,
            Ok(read) => return read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => *output = None,
        }
    }
    pending().await
}
