//! Answers and errors as the RFCs word them.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE,
    LOCATION, PRAGMA, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::params::Twice;

pub(super) type Answer = Response<Bytes>;

/// The error codes of RFC 6749, 7009, 7591, 8707 and of OpenID Connect that the facade answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    AccessDenied,
    ConsentRequired,
    InvalidClient,
    InvalidClientMetadata,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InteractionRequired,
    LoginRequired,
    RequestNotSupported,
    ServerError,
    TemporarilyUnavailable,
    TooLarge,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UnsupportedTokenType,
}

impl Code {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ConsentRequired => "consent_required",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::TooLarge => "invalid_request",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::BAD_GATEWAY,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::AccessDenied
            | Self::ConsentRequired
            | Self::InvalidClientMetadata
            | Self::InvalidGrant
            | Self::InvalidRedirectUri
            | Self::InvalidRequest
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::InteractionRequired
            | Self::LoginRequired
            | Self::RequestNotSupported
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::UnsupportedTokenType => StatusCode::BAD_REQUEST,
        }
    }
}

/// An error as a client gets it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) description: String,
}

impl Fault {
    pub(super) fn new(code: Code, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
        }
    }

    /// The error as the token, registration and revocation endpoints answer it.
    pub(super) fn answer(&self) -> Answer {
        let body = json!({
            "error": self.code.as_str(),
            "error_description": described(&self.description),
        });
        let mut answer = json_answer(self.code.status(), &body);
        if self.code == Code::InvalidClient {
            set(&mut answer, WWW_AUTHENTICATE, "Basic realm=\"mcp\"");
        }
        answer
    }
}

impl From<Twice> for Fault {
    fn from(twice: Twice) -> Self {
        Self::new(Code::InvalidRequest, twice.to_string())
    }
}

/// The characters that RFC 6749 lets a description have; what a client sent may be quoted in it.
pub(super) fn described(text: &str) -> String {
    text.chars()
        .take(300)
        .map(|character| match character {
            '"' | '\\' => '\'',
            ' '..='~' => character,
            _ => '?',
        })
        .collect()
}

/// JSON that is nobody's to keep.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    set(&mut answer, CONTENT_TYPE, "application/json");
    set(&mut answer, CACHE_CONTROL, "no-store");
    set(&mut answer, PRAGMA, "no-cache");
    set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// A page, under a policy that lets nothing in and nothing frame it.
pub(super) fn page(status: StatusCode, html: String, policy: &str) -> Answer {
    let mut answer = Response::new(Bytes::from(html));
    *answer.status_mut() = status;
    set(&mut answer, CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut answer, CACHE_CONTROL, "no-store");
    set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    // With `no-referrer` a browser would send `Origin: null` along with the page's own form.
    set(&mut answer, REFERRER_POLICY, "same-origin");
    set(
        &mut answer,
        HeaderName::from_static("x-frame-options"),
        "DENY",
    );
    set(
        &mut answer,
        HeaderName::from_static("content-security-policy"),
        policy,
    );
    answer
}

/// On to `location`.
pub(super) fn redirect(location: &str) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::FOUND;
    set(&mut answer, LOCATION, location);
    set(&mut answer, CACHE_CONTROL, "no-store");
    set(&mut answer, REFERRER_POLICY, "no-referrer");
    answer
}

/// The method is not one of `allowed`.
pub(super) fn wrong_method(allowed: &'static str) -> Answer {
    let mut answer = json_answer(
        StatusCode::METHOD_NOT_ALLOWED,
        &json!({"error": "invalid_request", "error_description": "wrong method"}),
    );
    set(&mut answer, ALLOW, allowed);
    answer
}

/// There is nothing here.
pub(super) fn not_found() -> Answer {
    json_answer(StatusCode::NOT_FOUND, &json!({"error": "not_found"}))
}

/// Lets scripts of any origin read `answer`: clients that are pages themselves need it. No cookie
/// ever counts at these endpoints.
pub(super) fn shared(mut answer: Answer) -> Answer {
    set(&mut answer, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(
        &mut answer,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "WWW-Authenticate",
    );
    answer
}

/// The answer to a browser that asks whether it may send the request.
pub(super) fn preflight(methods: &'static str) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    set(&mut answer, ACCESS_CONTROL_ALLOW_METHODS, methods);
    set(
        &mut answer,
        ACCESS_CONTROL_ALLOW_HEADERS,
        "Authorization, Content-Type, MCP-Protocol-Version",
    );
    set(&mut answer, ACCESS_CONTROL_MAX_AGE, "3600");
    shared(answer)
}

/// Sets a header of characters that headers may have.
pub(super) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("headers are made of checked or encoded text");
    answer.headers_mut().insert(name, value);
}
