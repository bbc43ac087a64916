//! A cloud that another process runs: how to find it and how to speak with it.
//!
//! Who runs a cloud on a data folder holds the folder's lock and has written `running.json` there:
//! its address, and a token without which the doors below `/_mcpdeploy/` stay closed to web pages
//! and other users of the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::seen::Seen;
use crate::switches::Switches;

/// The header that carries the token.
pub(crate) const TOKEN: &str = "x-mcpdeploy-token";
/// Where the doors are.
pub(crate) const DOORS: &str = "/_mcpdeploy/";

const FILE: &str = "running.json";
const LOCK: &str = "lock";
/// How long a cloud on the same machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The facts of a running cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// The address of the control plane.
    pub endpoint: String,
    /// Opens the doors.
    token: String,
}

/// What a running cloud says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the program that runs it.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// The address of the control plane.
    pub endpoint: String,
    /// The data folder; none when nothing outlives the cloud.
    pub data: Option<PathBuf>,
    /// Since when, ISO 8601.
    pub since: String,
    /// What is made worse on purpose.
    pub switches: Switches,
    /// The HTTP APIs that are served.
    pub apis: Vec<ApiStatus>,
    /// The functions.
    pub functions: Vec<FunctionStatus>,
}

/// An HTTP API that is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiStatus {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub endpoint: String,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionStatus {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// How many processes of it there are, at work or warm.
    pub processes: usize,
}

/// A running cloud that did not answer as it should.
#[derive(Debug, Error)]
#[error("speak with the embedded cloud at {endpoint}: {problem}")]
pub struct TalkError {
    endpoint: String,
    problem: String,
}

/// Why a data folder cannot be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another cloud uses it.
    #[error("another embedded cloud uses {0}")]
    InUse(PathBuf),
    /// The lock cannot be taken.
    #[error("lock {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Takes a data folder for this process, for as long as the file is open.
pub(crate) fn lock(data: &Path) -> Result<File, LockError> {
    let path = data.join(LOCK);
    let fail = |source| LockError::Io {
        path: path.clone(),
        source,
    };
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LockError::InUse(data.to_owned())),
        Err(TryLockError::Error(source)) => Err(fail(source)),
    }
}

impl Running {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            pid: std::process::id(),
            endpoint,
            token: uuid::Uuid::new_v4().simple().to_string(),
        }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Leaves the facts for others, readable to this user alone.
    pub(crate) fn announce(&self, data: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(data)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.persist(data.join(FILE)).map_err(|error| error.error)?;
        Ok(())
    }

    /// The cloud that runs on a data folder, when one does and answers.
    pub async fn find(data: &Path) -> Option<Self> {
        let bytes = fs::read(data.join(FILE)).ok()?;
        let running: Self = serde_json::from_slice(&bytes).ok()?;
        running.status().await.ok()?;
        Some(running)
    }

    /// What the cloud says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Status, TalkError> {
        self.ask(Method::GET, "status", Vec::new()).await
    }

    /// Sets the switches anew.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn switch(&self, switches: &Switches) -> Result<(), TalkError> {
        let body = serde_json::to_vec(switches).map_err(|error| self.error(&error))?;
        self.ask(Method::PUT, "switches", body).await
    }

    /// Asks the cloud to end, and waits until its data folder is free.
    ///
    /// # Errors
    /// When it does not answer, or does not end within ten seconds.
    pub async fn stop(&self, data: &Path) -> Result<(), TalkError> {
        let () = self.ask(Method::POST, "stop", Vec::new()).await?;
        for _ in 0..200 {
            if lock(data).is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(self.error(&format!("it does not end (pid {})", self.pid)))
    }

    /// Watches what passes through, until the cloud ends or the receiver is dropped.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn watch(&self) -> Result<mpsc::Receiver<Seen>, TalkError> {
        let mut body = self.send(Method::GET, "watch", Vec::new()).await?;
        let (sender, receiver) = mpsc::channel(256);
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with the connection or with its receiver"
        )]
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                held.extend_from_slice(&data);
                while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = held.drain(..=end).collect();
                    let Ok(seen) = serde_json::from_slice(&line) else {
                        continue;
                    };
                    if sender.send(seen).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(receiver)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        door: &str,
        body: Vec<u8>,
    ) -> Result<T, TalkError> {
        let answer = async {
            let body = self.send(method, door, body).await?;
            let whole = body.collect().await.map_err(|error| self.error(&error))?;
            serde_json::from_slice(&whole.to_bytes()).map_err(|error| self.error(&error))
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(self.error(&"it does not answer")),
        }
    }

    async fn send(&self, method: Method, door: &str, body: Vec<u8>) -> Result<Incoming, TalkError> {
        let fail = |error: &dyn std::fmt::Display| self.error(error);
        let address = self.endpoint.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.map_err(|e| fail(&e))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| fail(&error))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the connection ends when its sender and its body are dropped"
        )]
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("{DOORS}{door}"))
            .header(http::header::HOST, address)
            .header(TOKEN, &self.token)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| fail(&error))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| fail(&error))?;
        if response.status() == StatusCode::OK {
            Ok(response.into_body())
        } else {
            Err(fail(&format!("it answers {}", response.status())))
        }
    }

    fn error(&self, problem: &dyn std::fmt::Display) -> TalkError {
        TalkError {
            endpoint: self.endpoint.clone(),
            problem: problem.to_string(),
        }
    }
}
