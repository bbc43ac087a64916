//! `/oauth2/userInfo` and `/oauth2/revoke`.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::super::model::{Domain, Granted};
use super::super::tokens::attributes;
use super::super::{Cognito, faults};
use super::token::TokenError;
use super::visit::{Visit, json};
use crate::cloud::Cloud;
use crate::wire::{Body, Fault};

impl Cognito {
    /// What the scopes of an access token let be known of its user.
    pub(super) async fn user_info(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let header = visit.headers.get(AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.strip_prefix("Bearer "));
        let Some(token) = token else {
            let error = json!({
                "error": "invalid_request",
                "error_description": "Authorization header value is missing or invalid",
            });
            return json(StatusCode::BAD_REQUEST, &error);
        };
        match self.info(cloud, domain, token.trim()).await {
            Ok(info) => json(StatusCode::OK, &info),
            Err(fault) if fault.status.is_server_error() => {
                json(fault.status, &json!({"error": "server_error"}))
            }
            Err(fault) => {
                let text = &fault.message;
                let error = json!({"error": "invalid_token", "error_description": text});
                let mut response = json(StatusCode::UNAUTHORIZED, &error);
                let challenge =
                    format!("Bearer error=\"invalid_token\", error_description=\"{text}\"");
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    response.headers_mut().insert(WWW_AUTHENTICATE, value);
                }
                response
            }
        }
    }

    async fn info(&self, cloud: &Cloud, domain: &Domain, token: &str) -> Result<Value, Fault> {
        let bearer = self.bearer(cloud, token).await?;
        if !bearer.scopes.iter().any(|scope| scope == "openid") {
            return Err(faults::not_authorized(
                "Access token does not contain openid scope",
            ));
        }
        let state = self.state();
        let user = state.users.get(&bearer.user).ok_or_else(faults::no_user)?;
        let grant = state.grants.get(&bearer.grant);
        let grant = grant.ok_or_else(faults::bad_token)?;
        if user.pool != domain.pool {
            return Err(faults::bad_token());
        }
        let client = state.client(&user.pool, &grant.client)?;
        let session = match &grant.session {
            oauth @ Granted::OAuth { .. } => oauth,
            Granted::Api => return Err(faults::bad_token()),
        };
        let mut info: Map<String, Value> = attributes(user, client, session)
            .into_iter()
            .map(|(name, value)| match value {
                // Flags are texts here, other than in tokens.
                Value::Bool(flag) => (name, json!(flag.to_string())),
                other @ (Value::Null
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_)) => (name, other),
            })
            .collect();
        info.insert("sub".to_owned(), json!(user.sub));
        info.insert("username".to_owned(), json!(user.username));
        Ok(Value::Object(info))
    }

    /// Revokes a refresh token. One that is not known is no error: RFC 7009, 2.2.
    pub(super) fn revoke_door(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let client = match self.authenticated(domain, visit) {
            Ok(client) => client,
            Err(TokenError::InvalidClient) => {
                return json(
                    StatusCode::UNAUTHORIZED,
                    &json!({"error": "invalid_client"}),
                );
            }
            Err(error) => {
                return json(StatusCode::BAD_REQUEST, &json!({"error": error.name()}));
            }
        };
        let bad = |error: &str| json(StatusCode::BAD_REQUEST, &json!({"error": error}));
        let Some(token) = visit.form("token") else {
            return bad("invalid_request");
        };
        // Access tokens end with their refresh token, and not by themselves.
        if token.split('.').count() == 3 {
            return bad("unsupported_token_type");
        }
        match self.revoke(cloud, &client.id, token) {
            Ok(()) => {
                let mut response = json(StatusCode::OK, &Value::Null);
                *response.body_mut() = crate::wire::full("");
                response
            }
            Err(fault) => json(fault.status, &json!({"error": "server_error"})),
        }
    }
}
