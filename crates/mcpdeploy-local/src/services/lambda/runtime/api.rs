//! The Runtime API of one process: an HTTP server on a port of its own, and the states that a
//! runtime goes through (from the public sources of Lambda's own, the Runtime Interface Emulator).
//!
//! What a process asks becomes an [`Event`] for whoever drives it. This module does not know runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::failure::{LARGEST_ANSWER, reported_kind};
use super::streaming;
use crate::cloud::Cloud;

/// How much of a refused request is read, in bytes, before its connection is given up.
const UNREAD: usize = 256 * 1024;

/// What a process asks or says.
#[derive(Debug)]
pub(super) enum Event {
    /// It is ready for a run, which goes to the sender. A second one during a run means that the
    /// first did not arrive.
    Next(oneshot::Sender<Arc<Invocation>>),
    /// It cannot start.
    InitError { kind: String, payload: Bytes },
    /// The answer.
    Response(Bytes),
    /// The answer begins. [`Event::Sent`] or [`Event::Broken`] follows.
    Stream(streaming::Stream),
    /// The streamed answer is whole.
    Sent,
    /// The answer broke off: buffered or streamed.
    Broken,
    /// The function failed, and says how.
    Error(Bytes),
    /// The answer was too large.
    TooLarge,
    /// The answer came in an unknown mode.
    ResponseMode,
}

/// A run, as the process gets it.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) payload: Bytes,
    /// Ready to be sent.
    pub(super) headers: HeaderMap,
}

/// Where a runtime is. The names are those of Lambda's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Started,
    InitError,
    Ready,
    Running,
    InvocationResponse,
    InvocationErrorResponse,
    ResponseSent,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::InitError => "InitError",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InvocationResponse => "InvocationResponse",
            Self::InvocationErrorResponse => "InvocationErrorResponse",
            Self::ResponseSent => "RuntimeResponseSentState",
        }
    }

    fn may_become(self, next: Self) -> bool {
        match next {
            Self::Ready => matches!(
                self,
                Self::Started | Self::Ready | Self::Running | Self::ResponseSent
            ),
            Self::InitError => self == Self::Started,
            Self::InvocationResponse | Self::InvocationErrorResponse => self == Self::Running,
            // These are not asked for by a process.
            Self::Started | Self::Running | Self::ResponseSent => true,
        }
    }
}

/// The Runtime API of one process. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct Api {
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    address: SocketAddr,
    _open: DropGuard,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    events: mpsc::Sender<Event>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// The request id of the run.
    current: Option<String>,
    /// The first thing it asked that is not in the API, in words.
    mistake: Option<String>,
}

