//! `/oauth2/token`: codes, refresh tokens and clients' own credentials become tokens.
//!
//! Source: "The token issuer endpoint".

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::super::Cognito;
use super::super::model::{Client, Domain, Granted};
use super::super::passing::Authorization;
use super::super::state::STANDARD_SCOPES;
use super::super::tokens::Tokens;
use super::visit::{Visit, json};
use crate::cloud::Cloud;
use crate::wire::{Body, Fault};

/// Why there are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    UnauthorizedClient,
    UnsupportedGrantType,
    Failed,
}

impl TokenError {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Failed => "server_error",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::InvalidClient
            | Self::InvalidGrant
            | Self::InvalidScope
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType => StatusCode::BAD_REQUEST,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The caller's fault is a grant that is no good; ours is ours.
impl From<Fault> for TokenError {
    fn from(fault: Fault) -> Self {
        if fault.status.is_client_error() {
            Self::InvalidGrant
        } else {
            tracing::warn!(
                code = fault.code,
                message = fault.message,
                "tokens could not be issued"
            );
            Self::Failed
        }
    }
}

impl Cognito {
    pub(super) async fn token(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        match self.tokens_for(cloud, domain, visit).await {
            Ok(tokens) => json(StatusCode::OK, &answer(&tokens)),
            Err(error) => json(error.status(), &json!({"error": error.name()})),
        }
    }

