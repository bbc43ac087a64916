//! Bridges: the user's server is a process of its own, and each request is carried to it.

mod headers;
pub mod http;
mod injected;
mod process;
pub mod scopes;
pub mod stdio;

use std::time::Duration;

use ::http::{Response, StatusCode};
use tokio::time::Instant;

pub use self::injected::InjectError;
use crate::lambda::Call;
use crate::link::{Body, whole};

/// What is left of an invocation's time when it is given up, so that the client hears of it.
const MARGIN: Duration = Duration::from_millis(250);

/// The time that an invocation has left.
fn left(call: &Call) -> Duration {
    call.deadline.saturating_duration_since(Instant::now())
}

/// When an invocation is given up.
pub(crate) fn give_up(call: &Call) -> Instant {
    call.deadline - MARGIN.min(left(call))
}

/// An answer of the bridge itself: the server has none.
pub(crate) fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let body = serde_json::json!({ "message": why }).to_string();
    answer(status, "application/json", body)
}

/// An answer with a whole body of that type.
fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        ::http::header::CONTENT_TYPE,
        ::http::HeaderValue::from_static(kind),
    );
    response
}
