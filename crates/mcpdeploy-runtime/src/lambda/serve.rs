//! The loop: an event in, a request to what serves, its answer out.

use std::fmt::Display;
use std::future::Future;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::api::{ApiError, Invocation, RuntimeApi};
use crate::event;
use crate::link::Body;
use crate::log::Level;

/// What is known of an invocation beside its request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Lambda's id of it.
    pub request_id: String,
    /// When Lambda ends it.
    pub deadline: Instant,
    /// The X-Ray header.
    pub trace: Option<String>,
}

/// What answers requests.
pub trait Serve {
    /// Answers one.
    fn serve(&self, call: &Call, request: Request<Bytes>) -> impl Future<Output = Response<Body>>;

    /// Whether the gateway takes answers as they come.
    fn streams(&self) -> bool;

    /// Lambda ends this environment.
    fn stop(&self) -> impl Future<Output = ()>;
}

/// How the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Lambda said so.
    Told,
    /// What serves did not come to be; Lambda has heard why.
    Init(String),
}

/// Starts what serves and gives it all invocations.
///
/// # Errors
/// The Runtime API cannot be spoken with.
pub async fn serve<S: Serve, E: Display>(
    api: &RuntimeApi,
    start: impl Future<Output = Result<S, E>>,
) -> Result<Stopped, ApiError> {
    // Before anything starts, so that nothing is left behind. Without the signal, Lambda's kill is
    // how it ends.
    let mut told = signal(SignalKind::terminate()).ok();
    let told = async move {
        match &mut told {
            Some(told) => told.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(told);
    let server = tokio::select! {
        _ = &mut told => return Ok(Stopped::Told),
        started = start => match started {
            Ok(server) => server,
            Err(error) => {
                let why = error.to_string();
                api.fail_init("Runtime.ServerStart", &why).await?;
                return Ok(Stopped::Init(why));
            }
        },
    };
    tokio::select! {
        _ = &mut told => {}
        ended = turns(api, &server) => return ended,
    }
    server.stop().await;
    Ok(Stopped::Told)
}

async fn turns<S: Serve>(api: &RuntimeApi, server: &S) -> Result<Stopped, ApiError> {
    loop {
        let invocation = api.next().await?;
        api.log().of_request(Some(&invocation.request_id));
        if let Err(error) = turn(api, server, invocation).await {
            // One answer that Lambda does not take is no reason to lose a warm server.
            api.log().line(Level::Error, &error.to_string());
        }
        api.log().of_request(None);
    }
}

async fn turn<S: Serve>(
    api: &RuntimeApi,
    server: &S,
    invocation: Invocation,
) -> Result<(), ApiError> {
    let id = &invocation.request_id;
    let request = match event::request(&invocation.payload) {
        Ok(request) => request,
        Err(error) => {
            let why = error.to_string();
            api.log().line(Level::Error, &why);
            return api.fail(id, "Runtime.InvalidEvent", &why).await;
        }
    };
    let call = Call {
        request_id: id.clone(),
        deadline: invocation.deadline,
        trace: invocation.trace,
    };
    let response = server.serve(&call, request).await;
    if server.streams() {
        let (head, body) = response.into_parts();
        let prelude = event::prelude(&head);
        return api.stream(id, super::stream::body(prelude, body)).await;
    }
    let payload = buffered(api, &call, response).await;
    api.respond(id, payload).await
}

/// The most that Lambda takes as a buffered answer.
const LARGEST: usize = 6 * 1024 * 1024;

/// The whole answer as an event, or why there is none.
async fn buffered(api: &RuntimeApi, call: &Call, response: Response<Body>) -> Bytes {
    let (head, body) = response.into_parts();
    let collected = tokio::time::timeout_at(
        crate::bridge::give_up(call),
        http_body_util::Limited::new(body, LARGEST).collect(),
    );
    let (status, why) = match collected.await {
        Ok(Ok(body)) => {
            let payload = event::response(&head, &body.to_bytes());
            if payload.len() <= LARGEST {
                return payload;
            }
            (StatusCode::BAD_GATEWAY, too_large())
        }
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            (StatusCode::BAD_GATEWAY, too_large())
        }
        Ok(Err(error)) => (
            StatusCode::BAD_GATEWAY,
            format!("the server's answer broke off: {error}"),
        ),
        Err(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "the server's answer did not end in time".to_owned(),
        ),
    };
    api.log().line(Level::Error, &why);
    let (head, body) = crate::bridge::refusal(status, &why).into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    event::response(&head, &body.unwrap_or_default())
}

fn too_large() -> String {
    format!("the server's answer is larger than {LARGEST} bytes, which is what Lambda takes")
}
