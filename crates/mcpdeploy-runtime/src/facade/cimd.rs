//! Client ID metadata documents: a client whose id is the https URL of what it says of itself.
//!
//! Anybody may make us fetch a URL, so the fetch is bounded: https only, public addresses only (the
//! `Outbound` checks and pins them), no redirect at all, little time, few bytes, JSON.

use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::assertion::Published;
use super::cache::freshness;
use super::client::{Client, Origin};
use super::keyset::{Algorithm, KeySet};
use super::register::shown_name;
use super::route::{Facade, media_type};
use super::uri::{Reaches, Redirect, fits};
use crate::outbound::{Bounds, OutboundError, Reach};

const BOUNDS: Bounds = Bounds {
    reach: Reach::Public,
    timeout: Duration::from_secs(3),
    bytes: 16 * 1024,
};

/// Why there is no document to go by.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDocument {
    #[error("clients described by a document are not let in here")]
    Off,
    #[error("the client's id is not a URL that a metadata document can have")]
    Url,
    #[error("documents of clients at {0} are not let in here")]
    Host(String),
    #[error("the client's metadata cannot be fetched: {0}")]
    Fetch(#[from] OutboundError),
    #[error("the client's metadata was answered with {0}")]
    Status(StatusCode),
    #[error("the client's metadata is not the JSON that it has to be")]
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
    /// Others that it makes do with; ChatGPT's document has them.
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    jwks: Option<KeySet>,
    jwks_uri: Option<String>,
    client_secret: Option<serde::de::IgnoredAny>,
}

impl Facade {
    /// The host of `url`, if documents there are let in at all; nothing is fetched.
    pub(super) fn let_in(&self, url: &str) -> Result<String, NoDocument> {
        if !self.settings.cimd.enabled {
            return Err(NoDocument::Off);
        }
        let host = host_of_document(url).ok_or(NoDocument::Url)?;
        let patterns = &self.settings.cimd.host_patterns;
        if patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, &host)) {
            Ok(host)
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
        let (document, until) = self.fetched(url, BOUNDS).await?;
        let client = read(url, document)?;
        self.documents.put(url, client.clone(), now, until);
        Ok(client)
    }

    /// The JSON at a URL that a stranger named, and until when it counts.
    pub(super) async fn fetched<T: DeserializeOwned>(
        &self,
        url: &str,
        bounds: Bounds,
    ) -> Result<(T, u64), NoDocument> {
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| NoDocument::Url)?;
        let response = self.outbound.send(request, bounds).await?;
        // A redirect is no document either: what it leads to was not the id.
        if response.status() != StatusCode::OK {
            return Err(NoDocument::Status(response.status()));
        }
        let json = media_type(response.headers())
            .is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
        if !json {
            return Err(NoDocument::Type);
        }
        let value = serde_json::from_slice(response.body()).map_err(|_| NoDocument::Type)?;
        Ok((value, self.clock.now() + freshness(response.headers())))
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

fn read(url: &str, document: Document) -> Result<Client, NoDocument> {
    if document.client_id != url {
        return Err(NoDocument::Content("is that of another client_id"));
    }
    if document.client_secret.is_some() {
        return Err(NoDocument::Content("has a secret, which is none there"));
    }
    let (keys, asserts) = authentication(&document)?;
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
        keys,
        asserts,
    })
}

/// The client's keys, and whether it is taken only when it signs with one.
fn authentication(document: &Document) -> Result<(Option<Published>, bool), NoDocument> {
    let keys = match (&document.jwks, &document.jwks_uri) {
        (Some(_), Some(_)) => {
            return Err(NoDocument::Content("has both jwks and jwks_uri"));
        }
        (Some(keys), None) => Some(Published::Inline(keys.clone())),
        (None, Some(url)) if host_of_document(url).is_some() => Some(Published::At(url.clone())),
        (None, Some(_)) => {
            return Err(NoDocument::Content("has a jwks_uri that cannot be one"));
        }
        (None, None) => None,
    };
    let signs = |name: &String| Algorithm::NAMES.contains(&name.as_str());
    match document.token_endpoint_auth_method.as_deref() {
        None | Some("none") => Ok((keys, false)),
        Some("private_key_jwt") if keys.is_none() => Err(NoDocument::Content(
            "wants to authenticate with a key and names none",
        )),
        Some("private_key_jwt") if !document.token_endpoint_auth_signing_alg.iter().all(signs) => {
            Err(NoDocument::Content(
                "wants to sign otherwise than with RS256 or ES256",
            ))
        }
        Some("private_key_jwt") => {
            let others = &document.token_endpoint_auth_methods_supported;
            Ok((keys, !others.iter().any(|method| method == "none")))
        }
        Some(_) => Err(NoDocument::Content(
            "wants another way to authenticate than none or private_key_jwt",
        )),
    }
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
}
