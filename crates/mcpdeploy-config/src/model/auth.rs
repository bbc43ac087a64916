//! `[auth]`: who may call the server.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// Login before the server. Not there yet in this version: only `enabled = false` is accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Whether callers must log in. Only false works in this version.
    pub enabled: bool,
    /// Who knows the users.
    pub provider: AuthProvider,
    /// Where the login may send people back to.
    #[schemars(inner(regex(pattern = shapes::REDIRECT)))]
    pub callback_urls: Vec<String>,
    /// Whether a second factor must be used.
    pub mfa_required: bool,
    /// The Cognito user pool.
    pub cognito: Option<Cognito>,
    /// An identity provider of your own that speaks OpenID Connect.
    pub oidc: Option<Oidc>,
    /// Dynamic client registration: how MCP clients make themselves known.
    pub dcr: Dcr,
    /// What callers may be allowed to do.
    pub scopes: Scopes,
    /// Scopes that a tool wants, beyond being logged in: its name, or one with * and ? in it, and the scopes. All that fit a tool are wanted together. For transport = "http" and "stdio".
    #[schemars(extend(
        "propertyNames" = {"pattern": shapes::TOOL},
        "additionalProperties" = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": shapes::SCOPE}}
    ))]
    pub tools: IndexMap<String, Vec<String>>,
}

/// Who knows the users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthProvider {
    /// Nobody: the server is open, or checks callers itself.
    #[default]
    None,
    /// An Amazon Cognito user pool.
    Cognito,
    /// An identity provider of your own.
    Oidc,
}

/// The Cognito user pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cognito {
    /// An existing pool to use instead of making one.
    pub user_pool_id: Option<String>,
    /// The name of the pool to make.
    pub user_pool_name: Option<String>,
    /// The first part of every scope, as in mcp/read.
    #[schemars(length(min = 1))]
    pub resource_server_id: String,
    /// The prefix of the login page's address.
    pub domain: Option<String>,
    /// Other accounts people may log in with, such as "google".
    pub social_providers: Vec<String>,
    /// Whether people use a second factor.
    pub mfa: Mfa,
    /// How long an access token is valid, such as "1h".
    pub access_token_ttl: Ttl,
    /// How long a refresh token is valid, such as "30d".
    pub refresh_token_ttl: Ttl,
}

impl Default for Cognito {
    fn default() -> Self {
        Self {
            user_pool_id: None,
            user_pool_name: None,
            resource_server_id: "mcp".to_owned(),
            domain: None,
            social_providers: Vec::new(),
            mfa: Mfa::default(),
            access_token_ttl: Ttl("1h".to_owned()),
            refresh_token_ttl: Ttl("30d".to_owned()),
        }
    }
}

/// Whether people use a second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mfa {
    /// Never.
    Off,
    /// Each as they like.
    #[default]
    Optional,
    /// Always.
    Required,
}

/// A duration as people write it: "90s", "15m", "1h", "30d".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Ttl(#[schemars(regex(pattern = shapes::TTL))] String);

impl Ttl {
    /// The duration in seconds.
    pub fn seconds(&self) -> u64 {
        let (number, unit) = self.0.split_at(self.0.len().saturating_sub(1));
        let unit = match unit {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            _ => 1,
        };
        number
            .parse::<u64>()
            .unwrap_or(u64::MAX)
            .saturating_mul(unit)
    }

    /// The duration as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        shapes::misfit(shapes::TTL, text)
            .is_none()
            .then(|| Self(text.to_owned()))
    }
}

/// An identity provider of your own that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// What kind of provider it is. Changes nothing: every issuer is treated alike.
    #[serde(default)]
    pub provider_type: Option<String>,
    /// The issuer, whose /.well-known/openid-configuration is read.
    #[schemars(regex(pattern = shapes::HTTPS_URL))]
    pub issuer: String,
    /// This server's client at the issuer.
    #[schemars(length(min = 1))]
    pub client_id: String,
    /// The audience that tokens must be for; the client id when absent.
    #[serde(default)]
    pub audience: Option<String>,
    /// Where the issuer's keys are, when its discovery document does not say.
    #[serde(default)]
    #[schemars(regex(pattern = shapes::HTTPS_URL))]
    pub jwks_url: Option<String>,
    /// The scopes to ask for.
    #[serde(default = "oidc_scopes")]
    pub scopes: Vec<String>,
}

fn oidc_scopes() -> Vec<String> {
    owned(&["openid", "email", "profile"])
}

/// Dynamic client registration: how MCP clients make themselves known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dcr {
    /// Whether clients may register themselves.
    pub enabled: bool,
    /// Names of clients that can keep no secret.
    pub public_client_patterns: Vec<String>,
    /// What a new client may do unless it asks for something else.
    pub default_scopes: Vec<String>,
    /// What a client may ask for at most.
    pub allowed_scopes: Vec<String>,
}

impl Default for Dcr {
    fn default() -> Self {
        Self {
            enabled: true,
            public_client_patterns: owned(&[
                "claude",
                "desktop",
                "cursor",
                "mcp-inspector",
                "chatgpt",
            ]),
            default_scopes: owned(&["openid", "email", "mcp/read"]),
            allowed_scopes: owned(&["openid", "email", "profile", "mcp/read", "mcp/write"]),
        }
    }
}

/// What callers may be allowed to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    /// Scopes of the server's own: the name, and what it allows.
    pub custom: IndexMap<String, String>,
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_seconds() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("1h", Some(3_600)),
            ("30d", Some(2_592_000)),
            ("1", None),
            ("h", None),
            ("0h", None),
            ("1w", None),
        ] {
            assert_eq!(Ttl::parse(text).map(|ttl| ttl.seconds()), seconds, "{text}");
        }
    }
}