impl Api {
    /// Opens a port for one process.
    pub(super) async fn open(cloud: &Cloud) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, events) = mpsc::channel(16);
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                state: State::Started,
                current: None,
                mistake: None,
            }),
            events: sender,
        });
        let closed = CancellationToken::new();
        cloud.tasks().spawn(listen(
            cloud.clone(),
            listener,
            shared.clone(),
            closed.clone(),
        ));
        Ok(Self {
            shared,
            events,
            address,
            _open: closed.drop_guard(),
        })
    }

    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` has them.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for what the process asks next. May be dropped and called again.
    pub(super) async fn event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            // Not while this value holds a sender itself.
            None => std::future::pending().await,
        }
    }

    /// What the process has asked already.
    pub(super) fn try_event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Begins a run: answers with this id are taken.
    pub(super) fn begin(&self, request_id: &str) {
        let mut inner = self.shared.lock();
        inner.state = State::Running;
        inner.current = Some(request_id.to_owned());
    }

    /// The first thing the process asked that is not in the API, in words.
    pub(super) fn mistake(&self) -> Option<String> {
        self.shared.lock().mistake.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, event: Event) {
        // Nobody hears it when the process is being ended.
        drop(self.events.send(event).await);
    }

    fn note(&self, mistake: impl FnOnce() -> String) {
        let mut inner = self.lock();
        if inner.mistake.is_none() {
            inner.mistake = Some(mistake());
        }
    }

    /// Goes to the next state, or says why not.
    fn become_state(&self, next: State) -> Result<(), Answer> {
        let mut inner = self.lock();
        if !inner.state.may_become(next) {
            let message = format!(
                "State transition from {} to {} failed for runtime. Error: State transition is not allowed",
                inner.state.name(),
                next.name()
            );
            return Err(error(
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                &message,
            ));
        }
        // A runtime that asks again in the middle of a run gets the same run again.
        if !(inner.state == State::Running && next == State::Ready) {
            inner.state = next;
        }
        Ok(())
    }

    /// Goes to the next state with an answer of the run `id`.
    fn answer_state(&self, id: &str, next: State) -> Result<(), Answer> {
        if self.lock().current.as_deref() != Some(id) {
            return Err(error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            ));
        }
        self.become_state(next)
    }

    fn sent(&self) {
        self.lock().state = State::ResponseSent;
    }
}

type Answer = Response<Full<Bytes>>;

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn error(status: StatusCode, kind: &str, message: &str) -> Answer {
    let body = json!({ "errorMessage": message, "errorType": kind });
    answer(status, body.to_string())
}

fn accepted() -> Answer {
    answer(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n")
}

async fn listen(
    cloud: Cloud,
    listener: TcpListener,
    shared: Arc<Shared>,
    closed: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, shared.clone(), closed.clone());
                cloud.tasks().spawn(connection);
            }
            Err(error) => {
                tracing::debug!(%error, "a process could not connect");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, closed: CancellationToken) {
    // Small answers go out at once.
    drop(stream.set_nodelay(true));
    let service = service_fn(|request| {
        let shared = &shared;
        async move { Ok::<_, std::convert::Infallible>(serve(shared, request).await) }
    });
    // Without a timer: a function may keep its connection as long as it runs.
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => {
            if let Err(error) = ended && error.is_parse() {
                shared.note(|| "what it sent to the Runtime API is not HTTP".to_owned());
            }
        }
        () = closed.cancelled() => {}
    }
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Answer {
    let (head, mut body) = request.into_parts();
    let path = head.uri.path();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let get = head.method == Method::GET;
    let post = head.method == Method::POST;
    let served = match parts.as_slice() {
        ["2018-06-01", "runtime", "invocation", "next"] if get => next(shared).await,
        ["2018-06-01", "runtime", "invocation", id, "response"] if post => {
            response(shared, id, &head.headers, &mut body).await
        }
        ["2018-06-01", "runtime", "invocation", id, "error"] if post => {
            failed(shared, id, &mut body).await
        }
        ["2018-06-01", "runtime", "init", "error"] if post => {
            init_failed(shared, &head.headers, &mut body).await
        }
        ["2018-06-01", "ping"] if get => Ok(answer(StatusCode::OK, "pong")),
        ["2020-01-01", "extension", ..] => {
            shared.note(|| "it uses the Extensions API, which is not here".to_owned());
            Err(error(
                StatusCode::NOT_FOUND,
                "Extension.NotSupported",
                "Extensions API is not supported",
            ))
        }
        // What Lambda's emulator answers, so that a function which only asks goes on without.
        ["2020-08-15", "logs"] => Err(error(
            StatusCode::ACCEPTED,
            "Logs.NotSupported",
            "Logs API is not supported",
        )),
        ["2022-07-01", "telemetry"] => Err(error(
            StatusCode::ACCEPTED,
            "Telemetry.NotSupported",
            "Telemetry API is not supported",
        )),
        _ => {
            let method = &head.method;
            shared.note(|| {
                format!("it asked the Runtime API for `{method} {path}`, which is not there")
            });
            Err(answer(StatusCode::NOT_FOUND, "404 page not found\n"))
        }
    };
    match served {
        Ok(answer) => answer,
        Err(refused) => {
            // The connection stays when the rest of the request is not too long.
            drop(Limited::new(body, UNREAD).collect().await);
            refused
        }
    }
}

async fn next(shared: &Shared) -> Result<Answer, Answer> {
    shared.become_state(State::Ready)?;
    let (sender, invocation) = oneshot::channel();
    shared.tell(Event::Next(sender)).await;
    // Nothing comes when a later connection was given the run.
    let Ok(invocation) = invocation.await else {
        return Err(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "Internal Server Error",
        ));
    };
    let mut response = Response::new(Full::new(invocation.payload.clone()));
    *response.headers_mut() = invocation.headers.clone();
    Ok(response)
}

async fn response(
    shared: &Shared,
    id: &str,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Answer, Answer> {
    shared.answer_state(id, State::InvocationResponse)?;
    let mode = headers.get("lambda-runtime-function-response-mode");
    let (event, answer) = match mode.map(HeaderValue::as_bytes) {
        None | Some(b"") => match read(body, LARGEST_ANSWER).await {
            Ok(Some(body)) => (Event::Response(body), accepted()),
            Ok(None) => (
                Event::TooLarge,
                error(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestEntityTooLarge",
                    &format!("Exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."),
                ),
            ),
            Err(_) => (Event::Broken, truncated()),
        },
        Some(b"streaming") => {
            let (stream, pump) = streaming::begin(headers);
            shared.tell(Event::Stream(stream)).await;
            match pump.run(body).await {
                Ok(()) => (Event::Sent, accepted()),
                Err(streaming::BrokenOff) => (Event::Broken, truncated()),
            }
        }
        Some(_) => (
            Event::ResponseMode,
            error(
                StatusCode::BAD_REQUEST,
                "InvalidFunctionResponseMode",
                "Invalid function response mode",
            ),
        ),
    };
    shared.sent();
    shared.tell(event).await;
    Ok(answer)
}

fn truncated() -> Answer {
    error(
        StatusCode::BAD_REQUEST,
        "TruncatedHTTPRequest",
        "HTTP request detected as truncated",
    )
}

async fn failed(shared: &Shared, id: &str, body: &mut Incoming) -> Result<Answer, Answer> {
    shared.answer_state(id, State::InvocationErrorResponse)?;
    let event = match read(body, LARGEST_ANSWER).await {
        Ok(Some(body)) => Event::Error(body),
        Ok(None) => Event::TooLarge,
        Err(_) => Event::Broken,
    };
    shared.sent();
    shared.tell(event).await;
    Ok(accepted())
}

async fn init_failed(
    shared: &Shared,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Answer, Answer> {
    shared.become_state(State::InitError)?;
    let kind = headers.get("lambda-runtime-function-error-type");
    let kind = reported_kind(kind.and_then(|kind| kind.to_str().ok()));
    let body = read(body, LARGEST_ANSWER).await;
    let payload = body.ok().flatten().unwrap_or_default();
    shared.tell(Event::InitError { kind, payload }).await;
    Ok(accepted())
}

/// The whole body; none when it is larger than `limit` bytes. Then it is read all the same, for a
/// client that is still sending does not read an answer.
async fn read(body: &mut Incoming, limit: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length += data.len();
        if length > limit {
            all = BytesMut::new();
        } else if length == data.len() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(if length > limit {
        None
    } else if all.is_empty() {
        Some(first)
    } else {
        Some(all.freeze())
    })
}
