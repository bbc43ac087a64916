//! Refresh tokens: what they are good for, and their rotation, by which each is good once.
//!
//! Source: "Refresh tokens", `RefreshTokenRotationType`, `GetTokensFromRefreshToken`: a new token holds
//! for what was left of the old one's time; the old one still holds for the client's grace period,
//! during which it may be used again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::input::Input;
use super::model::{Client, Grant, Secret};
use super::state::State;
use super::tokens::{self, Tokens};
use super::{Cognito, auth, doors, faults, random};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault};

/// A refresh token that another has taken the place of, and still holds for a while.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rotated {
    digest: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

impl Cognito {
    /// Issues further tokens for a refresh token; with rotation, another refresh token too.
    pub(super) async fn refresh(
        &self,
        cloud: &Cloud,
        base: &str,
        client: &str,
        token: &str,
    ) -> Result<Tokens, Fault> {
        let grant = self.grant(cloud, client, token)?;
        let signer = self.keys.get(cloud, &grant.pool).await?;
        let mut state = self.state();
        let client = state.client(&grant.pool, client)?.clone();
        let user = state.users.get(&grant.user).ok_or_else(faults::no_user)?;
        if !user.enabled {
            return Err(faults::not_authorized("User is disabled."));
        }
        let now = cloud.now();
        let claims = tokens::claims(&state, base, &client, &grant, now)?;
        // Looked up anew: of two who use a token at the same time, one is first.
        let (grant, used) = good(&state, &client.id, token, now)?;
        let refresh = match grace(&client) {
            Some(grace) => Some(rotate(&mut state, &grant, used, now + grace)?),
            None => None,
        };
        drop(state);
        Ok(Tokens {
            refresh,
            ..tokens::signed(&signer, claims, &client)?
        })
    }

    /// What a refresh token of this client stands for.
    pub(super) fn grant(&self, cloud: &Cloud, client: &str, token: &str) -> Result<Grant, Fault> {
        good(&self.state(), client, token, cloud.now()).map(|(grant, _)| grant)
    }

    /// The operation for clients whose refresh tokens are rotated; others may use it too.
    pub(super) async fn tokens_from_refresh_token(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let token = input.filled("RefreshToken")?;
        let client = input.filled("ClientId")?;
        let secret = input.text_if("ClientSecret")?;
        let wanted = self.state().client_by_id(client)?.1.secret.clone();
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        let right = match (&wanted, secret) {
            (None, None) => true,
            (Some(wanted), Some(secret)) => digest(&wanted.0) == digest(secret),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !right {
            return Err(faults::not_authorized(
                "Unable to verify secret hash for client",
            ));
        }
        let base = doors::base(cloud, &call.headers);
        let tokens = self.refresh(cloud, &base, client, token).await?;
        let answer = auth::result(&tokens);
        Ok(json!({"AuthenticationResult": answer["AuthenticationResult"]}))
    }
}

/// A new refresh token, and the digest of its secret part.
pub(super) fn new_token(grant: &str) -> (Secret, String) {
    let secret = random::bytes::<48>();
    let token = format!("{grant}.{}", URL_SAFE_NO_PAD.encode(secret));
    (Secret(token), digest(&secret))
}

/// Which of a grant's tokens was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    Current,
    Rotated,
}

fn good(
    state: &State,
    client: &str,
    token: &str,
    now: OffsetDateTime,
) -> Result<(Grant, Used), Fault> {
    let invalid = || faults::not_authorized("Invalid Refresh Token");
    let (id, secret) = token.split_once('.').ok_or_else(invalid)?;
    let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| invalid())?;
    let grant = state.grants.get(id).ok_or_else(invalid)?;
    let digest = digest(&secret);
    let rotated = grant.rotated.iter().find(|old| old.digest == digest);
    let used = match rotated {
        None if grant.digest == digest => Used::Current,
        None => return Err(invalid()),
        Some(_) => Used::Rotated,
    };
    if grant.client != client {
        return Err(invalid());
    }
    if grant.revoked {
        return Err(faults::not_authorized("Refresh Token has been revoked"));
    }
    if grant.expires <= now {
        return Err(faults::not_authorized("Refresh Token has expired"));
    }
    if rotated.is_some_and(|old| old.until <= now) {
        return Err(Fault::bad(
            "RefreshTokenReuseException",
            "Refresh token has been invalidated by rotation",
        ));
    }
    Ok((grant.clone(), used))
}

/// How long an old token holds, where the client's are rotated.
fn grace(client: &Client) -> Option<Duration> {
    let rotation = Input(client.settings.get("RefreshTokenRotation")?);
    if rotation.text_if("Feature") != Ok(Some("ENABLED")) {
        return None;
    }
    let seconds = rotation.within("RetryGracePeriodSeconds", 0, 60);
    Some(Duration::seconds(seconds.ok().flatten().unwrap_or(0)))
}

fn rotate(
    state: &mut State,
    grant: &Grant,
    used: Used,
    until: OffsetDateTime,
) -> Result<Secret, Fault> {
    let (token, digest) = new_token(&grant.id);
    state.grants.update(&grant.id, |grant| {
        let old = std::mem::replace(&mut grant.digest, digest);
        // Who uses an old one again had no answer: what that answer told is nobody's.
        if used == Used::Current {
            grant.rotated = Some(Rotated { digest: old, until });
        }
    })?;
    Ok(token)
}

fn digest(secret: &[u8]) -> String {
    hex::encode(Sha256::digest(secret))
}
