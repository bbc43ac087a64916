//! Clients that prove who they are with a key that their document names (`private_key_jwt`, RFC 7523).
//! ChatGPT is one: its document says so, and it does not make do with less.
//!
//! An assertion is good once. What was seen is remembered in this process only: who could replay one
//! elsewhere would still need the code or the refresh token that came with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{Code, Fault};
use super::cimd::NoDocument;
use super::client::Client;
use super::keyset::{Algorithm, KeySet};
use super::params::Params;
use super::route::Facade;
use crate::outbound::{Bounds, Reach};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longer than any assertion.
const LONGEST: usize = 8 * 1024;

/// For how long one may be good at most, and how far clocks may be apart, in seconds.
const LIFETIME: u64 = 3600;
const SKEW: u64 = 60;

/// After how many seconds keys are fetched anew because one is not among them.
const STALE: u64 = 60;

/// How many assertions are remembered.
const REMEMBERED: usize = 1024;

const BOUNDS: Bounds = Bounds {
    reach: Reach::Public,
    timeout: Duration::from_secs(3),
    bytes: 64 * 1024,
};

/// Where a client's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Published {
    /// In its document.
    Inline(KeySet),
    /// At a URL of their own.
    At(String),
}

/// Keys that were fetched, and when.
#[derive(Clone)]
pub(super) struct Fetched {
    keys: KeySet,
    at: u64,
}

/// Assertions that were taken, and until when they would be good.
#[derive(Default)]
pub(super) struct Taken(Mutex<HashMap<String, u64>>);

impl Taken {
    /// Whether it comes for the first time.
    fn first(&self, name: String, now: u64, until: u64) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, until| *until > now);
        if taken.len() >= REMEMBERED {
            let soonest = taken.iter().min_by_key(|(_, until)| **until);
            let soonest = soonest.map(|(name, _)| name.clone());
            taken.remove(&soonest.unwrap_or_default());
        }
        taken.insert(name, until).is_none()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audiences,
    exp: u64,
    nbf: Option<u64>,
    iat: Option<u64>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Several(Vec<String>),
}

impl Audiences {
    fn any(&self, ours: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => ours(one),
            Self::Several(several) => several.iter().any(|each| ours(each)),
        }
    }
}

/// An assertion, taken apart and not believed yet.
struct Assertion<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The assertion in a form, when there is one.
pub(super) fn sent(form: &Params) -> Result<Option<&str>, Fault> {
    match (
        form.one("client_assertion_type")?,
        form.one("client_assertion")?,
    ) {
        (None, None) => Ok(None),
        (Some(TYPE), Some(text)) if text.len() <= LONGEST => Ok(Some(text)),
        (Some(_) | None, Some(_)) | (Some(_), None) => Err(Fault::new(
            Code::InvalidClient,
            "client_assertion must be a JWT, and client_assertion_type must say so",
        )),
    }
}

impl Facade {
    /// The client that signed `text`, which says that it is `posted`, if it says so beside it.
    pub(super) async fn asserted(&self, text: &str, posted: Option<&str>) -> Result<Client, Fault> {
        let bad =
            |why: &str| Fault::new(Code::InvalidClient, format!("the client's assertion {why}"));
        let assertion = Assertion::parse(text)
            .ok_or_else(|| bad("is no JWT signed with RS256 or ES256 that says all it has to"))?;
        let claims = &assertion.claims;
        if claims.iss != claims.sub || posted.is_some_and(|posted| posted != claims.sub) {
            return Err(bad("is about another client"));
        }
        if assertion.header.crit.is_some() {
            return Err(bad("has extensions that are not known here"));
        }
        let now = self.clock.now();
        let future = |time: Option<u64>| time.is_some_and(|time| time > now + SKEW);
        if claims.exp <= now || claims.exp > now + LIFETIME + SKEW {
            return Err(bad("is expired, or is good for too long"));
        }
        if future(claims.nbf) || future(claims.iat) {
            return Err(bad("is not good yet"));
        }
        let issuer = &self.settings.issuer;
        let ours = |aud: &str| match aud.strip_prefix(issuer.as_str()) {
            Some(path) => matches!(path, "" | "/token" | "/revoke"),
            None => false,
        };
        if !claims.aud.any(ours) {
            return Err(bad("is for another issuer"));
        }
        let client = self.documented(&claims.sub).await.map_err(no_document)?;
        let published = client
            .keys
            .as_ref()
            .ok_or_else(|| bad("is of a client that names no keys"))?;
        let kid = assertion.header.kid.as_deref();
        let keys = match published {
            Published::Inline(keys) => keys.clone(),
            Published::At(url) => self.keys_at(url, kid).await.map_err(no_document)?,
        };
        let signed = assertion.signed.as_bytes();
        if !keys.verifies(assertion.header.alg, kid, signed, &assertion.signature) {
            return Err(bad("is not signed with a key of the client"));
        }
        let name = super::client::digest(&[&claims.sub, &claims.jti]);
        if !self.taken.first(name, now, claims.exp) {
            return Err(bad("was used before"));
        }
        Ok(client)
    }

    /// The keys at `url`; fetched anew, though not each time, when the one named is not among them.
    async fn keys_at(&self, url: &str, kid: Option<&str>) -> Result<KeySet, NoDocument> {
        let now = self.clock.now();
        if let Some(fetched) = self.key_sets.get(url, now)
            && (fetched.keys.has(kid) || now < fetched.at + STALE)
        {
            return Ok(fetched.keys);
        }
        let (keys, until): (KeySet, u64) = self.fetched(url, BOUNDS).await?;
        let fetched = Fetched {
            keys: keys.clone(),
            at: now,
        };
        self.key_sets.put(url, fetched, now, until);
        Ok(keys)
    }
}

/// A host that cannot be reached is not the client's refusal: it may come again with the same code.
fn no_document(why: NoDocument) -> Fault {
    let code = match why {
        NoDocument::Fetch(_) | NoDocument::Status(_) => Code::TemporarilyUnavailable,
        NoDocument::Off
        | NoDocument::Url
        | NoDocument::Host(_)
        | NoDocument::Type
        | NoDocument::Content(_) => Code::InvalidClient,
    };
    Fault::new(code, why.to_string())
}
