//! The rows of a user pool.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::input::Input;
use super::rotation::Rotated;

/// A text that never shows up in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A user pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pool {
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) modified: OffsetDateTime,
    /// As AWS spells them, with defaults filled in.
    pub(super) settings: Map<String, Value>,
    /// All attributes: the standard ones and the pool's own.
    pub(super) schema: Vec<Attribute>,
    pub(super) tags: BTreeMap<String, String>,
    /// Whether users may have a software token, by `SetUserPoolMfaConfig`.
    pub(super) software_token: bool,
    /// What else `SetUserPoolMfaConfig` was told, as AWS spells it.
    pub(super) mfa: Map<String, Value>,
}

/// An attribute that users may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) attribute_data_type: String,
    pub(super) developer_only_attribute: bool,
    pub(super) mutable: bool,
    pub(super) required: bool,
    #[serde(flatten)]
    pub(super) constraints: Map<String, Value>,
}

/// What a password has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PasswordPolicy {
    pub(super) minimum_length: usize,
    pub(super) require_uppercase: bool,
    pub(super) require_lowercase: bool,
    pub(super) require_numbers: bool,
    pub(super) require_symbols: bool,
    pub(super) temporary_password_validity_days: i64,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            minimum_length: 8,
            require_uppercase: false,
            require_lowercase: false,
            require_numbers: false,
            require_symbols: false,
            temporary_password_validity_days: 7,
        }
    }
}

/// Whether users need a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mfa {
    Off,
    Optional,
    On,
}

impl Pool {
    /// The settings as an input, to read them.
    fn read<T>(&self, read: impl FnOnce(Input<'_>) -> T) -> T {
        let value = Value::Object(self.settings.clone());
        read(Input(&value))
    }

    pub(super) fn setting(&self, name: &str) -> &str {
        let value = self.settings.get(name);
        value.and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.read(|input| {
            let texts = input.texts(name).unwrap_or_default();
            texts.into_iter().map(str::to_owned).collect()
        })
    }

    pub(super) fn region(&self) -> &str {
        self.id.split('_').next().unwrap_or_default()
    }

    pub(super) fn policy(&self) -> PasswordPolicy {
        let policy = self.settings.get("Policies");
        let policy = policy.and_then(|policies| policies.get("PasswordPolicy"));
        policy
            .and_then(|policy| PasswordPolicy::deserialize(policy).ok())
            .unwrap_or_default()
    }

    pub(super) fn mfa(&self) -> Mfa {
        match self.setting("MfaConfiguration") {
            "ON" => Mfa::On,
            "OPTIONAL" => Mfa::Optional,
            _ => Mfa::Off,
        }
    }

    pub(super) fn protected(&self) -> bool {
        self.setting("DeletionProtection") == "ACTIVE"
    }

    /// Whether people may not sign up themselves.
    pub(super) fn admin_only(&self) -> bool {
        let config = self.settings.get("AdminCreateUserConfig");
        let flag = config.and_then(|config| config.get("AllowAdminCreateUserOnly"));
        flag.and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn case_sensitive(&self) -> bool {
        let config = self.settings.get("UsernameConfiguration");
        let flag = config.and_then(|config| config.get("CaseSensitive"));
        flag.and_then(Value::as_bool).unwrap_or(true)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema.iter().find(|attribute| attribute.name == name)
    }
}

/// An app client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) pool: String,
    pub(super) name: String,
    pub(super) secret: Option<Secret>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) modified: OffsetDateTime,
    /// As AWS spells them, with defaults filled in.
    pub(super) settings: Map<String, Value>,
}

impl Client {
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let list = self.settings.get(name).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.collect()
    }

    pub(super) fn has(&self, name: &str, item: &str) -> bool {
        self.list(name).contains(&item)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        let value = self.settings.get(name).and_then(Value::as_bool);
        value.unwrap_or_default()
    }

    /// Whether the client may take part in this flow of the API, by either of its names.
    /// Source: `CreateUserPoolClient`, `ExplicitAuthFlows`: without any, SRP and refresh are allowed.
    pub(super) fn allows_flow(&self, flow: &str, legacy: &str) -> bool {
        let flows = self.list("ExplicitAuthFlows");
        if flows.is_empty() {
            return matches!(flow, "ALLOW_USER_SRP_AUTH" | "ALLOW_REFRESH_TOKEN_AUTH");
        }
        flows.contains(&flow) || flows.contains(&legacy)
    }

    /// Whether it takes part in OAuth flows at all.
    pub(super) fn oauth(&self) -> bool {
        self.flag("AllowedOAuthFlowsUserPoolClient")
    }

    /// Whether it says that a user does not exist.
    pub(super) fn tells_of_users(&self) -> bool {
        let setting = self.settings.get("PreventUserExistenceErrors");
        setting.and_then(Value::as_str) != Some("ENABLED")
    }

    /// How long a token of this kind is valid.
    pub(super) fn validity(&self, token: TokenKind) -> Duration {
        let (setting, unit, default_unit, default) = match token {
            TokenKind::Access => ("AccessTokenValidity", "AccessToken", "hours", 1),
            TokenKind::Id => ("IdTokenValidity", "IdToken", "hours", 1),
            TokenKind::Refresh => ("RefreshTokenValidity", "RefreshToken", "days", 30),
        };
        let number = self.settings.get(setting).and_then(Value::as_i64);
        // Zero is what the console writes for the default of refresh tokens.
        let number = number.filter(|number| *number > 0).unwrap_or(default);
        let units = self.settings.get("TokenValidityUnits");
        let unit = units.and_then(|units| units.get(unit)?.as_str());
        match unit.unwrap_or(default_unit) {
            "seconds" => Duration::seconds(number),
            "minutes" => Duration::minutes(number),
            "hours" => Duration::hours(number),
            _ => Duration::days(number),
        }
    }

    /// How long a sign-in in several steps may take.
    pub(super) fn session_validity(&self) -> Duration {
        let minutes = self.settings.get("AuthSessionValidity");
        Duration::minutes(minutes.and_then(Value::as_i64).unwrap_or(3))
    }

    /// Whether users may read this attribute through the client.
    pub(super) fn reads(&self, attribute: &str) -> bool {
        !self.settings.contains_key("ReadAttributes") || self.has("ReadAttributes", attribute)
    }
}

