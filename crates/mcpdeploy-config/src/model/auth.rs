//! `[auth]`: who may call the server.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// Login before the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Whether callers must log in.
    pub enabled: bool,
    /// Who knows the users.
    pub provider: AuthProvider,
    /// Where a client that does not register may be sent back to; its id is the output client_id. On a loopback address, any port is taken.
    #[schemars(inner(regex(pattern = shapes::REDIRECT)))]
    pub callback_urls: Vec<String>,
    /// Whether a second factor must be used, as mfa = "required" says it (Cognito only).
    pub mfa_required: bool,
    /// The Cognito user pool.
    pub cognito: Option<Cognito>,
    /// An identity provider of your own that speaks OpenID Connect.
    pub oidc: Option<Oidc>,
    /// Dynamic client registration: how MCP clients make themselves known.
    pub dcr: Dcr,
    /// Clients whose id is the https URL of a document about them.
    pub cimd: Cimd,
    /// What callers may be allowed to do.
    pub scopes: Scopes,
    /// Scopes that a tool wants, beyond being logged in: its name, or one with * and ? in it, and the scopes. All that fit a tool are wanted together. For transport = "http" and "stdio".
    #[schemars(extend(
        "propertyNames" = {"pattern": shapes::TOOL},
        "additionalProperties" = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": shapes::SCOPE}}
    ))]
    pub tools: IndexMap<String, Vec<String>>,
}

impl Auth {
    /// The entries of `[secrets]` that the login needs; none while it is off.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let provider = if self.enabled {
            self.provider
        } else {
            AuthProvider::None
        };
        let (pool, issuer) = match provider {
            AuthProvider::None => (None, None),
            AuthProvider::Cognito => (self.cognito.as_ref(), None),
            AuthProvider::Oidc => (None, self.oidc.as_ref()),
        };
        let providers = pool.into_iter().flat_map(|pool| {
            let named = pool.social_providers.iter();
            named.filter_map(|name| pool.providers.get(name))
        });
        let issuers = issuer.and_then(|issuer| issuer.secret_name.as_deref());
        providers
            .map(|provider| provider.secret_name.as_str())
            .chain(issuers)
    }
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
    /// An existing pool to use instead of making one; `domain` is then the one that it has.
    #[schemars(regex(pattern = shapes::USER_POOL))]
    pub user_pool_id: Option<String>,
    /// The name of the pool to make; the server's (and the environment's) when absent.
    #[schemars(regex(pattern = shapes::USER_POOL_NAME))]
    pub user_pool_name: Option<String>,
    /// What the server's scopes begin with in this file, as in mcp/read. In tokens they begin with the MCP URL.
    #[schemars(regex(pattern = shapes::SCOPE_WORD))]
    pub resource_server_id: String,
    /// The prefix of the login page's address; made of the server's name and the account when absent.
    #[schemars(regex(pattern = shapes::LOGIN_DOMAIN))]
    pub domain: Option<String>,
    /// Other accounts people may log in with, such as "google"; each has a table under `providers`.
    pub social_providers: Vec<String>,
    /// The client that each of them knows this deployment by.
    #[schemars(extend("propertyNames" = {"pattern": shapes::PROVIDER}))]
    pub providers: IndexMap<String, SocialProvider>,
    /// Whether people may make themselves an account. Otherwise an administrator makes it.
    pub self_registration: bool,
    /// How long a password must be.
    #[schemars(range(min = 8, max = 99))]
    pub password_min_length: u8,
    /// Whether the pool, with everybody in it, stays when the deployment is destroyed.
    pub retain: bool,
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
            providers: IndexMap::new(),
            self_registration: false,
            password_min_length: 12,
            retain: true,
            mfa: Mfa::default(),
            access_token_ttl: Ttl("1h".to_owned()),
            refresh_token_ttl: Ttl("30d".to_owned()),
        }
    }
}

/// The client that another account's provider knows this deployment by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SocialProvider {
    /// The client's id there (of Apple: the services id).
    #[schemars(length(min = 1))]
    pub client_id: String,
    /// The entry of `[secrets]` with the client's secret (of Apple: the private key). The server does not get it.
    #[schemars(regex(pattern = shapes::VARIABLE))]
    pub secret_name: String,
    /// The issuer, for providers other than google and apple.
    #[serde(default)]
    #[schemars(regex(pattern = shapes::HTTPS_URL))]
    pub issuer: Option<String>,
    /// The scopes to ask for; openid, email and profile when absent.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Apple: the team's id.
    #[serde(default)]
    pub team_id: Option<String>,
    /// Apple: the private key's id.
    #[serde(default)]
    pub key_id: Option<String>,
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
    /// How the issuer is told whom a token is for; by the issuer's address when absent.
    #[serde(default)]
    pub provider_type: Option<ProviderType>,
    /// The issuer, exactly as its tokens name it; its /.well-known/openid-configuration is read.
    #[schemars(regex(pattern = shapes::ISSUER))]
    pub issuer: String,
    /// This server's client at the issuer.
    #[schemars(length(min = 1))]
    pub client_id: String,
    /// The entry of `[secrets]` with that client's secret, when it has one. The server does not get it.
    #[serde(default)]
    #[schemars(regex(pattern = shapes::VARIABLE))]
    pub secret_name: Option<String>,
    /// The audience that tokens must be for; the client id when absent, with `registers_clients` the MCP URL.
    #[serde(default)]
    pub audience: Option<String>,
    /// Refused when login is on: API Gateway finds the issuer's keys by its discovery document.
    #[serde(default)]
    #[schemars(regex(pattern = shapes::HTTPS_URL))]
    pub jwks_url: Option<String>,
    /// The scopes to ask for.
    #[serde(default = "oidc_scopes")]
    #[schemars(inner(regex(pattern = shapes::SCOPE)))]
    pub scopes: Vec<String>,
    /// Whether clients go to the issuer themselves, because it registers them. Otherwise they register here.
    #[serde(default)]
    pub registers_clients: bool,
}

/// How an issuer is told whom a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderType {
    /// By the parameter `audience`.
    Auth0,
    /// By the scopes only.
    Entra,
    /// By the authorization server's own settings.
    Okta,
    /// By the parameter `resource` (RFC 8707), or its own settings.
    Keycloak,
    /// By the parameter `resource` (RFC 8707).
    Generic,
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
    /// Where registered clients may be sent back to, such as "https://claude.ai/*": `*` stands for anything but a slash. Anywhere when empty.
    pub redirect_patterns: Vec<String>,
    /// What a client that names no scope may do; openid, email and mcp/read when absent (with an issuer of your own: its `scopes`).
    pub default_scopes: Option<Vec<String>>,
    /// What a client may ask for at most; everything there is when absent.
    pub allowed_scopes: Option<Vec<String>>,
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
            redirect_patterns: Vec::new(),
            default_scopes: None,
            allowed_scopes: None,
        }
    }
}

/// Clients whose id is the https URL of a document about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cimd {
    /// Whether such clients are let in.
    pub enabled: bool,
    /// Hosts that may publish documents, such as "*.example.com". Any when empty.
    pub host_patterns: Vec<String>,
}

impl Default for Cimd {
    fn default() -> Self {
        Self {
            enabled: true,
            host_patterns: Vec::new(),
        }
    }
}

/// What callers may be allowed to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    /// Scopes of the server's own beside mcp/read and mcp/write: the name, with or without the first part, and what it allows.
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
