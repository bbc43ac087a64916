//! An issuer that servers are put behind, looked at as API Gateway does: by its OpenID Connect
//! Discovery document. What MCP clients want of one is more, and is in `discovery`.

use serde::Deserialize;

use crate::discovery::read;
use crate::error::{LoginError, shown};
use crate::http::{Http, Options, Reach};

/// What an issuer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Where clients register themselves, if they can.
    pub registration: Option<String>,
    /// Whether it says that PKCE with S256 is there, without which MCP clients do not go to it.
    pub says_pkce: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    #[serde(rename = "authorization_endpoint")]
    _authorization: String,
    #[serde(rename = "token_endpoint")]
    _token: String,
    #[serde(rename = "jwks_uri")]
    keys: String,
    #[serde(default)]
    registration_endpoint: Option<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<serde_json::Value>,
}

impl Issuer {
    /// Reads its document, and whether it has keys.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or API Gateway could not use it.
    pub fn look(issuer: &str, options: &Options) -> Result<Self, LoginError> {
        let http = Http::new(options)?;
        let reach = Reach::of(issuer)?;
        let place = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let document: Document = get(&http, &place)?;
        // Compared as text, as the gateway compares it with what tokens say.
        if document.issuer != issuer {
            return Err(LoginError::OtherIssuer {
                url: place,
                named: shown(&document.issuer),
                asked: issuer.to_owned(),
            });
        }
        let keys: Keys = get(&http, reach.allows("the issuer's keys", &document.keys)?)?;
        if keys.keys.is_empty() {
            return Err(LoginError::BadDocument {
                url: document.keys,
                why: "has no keys".to_owned(),
            });
        }
        Ok(Self {
            registration: document.registration_endpoint,
            says_pkce: document
                .code_challenge_methods_supported
                .iter()
                .any(|method| method == "S256"),
        })
    }
}

fn get<T: serde::de::DeserializeOwned>(http: &Http, place: &str) -> Result<T, LoginError> {
    let answer = http.get(place)?;
    match answer.object() {
        Some(document) if answer.status == 200 => read(place, document),
        Some(_) | None => Err(LoginError::Unexpected {
            url: place.to_owned(),
            with: answer.in_words(),
        }),
    }
}
