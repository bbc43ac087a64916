//! A request as it comes off the socket: which stage it means, and what a gateway adds to it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use super::exchange::{Authorized, Exchange, Outcome, SOURCE_IP};
use super::listen::Live;
use super::serving::Route;
use crate::cloud::Cloud;

/// The largest body, in bytes. (Source: HTTP API quotas, payload size.)
const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// The most that the request line and the headers have, in bytes. (Source: the same.)
const LARGEST_HEAD: usize = 10_240;

/// A request that a gateway does not take, with no stage that would log it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// There is no stage for it.
    NotFound,
    /// Its host is no host.
    Host,
    /// Its host is not of this machine.
    Foreign,
    /// Its head is too large.
    Headers,
    /// Its body is too large.
    Body,
    /// Its body broke off.
    Gone,
}

/// A request that is read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) exchange: Exchange,
    /// The headers as they came.
    pub(super) headers: HeaderMap,
    pub(super) route: Option<Arc<Route>>,
}

/// A request's id, as API Gateway's look: 15 characters and a `=`.
pub(super) fn id() -> String {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    BASE64_STANDARD.encode(&bytes[..11])
}

/// Reads a request. `prefix`: what stands before the path as the API sees it.
pub(super) async fn read(
    cloud: &Cloud,
    live: &Arc<Live>,
    prefix: &str,
    request: Request<Incoming>,
    id: &str,
    began: Instant,
) -> Result<Read, Unusable> {
    let (parts, body) = request.into_parts();
    let whole = parts.uri.path();
    let whole = whole.strip_prefix(prefix).unwrap_or(whole);
    let whole = if whole.is_empty() { "/" } else { whole };
    check_head(&parts)?;
    let host = host(&parts)?;
    let serving = live.serving();
    let (stage, mut path) = serving.stage(whole).ok_or(Unusable::NotFound)?;
    let mut whole = whole;
    // By the common port, `$default` can be named: `/_aws/execute-api/<id>/$default/…`.
    if !prefix.is_empty()
        && let Some(rest) = path.strip_prefix("/$default")
        && (rest.is_empty() || rest.starts_with('/'))
    {
        path = if rest.is_empty() { "/" } else { rest };
        whole = path;
    }
    if stage.disabled {
        return Err(Unusable::NotFound);
    }
    let (route, params) = match stage.routes.find(&parts.method, path) {
        Some((route, params)) => (Some(Arc::clone(route)), params),
        None => (None, Vec::new()),
    };
    let body = collect(&parts, body).await?;
    let query = parts.uri.query().unwrap_or_default();
    let at = cloud.now();
    let headers = headers(&parts, &host, body.len(), at.unix_timestamp());
    let exchange = Exchange {
        api: Arc::clone(live),
        stage: Arc::clone(stage),
        route: None,
        id: id.to_owned(),
        at,
        began,
        method: parts.method,
        path: percent_decode_str(whole).decode_utf8_lossy().into_owned(),
        params,
        raw_query: query.to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers,
        host,
        body,
        authorized: Authorized::Nothing,
        outcome: Outcome::default(),
    };
    Ok(Read {
        exchange,
        headers: parts.headers,
        route,
    })
}

fn check_head(parts: &Parts) -> Result<(), Unusable> {
    // Names and values with `: ` and the line's end.
    let lines = parts.headers.iter();
    let lines = lines.map(|(name, value)| name.as_str().len() + value.len() + 4);
    let target = parts.uri.path_and_query().map_or(0, |it| it.as_str().len());
    let line = parts.method.as_str().len() + target + " HTTP/1.1\r\n ".len();
    if line + lines.sum::<usize>() > LARGEST_HEAD {
        return Err(Unusable::Headers);
    }
    Ok(())
}

/// The host that the request names. Functions make URLs of it: what is none goes no further.
fn host(parts: &Parts) -> Result<String, Unusable> {
    let named = parts
        .headers
        .get(HOST)
        .and_then(|value| value.to_str().ok());
    let named = named.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let host = named.ok_or(Unusable::Host)?;
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let named = name == "[::1]"
        || (name.chars().any(|c| c.is_ascii_alphanumeric()) && name.chars().all(fits));
    if !named || port.parse::<u16>().is_err() {
        return Err(Unusable::Host);
    }
    if !is_ours(name) {
        return Err(Unusable::Foreign);
    }
    Ok(host.to_owned())
}

/// Whether a host is one of ours. A web page elsewhere can let a name of its own lead to this
/// machine (DNS rebinding) and would then be of one origin with the server behind this gateway; it
/// has no address and no name of these. AWS knows the hosts of its APIs, too, and forbids others.
fn is_ours(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || name.ends_with(".amazonaws.com")
}

async fn collect(parts: &Parts, mut body: Incoming) -> Result<Bytes, Unusable> {
    let declared = parts.headers.get(CONTENT_LENGTH);
    let declared: Option<usize> = declared
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    if declared.is_some_and(|length| length > LARGEST_BODY) {
        drain(body).await;
        return Err(Unusable::Body);
    }
    match Limited::new(&mut body, LARGEST_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            drain(body).await;
            Err(Unusable::Body)
        }
        Err(_) => Err(Unusable::Gone),
    }
}

/// Reads the rest of a body that is too large, so that clients which send before they listen hear why
/// it was refused; no more than ten times what is allowed.
async fn drain(mut body: Incoming) {
    let mut left = 10 * LARGEST_BODY;
    while left > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        left = left.saturating_sub(frame.data_ref().map_or(1, Bytes::len));
    }
}

/// Headers that are about one connection only.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The headers as functions see them: sorted by name, each once, with those that a gateway adds.
fn headers(parts: &Parts, host: &str, length: usize, seconds: i64) -> Vec<(String, Vec<String>)> {
    let mut headers: Vec<(String, Vec<String>)> = Vec::new();
    for name in parts.headers.keys() {
        if HOP_BY_HOP.contains(name) || name == "keep-alive" || name == "expect" {
            continue;
        }
        let values = parts.headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        headers.push((name.as_str().to_owned(), values.collect()));
    }
    let mut set = |name: &str, value: &dyn Fn(Option<String>) -> String| {
        let at = headers.iter().position(|(key, _)| key == name);
        let before = at.map(|at| headers.swap_remove(at).1.join(","));
        headers.push((name.to_owned(), vec![value(before)]));
    };
    set("host", &|_| host.to_owned());
    set("content-length", &|_| length.to_string());
    set("x-forwarded-for", &|before| match before {
        Some(before) => format!("{before}, {SOURCE_IP}"),
        None => SOURCE_IP.to_owned(),
    });
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    set("x-forwarded-port", &|_| port.to_owned());
    set("x-forwarded-proto", &|_| "http".to_owned());
    set("x-amzn-trace-id", &|before| match before {
        Some(before) if before.contains("Root=") => before,
        Some(_) | None => {
            let random = uuid::Uuid::new_v4().simple().to_string();
            format!("Root=1-{seconds:08x}-{}", &random[..24])
        }
    });
    headers.sort_by(|(a, _), (b, _)| a.cmp(b));
    headers
}
