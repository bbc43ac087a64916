//! The era without handshake (2026-07-28), as a server of the older one can answer it.
//!
//! Source: the specification's pages on Streamable HTTP, base protocol and discovery, 2026-07-28.

use ::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::message::{
    self, Answer, HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, Members, RESOURCE_NOT_FOUND,
    RpcError, UNSUPPORTED_VERSION,
};
use super::session::Hello;

pub(super) const VERSION: &str = "2026-07-28";
pub(super) const DISCOVER: &str = "server/discover";
pub(super) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
pub(super) const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
pub(super) const SERVER_KEY: &str = "io.modelcontextprotocol/serverInfo";
/// What asks the server to tell of progress.
pub(super) const PROGRESS: &str = "progressToken";
/// Names of that beginning are the protocol's, and the older era knows none of them.
const RESERVED: &str = "io.modelcontextprotocol/";

/// What the era has no more.
const GONE: [&str; 5] = [
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];

/// Whose results clients may keep.
const CACHEABLE: [&str; 6] = [
    DISCOVER,
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "tools/list",
];

/// Whether parameters name the version that they are of: only this era's do.
pub(super) fn names_version(params: Option<&RawValue>) -> bool {
    meta_of(params).is_some_and(|meta| meta.contains_key(VERSION_KEY))
}

fn meta_of(params: Option<&RawValue>) -> Option<Members> {
    let params = params.filter(|params| params.get().contains("_meta"))?;
    message::members(message::members(params)?.get("_meta")?)
}

/// A refusal: the HTTP status and the error.
pub(super) type Refused = (StatusCode, RpcError);

/// Whether a request is as this era wants it, and one that this era has.
pub(super) fn check(
    headers: &HeaderMap,
    method: &str,
    params: Option<&RawValue>,
) -> Result<(), Refused> {
    let refused = |code, message: String| (StatusCode::BAD_REQUEST, RpcError::new(code, message));
    let meta = meta_of(params).unwrap_or_default();
    let version: Option<String> = meta
        .get(VERSION_KEY)
        .and_then(|version| serde_json::from_str(version.get()).ok());
    let Some(version) = version else {
        let why = format!("the request does not name its version in _meta[\"{VERSION_KEY}\"]");
        return Err(refused(INVALID_PARAMS, why));
    };
    let capabilities = meta.get(CAPABILITIES_KEY);
    if !capabilities.is_some_and(|capabilities| capabilities.get().starts_with('{')) {
        let why = format!("the request has no _meta[\"{CAPABILITIES_KEY}\"]");
        return Err(refused(INVALID_PARAMS, why));
    }
    same(headers, "MCP-Protocol-Version", Some(&version))?;
    if version != VERSION {
        let mut error = RpcError::new(UNSUPPORTED_VERSION, "the version is not supported");
        error.data = Some(json!({"supported": [VERSION], "requested": version}));
        return Err((StatusCode::BAD_REQUEST, error));
    }
    same(headers, "Mcp-Method", Some(method))?;
    let named = match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    };
    if let Some(member) = named {
        let params = params.and_then(message::members).unwrap_or_default();
        let name: Option<String> = params
            .get(member)
            .and_then(|name| serde_json::from_str(name.get()).ok());
        same(headers, "Mcp-Name", name.as_deref())?;
    }
    if GONE.contains(&method) {
        let error = RpcError::new(METHOD_NOT_FOUND, format!("{VERSION} has no {method}"));
        return Err((StatusCode::NOT_FOUND, error));
    }
    Ok(())
}

/// Whether a header repeats what the body says. What the body does not have, the server refuses.
fn same(headers: &HeaderMap, name: &str, body: Option<&str>) -> Result<(), Refused> {
    let header = headers.get(name).map(|value| decoded(value.as_bytes()));
    let wrong = match (&header, body) {
        (Some(Some(header)), Some(body)) => header != body,
        (Some(None), _) | (None, Some(_)) => true,
        (Some(Some(_)), None) => true,
        (None, None) => false,
    };
    if !wrong {
        return Ok(());
    }
    let error = RpcError::new(
        HEADER_MISMATCH,
        format!("the header {name} does not say what the body says"),
    );
    Err((StatusCode::BAD_REQUEST, error))
}

/// A header's value, out of the base64 form for what headers cannot carry.
fn decoded(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let base64 = text
        .strip_prefix("=?base64?")
        .and_then(|text| text.strip_suffix("?="));
    match base64 {
        None => Some(text.to_owned()),
        Some(base64) => String::from_utf8(BASE64_STANDARD.decode(base64).ok()?).ok(),
    }
}

/// Parameters without what a server of the older era does not know, or what would make it tell of
/// progress that reaches nobody.
pub(super) fn for_server(params: Option<&RawValue>) -> Option<Box<RawValue>> {
    let params = params?;
    if !params.get().contains("_meta") {
        return Some(params.to_owned());
    }
    Some(message::with_meta(params, |meta| {
        meta.retain(|name, _| name != PROGRESS && !name.starts_with(RESERVED));
    }))
}

/// What `server/discover` is answered with.
pub(super) fn discovery(hello: &Hello, capabilities: &Value) -> Answer {
    let mut result = json!({
        "supportedVersions": [VERSION],
        "capabilities": capabilities,
        "_meta": {SERVER_KEY: hello.server_info},
    });
    if let Some(instructions) = &hello.instructions {
        result["instructions"] = instructions.as_str().into();
    }
    Answer::Result(message::raw(&result))
}

/// An answer of the server as this era has it, and its HTTP status.
pub(super) fn for_client(method: &str, answer: Answer) -> (StatusCode, Answer) {
    let result = match answer {
        Answer::Result(result) => result,
        Answer::Error(error) => {
            return match message::code(&error) {
                Some(METHOD_NOT_FOUND) => (StatusCode::NOT_FOUND, Answer::Error(error)),
                Some(RESOURCE_NOT_FOUND) => (StatusCode::OK, recoded(&error, INVALID_PARAMS)),
                Some(_) | None => (StatusCode::OK, Answer::Error(error)),
            };
        }
    };
    let Some(mut members) = message::members(&result) else {
        return (StatusCode::OK, Answer::Result(result));
    };
    let mut put = |name: &str, value: Value| {
        let entry = members.entry(name.to_owned());
        entry.or_insert_with(|| message::raw(&value));
    };
    put("resultType", "complete".into());
    if CACHEABLE.contains(&method) {
        put("ttlMs", 0.into());
        put("cacheScope", "private".into());
    }
    (StatusCode::OK, Answer::Result(message::object(&members)))
}

fn recoded(error: &RawValue, code: i64) -> Answer {
    let mut members = message::members(error).unwrap_or_default();
    members.insert("code".to_owned(), message::raw(&code.into()));
    Answer::Error(message::object(&members))
}
