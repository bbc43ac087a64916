//! The bridge to a server that speaks HTTP on `$PORT`.
//!
//! It owns the server's process and one connection to it. A server that ended is started again for
//! the next request; one that does not answer within the invocation's time is ended, as Lambda
//! would end it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::http::header::{ACCEPT, ALLOW};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout, timeout_at};

use super::InjectError;
use super::headers::{Host, drop_hop_by_hop, to_server};
use super::injected::Injected;
use super::process::{Pipes, Process, ProcessError};
use super::{give_up, left, refusal};
use crate::lambda::{Call, Serve};
use crate::link::{Body, Link, LinkError, whole};
use crate::log::{Level, Log};
use crate::outbound::Https;
use crate::settings::{self, Environment, Program, SettingsError};

/// What stands for the port in the server's arguments.
const PORT: &str = "$PORT";

/// How often it is looked whether a starting server listens.
const LOOK: Duration = Duration::from_millis(3);

/// How long a broken exchange waits to see whether the server ended.
const NOTICE: Duration = Duration::from_millis(100);

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
    /// There is no port for it.
    #[error("failed to find a free port: {0}")]
    Port(#[from] io::Error),
}

#[derive(Debug)]
struct Settings {
    program: Program,
    injected: Injected,
    host: Host,
    ready_path: Option<String>,
    ready_within: Duration,
    streams: bool,
}

/// The bridge.
#[derive(Debug)]
pub struct Bridge {
    settings: Settings,
    log: Log,
    /// `None` from the server's end to the next request.
    server: Mutex<Option<Server>>,
}

#[derive(Debug)]
struct Server {
    process: Process,
    link: Link,
    /// Whether an answer of it broke off on its way.
    broke_off: Arc<AtomicBool>,
    /// What it is called by itself.
    local: HeaderValue,
}

impl Settings {
    fn read(environment: &Environment) -> Result<Self, SettingsError> {
        const HOST: &str = "MCPDEPLOY_HOST";
        let host = match environment.get(HOST) {
            None => Host::Local,
            Some("public") => Host::Public,
            Some(name) => {
                Host::Fixed(
                    HeaderValue::from_str(name).map_err(|_| SettingsError::Wrong {
                        name: HOST,
                        value: name.to_owned(),
                        expected: "`public` or a name",
                    })?,
                )
            }
        };
        const PATH: &str = "MCPDEPLOY_READY_PATH";
        let ready_path = environment.get(PATH).map(str::to_owned);
        if let Some(path) = ready_path.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(SettingsError::Wrong {
                name: PATH,
                value: path.clone(),
                expected: "a path that begins with `/`",
            });
        }
        Ok(Self {
            program: Program::from_environment(environment)?,
            injected: Injected::default(),
            host,
            ready_path,
            ready_within: settings::ready_within(environment)?,
            streams: settings::streams(environment)?,
        })
    }
}

impl Bridge {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// It is not, or the settings are wrong.
    pub async fn start(environment: &Environment, log: &Log) -> Result<Self, StartError> {
        let mut settings = Settings::read(environment)?;
        settings.injected = Injected::read(environment, || Arc::new(Https::default())).await?;
        let server = Server::start(&settings, settings.ready_within, log).await?;
        Ok(Self {
            settings,
            log: log.clone(),
            server: Mutex::new(Some(server)),
        })
    }

    /// The server; a new one when it ended.
    async fn server(&self, kept: Option<Server>, call: &Call) -> Result<Server, StartError> {
        if let Some(mut server) = kept {
            // A process that ends closes its connections a little before it is seen to have ended.
            if server.broke_off.swap(false, Ordering::Relaxed) {
                server.process.ends_within(NOTICE).await;
            }
            match server.process.ended() {
                None => return Ok(server),
                Some(status) => self.log.line(
                    Level::Warn,
                    &format!("the server ended ({status}): it is started again"),
                ),
            }
        }
        let within = self.settings.ready_within.min(left(call) / 2);
        Server::start(&self.settings, within, &self.log).await
    }

    /// The answer, and the server if it may be asked again.
    async fn ask(
        &self,
        mut server: Server,
        call: &Call,
        request: Request<Bytes>,
    ) -> (Option<Server>, Result<Response<Body>, (StatusCode, String)>) {
        let (mut head, body) = request.into_parts();
        let context = head.extensions.remove();
        to_server(
            &mut head.headers,
            context.as_ref(),
            call,
            &self.settings.host,
            &server.local,
        );
        let request = Request::from_parts(head, whole(body));
        match timeout_at(give_up(call), server.link.send(request)).await {
            Ok(Ok(response)) => {
                let (mut head, body) = response.into_parts();
                drop_hop_by_hop(&mut head.headers);
                let broke_off = server.broke_off.clone();
                let body = body.map_err(move |error| {
                    broke_off.store(true, Ordering::Relaxed);
                    error.into()
                });
                let body = body.boxed_unsync();
                (Some(server), Ok(Response::from_parts(head, body)))
            }
            Ok(Err(error)) => {
                let gone = match &error {
                    LinkError::Connect { .. } => true,
                    LinkError::Exchange { .. } => server.process.ends_within(NOTICE).await,
                };
                let why = if gone {
                    "the server ended before it answered"
                } else {
                    "the server broke off before it answered"
                };
                // The details are for the log only.
                self.log.line(Level::Error, &detail(&error));
                let refused = (StatusCode::BAD_GATEWAY, why.to_owned());
                ((!gone).then_some(server), Err(refused))
            }
            Err(_) => {
                let why = "the server did not answer in time: it is ended".to_owned();
                (None, Err((StatusCode::GATEWAY_TIMEOUT, why)))
            }
        }
    }
}

