//! What a pool says of itself below its issuer: its keys, and where its endpoints are.

use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::super::model::Domain;
use super::super::tokens::issuer;
use super::super::{Cognito, faults};
use crate::cloud::Cloud;
use crate::wire::{Body, Fault, full};

impl Cognito {
    pub(super) async fn document(
        &self,
        cloud: &Cloud,
        base: &str,
        pool: &str,
        document: &str,
    ) -> Response<Body> {
        let found = match document {
            "jwks.json" => self.key_set(cloud, pool).await,
            "openid-configuration" => self.configuration(base, pool),
            _ => Err(faults::not_found(format!(
                "There is no document {document}"
            ))),
        };
        let (status, value) = match found {
            Ok(value) => (StatusCode::OK, value),
            Err(fault) => {
                let status = if fault.status.is_client_error() {
                    StatusCode::NOT_FOUND
                } else {
                    fault.status
                };
                (
                    status,
                    json!({"code": fault.code, "message": fault.message}),
                )
            }
        };
        let mut response = Response::new(full(value.to_string()));
        *response.status_mut() = status;
        for (name, value) in [
            (CONTENT_TYPE, "application/json"),
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (CACHE_CONTROL, "no-cache"),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn key_set(&self, cloud: &Cloud, pool: &str) -> Result<Value, Fault> {
        self.state().pool(pool)?;
        let key = self.keys.get(cloud, pool).await?;
        Ok(json!({"keys": [key.jwk()]}))
    }

    fn configuration(&self, base: &str, pool: &str) -> Result<Value, Fault> {
        let state = self.state();
        state.pool(pool)?;
        let issuer = issuer(base, pool);
        let at = |path: &str| {
            let domain = state.domain_of(pool);
            domain.map(|Domain { name, .. }| format!("{base}{}{name}{path}", super::DOMAINS))
        };
        let mut all = json!({
            "authorization_endpoint": at("/oauth2/authorize"),
            "end_session_endpoint": at("/logout"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "response_types_supported": ["code", "token"],
            "revocation_endpoint": at("/oauth2/revoke"),
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint": at("/oauth2/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "userinfo_endpoint": at("/oauth2/userInfo"),
        });
        if let Some(fields) = all.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        Ok(all)
    }
}
