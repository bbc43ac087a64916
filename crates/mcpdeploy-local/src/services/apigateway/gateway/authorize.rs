//! Whether a request may take its route.

use http::{HeaderValue, StatusCode};

use super::exchange::{Authorized, Exchange};
use super::function_authorizer::{self, Denied};
use super::jwt::{self, Refusal, Token};
use super::serving::{Guard, JwtGuard};
use crate::cloud::Cloud;

/// A request that may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turned {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
    pub(super) challenge: Option<HeaderValue>,
    /// What `$context.authorizer.error` says.
    pub(super) error: Option<String>,
}

impl Turned {
    const fn new(status: StatusCode, message: &'static str) -> Self {
        Self {
            status,
            message,
            challenge: None,
            error: None,
        }
    }

    const fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    const fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }
}

/// Decides by the route's guard.
pub(super) async fn authorize(
    cloud: &Cloud,
    exchange: &Exchange,
    guard: &Guard,
) -> Result<Authorized, Turned> {
    match guard {
        Guard::Everybody => Ok(Authorized::Nothing),
        Guard::Nobody => Err(Turned {
            error: Some("the route's authorizer does not exist".to_owned()),
            ..Turned::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }),
        Guard::Signed => Err(signed(exchange)),
        Guard::Jwt(guard) => by_token(cloud, exchange, guard).await,
        Guard::Function(guard) => function_authorizer::authorize(cloud, exchange, guard)
            .await
            .map_err(|denied| match denied {
                Denied::Anonymous => Turned::unauthorized(),
                Denied::Forbidden => Turned::forbidden(),
                Denied::Broken => Turned {
                    error: Some(
                        "the authorizer function failed or gave no valid answer".to_owned(),
                    ),
                    ..Turned::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
                },
            }),
    }
}

/// Signatures cannot be checked: nobody has secret keys here. Who does not sign is turned away as on
/// AWS; who signs is told.
fn signed(exchange: &Exchange) -> Turned {
    let signs = exchange
        .header("authorization")
        .and_then(<[_]>::first)
        .is_some_and(|value| value.starts_with("AWS4-"))
        || exchange
            .query
            .iter()
            .any(|(name, _)| name == "X-Amz-Signature");
    if signs {
        Turned::new(
            StatusCode::NOT_IMPLEMENTED,
            "the embedded cloud does not have AWS_IAM authorization of routes yet",
        )
    } else {
        Turned::forbidden()
    }
}

async fn by_token(
    cloud: &Cloud,
    exchange: &Exchange,
    guard: &JwtGuard,
) -> Result<Authorized, Turned> {
    let Some(text) = guard.source.value(exchange) else {
        return Err(Turned {
            challenge: Some(HeaderValue::from_static("Bearer")),
            ..Turned::unauthorized()
        });
    };
    let refuse = |refusal: Refusal| challenge(&refusal, &guard.scopes);
    let token = Token::read(&text).map_err(refuse)?;
    let key = cloud
        .services()
        .apigateway
        .keys()
        .find(cloud, &guard.issuer, token.kid.as_deref())
        .await
        .map_err(refuse)?;
    token
        .check(&key, guard, exchange.at.unix_timestamp())
        .map_err(refuse)?;
    Ok(Authorized::Jwt {
        claims: jwt::as_text(&token.claims),
        scopes: guard.scopes.clone(),
    })
}

/// `Bearer scope="…" error="…" error_description="…"`, as AWS puts it: without commas.
fn challenge(refusal: &Refusal, scopes: &[String]) -> Turned {
    let (turned, error) = match refusal {
        Refusal::Scope => (Turned::forbidden(), "insufficient_scope"),
        Refusal::Segments
        | Refusal::Malformed
        | Refusal::Algorithm(_)
        | Refusal::Key
        | Refusal::Discovery
        | Refusal::Signature
        | Refusal::Expired
        | Refusal::NotYet
        | Refusal::Issuer
        | Refusal::Audience => (Turned::unauthorized(), "invalid_token"),
    };
    let scopes = scopes.join(" ");
    let text =
        format!("Bearer scope=\"{scopes}\" error=\"{error}\" error_description=\"{refusal}\"");
    Turned {
        challenge: HeaderValue::from_str(&text).ok(),
        error: Some(refusal.to_string()),
        ..turned
    }
}
