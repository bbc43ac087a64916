//! What the facade is told: who it is, whom it stands before, whom it lets in. Nothing of it is
//! secret: where it has to do with a secret, it names it.

use serde::Deserialize;

/// Everything the facade is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The facade's own base URL, which is also the `issuer` of its metadata; no slash at its end.
    pub issuer: String,
    /// The MCP servers that tokens are for.
    pub resources: Vec<Resource>,
    /// What clients may be allowed to do.
    pub scopes: Vec<Scope>,
    /// Who logs people in and issues the tokens.
    pub upstream: Upstream,
    /// Clients that need not register.
    #[serde(default)]
    pub clients: Vec<KnownClient>,
    /// Dynamic client registration.
    #[serde(default)]
    pub dcr: Dcr,
    /// Clients described by a document of their own.
    #[serde(default)]
    pub cimd: Cimd,
    /// How long things are valid.
    #[serde(default)]
    pub lifetimes: Lifetimes,
}

/// One MCP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its URL, exactly as the tokens' audience says it.
    pub url: String,
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
}

/// Something a client may be allowed to do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The name that requests and tokens carry.
    pub name: String,
    /// What it allows, for the person who agrees.
    pub description: String,
}

/// Who logs people in and issues the tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The `iss` of its tokens; an `iss` in its answers must equal it.
    pub issuer: String,
    /// Where people log in. Without this or `token`, the issuer's own document is asked.
    #[serde(default)]
    pub authorize: Option<String>,
    /// Where codes become tokens.
    #[serde(default)]
    pub token: Option<String>,
    /// Where refresh tokens are revoked, when it can.
    #[serde(default)]
    pub revoke: Option<String>,
    /// The facade's own client there.
    pub client_id: String,
    /// The ARN of that client's secret, when it has one.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// How it is told whom the token is for.
    #[serde(default)]
    pub audience: Audience,
    /// What it calls the server there, when that is not the server's URL.
    #[serde(default)]
    pub identifier: Option<String>,
}

impl Upstream {
    /// A Cognito user pool: `domain` is the URL of its login pages, `issuer` that of the pool.
    pub fn cognito(domain: &str, issuer: &str, client_id: &str) -> Self {
        let domain = domain.trim_end_matches('/');
        Self {
            issuer: issuer.to_owned(),
            authorize: Some(format!("{domain}/oauth2/authorize")),
            token: Some(format!("{domain}/oauth2/token")),
            revoke: Some(format!("{domain}/oauth2/revoke")),
            client_id: client_id.to_owned(),
            client_secret: None,
            audience: Audience::Resource,
            identifier: None,
        }
    }
}

/// The parameter by which an issuer is told whom a token is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// `resource`, as RFC 8707 says: Cognito, Keycloak.
    #[default]
    Resource,
    /// `audience`: Auth0.
    Audience,
    /// None; the scopes say it: Entra, which refuses the others.
    None,
}

/// A client that need not register.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownClient {
    /// Its id.
    pub client_id: String,
    /// What people call it.
    pub name: String,
    /// Where it may be returned to; on a loopback address at any port.
    pub redirect_uris: Vec<String>,
    /// The ARN of its secret, when it can keep one.
    #[serde(default)]
    pub client_secret: Option<String>,
}

/// Dynamic client registration (RFC 7591).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dcr {
    /// Whether clients may register themselves.
    pub enabled: bool,
    /// Where registered clients may be returned to, `*` standing for anything but a slash; anywhere
    /// when empty.
    pub redirect_patterns: Vec<String>,
    /// Parts of names of clients that get no secret when they do not say how they authenticate.
    pub public_client_patterns: Vec<String>,
    /// The scopes of a request that names none; all allowed ones when empty.
    pub default_scopes: Vec<String>,
    /// What a registered client may ask for at most; all when empty.
    pub allowed_scopes: Vec<String>,
}

impl Default for Dcr {
    fn default() -> Self {
        Self {
            enabled: true,
            redirect_patterns: Vec::new(),
            public_client_patterns: Vec::new(),
            default_scopes: Vec::new(),
            allowed_scopes: Vec::new(),
        }
    }
}

/// Client ID metadata documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cimd {
    /// Whether an https URL is taken as a client id.
    pub enabled: bool,
    /// Hosts that may publish documents, `*` standing for anything but a slash; any when empty.
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

/// How long things are valid, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// From a client's request until the person has logged in.
    pub flow: u64,
    /// A code, from its making until the client trades it in.
    pub code: u64,
    /// A refresh token; as long as the upstream's.
    pub refresh: u64,
    /// A registration.
    pub registration: u64,
    /// A person's consent.
    pub consent: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            flow: 15 * 60,
            code: 5 * 60,
            refresh: 30 * DAY,
            registration: 365 * DAY,
            consent: 30 * DAY,
        }
    }
}
