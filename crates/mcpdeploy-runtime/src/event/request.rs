//! An event as a request.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use indexmap::IndexMap;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// Why an event is no request.
#[derive(Debug, Error)]
pub enum EventError {
    /// It is another service's.
    #[error("the event is none of an HTTP API (payload format 2.0) or a function URL")]
    Form(#[source] serde_json::Error),
    /// Its method is none.
    #[error("the event's method `{0}` is none")]
    Method(String),
    /// Its path and query make no URI.
    #[error("the event's path `{0}` is none")]
    Path(String),
    /// Its body is not what it says.
    #[error("the event's body is not base64")]
    Body(#[source] base64::DecodeError),
}

/// What a gateway says of a request; among the request's extensions.
#[derive(Debug, Clone)]
pub struct Context {
    /// Whom it is from.
    pub source_ip: Option<String>,
    /// The gateway's name, as the client called it.
    pub domain: Option<String>,
    /// All of it, as JSON: authorizers' claims are in it.
    pub json: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    headers: IndexMap<String, String>,
    request_context: Box<RawValue>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    #[serde(borrow)]
    stage: Option<Cow<'a, str>>,
    domain_name: Option<String>,
    http: RequestLine,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestLine {
    method: String,
    source_ip: Option<String>,
}

/// Reads an event.
///
/// # Errors
/// It is not of that form.
pub fn request(payload: &[u8]) -> Result<Request<Bytes>, EventError> {
    let event: Event = serde_json::from_slice(payload).map_err(EventError::Form)?;
    let context: RequestContext<'_> =
        serde_json::from_str(event.request_context.get()).map_err(EventError::Form)?;
    let line = context.http;
    let method: Method = line
        .method
        .parse()
        .map_err(|_| EventError::Method(line.method))?;
    let path = without_stage(&event.raw_path, context.stage.as_deref());
    let mut target = encoded(path);
    if !event.raw_query_string.is_empty() {
        target.push('?');
        target.push_str(&encoded(&event.raw_query_string));
    }
    let uri: Uri = target.parse().map_err(|_| EventError::Path(target))?;
    let body = match event.body {
        None => Bytes::new(),
        Some(text) if event.is_base64_encoded => BASE64_STANDARD
            .decode(text)
            .map_err(EventError::Body)?
            .into(),
        Some(text) => text.into(),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    // A gateway sends no header that is none; what cannot be one all the same is left out.
    for (name, value) in &event.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    if !event.cookies.is_empty()
        && let Ok(value) = HeaderValue::from_str(&event.cookies.join("; "))
    {
        headers.insert(COOKIE, value);
    }
    request.extensions_mut().insert(Context {
        source_ip: line.source_ip,
        domain: context.domain_name,
        json: event.request_context.get().to_owned(),
    });
    Ok(request)
}

/// Paths of a named stage begin with its name, which the server knows nothing of.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let rest = stage
        .filter(|stage| *stage != "$default")
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match rest {
        Some("") => "/",
        Some(rest) => rest,
        None => path,
    }
}

/// What no path and no query may have in it.
const NOT_IN_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// HTTP APIs give the path decoded: what cannot stand in a URI is encoded again. A `%` before two
/// digits stays as it is, for function URLs decode nothing.
fn encoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = utf8_percent_encode(parts.next().unwrap_or_default(), NOT_IN_URI).to_string();
    for part in parts {
        let digits = part.as_bytes().get(..2);
        let is_code = digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        out.push_str(if is_code { "%" } else { "%25" });
        out.extend(utf8_percent_encode(part, NOT_IN_URI));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(changes: Value) -> Vec<u8> {
        let mut event = json!({
            "version": "2.0",
            "rawPath": "/mcp",
            "rawQueryString": "",
            "headers": {"host": "api.example.com", "accept": "a/b,c/d"},
            "requestContext": {
                "stage": "$default",
                "domainName": "api.example.com",
                "http": {"method": "POST", "path": "/mcp", "sourceIp": "203.0.113.9"},
                "authorizer": {"jwt": {"claims": {"sub": "ada"}}},
            },
            "body": "{}",
            "isBase64Encoded": false,
        });
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        event.to_string().into_bytes()
    }

    #[test]
    fn an_event_is_a_request() {
        let read = request(&event(json!({
            "cookies": ["a=1", "b=2"],
            "rawQueryString": "x=1&x=%20y",
            "body": "AP8=",
            "isBase64Encoded": true,
        })))
        .unwrap();
        assert_eq!(read.method(), Method::POST);
        assert_eq!(read.uri(), "/mcp?x=1&x=%20y");
        assert_eq!(read.headers()["cookie"], "a=1; b=2");
        assert_eq!(read.headers()["accept"], "a/b,c/d");
        assert_eq!(read.body().as_ref(), [0, 255]);
        let context = read.extensions().get::<Context>().unwrap();
        assert_eq!(context.source_ip.as_deref(), Some("203.0.113.9"));
        assert_eq!(context.domain.as_deref(), Some("api.example.com"));
        let json: Value = serde_json::from_str(&context.json).unwrap();
        assert_eq!(json["authorizer"]["jwt"]["claims"]["sub"], "ada");
    }

    #[test]
    fn the_path_is_the_servers() {
        for (stage, path, expected) in [
            ("$default", "/mcp", "/mcp"),
            ("prod", "/prod/mcp", "/mcp"),
            ("prod", "/prod", "/"),
            ("prod", "/production/mcp", "/production/mcp"),
            ("prod", "/mcp", "/mcp"),
            ("$default", "/a b/ü", "/a%20b/%C3%BC"),
            ("$default", "/100%/%41", "/100%25/%41"),
            ("$default", "/a%", "/a%25"),
        ] {
            let context = json!({"stage": stage, "http": {"method": "GET"}});
            let read = request(&event(
                json!({"rawPath": path, "requestContext": context, "body": null}),
            ))
            .unwrap();
            assert_eq!(read.uri(), expected, "{stage} {path}");
            assert!(read.body().is_empty());
        }
    }

    #[test]
    fn what_is_no_request_is_said() {
        for (payload, part) in [
            (br#"{"Records": []}"#.to_vec(), "payload format 2.0"),
            (b"null".to_vec(), "payload format 2.0"),
            (
                event(json!({"body": "*", "isBase64Encoded": true})),
                "base64",
            ),
            (
                event(json!({"requestContext": {"http": {"method": "G T"}}})),
                "method",
            ),
        ] {
            let error = request(&payload).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
