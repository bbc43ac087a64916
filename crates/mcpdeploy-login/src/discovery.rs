//! Where to log in: from the endpoint to its metadata, and from there to the authorization server's.
//!
//! By MCP's specification, 2025-11-25 and 2026-07-28 (`basic/authorization`, "Authorization Server
//! Discovery"). They go the same way; the newer one says outright that the issuer in the document
//! must be the one that was asked for. Endpoints at fixed paths, as of 2025-03-26, are not guessed.

use serde_json::{Value, json};

use crate::challenge::Challenge;
use crate::documents::{ResourceDocument, ServerDocument};
use crate::error::{LoginError, shown};
use crate::http::{Answer, Http, Reach};
use crate::places;

/// Where to log in to an endpoint, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The resource, exactly as its document has it.
    pub(crate) resource: String,
    /// The scopes to ask for, where the server says so.
    pub(crate) scopes: Vec<String>,
    pub(crate) server: ServerDocument,
}

/// How an endpoint turns strangers away.
pub(crate) enum Door {
    /// With a 401, and what it said with it.
    Locked(Option<Challenge>),
    /// It does not.
    Open,
}

/// Asks as a stranger. The requests are those with which clients of both eras begin, and one that
/// servers protect which let strangers shake hands.
pub(crate) fn knock(http: &Http, endpoint: &str) -> Result<Door, LoginError> {
    let me = json!({"name": "mcpdeploy", "version": env!("CARGO_PKG_VERSION")});
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": me,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let greeting = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me});
    let modern = |method: &str| {
        let headers = [
            ("mcp-protocol-version", "2026-07-28".to_owned()),
            ("mcp-method", method.to_owned()),
        ];
        (method.to_owned(), headers.to_vec(), json!({"_meta": meta}))
    };
    let calls = [
        modern("server/discover"),
        modern("tools/list"),
        ("initialize".to_owned(), Vec::new(), greeting),
    ];
    for (method, headers, params) in calls {
        let answer = call(http, endpoint, &method, &headers, &params)?;
        if let Some(challenge) = locked(&answer) {
            return Ok(Door::Locked(challenge));
        }
        if method == "initialize" && answer.status == 200 {
            let mut headers = vec![("mcp-protocol-version", "2025-11-25".to_owned())];
            let session = answer.header("mcp-session-id").map(str::to_owned);
            headers.extend(session.clone().map(|session| ("mcp-session-id", session)));
            let listed = call(http, endpoint, "tools/list", &headers, &json!({}))?;
            if session.is_some() {
                // Politeness only: a session that is left behind ends by itself.
                let _ = http.delete(endpoint, &borrowed(&headers));
            }
            if let Some(challenge) = locked(&listed) {
                return Ok(Door::Locked(challenge));
            }
        }
    }
    Ok(Door::Open)
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

fn call(
    http: &Http,
    endpoint: &str,
    method: &str,
    headers: &[(&'static str, String)],
    params: &Value,
) -> Result<Answer, LoginError> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut headers = borrowed(headers);
    headers.push(("accept", "application/json, text/event-stream"));
    http.post_json(endpoint, &headers, &body)
}

fn locked(answer: &Answer) -> Option<Option<Challenge>> {
    (answer.status == 401).then(|| {
        // The second is what AWS's function URLs and REST APIs make of the first.
        let names = ["www-authenticate", "x-amzn-remapped-www-authenticate"];
        let headers = names
            .iter()
            .flat_map(|name| answer.headers.get_all(*name).iter());
        headers
            .filter_map(|header| Challenge::bearer(header.to_str().ok()?))
            .next()
    })
}

/// Follows the documents from the endpoint to its authorization server: to `wanted`, or the first.
pub(crate) fn find(
    http: &Http,
    reach: Reach,
    endpoint: &str,
    challenge: Option<&Challenge>,
    wanted: Option<&str>,
) -> Result<Found, LoginError> {
    let (place, document) = resource(http, reach, endpoint, challenge)?;
    if !places::is_at_or_above(&document.resource, endpoint) {
        return Err(LoginError::OtherResource {
            endpoint: endpoint.to_owned(),
            named: shown(&document.resource),
        });
    }
    let named = &document.authorization_servers;
    let issuer =
        match wanted {
            Some(wanted) => named.iter().find(|named| *named == wanted).ok_or_else(|| {
                LoginError::NotItsServer {
                    wanted: wanted.to_owned(),
                    named: named.iter().map(|named| shown(named)).collect(),
                }
            })?,
            None => named.first().ok_or_else(|| LoginError::BadDocument {
                url: place,
                why: "names no authorization server".to_owned(),
            })?,
        };
    let server = server(http, reach, issuer)?;
    let challenged = challenge.map(Challenge::scopes).unwrap_or_default();
    let scopes = if challenged.is_empty() {
        document.scopes_supported.unwrap_or_default()
    } else {
        challenged
    };
    Ok(Found {
        resource: document.resource,
        scopes,
        server,
    })
}

fn resource(
    http: &Http,
    reach: Reach,
    endpoint: &str,
    challenge: Option<&Challenge>,
) -> Result<(String, ResourceDocument), LoginError> {
    let asked = challenge.and_then(|challenge| challenge.get("resource_metadata"));
    let places = match asked {
        Some(asked) => vec![asked.to_owned()],
        None => {
            places::of_resource(endpoint).ok_or_else(|| LoginError::NotAUrl(endpoint.to_owned()))?
        }
    };
    let (place, document) = first(http, reach, "the server's metadata", endpoint, &places)?;
    let document = read(&place, document)?;
    Ok((place, document))
}

fn server(http: &Http, reach: Reach, issuer: &str) -> Result<ServerDocument, LoginError> {
    reach.allows("the authorization server", issuer)?;
    let places = places::of_issuer(issuer).ok_or_else(|| LoginError::NotAUrl(shown(issuer)))?;
    let (place, document) = first(http, reach, "the authorization server", issuer, &places)?;
    let document: ServerDocument = read(&place, document)?;
    // RFC 8414, 3.3: compared as text. Everything below trusts this name.
    if document.issuer != issuer {
        return Err(LoginError::OtherIssuer {
            url: place,
            named: shown(&document.issuer),
            asked: issuer.to_owned(),
        });
    }
    let methods = document.code_challenge_methods_supported.as_deref();
    if !methods.is_some_and(|methods| methods.iter().any(|method| method == "S256")) {
        return Err(LoginError::BadDocument {
            url: place,
            why: "does not say that PKCE with S256 is there (code_challenge_methods_supported)"
                .to_owned(),
        });
    }
    for (what, url) in [
        ("the login page", Some(&document.authorization_endpoint)),
        ("the token endpoint", Some(&document.token_endpoint)),
        ("the registration", document.registration_endpoint.as_ref()),
        ("the revocation", document.revocation_endpoint.as_ref()),
    ] {
        if let Some(url) = url {
            reach.allows(what, url)?;
        }
    }
    Ok(document)
}

/// The first of the places that has a JSON object. No answer at all ends the search: the other
/// places are at the same host.
fn first(
    http: &Http,
    reach: Reach,
    what: &'static str,
    of: &str,
    places: &[String],
) -> Result<(String, Value), LoginError> {
    let mut tried = Vec::new();
    for place in places {
        reach.allows(what, place)?;
        let answer = http.get(place)?;
        match answer.object() {
            Some(document) if answer.status == 200 => return Ok((place.clone(), document)),
            Some(_) | None => tried.push(format!("{place} is answered with {}", answer.in_words())),
        }
    }
    Err(LoginError::NoMetadata {
        of: of.to_owned(),
        tried,
    })
}

/// The document as what it has to be.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    place: &str,
    document: Value,
) -> Result<T, LoginError> {
    serde_json::from_value(document).map_err(|error| LoginError::BadDocument {
        url: place.to_owned(),
        why: format!("cannot be used: {}", shown(&error.to_string())),
    })
}
