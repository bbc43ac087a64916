//! The client of the Runtime API: plain HTTP/1.1 on loopback.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::link::{Body, Link, LinkError, whole};
use crate::log::Log;
use crate::settings::Environment;

const VERSION: &str = "2018-06-01";
const ADDRESS: &str = "AWS_LAMBDA_RUNTIME_API";

/// Why the Runtime API cannot be spoken with.
#[derive(Debug, Error)]
pub enum ApiError {
    /// Its address is not there: this does not run in Lambda.
    #[error("AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda")]
    NoAddress,
    /// Its address cannot be read.
    #[error("AWS_LAMBDA_RUNTIME_API is `{0}`, which is no address")]
    Address(String),
    /// It does not answer.
    #[error("failed to reach the Runtime API")]
    Link(#[from] LinkError),
    /// Its answer breaks off.
    #[error("failed to read the Runtime API's answer")]
    Body(#[source] hyper::Error),
    /// It refuses.
    #[error("the Runtime API answers {what} with HTTP {status}: {text}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// With what.
        status: StatusCode,
        /// What it says.
        text: String,
    },
    /// An invocation without its id.
    #[error("an invocation comes without its request id")]
    NoId,
}

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it.
    pub request_id: String,
    /// When Lambda ends it.
    pub deadline: Instant,
    /// The X-Ray header.
    pub trace: Option<String>,
    /// The event.
    pub payload: Bytes,
}

/// The Runtime API.
#[derive(Debug)]
pub struct RuntimeApi {
    link: Link,
    host: String,
    log: Log,
}

/// An error as Lambda wants it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    error_message: &'a str,
    error_type: &'a str,
    stack_trace: [&'a str; 0],
}

impl RuntimeApi {
    /// The one that the environment names.
    ///
    /// # Errors
    /// It names none.
    pub fn from_environment(environment: &Environment, log: Log) -> Result<Self, ApiError> {
        let host = environment.get(ADDRESS).ok_or(ApiError::NoAddress)?;
        let to: SocketAddr = host
            .to_socket_addrs()
            .ok()
            .and_then(|mut all| all.next())
            .ok_or_else(|| ApiError::Address(host.to_owned()))?;
        Ok(Self {
            link: Link::patient(to),
            host: host.to_owned(),
            log,
        })
    }

    /// The log of what runs here.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits for the next invocation, however long: the environment is frozen meanwhile.
    ///
    /// # Errors
    /// There will be none.
    pub async fn next(&self) -> Result<Invocation, ApiError> {
        let request = self.request(Method::GET, "invocation/next", whole(Bytes::new()));
        let response = self.link.send(request).await?;
        let (head, body) = response.into_parts();
        let payload = body.collect().await.map_err(ApiError::Body)?.to_bytes();
        if head.status != StatusCode::OK {
            return Err(refused("next", head.status, &payload));
        }
        let text = |name: &str| text(&head.headers, name);
        Ok(Invocation {
            request_id: text("lambda-runtime-aws-request-id").ok_or(ApiError::NoId)?,
            deadline: deadline(text("lambda-runtime-deadline-ms").as_deref()),
            trace: text("lambda-runtime-trace-id"),
            payload,
        })
    }

    /// Answers an invocation.
    ///
    /// # Errors
    /// Lambda does not take it.
    pub async fn respond(&self, id: &str, payload: Bytes) -> Result<(), ApiError> {
        let path = format!("invocation/{id}/response");
        let request = self.request(Method::POST, &path, whole(payload));
        self.post("response", request).await
    }

    /// Answers an invocation with a stream: see [`super::stream`].
    pub(super) async fn stream(&self, id: &str, body: Body) -> Result<(), ApiError> {
        let path = format!("invocation/{id}/response");
        let mut request = self.request(Method::POST, &path, body);
        super::stream::announce(request.headers_mut());
        self.post("streamed response", request).await
    }

    /// Says that an invocation failed.
    ///
    /// # Errors
    /// Lambda does not take it.
    pub async fn fail(&self, id: &str, kind: &str, message: &str) -> Result<(), ApiError> {
        let path = format!("invocation/{id}/error");
        self.failure("error", &path, kind, message).await
    }

    /// Says that this environment will never serve.
    ///
    /// # Errors
    /// Lambda does not take it.
    pub async fn fail_init(&self, kind: &str, message: &str) -> Result<(), ApiError> {
        self.failure("init error", "init/error", kind, message)
            .await
    }

    async fn failure(
        &self,
        what: &'static str,
        path: &str,
        kind: &str,
        message: &str,
    ) -> Result<(), ApiError> {
        let failure = Failure {
            error_message: message,
            error_type: kind,
            stack_trace: [],
        };
        let body = serde_json::to_vec(&failure).unwrap_or_default();
        let mut request = self.request(Method::POST, path, whole(body));
        if let Ok(kind) = kind.parse() {
            let headers = request.headers_mut();
            headers.insert("lambda-runtime-function-error-type", kind);
        }
        self.post(what, request).await
    }

    async fn post(&self, what: &'static str, request: Request<Body>) -> Result<(), ApiError> {
        let response = self.link.send(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(ApiError::Body)?.to_bytes();
        if status.is_success() {
            return Ok(());
        }
        Err(refused(what, status, &body))
    }

    fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        if let Ok(uri) = format!("/{VERSION}/runtime/{path}").parse() {
            *request.uri_mut() = uri;
        }
        if let Ok(host) = self.host.parse() {
            request.headers_mut().insert(http::header::HOST, host);
        }
        request
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn refused(what: &'static str, status: StatusCode, body: &[u8]) -> ApiError {
    ApiError::Refused {
        what,
        status,
        text: String::from_utf8_lossy(body).chars().take(300).collect(),
    }
}

/// Milliseconds since 1970, as a moment of the clock that waits. Without it: the longest that a
/// function can run.
fn deadline(header: Option<&str>) -> Instant {
    const LONGEST: Duration = Duration::from_secs(15 * 60);
    let left = header
        .and_then(|text| text.parse::<i128>().ok())
        .map_or(LONGEST, |millis| {
            let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
            let left = u64::try_from(millis - now).unwrap_or(0);
            Duration::from_millis(left).min(LONGEST)
        });
    Instant::now() + left
}
