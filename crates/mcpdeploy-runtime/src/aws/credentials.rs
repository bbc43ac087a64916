//! Who the function is, as Lambda's environment variables say it.

use secrecy::SecretString;

use crate::settings::{Environment, SettingsError};

/// The function's own credentials. They last longer than an environment of Lambda.
pub(super) struct Credentials {
    pub(super) key_id: String,
    pub(super) secret_key: SecretString,
    pub(super) session_token: Option<SecretString>,
}

impl Credentials {
    pub(super) fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let needed = |name: &'static str| {
            environment
                .get(name)
                .map(ToOwned::to_owned)
                .ok_or(SettingsError::Missing(name))
        };
        Ok(Self {
            key_id: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: environment.get("AWS_SESSION_TOKEN").map(SecretString::from),
        })
    }
}
