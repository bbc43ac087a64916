//! What is of HTTP in Streamable HTTP: which request is one, and how answers are written.

use ::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use ::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::message::{self, Answer, INVALID_REQUEST, Message, PARSE_ERROR, RpcError};
use super::origin::Origins;
use crate::bridge::{answer, refusal};
use crate::link::{Body, whole};

/// How a client takes its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// A stream of one event.
    EventStream,
}

/// Looks at everything before the body. `Err` is the answer.
pub(super) fn form(request: &Request<Bytes>, origins: &Origins) -> Result<Form, Response<Body>> {
    let headers = request.headers();
    if !origins.allow(headers) {
        return Err(refusal(StatusCode::FORBIDDEN, "the origin is not allowed"));
    }
    if request.uri().path().starts_with("/.well-known/") {
        return Err(refusal(StatusCode::NOT_FOUND, "there is no such document"));
    }
    if request.method() != Method::POST {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "messages are posted");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return Err(response);
    }
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_none_or(|kind| !is_json(kind)) {
        let why = "the content type is not application/json";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    accepted(headers).ok_or_else(|| {
        let why = "the client accepts neither application/json nor text/event-stream";
        refusal(StatusCode::NOT_ACCEPTABLE, why)
    })
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

fn accepted(headers: &HeaderMap) -> Option<Form> {
    let accepts = |kinds: &[&str]| {
        headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim())
            .any(|range| kinds.iter().any(|kind| range.eq_ignore_ascii_case(kind)))
    };
    if !headers.contains_key(ACCEPT) || accepts(&["*/*", "application/*", "application/json"]) {
        Some(Form::Json)
    } else if accepts(&["text/*", "text/event-stream"]) {
        Some(Form::EventStream)
    } else {
        None
    }
}

/// Reads the message. `Err` is the answer.
pub(super) fn read(body: &[u8]) -> Result<Message<'_>, Response<Body>> {
    let refused = |code, why: &str| {
        let error = RpcError::new(code, why).to_answer();
        written(StatusCode::BAD_REQUEST, Form::Json, None, &error)
    };
    let message: Message<'_> = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(error) if error.is_data() => {
            return Err(refused(INVALID_REQUEST, "the body is no JSON-RPC message"));
        }
        Err(_) => return Err(refused(PARSE_ERROR, "the body is no JSON")),
    };
    if message.jsonrpc.as_deref() != Some("2.0") {
        let why = "the body is no message of JSON-RPC 2.0";
        return Err(refused(INVALID_REQUEST, why));
    }
    let is_id = |id: &RawValue| {
        id.get().starts_with(['"', '-']) || id.get().starts_with(|c: char| c.is_ascii_digit())
    };
    if message.id.is_some_and(|id| !is_id(id)) {
        let why = "the id is neither a string nor a number";
        return Err(refused(INVALID_REQUEST, why));
    }
    if message.method.is_none() && message.result.is_none() && message.error.is_none() {
        return Err(refused(INVALID_REQUEST, "the message has no method"));
    }
    Ok(message)
}

/// An answer as the client takes it.
pub(super) fn written(
    status: StatusCode,
    form: Form,
    id: Option<&RawValue>,
    said: &Answer,
) -> Response<Body> {
    let message = message::written(id, said);
    match form {
        Form::Json => answer(status, "application/json", message),
        Form::EventStream => {
            let event = format!("event: message\ndata: {message}\n\n");
            answer(status, "text/event-stream", event)
        }
    }
}

/// The answer to what wants none.
pub(super) fn taken() -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
