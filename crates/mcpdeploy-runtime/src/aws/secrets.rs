//! Secrets Manager.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::call::{Aws, AwsError, Service};

const SECRETS_MANAGER: Service = Service {
    name: "secretsmanager",
    target: "secretsmanager",
    endpoint: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
};

/// Which version of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The one that counts.
    Current,
    /// The one before it, after a rotation.
    Previous,
}

impl Stage {
    fn label(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Previous => "AWSPREVIOUS",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    secret_string: SecretString,
}

impl Aws {
    /// The text of a secret, by its name or ARN.
    ///
    /// # Errors
    /// There is no such secret or version, this function may not read it, or it is not a text.
    pub async fn secret(&self, id: &str, stage: Stage) -> Result<SecretString, AwsError> {
        let input = json!({ "SecretId": id, "VersionStage": stage.label() });
        let value: Value = self
            .call(&SECRETS_MANAGER, "GetSecretValue", &input)
            .await?;
        Ok(value.secret_string)
    }
}
