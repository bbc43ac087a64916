//! Tokens: what is in them, and what they are good for.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::{self, PoolKey};
use super::model::{Client, Grant, Granted, Secret, TokenKind, User};
use super::state::{State, key};
use super::{Cognito, faults, random, rotation};
use crate::cloud::Cloud;
use crate::wire::Fault;

/// The scope of tokens from the API: one's own account.
pub(super) const ADMIN_SCOPE: &str = "aws.cognito.signin.user.admin";

/// Tokens that were issued.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access: Secret,
    /// None for grants without `openid`.
    pub(super) id: Option<Secret>,
    /// None where a refresh token was used.
    pub(super) refresh: Option<Secret>,
    /// Seconds until the access token expires.
    pub(super) expires_in: i64,
}

/// Who shows an access token.
#[derive(Debug)]
pub(super) struct Bearer {
    /// The key of the user's row.
    pub(super) user: String,
    pub(super) scopes: Vec<String>,
    /// The id of the token's grant.
    pub(super) grant: String,
}

impl Cognito {
    /// Issues the tokens of a sign-in, with a refresh token.
    pub(super) async fn issue(
        &self,
        cloud: &Cloud,
        base: &str,
        client: &str,
        user: &str,
        session: Granted,
        auth_time: i64,
    ) -> Result<Tokens, Fault> {
        let pool = user.split('/').next().unwrap_or_default();
        let signer = self.keys.get(cloud, pool).await?;
        let now = cloud.now();
        let id = random::uuid();
        let (refresh, digest) = rotation::new_token(&id);
        let mut state = self.state();
        let client = state.client(pool, client)?.clone();
        let grant = Grant {
            id: id.clone(),
            pool: pool.to_owned(),
            client: client.id.clone(),
            user: user.to_owned(),
            digest,
            rotated: None,
            auth_time,
            expires: now + client.validity(TokenKind::Refresh),
            revoked: false,
            session,
        };
        let claims = claims(&state, base, &client, &grant, now)?;
        state.forget_grants(|old| old.user == user && old.expires < now)?;
        state.grants.put(&id, grant)?;
        drop(state);
        Ok(Tokens {
            refresh: Some(refresh),
            ..signed(&signer, claims, &client)?
        })
    }

    /// Issues the access token of a client that acts for itself.
    pub(super) async fn issue_to_client(
        &self,
        cloud: &Cloud,
        base: &str,
        client: &Client,
        scopes: &[String],
    ) -> Result<Tokens, Fault> {
        let signer = self.keys.get(cloud, &client.pool).await?;
        let now = cloud.now().unix_timestamp();
        let lasts = client.validity(TokenKind::Access).whole_seconds();
        let claims = json!({
            "sub": client.id,
            "token_use": "access",
            "scope": scopes.join(" "),
            "auth_time": now,
            "iss": issuer(base, &client.pool),
            "exp": now + lasts,
            "iat": now,
            "version": 2,
            "jti": random::uuid(),
            "client_id": client.id,
        });
        Ok(Tokens {
            access: Secret(signer.sign(&claims)?),
            id: None,
            refresh: None,
            expires_in: lasts,
        })
    }

