//! JSON Web Tokens: who made one, for whom, until when.
//!
//! Source: "Control access to HTTP APIs with JWT authorizers": only RSA signatures; `kid` names a key
//! of the issuer; `iss` equals the issuer; `aud` or, without it, `client_id` is one of the audience;
//! `exp`, `nbf` and `iat` are kept; `scope` or `scp` has one of the route's scopes. The texts of
//! refusals are those that AWS is known to send; those marked so are our own.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::serving::JwtGuard;

/// A token that is read, and not checked yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
}

/// A public RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) modulus: Vec<u8>,
    pub(super) exponent: Vec<u8>,
}

/// A token that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    #[error("token contains an invalid number of segments")]
    Segments,
    /// Our own text.
    #[error("the token is malformed")]
    Malformed,
    #[error("signing method {0} is invalid")]
    Algorithm(String),
    /// Our own text.
    #[error("unable to find a key that matches the token's kid")]
    Key,
    #[error("OIDC discovery endpoint communication error")]
    Discovery,
    /// Our own text.
    #[error("the token's signature is invalid")]
    Signature,
    #[error("the token has expired")]
    Expired,
    /// Our own text.
    #[error("the token is not valid yet")]
    NotYet,
    /// Our own text.
    #[error("the token does not have a valid issuer")]
    Issuer,
    #[error("the token does not have a valid audience")]
    Audience,
    /// Our own text. The only one that is a 403.
    #[error("the token does not have any of the required scopes")]
    Scope,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

impl<'a> Token<'a> {
    /// Reads a token, with or without `Bearer` before it.
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        let bare = match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => text[7..].trim(),
            Some(_) | None => text.trim(),
        };
        let mut parts = bare.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Segments);
        };
        let decode = |part: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| Refusal::Malformed)
        };
        let read: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| Refusal::Malformed)?;
        let algorithm = match read.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "RS384" => Algorithm::Rs384,
            "RS512" => Algorithm::Rs512,
            // It becomes part of a header: what is no name of an algorithm is not repeated.
            other if other.len() < 16 && other.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                return Err(Refusal::Algorithm(other.to_owned()));
            }
            _ => return Err(Refusal::Malformed),
        };
        Ok(Self {
            algorithm,
            kid: read.kid,
            claims: serde_json::from_slice(&decode(claims)?).map_err(|_| Refusal::Malformed)?,
            signed: &bare[..header.len() + 1 + claims.len()],
            signature: decode(signature)?,
        })
    }

    /// Checks who signed it, and for whom. `now`: seconds since 1970.
    pub(super) fn check(&self, key: &Key, guard: &JwtGuard, now: i64) -> Result<(), Refusal> {
        let parameters: &RsaParameters = match self.algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        };
        RsaPublicKeyComponents {
            n: &key.modulus,
            e: &key.exponent,
        }
        .verify(parameters, self.signed.as_bytes(), &self.signature)
        .map_err(|_| Refusal::Signature)?;
        self.check_claims(guard, now)
    }

    fn check_claims(&self, guard: &JwtGuard, now: i64) -> Result<(), Refusal> {
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        match self.seconds("exp")? {
            Some(until) if now < until => {}
            Some(_) | None => return Err(Refusal::Expired),
        }
        for name in ["nbf", "iat"] {
            if self.seconds(name)?.is_some_and(|from| from > now) {
                return Err(Refusal::NotYet);
            }
        }
        if text("iss") != Some(&guard.issuer) {
            return Err(Refusal::Issuer);
        }
        let audience = match self.claims.get("aud") {
            None | Some(Value::Null) => texts(self.claims.get("client_id")),
            aud => texts(aud),
        };
        if !audience.iter().any(|one| guard.audience.contains(one)) {
            return Err(Refusal::Audience);
        }
        if guard.scopes.is_empty() {
            return Ok(());
        }
        let scopes = [self.claims.get("scope"), self.claims.get("scp")];
        let has = scopes.into_iter().flat_map(texts).any(|claim| {
            let mut each = claim.split(' ');
            each.any(|scope| guard.scopes.iter().any(|wanted| wanted == scope))
        });
        if has { Ok(()) } else { Err(Refusal::Scope) }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a moment with a fraction is rounded down to its second"
    )]
    fn seconds(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .or_else(|| value.as_f64().map(|seconds| seconds as i64))
                .map(Some)
                .ok_or(Refusal::Malformed),
        }
    }
}

/// A text, or those of a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Vec::new()
        }
    }
}

/// Claims as events have them: all of them text, a list as `[a b]`.
pub(super) fn as_text(claims: &Map<String, Value>) -> Map<String, Value> {
    let each = claims
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(one_as_text(value))));
    each.collect()
}

fn one_as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(one_as_text).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}:{}", one_as_text(value)))
                .collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}