    async fn tokens_for(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Result<Tokens, TokenError> {
        let grant = visit.form("grant_type").ok_or(TokenError::InvalidRequest)?;
        let client = self.authenticated(domain, visit)?;
        match grant {
            "authorization_code" => self.by_code(cloud, visit, &client).await,
            "refresh_token" => {
                let token = visit.form("refresh_token");
                let token = token.ok_or(TokenError::InvalidRequest)?;
                Ok(self.refresh(cloud, &visit.base, &client.id, token).await?)
            }
            "client_credentials" => self.by_credentials(cloud, visit, &client).await,
            _ => Err(TokenError::UnsupportedGrantType),
        }
    }

    /// The client that calls: by its secret, where it has one, in the header or in the form.
    pub(super) fn authenticated(
        &self,
        domain: &Domain,
        visit: &Visit,
    ) -> Result<Client, TokenError> {
        let header = match visit.headers.get(AUTHORIZATION) {
            Some(value) => {
                let text = value.to_str().ok();
                Some(text.and_then(basic).ok_or(TokenError::InvalidClient)?)
            }
            None => None,
        };
        let in_form = visit.form("client_id");
        let (id, secret) = match &header {
            Some((id, secret)) => {
                if in_form.is_some_and(|other| other != id) {
                    return Err(TokenError::InvalidRequest);
                }
                (id.as_str(), Some(secret.as_str()))
            }
            None => (
                in_form.ok_or(TokenError::InvalidRequest)?,
                visit.form("client_secret"),
            ),
        };
        let state = self.state();
        let client = state.client(&domain.pool, id);
        let client = client.map_err(|_| TokenError::InvalidClient)?;
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        let right = match (&client.secret, secret) {
            (None, None | Some("")) => true,
            (None, Some(_)) | (Some(_), None) => false,
            (Some(wanted), Some(secret)) => digest(&wanted.0) == digest(secret),
        };
        if right {
            Ok(client.clone())
        } else {
            Err(TokenError::InvalidClient)
        }
    }

    async fn by_code(
        &self,
        cloud: &Cloud,
        visit: &Visit,
        client: &Client,
    ) -> Result<Tokens, TokenError> {
        if !client.oauth() || !client.has("AllowedOAuthFlows", "code") {
            return Err(TokenError::UnauthorizedClient);
        }
        let code = visit.form("code").ok_or(TokenError::InvalidRequest)?;
        let redirect = visit.form("redirect_uri");
        let redirect = redirect.ok_or(TokenError::InvalidRequest)?;
        // The code is gone whatever comes now: it is good once.
        let granted = self.passing().exchange(code, cloud.now());
        let granted = granted.ok_or(TokenError::InvalidGrant)?;
        let resource = visit.form("resource");
        if granted.client != client.id
            || granted.redirect_uri != redirect
            || !proves(&granted, visit.form("code_verifier"))
            || (granted.resource.is_some()
                && resource.is_some()
                && resource != granted.resource.as_deref())
        {
            return Err(TokenError::InvalidGrant);
        }
        let session = Granted::OAuth {
            scopes: granted.scopes,
            nonce: granted.nonce,
            resource: granted.resource,
        };
        let tokens = self.issue(
            cloud,
            &visit.base,
            &client.id,
            &granted.user,
            session,
            granted.auth_time,
        );
        Ok(tokens.await?)
    }

    async fn by_credentials(
        &self,
        cloud: &Cloud,
        visit: &Visit,
        client: &Client,
    ) -> Result<Tokens, TokenError> {
        if !client.oauth() {
            return Err(TokenError::InvalidGrant);
        }
        if !client.has("AllowedOAuthFlows", "client_credentials") {
            return Err(TokenError::UnauthorizedClient);
        }
        let allowed = client.list("AllowedOAuthScopes");
        let scopes: Vec<String> = match visit.form("scope") {
            Some(text) => text.split_ascii_whitespace().map(str::to_owned).collect(),
            None => allowed.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        // A client is no user: the scopes about users are not for it.
        let fits = |scope: &String| {
            allowed.contains(&scope.as_str()) && !STANDARD_SCOPES.contains(&scope.as_str())
        };
        if !scopes.iter().all(fits) {
            return Err(TokenError::InvalidScope);
        }
        let tokens = self.issue_to_client(cloud, &visit.base, client, &scopes);
        Ok(tokens.await?)
    }
}

/// Whether who exchanges a code is who asked for it. Source: RFC 7636, 4.6.
fn proves(granted: &Authorization, verifier: Option<&str>) -> bool {
    match (&granted.challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(challenge), Some(verifier)) => {
            let digest = Sha256::digest(verifier.as_bytes());
            URL_SAFE_NO_PAD.encode(digest) == *challenge.trim_end_matches('=')
        }
    }
}

/// Id and secret of a `Basic` header. Source: RFC 6749, 2.3.1: both are form-encoded first.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((plain(id), plain(secret)))
}

fn answer(tokens: &Tokens) -> Value {
    let mut all = Map::new();
    if let Some(id) = &tokens.id {
        all.insert("id_token".to_owned(), json!(id.0));
    }
    all.insert("access_token".to_owned(), json!(tokens.access.0));
    if let Some(refresh) = &tokens.refresh {
        all.insert("refresh_token".to_owned(), json!(refresh.0));
    }
    all.insert("expires_in".to_owned(), json!(tokens.expires_in));
    all.insert("token_type".to_owned(), json!("Bearer"));
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_the_rfc() {
        let granted = |challenge: Option<&str>| Authorization {
            client: String::new(),
            user: String::new(),
            redirect_uri: String::new(),
            scopes: Vec::new(),
            nonce: None,
            resource: None,
            challenge: challenge.map(str::to_owned),
            auth_time: 0,
        };
        // RFC 7636, appendix B.
        let challenged = granted(Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(proves(&challenged, Some(verifier)));
        assert!(!proves(
            &challenged,
            Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")
        ));
        assert!(!proves(&challenged, None));
        assert!(proves(&granted(None), None));
    }

    #[test]
    fn clients_in_the_header() {
        let header = format!("Basic {}", STANDARD.encode("id:se%3Acret"));
        assert_eq!(
            basic(&header),
            Some(("id".to_owned(), "se:cret".to_owned()))
        );
        for bad in ["Bearer x", "Basic !", "Basic"] {
            assert_eq!(basic(bad), None);
        }
    }
}
