//! A visit to a domain: what the browser or the client sent, and the answers that it can get.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CACHE_CONTROL, CONTENT_TYPE, COOKIE, HeaderName, LOCATION, PRAGMA, SET_COOKIE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;

use super::super::random;
use crate::cloud::Cloud;
use crate::wire::{Body, full};

/// The cookie by which a form shows that it is from a page of ours.
const CSRF: &str = "XSRF-TOKEN";
/// The cookie of a browser in which somebody has signed in, named as at AWS.
const BROWSER: &str = "cognito";

/// A request to a domain.
pub(super) struct Visit {
    pub(super) method: Method,
    /// Where the cloud is for who asks.
    pub(super) base: String,
    /// What stands before the paths of the domain.
    pub(super) prefix: String,
    /// The query as it came.
    pub(super) raw_query: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// What this browser's forms have in them.
    csrf: String,
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

impl Visit {
    pub(super) fn new(cloud: &Cloud, request: Request<Bytes>, prefix: String) -> Self {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let form = kind.starts_with("application/x-www-form-urlencoded");
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let csrf = cookie(&parts.headers, CSRF).filter(|token| !token.is_empty());
        Self {
            base: super::base(cloud, &parts.headers),
            prefix,
            query: pairs(raw_query.as_bytes()),
            form: if form { pairs(&body) } else { Vec::new() },
            raw_query,
            csrf: csrf.map_or_else(random::token, str::to_owned),
            method: parts.method,
            headers: parts.headers,
        }
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name).filter(|value| !value.is_empty())
    }

    /// How often a name is in the query.
    pub(super) fn count(&self, name: &str) -> usize {
        self.query.iter().filter(|(key, _)| key == name).count()
    }

    pub(super) fn form(&self, name: &str) -> Option<&str> {
        first(&self.form, name).filter(|value| !value.is_empty())
    }

    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.form
    }

    /// The session of a browser in which somebody has signed in.
    pub(super) fn browser(&self) -> Option<&str> {
        cookie(&self.headers, BROWSER)
    }

    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a form came from a page that this browser got from us. Another site can send forms
    /// here, but knows no cookie.
    pub(super) fn is_own_form(&self) -> bool {
        let sent = self.form("_csrf").unwrap_or_default();
        let kept = cookie(&self.headers, CSRF).unwrap_or_default();
        // Digests are compared, so that the time it takes says nothing of the token.
        let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        !kept.is_empty() && digest(sent).as_ref() == digest(kept).as_ref()
    }

    /// A path of this domain, with the query of this visit.
    pub(super) fn here(&self, path: &str) -> String {
        if self.raw_query.is_empty() {
            format!("{}{path}", self.prefix)
        } else {
            format!("{}{path}?{}", self.prefix, self.raw_query)
        }
    }

    /// The cookie that goes with pages that have forms.
    pub(super) fn csrf_cookie(&self) -> Option<HeaderValue> {
        self.set_cookie(CSRF, &self.csrf, "")
    }

    /// The cookie of a browser in which somebody has signed in.
    pub(super) fn browser_cookie(&self, token: &str) -> Option<HeaderValue> {
        let seconds = super::super::passing::BROWSER.whole_seconds();
        self.set_cookie(BROWSER, token, &format!("; Max-Age={seconds}"))
    }

    pub(super) fn no_browser_cookie(&self) -> Option<HeaderValue> {
        self.set_cookie(BROWSER, "", "; Max-Age=0")
    }

    fn set_cookie(&self, name: &str, value: &str, more: &str) -> Option<HeaderValue> {
        // Not `Secure`: the port speaks http, and is reached from this machine alone.
        let path = &self.prefix;
        let text = format!("{name}={value}; Path={path}/; HttpOnly; SameSite=Lax{more}");
        HeaderValue::from_str(&text).ok()
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Sends the browser elsewhere. Addresses may have tokens in them, so nothing keeps or tells them.
pub(super) fn redirect(to: &str, cookie: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(full(""));
    let headers = response.headers_mut();
    let Ok(location) = HeaderValue::from_str(to) else {
        return super::html::error("invalid_request");
    };
    headers.insert(LOCATION, location);
    private(headers);
    if let Some(cookie) = cookie {
        headers.append(SET_COOKIE, cookie);
    }
    *response.status_mut() = StatusCode::FOUND;
    response
}

/// What is for this visitor alone.
pub(super) fn private(headers: &mut HeaderMap) {
    let referrer = HeaderName::from_static("referrer-policy");
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(referrer, HeaderValue::from_static("no-referrer"));
}

/// An answer of an endpoint, which scripts of any origin may read: it needs a token or a code.
pub(super) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json;charset=UTF-8");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    private(headers);
    response
}

/// Scripts of any origin may call the endpoints.
pub(super) fn preflight() -> Response<Body> {
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, MCP-Protocol-Version",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
