//! `[secrets]`: where a secret comes from; its value is never in the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret comes from. In the file it is a text: a description, or the ARN of a secret that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub enum SecretSource {
    /// A secret that belongs to the deployment; its value is set with `mcpdeploy secrets set`.
    Managed {
        /// What it is for.
        description: String,
    },
    /// A secret of Secrets Manager that exists already; only read, never changed.
    Existing {
        /// Its ARN.
        arn: String,
    },
}

impl From<String> for SecretSource {
    fn from(text: String) -> Self {
        if text.starts_with("arn:") {
            Self::Existing { arn: text }
        } else {
            Self::Managed { description: text }
        }
    }
}

impl From<SecretSource> for String {
    fn from(secret: SecretSource) -> Self {
        match secret {
            SecretSource::Managed { description } => description,
            SecretSource::Existing { arn } => arn,
        }
    }
}
