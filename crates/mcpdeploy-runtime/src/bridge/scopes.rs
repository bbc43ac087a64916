//! Scopes of single tools, looked at before a request reaches the server.
//!
//! The gateway's authorizer has checked the token, and its claims are in the event. What it cannot
//! know is which tool a request calls: that is in the body. A server reads the body with a parser of
//! its own, so whatever two parsers may understand differently is refused here: a call that only the
//! server sees would be one that nobody checked.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::future::Future;

use ::http::header::{CONTENT_ENCODING, HeaderValue, WWW_AUTHENTICATE};
use ::http::{Request, Response, StatusCode};
use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use thiserror::Error;

use super::answer;
use crate::event::Context;
use crate::lambda::{Call, Serve};
use crate::link::Body;
use crate::settings::{Environment, SettingsError};

const CALLS_A_TOOL: &str = "tools/call";

/// Errors of JSON-RPC, and one of ours.
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const INSUFFICIENT_SCOPE: i64 = -32003;

/// Which scopes a tool wants, as `MCPDEPLOY_TOOL_SCOPES` says.
#[derive(Debug, Clone, Default)]
pub struct ToolScopes {
    /// Names and patterns of tools; all that fit count.
    rules: IndexMap<String, Vec<String>>,
    /// Where clients learn how to log in.
    metadata: Option<String>,
}

/// Why there is no bridge behind the scopes.
#[derive(Debug, Error)]
pub enum StartError<E> {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(SettingsError),
    /// The bridge did not come to be.
    #[error("{0}")]
    Bridge(E),
}

/// What serves, behind the scopes of its tools.
#[derive(Debug)]
pub struct Guarded<S> {
    inner: S,
    scopes: ToolScopes,
}

/// Puts the scopes of tools before what serves.
///
/// # Errors
/// It does not come to be, or the settings are wrong: nothing is started then.
pub async fn guarded<S: Serve, E: Display>(
    environment: &Environment,
    start: impl Future<Output = Result<S, E>>,
) -> Result<Guarded<S>, StartError<E>> {
    let scopes = ToolScopes::from_environment(environment).map_err(StartError::Settings)?;
    let inner = start.await.map_err(StartError::Bridge)?;
    Ok(Guarded { inner, scopes })
}

impl<S: Serve> Serve for Guarded<S> {
    async fn serve(&self, call: &Call, request: Request<Bytes>) -> Response<Body> {
        match self.scopes.check(&request) {
            Ok(()) => self.inner.serve(call, request).await,
            Err(refused) => refused.answer(self.scopes.metadata.as_deref()),
        }
    }

    fn streams(&self) -> bool {
        self.inner.streams()
    }

    async fn stop(&self) {
        self.inner.stop().await;
    }
}

impl ToolScopes {
    /// What the environment says; nothing is wanted of any tool when it says nothing.
    ///
    /// # Errors
    /// It says something else than scopes.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        const NAME: &str = "MCPDEPLOY_TOOL_SCOPES";
        let rules = match environment.get(NAME) {
            None => IndexMap::new(),
            Some(text) => serde_json::from_str(text).map_err(|_| SettingsError::Wrong {
                name: NAME,
                value: text.to_owned(),
                expected: "a JSON object of tools and the lists of their scopes",
            })?,
        };
        let metadata = environment
            .get("MCPDEPLOY_RESOURCE_METADATA")
            .map(str::to_owned);
        Ok(Self { rules, metadata })
    }

    /// Whether the request may reach the server.
    fn check(&self, request: &Request<Bytes>) -> Result<(), Refused> {
        // What has no body calls no tool.
        if self.rules.is_empty() || request.body().is_empty() {
            return Ok(());
        }
        if request.headers().contains_key(CONTENT_ENCODING) {
            return Err(Refused::Unreadable(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                PARSE_ERROR,
                "a body must not be compressed here",
            ));
        }
        for call in calls(request.body())? {
            let wanted = self.wanted(&call.tool);
            if wanted.is_empty() {
                continue;
            }
            let granted = granted(request);
            if !wanted.is_subset(&granted.iter().map(String::as_str).collect()) {
                return Err(Refused::Scope {
                    id: call.id,
                    wanted: wanted.into_iter().map(str::to_owned).collect(),
                    granted,
                });
            }
        }
        Ok(())
    }

    fn wanted(&self, tool: &str) -> BTreeSet<&str> {
        let fitting = self.rules.iter().filter(|(rule, _)| fits(rule, tool));
        fitting
            .flat_map(|(_, scopes)| scopes.iter().map(String::as_str))
            .collect()
    }
}

