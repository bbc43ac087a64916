//! The Runtime API of one process: an HTTP server on a port of its own. Paths, answers and states are
//! those of Lambda's own, whose sources are public (the Runtime Interface Emulator).
//!
//! What a process asks becomes an [`Event`] for whoever drives it. This module does not know runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::failure::{LARGEST_ANSWER, reported_kind};
use super::state::{Answer, Machine, State, accepted, answer, error};
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

/// The Runtime API of one process. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct Api {
    machine: Arc<Machine>,
    events: mpsc::Receiver<Event>,
    address: SocketAddr,
    _open: DropGuard,
}

impl Api {
    /// Opens a port for one process.
    pub(super) async fn open(cloud: &Cloud) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, events) = mpsc::channel(16);
        let machine = Arc::new(Machine::new(sender));
        let closed = CancellationToken::new();
        cloud.tasks().spawn(listen(
            cloud.clone(),
            listener,
            machine.clone(),
            closed.clone(),
        ));
        Ok(Self {
            machine,
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
        self.machine.begin(request_id);
    }

    /// The first thing the process asked that is not in the API, in words.
    pub(super) fn mistake(&self) -> Option<String> {
        self.machine.mistake()
    }
}

async fn listen(
    cloud: Cloud,
    listener: TcpListener,
    machine: Arc<Machine>,
    closed: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, machine.clone(), closed.clone());
                cloud.tasks().spawn(connection);
            }
            Err(error) => {
                tracing::debug!(%error, "a process could not connect");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, machine: Arc<Machine>, closed: CancellationToken) {
    // Small answers go out at once.
    drop(stream.set_nodelay(true));
    let service = service_fn(|request| {
        let machine = &machine;
        async move { Ok::<_, std::convert::Infallible>(serve(machine, request).await) }
    });
    // Without a timer: a function may keep its connection as long as it runs.
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => {
            if let Err(error) = ended && error.is_parse() {
                machine.note(|| "what it sent to the Runtime API is not HTTP".to_owned());
            }
        }
        () = closed.cancelled() => {}
    }
}

async fn serve(machine: &Machine, request: Request<Incoming>) -> Answer {
    let (head, mut body) = request.into_parts();
    let path = head.uri.path();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let get = head.method == Method::GET;
    let post = head.method == Method::POST;
    let served = match parts.as_slice() {
        ["2018-06-01", "runtime", "invocation", "next"] if get => next(machine).await,
        ["2018-06-01", "runtime", "invocation", id, "response"] if post => {
            response(machine, id, &head.headers, &mut body).await
        }
        ["2018-06-01", "runtime", "invocation", id, "error"] if post => {
            failed(machine, id, &mut body).await
        }
        ["2018-06-01", "runtime", "init", "error"] if post => {
            init_failed(machine, &head.headers, &mut body).await
        }
        ["2018-06-01", "ping"] if get => Ok(answer(StatusCode::OK, "pong")),
        ["2020-01-01", "extension", ..] => {
            machine.note(|| "it uses the Extensions API, which is not here".to_owned());
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
            machine.note(|| {
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

async fn next(machine: &Machine) -> Result<Answer, Answer> {
    machine.become_state(State::Ready)?;
    let (sender, invocation) = oneshot::channel();
    machine.tell(Event::Next(sender)).await;
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
    machine: &Machine,
    id: &str,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Answer, Answer> {
    machine.answer_state(id, State::InvocationResponse)?;
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
            let (stream, pump) = streaming::begin();
            machine.tell(Event::Stream(stream)).await;
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
    machine.sent();
    machine.tell(event).await;
    Ok(answer)
}

fn truncated() -> Answer {
    error(
        StatusCode::BAD_REQUEST,
        "TruncatedHTTPRequest",
        "HTTP request detected as truncated",
    )
}

async fn failed(machine: &Machine, id: &str, body: &mut Incoming) -> Result<Answer, Answer> {
    machine.answer_state(id, State::InvocationErrorResponse)?;
    let event = match read(body, LARGEST_ANSWER).await {
        Ok(Some(body)) => Event::Error(body),
        Ok(None) => Event::TooLarge,
        Err(_) => Event::Broken,
    };
    machine.sent();
    machine.tell(event).await;
    Ok(accepted())
}

async fn init_failed(
    machine: &Machine,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Answer, Answer> {
    machine.become_state(State::InitError)?;
    let kind = headers.get("lambda-runtime-function-error-type");
    let kind = reported_kind(kind.and_then(|kind| kind.to_str().ok()));
    let body = read(body, LARGEST_ANSWER).await;
    let payload = body.ok().flatten().unwrap_or_default();
    machine.tell(Event::InitError { kind, payload }).await;
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
