//! From a request to the server's answer.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::Mutex;

use super::message::{self, Answer, INTERNAL_ERROR, INVALID_REQUEST, RpcError};
use super::modern::{self, DISCOVER};
use super::modern_only;
use super::origin::Origins;
use super::session::{self, CallError, Hello, Session};
use super::wire::{self, Form};
use crate::bridge::InjectError;
use crate::bridge::injected::Injected;
use crate::bridge::process::ProcessError;
use crate::bridge::{give_up, left};
use crate::lambda::{Call, Serve};
use crate::link::Body;
use crate::log::{Level, Log};
use crate::outbound::Https;
use crate::settings::{self, Environment, Program, SettingsError};

/// The versions with a handshake, oldest first.
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", session::VERSION];

/// What clients tell servers of their own sessions, which there are none of here.
const OF_SESSIONS: [&str; 4] = [
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

/// Why there is no bridge.
#[derive(Debug, Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no server.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A variable of it has no value.
    #[error(transparent)]
    Inject(#[from] InjectError),
}

/// The bridge.
#[derive(Debug)]
pub struct Bridge {
    program: Program,
    injected: Injected,
    ready_within: Duration,
    streams: bool,
    origins: Origins,
    log: Log,
    /// `None` from the server's end to the next request.
    session: Mutex<Option<Arc<Session>>>,
}

/// A request of a client, in one of the eras.
struct Asked<'a> {
    era: Era,
    id: &'a RawValue,
    method: &'a str,
    params: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Era {
    Legacy,
    Modern,
}

impl Bridge {
    /// Starts the server and greets it.
    ///
    /// # Errors
    /// It does not answer, or the settings are wrong.
    pub async fn start(environment: &Environment, log: &Log) -> Result<Self, StartError> {
        let program = Program::from_environment(environment)?;
        let ready_within = settings::ready_within(environment)?;
        let streams = settings::streams(environment)?;
        let injected = Injected::read(environment, || Arc::new(Https::default())).await?;
        let session = Session::start(&program, &injected, ready_within, log).await?;
        Ok(Self {
            program,
            injected,
            ready_within,
            streams,
            origins: Origins::read(environment.get("MCPDEPLOY_ALLOWED_ORIGINS")),
            log: log.clone(),
            session: Mutex::new(Some(Arc::new(session))),
        })
    }

    /// The server; a new one when it ended.
    async fn session(&self, call: &Call) -> Result<Arc<Session>, ProcessError> {
        let mut slot = self.session.lock().await;
        if let Some(session) = &*slot {
            if !session.ended() {
                return Ok(session.clone());
            }
            self.log
                .line(Level::Warn, "the server ended: it is started again");
            // Before the new one starts, for the old one may hold what it needs.
            *slot = None;
        }
        let within = self.ready_within.min(left(call) / 2);
        let session =
            Arc::new(Session::start(&self.program, &self.injected, within, &self.log).await?);
        *slot = Some(session.clone());
        Ok(session)
    }

    /// Ends a server that does not answer, unless that was done already.
    async fn give_up_on(&self, session: &Arc<Session>) {
        let mut slot = self.session.lock().await;
        if slot.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, session)) {
            *slot = None;
        }
    }

    async fn ask(&self, call: &Call, asked: &Asked<'_>) -> Answer {
        let session = match self.session(call).await {
            Ok(session) => session,
            Err(error) => {
                self.log.line(Level::Error, &error.to_string());
                return failed("the server cannot be started");
            }
        };
        let hello = session.hello();
        match (asked.era, asked.method) {
            (Era::Legacy, "initialize") => return welcome(hello, asked.params),
            (Era::Modern, DISCOVER) => return modern::discovery(hello, &offered(hello)),
            // The newer era has no `ping`; whoever is greeted here is there.
            (Era::Legacy, "ping") if hello.modern_only => {
                return Answer::Result(message::raw(&json!({})));
            }
            (Era::Legacy | Era::Modern, _) => {}
        }
        let params = match (hello.modern_only, asked.era) {
            (false, _) => modern::for_server(asked.params),
            (true, Era::Legacy) => Some(modern_only::introduced(asked.params)),
            (true, Era::Modern) => modern_only::passed_on(asked.params),
        };
        let answer = session.call(asked.method, params.as_deref(), give_up(call));
        match answer.await {
            Ok(answer) if hello.modern_only && asked.era == Era::Legacy => {
                modern_only::for_older_client(answer)
            }
            Ok(answer) => answer,
            Err(error) => {
                self.log.line(Level::Error, &error.to_string());
                match error {
                    CallError::Late => self.give_up_on(&session).await,
                    CallError::Ended => {}
                }
                failed(&error.to_string())
            }
        }
    }

    async fn tell(&self, call: &Call, method: &str, params: Option<&RawValue>) {
        if OF_SESSIONS.contains(&method) {
            return;
        }
        match self.session(call).await {
            Ok(session) => session.notify(method, params, give_up(call)).await,
            Err(error) => self.log.line(Level::Error, &error.to_string()),
        }
    }
}