/// Whether a name is what the pattern says: `*` is any letters, `?` is one.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where the last `*` is, and what it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while of < name.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, of));
            at += 1;
        } else if pattern.get(at).is_some_and(|c| *c == '?' || *c == name[of]) {
            at += 1;
            of += 1;
        } else if let Some((before, taken)) = star {
            star = Some((before, taken + 1));
            at = before + 1;
            of = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// A tool's call in a body.
struct ToolCall {
    id: Option<Box<RawValue>>,
    tool: String,
}

/// The calls of tools in a body: of one message, or of a batch of the older era.
fn calls(body: &[u8]) -> Result<Vec<ToolCall>, Refused> {
    let unreadable = |code, why| Refused::Unreadable(StatusCode::BAD_REQUEST, code, why);
    let body: &RawValue =
        serde_json::from_slice(body).map_err(|_| unreadable(PARSE_ERROR, "the body is no JSON"))?;
    let messages: Vec<&RawValue> = if body.get().starts_with('[') {
        serde_json::from_str(body.get())
            .map_err(|_| unreadable(PARSE_ERROR, "the body is no JSON"))?
    } else {
        vec![body]
    };
    let mut calls = Vec::new();
    for message in messages {
        let odd = || unreadable(INVALID_REQUEST, "a message cannot be read for certain");
        let members = Members::read(message).ok_or_else(odd)?;
        let Some(method) = members.only("method").map_err(|()| odd())? else {
            continue;
        };
        // A method that is no string is none that a server knows; this is for whoever would make one of it.
        let method: String = serde_json::from_str(method.get()).map_err(|_| odd())?;
        if method != CALLS_A_TOOL {
            continue;
        }
        let params = members
            .only("params")
            .map_err(|()| odd())?
            .ok_or_else(odd)?;
        let params = Members::read(params).ok_or_else(odd)?;
        let name = params.only("name").map_err(|()| odd())?.ok_or_else(odd)?;
        calls.push(ToolCall {
            id: members
                .only("id")
                .map_err(|()| odd())?
                .map(ToOwned::to_owned),
            tool: serde_json::from_str(name.get()).map_err(|_| odd())?,
        });
    }
    Ok(calls)
}

/// The members of an object, every one of them: some parsers take the first of two, others the last.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn read(object: &'a RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }

    /// The member of that name. `Err` where another could be taken for it: some parsers take no
    /// notice of case, by Unicode's rules (Go's `encoding/json`).
    fn only(&self, name: &str) -> Result<Option<&'a RawValue>, ()> {
        let mut like = self.0.iter().filter(|(key, _)| folded(key) == name);
        match (like.next(), like.next()) {
            (None, _) => Ok(None),
            (Some((key, value)), None) if *key == name => Ok(Some(value)),
            (Some(_), _) => Err(()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((entry.0.0, entry.1));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A key without case, as Unicode folds the letters that a name of ours has.
fn folded(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

/// The scopes of the caller's token, as the gateway's authorizer found them.
fn granted(request: &Request<Bytes>) -> Vec<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Found {
        authorizer: Authorizer,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Authorizer {
        jwt: Jwt,
        lambda: Claims,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Jwt {
        claims: Claims,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Claims {
        scope: Option<String>,
        scp: Option<String>,
    }
    let context = request.extensions().get::<Context>();
    let found: Found = context
        .and_then(|context| serde_json::from_str(&context.json).ok())
        .unwrap_or_default();
    let Authorizer { jwt, lambda } = found.authorizer;
    let texts = [jwt.claims.scope, jwt.claims.scp, lambda.scope, lambda.scp];
    texts
        .iter()
        .flatten()
        // The gateway writes a claim that is a list as `[a b]`.
        .flat_map(|text| text.trim_matches(['[', ']']).split_ascii_whitespace())
        .map(str::to_owned)
        .collect()
}

/// Why a request does not reach the server.
enum Refused {
    Unreadable(StatusCode, i64, &'static str),
    Scope {
        id: Option<Box<RawValue>>,
        wanted: Vec<String>,
        granted: Vec<String>,
    },
}

impl Refused {
    fn answer(self, metadata: Option<&str>) -> Response<Body> {
        let written = |id: Option<&RawValue>, code: i64, message: &str| {
            json!({
                "jsonrpc": "2.0",
                "id": id,
                "error": {"code": code, "message": message},
            })
            .to_string()
        };
        match self {
            Self::Unreadable(status, code, why) => {
                answer(status, "application/json", written(None, code, why))
            }
            Self::Scope {
                id,
                wanted,
                granted,
            } => {
                let message = format!("the tool wants the scope {}", wanted.join(" "));
                let body = written(id.as_deref(), INSUFFICIENT_SCOPE, &message);
                let mut response = answer(StatusCode::FORBIDDEN, "application/json", body);
                let challenge = challenge(wanted, granted, metadata);
                if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                response
            }
        }
    }
}

/// What a client asks for next (RFC 6750, 3.1): what it lacks and what it has, for a new token replaces
/// the old one.
///
/// Source: the specification's page on authorization, "Scope Challenge Handling".
fn challenge(wanted: Vec<String>, granted: Vec<String>, metadata: Option<&str>) -> String {
    let mut scopes = wanted;
    for scope in granted {
        let plain = scope
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
        if plain && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let mut text = format!(
        r#"Bearer error="insufficient_scope", scope="{}""#,
        scopes.join(" ")
    );
    if let Some(metadata) = metadata {
        text.push_str(&format!(r#", resource_metadata="{metadata}""#));
    }
    text
}

#[cfg(test)]
#[path = "scopes_tests.rs"]
mod tests;
