//! Who calls the token and revocation endpoints: by HTTP Basic or in the form (RFC 6749, 2.3.1), or by
//! a signed assertion.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

use super::answer::{Code, Fault};
use super::assertion;
use super::client::digest;
use super::params::Params;
use super::route::Facade;
use super::trail::Trail;

/// Who calls.
pub(super) struct Caller {
    /// The digest of its client id.
    pub(super) client: String,
    /// Whether it signed with its key.
    pub(super) asserted: bool,
}

impl Facade {
    /// The client that calls, once it has proven to be that client.
    pub(super) async fn caller(
        &self,
        headers: &HeaderMap,
        form: &Params,
        trail: &mut Trail,
    ) -> Result<Caller, Fault> {
        let twice = || {
            Fault::new(
                Code::InvalidRequest,
                "the client authenticates itself in two ways",
            )
        };
        let posted = (form.one("client_id")?, form.one("client_secret")?);
        let basic = basic(headers)?;
        if let Some(assertion) = assertion::sent(form)? {
            if basic.is_some() || posted.1.is_some() {
                return Err(twice());
            }
            let client = self.asserted(assertion, posted.0).await?;
            trail.client = client.shown();
            return Ok(Caller {
                client: digest(&[&client.id]),
                asserted: true,
            });
        }
        let (id, secret) = match basic {
            None => {
                let id = posted
                    .0
                    .ok_or_else(|| Fault::new(Code::InvalidClient, "client_id is missing"))?;
                (id.to_owned(), posted.1.map(ToOwned::to_owned))
            }
            Some((id, secret)) => {
                if posted.1.is_some() || posted.0.is_some_and(|posted| posted != id) {
                    return Err(twice());
                }
                (id, Some(secret).filter(|secret| !secret.is_empty()))
            }
        };
        let standing = self
            .standing(&id)
            .map_err(|fault| Fault::new(Code::InvalidClient, fault.to_string()))?;
        trail.client = standing.shown;
        let proven = match (standing.secret, secret) {
            (None, None) => true,
            (Some(expected), Some(secret)) => digest(&[&secret])
                .as_bytes()
                .ct_eq(expected.as_bytes())
                .into(),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !proven {
            return Err(Fault::new(
                Code::InvalidClient,
                "the client did not authenticate itself as it was registered to",
            ));
        }
        Ok(Caller {
            client: digest(&[&id]),
            asserted: false,
        })
    }
}

impl Caller {
    /// That what comes with the call was given to this client, and that it signs if it said so then.
    pub(super) fn owns(&self, client: &str, asserts: bool, what: &str) -> Result<(), Fault> {
        if !bool::from(self.client.as_bytes().ct_eq(client.as_bytes())) {
            let why = format!("{what} was given to another client");
            return Err(Fault::new(Code::InvalidGrant, why));
        }
        if asserts && !self.asserted {
            return Err(Fault::new(
                Code::InvalidClient,
                "the client did not sign with its key, as its document says it does",
            ));
        }
        Ok(())
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
