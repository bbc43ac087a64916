//! The keys of issuers, as their discovery documents tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::Instant;

use super::jwt::{Key, Refusal};
use crate::cloud::Cloud;

/// How long keys are kept. (Source: "API Gateway can cache the public key for two hours".)
const KEEP: Duration = Duration::from_secs(2 * 60 * 60);

/// How soon an issuer is asked again for a key that it did not have.
const AGAIN: Duration = Duration::from_secs(5);

/// How long an issuer has for each answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest answer of an issuer, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The keys of issuers that were asked.
#[derive(Debug, Default)]
pub(in super::super) struct KeySets(Mutex<HashMap<String, KeySet>>);

#[derive(Debug, Clone)]
struct KeySet {
    at: Instant,
    keys: Arc<Vec<(String, Key)>>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
}

/// An issuer that could not be asked.
#[derive(Debug, Error)]
enum Unheard {
    #[error("ask {url}")]
    Http {
        url: String,
        #[source]
        source: Box<ureq::Error>,
    },
    #[error("read what {url} answers")]
    Json {
        url: String,
        #[source]
        source: serde_json::Error,
    },
}

impl KeySets {
    /// The key of this id; where a token names none, the only one there is.
    pub(super) async fn find(
        &self,
        cloud: &Cloud,
        issuer: &str,
        kid: Option<&str>,
    ) -> Result<Key, Refusal> {
        let known = {
            let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            sets.get(issuer).cloned()
        };
        if let Some(known) = known.filter(|known| known.at.elapsed() < KEEP) {
            let found = select(&known.keys, kid);
            if let Some(key) = found {
                return Ok(key);
            }
            if known.at.elapsed() < AGAIN {
                return Err(Refusal::Key);
            }
        }
        let url = issuer.to_owned();
        let asked = cloud.tasks().spawn_blocking(move || fetch(&url)).await;
        let keys = match asked {
            Ok(Ok(keys)) => Arc::new(keys),
            Ok(Err(unheard)) => {
                let cause = std::error::Error::source(&unheard).map(ToString::to_string);
                tracing::warn!(%unheard, cause, issuer, "the keys of an issuer cannot be had");
                return Err(Refusal::Discovery);
            }
            Err(_) => return Err(Refusal::Discovery),
        };
        let set = KeySet {
            at: Instant::now(),
            keys: Arc::clone(&keys),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(issuer.to_owned(), set);
        select(&keys, kid).ok_or(Refusal::Key)
    }
}

fn select(keys: &[(String, Key)], kid: Option<&str>) -> Option<Key> {
    let found = match (kid, keys) {
        (Some(kid), keys) => keys.iter().find(|(id, _)| id == kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.map(|(_, key)| key.clone())
}

fn fetch(issuer: &str) -> Result<Vec<(String, Key)>, Unheard> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/.well-known/openid-configuration");
    let discovery: Discovery = get(&agent, &url)?;
    let jwks: Jwks = get(&agent, &discovery.jwks_uri)?;
    let keys = jwks.keys.into_iter().filter_map(|jwk| {
        if jwk.kty != "RSA" {
            return None;
        }
        let key = Key {
            modulus: BASE64_URL_SAFE_NO_PAD.decode(jwk.n?).ok()?,
            exponent: BASE64_URL_SAFE_NO_PAD.decode(jwk.e?).ok()?,
        };
        Some((jwk.kid.unwrap_or_default(), key))
    });
    Ok(keys.collect())
}

fn get<T: DeserializeOwned>(agent: &ureq::Agent, url: &str) -> Result<T, Unheard> {
    let failed = |source| Unheard::Http {
        url: url.to_owned(),
        source: Box::new(source),
    };
    let mut answer = agent.get(url).call().map_err(failed)?;
    let body = answer
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()
        .map_err(failed)?;
    serde_json::from_slice(&body).map_err(|source| Unheard::Json {
        url: url.to_owned(),
        source,
    })
}
