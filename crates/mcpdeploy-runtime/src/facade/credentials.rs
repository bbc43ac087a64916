//! Who calls the token and revocation endpoints: by HTTP Basic or in the form (RFC 6749, 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

use super::answer::{Code, Fault};
use super::client::{Proof, digest};
use super::params::Params;
use super::route::Facade;

impl Facade {
    /// The digest of the caller's client id, once it has proven to be that client.
    pub(super) fn caller(&self, headers: &HeaderMap, form: &Params) -> Result<String, Fault> {
        let posted = (form.one("client_id")?, form.one("client_secret")?);
        let (id, secret) = match basic(headers)? {
            None => {
                let id = posted
                    .0
                    .ok_or_else(|| Fault::new(Code::InvalidClient, "client_id is missing"))?;
                (id.to_owned(), posted.1.map(ToOwned::to_owned))
            }
            Some((id, secret)) => {
                if posted.1.is_some() || posted.0.is_some_and(|posted| posted != id) {
                    return Err(Fault::new(
                        Code::InvalidRequest,
                        "the client authenticates itself in two ways",
                    ));
                }
                (id, Some(secret).filter(|secret| !secret.is_empty()))
            }
        };
        let proof = self
            .proof(&id)
            .map_err(|fault| Fault::new(Code::InvalidClient, fault.to_string()))?;
        let proven = match (proof, secret) {
            (Proof::Public, None) => true,
            (Proof::Secret(expected), Some(secret)) => digest(&[&secret])
                .as_bytes()
                .ct_eq(expected.as_bytes())
                .into(),
            (Proof::Public, Some(_)) | (Proof::Secret(_), None) => false,
        };
        if !proven {
            return Err(Fault::new(
                Code::InvalidClient,
                "the client did not authenticate itself as it was registered to",
            ));
        }
        Ok(digest(&[&id]))
    }
}

fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Fault> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let unreadable = || Fault::new(Code::InvalidClient, "unreadable Authorization header");
    let text = header.to_str().map_err(|_| unreadable())?;
    let encoded = text
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, encoded)| encoded.trim())
        .ok_or_else(unreadable)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| unreadable())?;
    let pair = String::from_utf8(decoded).map_err(|_| unreadable())?;
    let (id, secret) = pair.split_once(':').ok_or_else(unreadable)?;
    Ok(Some((unescaped(id), unescaped(secret))))
}

/// Both halves are form-encoded before they are joined.
fn unescaped(text: &str) -> String {
    let pair = format!("v={text}");
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
