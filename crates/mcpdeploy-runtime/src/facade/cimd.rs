//! Client ID metadata documents: a client whose id is the https URL of what it says of itself.
//!
//! Anybody may make us fetch a URL, so the fetch is bounded: https only, public addresses only (the
//! `Outbound` checks and pins them), no redirect at all, little time, few bytes, JSON.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, Request, Response, StatusCode};
use serde::Deserialize;

use super::client::{Client, Origin};
use super::register::shown_name;
use super::route::{Facade, media_type};
use super::uri::{Reaches, Redirect, fits};
use crate::outbound::{Bounds, OutboundError, Reach};

const BOUNDS: Bounds = Bounds {
    reach: Reach::Public,
    timeout: Duration::from_secs(3),
    bytes: 16 * 1024,
};

/// How many documents are remembered, and for how many seconds at least and at most.
const REMEMBERED: usize = 64;
const SHORTEST: u64 = 60;
const LONGEST: u64 = 3600;
const UNSAID: u64 = 300;

/// Why there is no document to go by.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDocument {
    #[error("clients described by a document are not let in here")]
    Off,
    #[error("the client's id is not a URL that a metadata document can have")]
    Url,
    #[error("documents of clients at {0} are not let in here")]
    Host(String),
    #[error("the client's metadata document cannot be fetched: {0}")]
    Fetch(#[from] OutboundError),
    #[error("the client's metadata document was answered with {0}")]
    Status(StatusCode),
    #[error("the client's metadata document is not JSON")]
    Type,
    #[error("the client's metadata document {0}")]
    Content(&'static str),
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    client_secret: Option<serde::de::IgnoredAny>,
}

/// Documents that were fetched lately; as many as are bounded.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<String, (Client, u64)>>);

impl Cache {
    fn get(&self, url: &str, now: u64) -> Option<Client> {
        let documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents
            .get(url)
            .filter(|(_, until)| *until > now)
            .map(|(client, _)| client.clone())
    }

    fn put(&self, client: Client, now: u64, until: u64) {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.retain(|_, (_, until)| *until > now);
        if documents.len() >= REMEMBERED {
            let soonest = documents
                .iter()
                .min_by_key(|(_, (_, until))| *until)
                .map(|(url, _)| url.clone());
            documents.remove(&soonest.unwrap_or_default());
        }
        documents.insert(client.id.clone(), (client, until));
    }
}

impl Facade {
    /// Whether documents at `url` are let in at all; nothing is fetched.
    pub(super) fn let_in(&self, url: &str) -> Result<(), NoDocument> {
        if !self.settings.cimd.enabled {
            return Err(NoDocument::Off);
        }
        let host = host_of_document(url).ok_or(NoDocument::Url)?;
        let patterns = &self.settings.cimd.host_patterns;
        if patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, &host)) {
            Ok(())
        } else {
            Err(NoDocument::Host(host))
        }
    }

    /// The client that the document at `url` describes.
    pub(super) async fn documented(&self, url: &str) -> Result<Client, NoDocument> {
        self.let_in(url)?;
        let now = self.clock.now();
        if let Some(client) = self.documents.get(url, now) {
            return Ok(client);
        }
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| NoDocument::Url)?;
        let response = self.outbound.send(request, BOUNDS).await?;
        let client = read(url, &response)?;
        let until = now + freshness(response.headers());
        self.documents.put(client.clone(), now, until);
        Ok(client)
    }
}

/// The host of a URL that may be the id of a client: with a path, and no other way to write it.
fn host_of_document(url: &str) -> Option<String> {
    let parsed = Redirect::parse(url).ok()?;
    let path = super::metadata::path_of(url);
    let dots = path
        .split('/')
        .any(|segment| segment == "." || segment == "..");
    (parsed.reaches == Reaches::Web && !path.is_empty() && !dots).then(|| parsed.shown())
}

fn read(url: &str, response: &Response<Bytes>) -> Result<Client, NoDocument> {
    // A redirect is no document either: what it leads to was not the id.
    if response.status() != StatusCode::OK {
        return Err(NoDocument::Status(response.status()));
    }
    let json = media_type(response.headers())
        .is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
    if !json {
        return Err(NoDocument::Type);
    }
    let document: Document =
        serde_json::from_slice(response.body()).map_err(|_| NoDocument::Type)?;
    if document.client_id != url {
        return Err(NoDocument::Content("is that of another client_id"));
    }
    if document.client_secret.is_some() {
        return Err(NoDocument::Content("has a secret, which is none there"));
    }
    match document.token_endpoint_auth_method.as_deref() {
        None | Some("none") => {}
        Some(_) => {
            return Err(NoDocument::Content(
                "wants another way to authenticate than none",
            ));
        }
    }
    if document.redirect_uris.is_empty() {
        return Err(NoDocument::Content("has no redirect_uris"));
    }
    if document
        .redirect_uris
        .iter()
        .any(|uri| Redirect::parse(uri).is_err())
    {
        return Err(NoDocument::Content("has a redirect URI that cannot be one"));
    }
    Ok(Client {
        id: document.client_id,
        name: document.client_name.as_deref().map(shown_name),
        redirect_uris: document.redirect_uris,
        origin: Origin::Document,
    })
}

/// For how many seconds a document counts; its server says so within our bounds.
fn freshness(headers: &HeaderMap) -> u64 {
    headers
        .get(CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            value
                .split(',')
                .find_map(|part| part.trim().strip_prefix("max-age="))
        })
        .and_then(|seconds| seconds.parse().ok())
        .map_or(UNSAID, |seconds: u64| seconds.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_path_and_one_way_to_write_it() {
        for (url, expected) in [
            ("https://app.example/client.json", Some("app.example")),
            ("https://app.example:8443/c", Some("app.example:8443")),
            ("https://app.example", None),
            ("https://app.example/", None),
            ("https://app.example/a/../b", None),
            ("https://app.example/./b", None),
            ("https://app.example/b#c", None),
            ("https://user@app.example/b", None),
            ("https://localhost/b", None),
            ("https://127.0.0.1/b", None),
            ("http://app.example/b", None),
        ] {
            assert_eq!(host_of_document(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn the_cache_is_bounded_and_forgets() {
        let cache = Cache::default();
        let client = |id: usize| Client {
            id: format!("https://a.example/{id}"),
            name: None,
            redirect_uris: Vec::new(),
            origin: Origin::Document,
        };
        for id in 0..=REMEMBERED {
            cache.put(client(id), 0, 100 + id as u64);
        }
        assert_eq!(cache.0.lock().unwrap().len(), REMEMBERED);
        assert!(cache.get("https://a.example/0", 0).is_none());
        assert!(cache.get("https://a.example/1", 100).is_some());
        assert!(cache.get("https://a.example/1", 101).is_none());
    }

    #[test]
    fn freshness_is_what_the_server_says_within_bounds() {
        for (value, expected) in [
            ("max-age=600", 600),
            ("public, max-age=1", SHORTEST),
            ("max-age=999999", LONGEST),
            ("no-store", UNSAID),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, value.parse().unwrap());
            assert_eq!(freshness(&headers), expected, "{value}");
        }
    }
}
