//! The server's process, greeted once: requests go in under ids of ours, and each answer finds
//! whoever waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::message::{self, Answer, METHOD_NOT_FOUND, Message, Outgoing, RpcError};
use super::modern::DISCOVER;
use super::modern_only;
use crate::bridge::injected::Injected;
use crate::bridge::process::{Pipes, Process, ProcessError};
use crate::log::{Level, Log};
use crate::settings::Program;

/// The newest version of the era with a handshake.
pub(super) const VERSION: &str = "2025-11-25";

/// The longest message of a server: no gateway takes a longer answer.
const LONGEST_MESSAGE: usize = 8 * 1024 * 1024;

/// A buffer that a long message left behind is given back above this.
const KEPT_BUFFER: usize = 256 * 1024;

/// How many lines wait for a server that does not read.
const WAITING_LINES: usize = 16;

/// What the server said of itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hello {
    pub(super) protocol_version: String,
    #[serde(default)]
    pub(super) capabilities: Value,
    #[serde(default)]
    pub(super) server_info: Value,
    pub(super) instructions: Option<String>,
    /// Whether it knows only the era without handshake.
    #[serde(skip)]
    pub(super) modern_only: bool,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum CallError {
    #[error("the server ended before it answered")]
    Ended,
    #[error("the server did not answer in time")]
    Late,
}

/// Why a server has not been greeted.
#[derive(Debug)]
enum Unfriendly {
    /// Its answer says that it does not want to, or cannot be used.
    Refuses(String),
    /// It does not answer.
    Silent(String),
}

/// Who waits for what; `None` once the server's output has ended.
type Pending = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>>;

/// A server that has been greeted.
#[derive(Debug)]
pub(super) struct Session {
    process: tokio::sync::Mutex<Process>,
    calls: Calls,
    hello: Hello,
    _tasks: JoinSet<()>,
}

/// The way in.
#[derive(Debug)]
struct Calls {
    lines: mpsc::Sender<Vec<u8>>,
    pending: Pending,
    next: AtomicU64,
}

impl Session {
    /// Starts the server and greets it.
    pub(super) async fn start(
        program: &Program,
        injected: &Injected,
        within: Duration,
        log: &Log,
    ) -> Result<Self, ProcessError> {
        let mut process = Process::start(program, &[], injected, Pipes::Messages, log)?;
        let Some((stdin, stdout)) = process.messages() else {
            return Err(process.not_ready(within, "it has no pipes"));
        };
        let (lines, to_write) = mpsc::channel(WAITING_LINES);
        let pending: Pending = Arc::new(Mutex::new(Some(HashMap::new())));
        let mut tasks = JoinSet::new();
        tasks.spawn(write(stdin, to_write));
        tasks.spawn(read(stdout, pending.clone(), lines.clone(), log.clone()));
        let calls = Calls {
            lines,
            pending,
            next: AtomicU64::new(1),
        };
        match calls.greet(Instant::now() + within).await {
            Ok(hello) => Ok(Self {
                process: tokio::sync::Mutex::new(process),
                calls,
                hello,
                _tasks: tasks,
            }),
            Err(Unfriendly::Refuses(what)) => Err(process.not_ready(within, what)),
            Err(Unfriendly::Silent(what)) => {
                // It says more by how it ended than by not answering.
                if calls.closed() && process.ends_within(Duration::from_secs(1)).await {
                    return Err(process.ended_early().await);
                }
                Err(process.not_ready(within, what))
            }
        }
    }

    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Whether nothing will be answered any more.
    pub(super) fn ended(&self) -> bool {
        self.calls.closed()
    }

    /// Asks the server.
    pub(super) async fn call(
        &self,
        method: &str,
        params: Option<&RawValue>,
        until: Instant,
    ) -> Result<Answer, CallError> {
        self.calls.call(method, params, until).await
    }

    /// Tells the server.
    pub(super) async fn notify(&self, method: &str, params: Option<&RawValue>, until: Instant) {
        // Nobody waits for what becomes of a notification.
        let _ = timeout_at(until, self.calls.notify(method, params)).await;
    }

    pub(super) async fn stop(&self) {
        self.process.lock().await.stop().await;
    }
}