/// The tokens that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Access,
    Id,
    Refresh,
}

/// The address of a pool's pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Domain {
    pub(super) name: String,
    pub(super) pool: String,
    /// 1: classic hosted UI; 2: managed login.
    pub(super) login_version: i64,
    /// Of a custom domain, as AWS spells it.
    pub(super) custom: Option<Value>,
    pub(super) distribution: String,
    pub(super) version: String,
}

/// A resource server: an API that scopes are of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ResourceServer {
    pub(super) pool: String,
    pub(super) identifier: String,
    pub(super) name: String,
    /// Name and description.
    pub(super) scopes: Vec<(String, String)>,
}

/// A group of users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) pool: String,
    pub(super) name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) modified: OffsetDateTime,
    pub(super) description: Option<String>,
    pub(super) role: Option<String>,
    pub(super) precedence: Option<i64>,
}

/// What state a user's account is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum UserStatus {
    Unconfirmed,
    Confirmed,
    ResetRequired,
    ForceChangePassword,
}

impl UserStatus {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Confirmed => "CONFIRMED",
            Self::ResetRequired => "RESET_REQUIRED",
            Self::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        }
    }
}

/// What a code that was sent is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    ConfirmSignUp,
    ForgotPassword,
    VerifyAttribute(String),
}

/// A code that was sent to a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SentCode {
    pub(super) purpose: Purpose,
    pub(super) code: Secret,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) expires: OffsetDateTime,
    /// How many others were tried.
    pub(super) wrong: u32,
}

/// A user's software token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SoftwareToken {
    /// The shared secret in base32.
    pub(super) secret: Secret,
    /// Whether the user has shown to have it.
    pub(super) verified: bool,
    /// Whether it is asked for at sign-in.
    pub(super) enabled: bool,
    pub(super) preferred: bool,
    /// The time step of the last code that was used: no code counts twice.
    pub(super) last_step: u64,
}

/// A password, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PasswordHash {
    pub(super) salt: Secret,
    /// How many rounds of PBKDF2.
    pub(super) rounds: std::num::NonZeroU32,
    /// PBKDF2 of the password.
    pub(super) hash: Secret,
    /// The verifier of the SRP protocol, which the protocol wants to be made in its own way.
    pub(super) srp_salt: Secret,
    pub(super) srp_verifier: Secret,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) pool: String,
    pub(super) username: String,
    pub(super) sub: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) modified: OffsetDateTime,
    pub(super) enabled: bool,
    pub(super) status: UserStatus,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) password: Option<PasswordHash>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) temporary_until: Option<OffsetDateTime>,
    pub(super) codes: Vec<SentCode>,
    pub(super) token: Option<SoftwareToken>,
    /// The secret of a software token that the user has not shown to have yet.
    pub(super) new_token: Option<Secret>,
}

impl User {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(super) fn verified(&self, name: &str) -> bool {
        self.attribute(&format!("{name}_verified")) == Some("true")
    }

    /// Whether a software token is asked for at sign-in.
    pub(super) fn token_enabled(&self) -> bool {
        let token = self.token.as_ref();
        token.is_some_and(|token| token.verified && token.enabled)
    }

    /// The code that was sent for this and can still be used.
    pub(super) fn code(&self, purpose: &Purpose, now: OffsetDateTime) -> Option<&SentCode> {
        let mut codes = self.codes.iter();
        codes.find(|sent| sent.purpose == *purpose && sent.expires > now)
    }
}

/// What a refresh token stands for. Its tokens are valid until it is revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    /// The claim `origin_jti` of its tokens.
    pub(super) id: String,
    pub(super) pool: String,
    pub(super) client: String,
    /// The key of the user's row.
    pub(super) user: String,
    /// SHA-256 of the refresh token's secret part.
    pub(super) digest: String,
    /// The refresh token before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotated: Option<Rotated>,
    pub(super) auth_time: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) expires: OffsetDateTime,
    pub(super) revoked: bool,
    pub(super) session: Granted,
}

/// What tokens are issued for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Granted {
    /// A sign-in by the API.
    Api,
    /// A sign-in by the pages.
    OAuth {
        scopes: Vec<String>,
        nonce: Option<String>,
        resource: Option<String>,
    },
}

/// Something that is only stored: an identity provider, a branding, a customization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) modified: OffsetDateTime,
    /// As AWS spells it.
    pub(super) fields: Map<String, Value>,
}
