//! What the facade asks the upstream issuer itself: tokens, and their end.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::answer::{Code, Fault};
use super::route::Facade;
use crate::outbound::{Bounds, Reach};

const BOUNDS: Bounds = Bounds {
    reach: Reach::Configured,
    // Below the gateway's own limit, so that the client gets an answer of ours.
    timeout: Duration::from_secs(10),
    bytes: 256 * 1024,
};

impl Facade {
    /// Posts `form` as our own client to `endpoint`; what it answers, when it agrees.
    pub(super) async fn upstream(
        &self,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Fault> {
        let request = self.upstream_request(endpoint, form);
        let response = self
            .outbound
            .send(request, BOUNDS)
            .await
            .map_err(|fault| Fault::new(Code::TemporarilyUnavailable, fault.to_string()))?;
        let body: Option<Map<String, Value>> = serde_json::from_slice(response.body()).ok();
        let status = response.status();
        if status.is_success() {
            // A revocation is answered with nothing at all.
            return match body {
                Some(body) => Ok(body),
                None if response.body().is_empty() => Ok(Map::new()),
                None => Err(Fault::new(
                    Code::ServerError,
                    "the issuer answered something that is not JSON",
                )),
            };
        }
        // Okta has a form of its own for some.
        let error = body
            .as_ref()
            .and_then(|body| body.get("error").or(body.get("errorCode")))
            .and_then(Value::as_str)
            .unwrap_or_default();
        Err(refused(status, error))
    }

    fn upstream_request(&self, endpoint: &str, form: &[(&str, &str)]) -> Request<Bytes> {
        let upstream = &self.settings.upstream;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let held = self.held();
        let secret = held.upstream.as_ref();
        // One way to authenticate, and the id only there (RFC 6749, section 2.3).
        let in_header = secret.filter(|_| !self.endpoints.secret_in_form);
        if in_header.is_none() {
            body.append_pair("client_id", &upstream.client_id);
            if let Some(secret) = secret {
                body.append_pair("client_secret", secret.expose_secret());
            }
        }
        let body = body.finish();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(secret) = in_header {
            let id = escaped(&upstream.client_id);
            let secret = escaped(secret.expose_secret());
            let pair = STANDARD.encode(format!("{id}:{secret}"));
            request = request.header(AUTHORIZATION, format!("Basic {pair}"));
        }
        request
            .body(Bytes::from(body))
            .expect("endpoints are checked with the settings, the rest is encoded")
    }
}

/// As RFC 6749 wants it, section 2.3.1. Not every issuer undoes it; Entra's secrets have tildes, which
/// need it no more than letters do.
fn escaped(text: &str) -> String {
    let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    escaped.replace("%7E", "~")
}

/// What a refusal of the upstream means to the client: only what is about its own request is its
/// fault; that we are no good client there is ours.
fn refused(status: StatusCode, error: &str) -> Fault {
    let code = match error {
        "invalid_grant" => Code::InvalidGrant,
        // The person has to log in again: Entra says so when a policy wants more of them, Auth0 for a
        // second factor or somebody who is blocked. `invalid_grant` is what clients understand.
        // <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#error-codes-for-token-endpoint-errors>
        "interaction_required"
        | "login_required"
        | "consent_required"
        | "mfa_required"
        | "access_denied" => Code::InvalidGrant,
        "invalid_scope" => Code::InvalidScope,
        "invalid_target" => Code::InvalidTarget,
        "temporarily_unavailable" => Code::TemporarilyUnavailable,
        _ if status == StatusCode::TOO_MANY_REQUESTS => Code::TemporarilyUnavailable,
        _ => Code::ServerError,
    };
    Fault::new(
        code,
        format!("the issuer answered {} {error}", status.as_u16()),
    )
}