impl Calls {
    fn closed(&self) -> bool {
        self.pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// The handshake, or what stands for it where a server knows none.
    async fn greet(&self, until: Instant) -> Result<Hello, Unfriendly> {
        let params = message::raw(&serde_json::json!({
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": {"name": "mcpdeploy-runtime", "version": env!("CARGO_PKG_VERSION")},
        }));
        let answer = self.call("initialize", Some(&params), until).await;
        let silent = |_| Unfriendly::Silent("it does not answer initialize".to_owned());
        let hello = match answer.map_err(silent)? {
            Answer::Result(result) => serde_json::from_str(result.get()).map_err(|error| {
                Unfriendly::Refuses(format!("its answer to initialize cannot be read: {error}"))
            })?,
            Answer::Error(error) => {
                return self.discover(until).await.map_err(|why| {
                    Unfriendly::Refuses(format!("it refuses initialize: {error}; {why}"))
                });
            }
        };
        let told = self.notify("notifications/initialized", None);
        timeout_at(until, told)
            .await
            .map_err(|_| Unfriendly::Silent("it reads no more after initialize".to_owned()))?;
        Ok(hello)
    }

    /// What a server says of itself that knows no handshake; the error says what is wrong with it.
    async fn discover(&self, until: Instant) -> Result<Hello, String> {
        let question = modern_only::question();
        let answer = self.call(DISCOVER, Some(&question), until).await;
        match answer.map_err(|_| format!("it does not answer {DISCOVER}"))? {
            Answer::Result(result) => modern_only::hello(&result),
            Answer::Error(error) => Err(format!("it refuses {DISCOVER}: {error}")),
        }
    }

    async fn call(
        &self,
        method: &str,
        params: Option<&RawValue>,
        until: Instant,
    ) -> Result<Answer, CallError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        match &mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(pending) => drop(pending.insert(id, answered)),
            None => return Err(CallError::Ended),
        }
        let line = line(Some(id), method, params);
        let exchange = async {
            self.lines.send(line).await.map_err(|_| CallError::Ended)?;
            answer.await.map_err(|_| CallError::Ended)
        };
        let answer = timeout_at(until, exchange).await;
        if answer.is_err()
            && let Some(pending) = &mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner)
        {
            pending.remove(&id);
        }
        answer.unwrap_or(Err(CallError::Late))
    }

    async fn notify(&self, method: &str, params: Option<&RawValue>) {
        // A server that ended needs to know nothing.
        let _ = self.lines.send(line(None, method, params)).await;
    }
}

fn line(id: Option<u64>, method: &str, params: Option<&RawValue>) -> Vec<u8> {
    let message = Outgoing {
        jsonrpc: "2.0",
        id,
        method,
        params,
    };
    let mut line = serde_json::to_vec(&message).unwrap_or_default();
    // Whatever a client put between its values: a message is one line.
    for byte in &mut line {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    line
}

async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        // A server that reads no more is seen by its output.
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads to the end of the server's output; then nobody waits any more.
async fn read(stdout: ChildStdout, pending: Pending, lines: mpsc::Sender<Vec<u8>>, log: Log) {
    let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        buffer.shrink_to(KEPT_BUFFER);
        let most = LONGEST_MESSAGE as u64;
        let mut bounded = (&mut stdout).take(most);
        let read = bounded.read_until(b'\n', &mut buffer).await;
        if !matches!(read, Ok(length) if length > 0) {
            break;
        }
        if buffer.len() == LONGEST_MESSAGE && !buffer.ends_with(b"\n") {
            log.line(
                Level::Error,
                &format!("a message of the server is longer than {LONGEST_MESSAGE} bytes"),
            );
            break;
        }
        take(&buffer, &pending, &lines, &log);
    }
    pending
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
}

/// One line of the server.
fn take(bytes: &[u8], pending: &Pending, lines: &mpsc::Sender<Vec<u8>>, log: &Log) {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(bytes) else {
        // Many a server says something there that is no message.
        let text = String::from_utf8_lossy(bytes);
        if !text.trim().is_empty() {
            log.server("stdout", text.trim());
        }
        return;
    };
    let answer = match (&message.method, message.result, message.error) {
        (Some(method), _, _) => return asked(method, message.id, lines, log),
        (None, _, Some(error)) => Answer::Error(error.to_owned()),
        (None, Some(result), None) => Answer::Result(result.to_owned()),
        (None, None, None) => Answer::Result(RawValue::NULL.to_owned()),
    };
    let id = message.id.and_then(|id| id.get().parse::<u64>().ok());
    let waiting = id.and_then(|id| {
        let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.as_mut()?.remove(&id)
    });
    match waiting {
        // Whoever gave up meanwhile does not want it any more.
        Some(waiting) => drop(waiting.send(answer)),
        None => log.line(Level::Warn, "the server answers what nobody waits for"),
    }
}

/// What the server asks or tells: it cannot reach a client.
fn asked(method: &str, id: Option<&RawValue>, lines: &mpsc::Sender<Vec<u8>>, log: &Log) {
    let Some(id) = id else {
        return;
    };
    let answer = if method == "ping" {
        Answer::Result(message::raw(&serde_json::json!({})))
    } else {
        log.line(
            Level::Warn,
            &format!("the server asks its client for {method}, whom it cannot reach from here"),
        );
        RpcError::new(
            METHOD_NOT_FOUND,
            format!("{method} cannot reach a client through a gateway that buffers"),
        )
        .to_answer()
    };
    let mut line = message::written(Some(id), &answer).into_bytes();
    line.push(b'\n');
    // A server that asks faster than it reads hears of some of it only: waiting for it here would
    // be waiting for each other.
    if lines.try_send(line).is_err() {
        log.line(Level::Warn, "a request of the server stays unanswered");
    }
}