    /// Who shows this access token, when it is good: signed by its pool, not expired, not revoked.
    pub(super) async fn bearer(&self, cloud: &Cloud, token: &str) -> Result<Bearer, Fault> {
        let unchecked = keys::claims(token).ok_or_else(faults::bad_token)?;
        let text = |claims: &Value, name: &str| {
            let value = claims.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let issuer = text(&unchecked, "iss");
        let pool = issuer.rsplit('/').next().unwrap_or_default();
        if !self.state().pools.contains(pool) {
            return Err(faults::bad_token());
        }
        let key = self.keys.get(cloud, pool).await?;
        let claims = key.verify(token).ok_or_else(faults::bad_token)?;
        if text(&claims, "token_use") != "access" {
            return Err(faults::bad_token());
        }
        let expires = claims.get("exp").and_then(Value::as_i64);
        if expires.is_none_or(|expires| expires <= cloud.now().unix_timestamp()) {
            return Err(faults::not_authorized("Access Token has expired"));
        }
        let state = self.state();
        let grant = state.grants.get(&text(&claims, "origin_jti"));
        let Some(grant) = grant else {
            return Err(faults::bad_token());
        };
        if grant.revoked {
            return Err(faults::not_authorized("Access Token has been revoked"));
        }
        let user = state.users.get(&grant.user).ok_or_else(faults::no_user)?;
        if !user.enabled {
            return Err(faults::not_authorized("User is disabled."));
        }
        let scopes = text(&claims, "scope");
        Ok(Bearer {
            user: grant.user.clone(),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            grant: grant.id.clone(),
        })
    }

    /// The same, for the operations on one's own account.
    pub(super) async fn account(&self, cloud: &Cloud, token: &str) -> Result<Bearer, Fault> {
        let bearer = self.bearer(cloud, token).await?;
        if bearer.scopes.iter().any(|scope| scope == ADMIN_SCOPE) {
            return Ok(bearer);
        }
        Err(faults::not_authorized(
            "Access Token does not have required scopes",
        ))
    }
}

/// Who issues the tokens of a pool.
pub(super) fn issuer(base: &str, pool: &str) -> String {
    format!("{base}/{pool}")
}

/// Signs the claims of an access token and an ID token. After an OAuth flow the ID token has the hash
/// of the access token that it comes with. Source: OpenID Connect Core, 3.1.3.6.
pub(super) fn signed(
    signer: &PoolKey,
    (access, id): (Value, Option<Value>),
    client: &Client,
) -> Result<Tokens, Fault> {
    let oauth = access.get("version").is_some();
    let access = Secret(signer.sign(&access)?);
    let id = id.map(|mut claims| {
        if oauth {
            let digest = Sha256::digest(access.0.as_bytes());
            claims["at_hash"] = URL_SAFE_NO_PAD.encode(&digest[..16]).into();
        }
        signer.sign(&claims).map(Secret)
    });
    Ok(Tokens {
        access,
        id: id.transpose()?,
        refresh: None,
        expires_in: client.validity(TokenKind::Access).whole_seconds(),
    })
}

/// The claims of a user's access token, and those of the ID token where there is one.
/// Source: "Understanding the access token", "Understanding the identity (ID) token".
pub(super) fn claims(
    state: &State,
    base: &str,
    client: &Client,
    grant: &Grant,
    now: OffsetDateTime,
) -> Result<(Value, Option<Value>), Fault> {
    let user = state.users.get(&grant.user).ok_or_else(faults::no_user)?;
    let iat = now.unix_timestamp();
    let expires = |kind| iat + client.validity(kind).whole_seconds();
    let issuer = issuer(base, &grant.pool);
    let event = random::uuid();
    let (scope, with_id) = match &grant.session {
        Granted::Api => (ADMIN_SCOPE.to_owned(), true),
        Granted::OAuth { scopes, .. } => (
            scopes.join(" "),
            scopes.iter().any(|scope| scope == "openid"),
        ),
    };
    let mut access = json!({
        "sub": user.sub,
        "iss": issuer,
        "client_id": client.id,
        "origin_jti": grant.id,
        "event_id": event,
        "token_use": "access",
        "scope": scope,
        "auth_time": grant.auth_time,
        "exp": expires(TokenKind::Access),
        "iat": iat,
        "jti": random::uuid(),
        "username": user.username,
    });
    if !user.groups.is_empty() {
        access["cognito:groups"] = groups(state, user);
    }
    if let Granted::OAuth { resource, .. } = &grant.session {
        access["version"] = 2.into();
        if let Some(resource) = resource {
            access["aud"] = resource.as_str().into();
        }
    }
    if !with_id {
        return Ok((access, None));
    }
    let mut id = Map::new();
    for (name, value) in attributes(user, client, &grant.session) {
        id.insert(name, value);
    }
    for (name, value) in [
        ("sub", json!(user.sub)),
        ("iss", json!(issuer)),
        ("cognito:username", json!(user.username)),
        ("origin_jti", json!(grant.id)),
        ("aud", json!(client.id)),
        ("event_id", json!(event)),
        ("token_use", json!("id")),
        ("auth_time", json!(grant.auth_time)),
        ("exp", json!(expires(TokenKind::Id))),
        ("iat", json!(iat)),
        ("jti", json!(random::uuid())),
    ] {
        id.insert(name.to_owned(), value);
    }
    if !user.groups.is_empty() {
        id.insert("cognito:groups".to_owned(), groups(state, user));
        id.extend(roles(state, user));
    }
    if let Granted::OAuth {
        nonce: Some(nonce), ..
    } = &grant.session
    {
        id.insert("nonce".to_owned(), nonce.as_str().into());
    }
    Ok((access, Some(Value::Object(id))))
}

/// The groups of a user, the most important first.
fn groups(state: &State, user: &User) -> Value {
    let mut groups: Vec<_> = user
        .groups
        .iter()
        .filter_map(|name| state.groups.get(&key(&user.pool, name)))
        .collect();
    groups.sort_by_key(|group| group.precedence.unwrap_or(i64::MAX));
    groups.iter().map(|group| group.name.as_str()).collect()
}

/// The roles of a user's groups. One is preferred when it is the only one of the best precedence.
fn roles(state: &State, user: &User) -> Map<String, Value> {
    let mut roles: Vec<(i64, &str)> = user
        .groups
        .iter()
        .filter_map(|name| state.groups.get(&key(&user.pool, name)))
        .filter_map(|group| Some((group.precedence.unwrap_or(i64::MAX), group.role.as_deref()?)))
        .collect();
    roles.sort_unstable();
    let mut claims = Map::new();
    if let Some((best, preferred)) = roles.first() {
        let mut rivals = roles.iter().filter(|(precedence, _)| precedence == best);
        if rivals.all(|(_, role)| role == preferred) {
            claims.insert("cognito:preferred_role".to_owned(), (*preferred).into());
        }
        let all: Value = roles.iter().map(|(_, role)| *role).collect();
        claims.insert("cognito:roles".to_owned(), all);
    }
    claims
}

/// The attributes that a token or `userInfo` may say, by the client's permissions and the scopes.
/// `openid` alone says all. Source: "Scopes, M2M, and resource servers".
pub(super) fn attributes(user: &User, client: &Client, session: &Granted) -> Vec<(String, Value)> {
    let all = match session {
        Granted::Api => true,
        Granted::OAuth { scopes, .. } => {
            let asks = |scope: &str| scopes.iter().any(|asked| asked == scope);
            asks("profile") || !(asks("email") || asks("phone"))
        }
    };
    let asks = |scope: &str| match session {
        Granted::Api => true,
        Granted::OAuth { scopes, .. } => scopes.iter().any(|asked| asked == scope),
    };
    user.attributes
        .iter()
        .filter(|(name, _)| client.reads(name))
        .filter(|(name, _)| match name.as_str() {
            "email" | "email_verified" => all || asks("email"),
            "phone_number" | "phone_number_verified" => all || asks("phone"),
            _ => all,
        })
        .map(|(name, value)| {
            let value = match name.as_str() {
                "email_verified" | "phone_number_verified" => json!(value == "true"),
                // The standard wants a structure.
                "address" => json!({"formatted": value}),
                _ => json!(value),
            };
            (name.clone(), value)
        })
        .collect()
}