impl Serve for Bridge {
    async fn serve(&self, call: &Call, request: Request<Bytes>) -> Response<Body> {
        if !self.settings.streams && wants_stream(&request) {
            return no_stream();
        }
        let mut slot = self.server.lock().await;
        let server = match self.server(slot.take(), call).await {
            Ok(server) => server,
            Err(error) => {
                let why = error.to_string();
                self.log.line(Level::Error, &why);
                // What it wrote is for the log only.
                return refusal(StatusCode::BAD_GATEWAY, "the server cannot be started");
            }
        };
        let (kept, answer) = self.ask(server, call, request).await;
        *slot = kept;
        answer.unwrap_or_else(|(status, why)| {
            self.log.line(Level::Error, &why);
            refusal(status, &why)
        })
    }

    fn streams(&self) -> bool {
        self.settings.streams
    }

    async fn stop(&self) {
        if let Some(mut server) = self.server.lock().await.take() {
            server.process.stop().await;
        }
    }
}

/// Whether a request is for the stream of what a server says unasked, which ends with the session only.
fn wants_stream(request: &Request<Bytes>) -> bool {
    let accepts = request.headers().get_all(ACCEPT).iter();
    let mut ranges = accepts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    request.method() == Method::GET
        && ranges.any(|range| range.eq_ignore_ascii_case("text/event-stream"))
}

/// Answers are passed on whole: such a stream would hold the function until its time is over, and reach
/// nobody. 405 is what clients take for "there is none" (Streamable HTTP, "Listening for Messages").
fn no_stream() -> Response<Body> {
    let why = "event streams cannot pass this gateway";
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, why);
    let allowed = HeaderValue::from_static("POST, DELETE");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

impl Server {
    async fn start(settings: &Settings, within: Duration, log: &Log) -> Result<Self, StartError> {
        let port = free_port()?;
        let variables = [
            ("PORT", port.to_string()),
            ("MCPDEPLOY_PORT", port.to_string()),
        ];
        let program = with_port(&settings.program, port);
        let mut process =
            Process::start(&program, &variables, &settings.injected, Pipes::Log, log)?;
        let mut waits_for = format!("nothing listens on 127.0.0.1:{port}");
        let ready = async {
            let to = listening(port).await;
            let link = Link::new(to);
            if let Some(path) = &settings.ready_path {
                waits_for = format!("GET {path} is not answered");
                answers(&link, path, &mut waits_for).await;
            }
            link
        };
        let link = tokio::select! {
            ready = timeout(within, ready) => ready.ok(),
            error = process.ended_early() => return Err(error.into()),
        };
        let Some(link) = link else {
            return Err(process.not_ready(within, waits_for).into());
        };
        let local = format!("127.0.0.1:{port}").parse();
        Ok(Self {
            process,
            link,
            broke_off: Arc::default(),
            local: local.unwrap_or_else(|_| HeaderValue::from_static("127.0.0.1")),
        })
    }
}

/// The program with its port in the arguments that name it: many servers take it there only.
fn with_port(program: &Program, port: u16) -> Program {
    let mut program = program.clone();
    for argument in &mut program.arguments {
        *argument = argument.replace(PORT, &port.to_string());
    }
    program
}

fn detail(error: &LinkError) -> String {
    use std::error::Error;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A port that nobody has. Nobody else takes one meanwhile: the environment is the server's alone.
fn free_port() -> io::Result<u16> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Waits until somebody listens, on either loopback address: "localhost" is ::1 to some servers.
async fn listening(port: u16) -> SocketAddr {
    let addresses = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    loop {
        for address in addresses {
            let to = SocketAddr::new(address, port);
            if TcpStream::connect(to).await.is_ok() {
                return to;
            }
        }
        sleep(LOOK).await;
    }
}

/// Waits until a path is answered with anything below 500; `said` is what it was answered with last.
async fn answers(link: &Link, path: &str, said: &mut String) {
    loop {
        let mut request = Request::new(whole(Bytes::new()));
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        if let Ok(host) = link.to().to_string().parse() {
            request.headers_mut().insert(::http::header::HOST, host);
        }
        if let Ok(response) = link.send(request).await {
            let status = response.status();
            // To its end, so that the connection can be used again.
            let _ = response.into_body().collect().await;
            if !status.is_server_error() {
                return;
            }
            *said = format!("GET {path} is answered with HTTP {status}");
        }
        sleep(LOOK).await;
    }
}