impl Serve for Bridge {
    async fn serve(&self, call: &Call, request: Request<Bytes>) -> Response<Body> {
        let form = match wire::form(&request, &self.origins) {
            Ok(form) => form,
            Err(refused) => return refused,
        };
        let message = match wire::read(request.body()) {
            Ok(message) => message,
            Err(refused) => return refused,
        };
        let (Some(id), Some(method)) = (message.id, message.method.as_deref()) else {
            if let Some(method) = &message.method {
                self.tell(call, method, message.params).await;
            }
            // Answers of clients, too: the server asked none of them.
            return wire::taken();
        };
        let era = era(request.headers(), method, message.params);
        let checked = match era {
            Era::Legacy => legacy_version(request.headers(), method),
            Era::Modern => modern::check(request.headers(), method, message.params),
        };
        if let Err((status, error)) = checked {
            return wire::written(status, Form::Json, Some(id), &error.to_answer());
        }
        let asked = Asked {
            era,
            id,
            method,
            params: message.params,
        };
        let answer = self.ask(call, &asked).await;
        let (status, answer) = match era {
            Era::Legacy => (StatusCode::OK, answer),
            Era::Modern => modern::for_client(method, answer),
        };
        // A status that says something is read before the body is.
        let form = if status == StatusCode::OK {
            form
        } else {
            Form::Json
        };
        wire::written(status, form, Some(asked.id), &answer)
    }

    fn streams(&self) -> bool {
        self.streams
    }

    async fn stop(&self) {
        if let Some(session) = self.session.lock().await.take() {
            session.stop().await;
        }
    }
}

const VERSION_HEADER: &str = "mcp-protocol-version";

/// Which era a request is of.
fn era(headers: &HeaderMap, method: &str, params: Option<&RawValue>) -> Era {
    let header = headers.get(VERSION_HEADER);
    let newer = header.is_some_and(|version| version.as_bytes() > session::VERSION.as_bytes());
    if method == DISCOVER || modern::names_version(params) || (newer && method != "initialize") {
        Era::Modern
    } else {
        Era::Legacy
    }
}

/// A version that there never was is refused; none is the oldest one with this transport.
fn legacy_version(headers: &HeaderMap, method: &str) -> Result<(), modern::Refused> {
    let header = headers.get(VERSION_HEADER);
    let known = header.is_none_or(|version| {
        let mut known = LEGACY.iter();
        known.any(|known| version.as_bytes() == known.as_bytes())
    });
    if known || method == "initialize" {
        return Ok(());
    }
    let error = RpcError::new(INVALID_REQUEST, "MCP-Protocol-Version is not supported");
    Err((StatusCode::BAD_REQUEST, error))
}

fn failed(why: &str) -> Answer {
    RpcError::new(INTERNAL_ERROR, why).to_answer()
}

/// The answer to a client's `initialize`: the client's version, when the server's is as new.
fn welcome(hello: &Hello, params: Option<&RawValue>) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Introduction {
        protocol_version: String,
    }
    let introduction: Option<Introduction> =
        params.and_then(|params| serde_json::from_str(params.get()).ok());
    let Some(Introduction { protocol_version }) = introduction else {
        let why = "initialize without protocolVersion";
        return RpcError::new(message::INVALID_PARAMS, why).to_answer();
    };
    // What an older version has, a newer one has too.
    let version = if LEGACY.contains(&protocol_version.as_str())
        && protocol_version <= hello.protocol_version
    {
        protocol_version.as_str()
    } else {
        &hello.protocol_version
    };
    let mut result = json!({
        "protocolVersion": version,
        "capabilities": offered(hello),
        "serverInfo": hello.server_info,
    });
    if let Some(instructions) = &hello.instructions {
        result["instructions"] = instructions.as_str().into();
    }
    Answer::Result(message::raw(&result))
}

/// The server's capabilities, but for those that need it to speak unasked, or to be the same
/// process from one request to the next.
fn offered(hello: &Hello) -> Value {
    let mut offered = hello.capabilities.clone();
    let Some(capabilities) = offered.as_object_mut() else {
        return json!({});
    };
    capabilities.shift_remove("logging");
    capabilities.shift_remove("tasks");
    for capability in capabilities.values_mut() {
        if let Some(features) = capability.as_object_mut() {
            features.shift_remove("listChanged");
            features.shift_remove("subscribe");
        }
    }
    offered
}
