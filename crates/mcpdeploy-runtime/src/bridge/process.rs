//! The user's server as a process: its start, its lines in the log, its end.

use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::injected::Injected;
use crate::log::Log;
use crate::settings::Program;

/// The longest line that goes to the log in one piece.
const LONGEST_LINE: usize = 64 * 1024;

/// How many lines of standard error an error message has.
const TAIL: usize = 20;

/// How long the last lines of a server that ended are waited for: processes that it left behind may
/// hold its pipes open.
const LAST_LINES: Duration = Duration::from_millis(200);

/// How long a server may take for its end. Lambda gives 2 s at most, and ends all that is left.
const GRACE: Duration = Duration::from_secs(2);

/// Why there is no server.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("failed to start the server `{program}`: {source}")]
    Spawn {
        /// What was to be started.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error("the server `{program}` ended before it was ready ({status}){tail}")]
    Ended {
        /// What was started.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said last.
        tail: String,
    },
    /// It is not ready in time.
    #[error("the server `{program}` is not ready within {within:?}: {what}{tail}")]
    NotReady {
        /// What was started.
        program: String,
        /// How long it had.
        within: Duration,
        /// What was waited for.
        what: String,
        /// What it said last.
        tail: String,
    },
}

/// What becomes of standard input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pipes {
    /// Nothing to read, and lines for the log.
    Log,
    /// Messages: the caller takes both ends.
    Messages,
}

/// A running server. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    tail: Arc<Mutex<VecDeque<String>>>,
    pumps: JoinSet<()>,
}

impl Process {
    /// Starts the server, with more variables than this process has; `injected` are the secret ones.
    pub(super) fn start(
        program: &Program,
        variables: &[(&str, String)],
        injected: &Injected,
        pipes: Pipes,
        log: &Log,
    ) -> Result<Self, ProcessError> {
        let (stdin, stdout) = match pipes {
            Pipes::Log => (Stdio::null(), Stdio::piped()),
            Pipes::Messages => (Stdio::piped(), Stdio::piped()),
        };
        let name = program.program.display().to_string();
        let mut child = Command::new(&program.program)
            .args(&program.arguments)
            .current_dir(&program.folder)
            .envs(injected.pairs())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            // Many a server speaks the Runtime API itself when it sees where that is.
            .env_remove("AWS_LAMBDA_RUNTIME_API")
            .env_remove("_X_AMZN_TRACE_ID")
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            // A group of its own: a shell around the server must not keep signals for itself.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ProcessError::Spawn {
                program: name.clone(),
                source,
            })?;
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let mut pumps = JoinSet::new();
        if let Some(stderr) = child.stderr.take() {
            pumps.spawn(pump(stderr, "stderr", log.clone(), Some(tail.clone())));
        }
        if pipes == Pipes::Log
            && let Some(stdout) = child.stdout.take()
        {
            pumps.spawn(pump(stdout, "stdout", log.clone(), None));
        }
        Ok(Self {
            name,
            child,
            tail,
            pumps,
        })
    }

    /// Standard input and output of [`Pipes::Messages`].
    pub(super) fn messages(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Whether it ends within that time.
    pub(super) async fn ends_within(&mut self, time: Duration) -> bool {
        timeout(time, self.child.wait()).await.is_ok()
    }

    /// Waits for its end, which is too early: the error says what it said.
    pub(super) async fn ended_early(&mut self) -> ProcessError {
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(source) => {
                return ProcessError::Spawn {
                    program: self.name.clone(),
                    source,
                };
            }
        };
        self.last_lines().await;
        ProcessError::Ended {
            program: self.name.clone(),
            status,
            tail: self.said(),
        }
    }

    /// The error of a server that is not ready.
    pub(super) fn not_ready(&self, within: Duration, what: impl Into<String>) -> ProcessError {
        ProcessError::NotReady {
            program: self.name.clone(),
            within,
            what: what.into(),
            tail: self.said(),
        }
    }

    /// Its last lines, for the end of a sentence.
    fn said(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.is_empty() {
            return "; it wrote nothing to standard error".to_owned();
        }
        let lines: Vec<&str> = tail.iter().map(String::as_str).collect();
        format!("; its standard error ends with:\n{}", lines.join("\n"))
    }

    /// Asks it to end, and ends it when it does not.
    pub(super) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        if !self.ends_within(GRACE).await {
            self.signal(Signal::KILL);
        }
        self.last_lines().await;
    }

    /// Waits until its last lines are in the log.
    async fn last_lines(&mut self) {
        let rest = async { while self.pumps.join_next().await.is_some() {} };
        // Late or not: what is there by then is there.
        let _ = timeout(LAST_LINES, rest).await;
    }

    /// To the whole group. When it ended meanwhile, there is nobody to be told.
    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Lines to the log, to the end of the pipe.
async fn pump(
    from: impl AsyncRead + Unpin,
    source: &'static str,
    log: Log,
    tail: Option<Arc<Mutex<VecDeque<String>>>>,
) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        let longest = LONGEST_LINE as u64;
        match (&mut from).take(longest).read_until(b'\n', &mut line).await {
            // The process's end is seen elsewhere.
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text.is_empty() {
            continue;
        }
        log.server(source, text);
        if let Some(tail) = &tail {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(text.chars().take(1_000).collect());
        }
    }
}
