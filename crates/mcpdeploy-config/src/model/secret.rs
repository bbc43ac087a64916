//! `[secrets]`: where a secret comes from and how the server gets it; its value is never in the file.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::Ttl;
use crate::shapes;

/// A secret of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Secret {
    /// Where it comes from.
    pub source: SecretSource,
    /// Which service keeps it.
    pub backend: SecretBackend,
    /// How the server gets it.
    pub inject: Inject,
    /// Who makes new values, and how often.
    pub rotation: Option<SecretRotation>,
    /// The KMS key that encrypts it; the service's own when not given.
    pub kms_key: Option<String>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretSource {
    /// It belongs to the deployment; its value is set with `mcpdeploy secrets set`.
    Managed {
        /// What it is for.
        description: String,
    },
    /// It exists already; only read, never changed.
    Existing {
        /// Its ARN.
        arn: String,
    },
}

/// Which service keeps a secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretBackend {
    /// AWS Secrets Manager: can be restored after its deletion, and rotates.
    #[default]
    SecretsManager,
    /// A SecureString parameter of AWS Systems Manager: costs nothing, and does neither.
    Ssm,
}

impl SecretBackend {
    /// As it is written in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }
}

/// How the server gets a secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Inject {
    /// As the ARN in <NAME>_SECRET_ARN: the server reads the value itself.
    #[default]
    Arn,
    /// As the value in <NAME>, read when the server starts; for servers behind a bridge.
    Env,
}

/// Who makes new values of a secret, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRotation {
    /// The function that makes them: its ARN, or a reference to it.
    #[schemars(regex(pattern = shapes::FUNCTION_ARN))]
    pub lambda: String,
    /// How often, such as "30d".
    pub every: Ttl,
}

/// A secret as a table.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Table {
    /// What it is for.
    description: String,
    /// The ARN of one that exists: it is only read, never changed.
    arn: Option<String>,
    /// Which service keeps it.
    backend: SecretBackend,
    /// How the server gets it.
    inject: Inject,
    /// Who makes new values, and how often. Only Secrets Manager rotates.
    rotation: Option<SecretRotation>,
    /// The KMS key that encrypts it: its id, ARN or alias; the service's own when not given.
    #[schemars(length(min = 1))]
    kms_key: Option<String>,
}

/// A secret as it is written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Table(Box<Table>),
}

impl From<Written> for Secret {
    fn from(written: Written) -> Self {
        let table = match written {
            Written::Text(text) => Table {
                description: text,
                ..Table::default()
            },
            Written::Table(table) => *table,
        };
        let Table {
            description,
            arn,
            backend,
            inject,
            rotation,
            kms_key,
        } = table;
        let arn = arn.or_else(|| description.starts_with("arn:").then(|| description.clone()));
        Self {
            backend: match &arn {
                Some(arn) if arn.split(':').nth(2) == Some("ssm") => SecretBackend::Ssm,
                Some(_) => SecretBackend::SecretsManager,
                None => backend,
            },
            source: match arn {
                Some(arn) => SecretSource::Existing { arn },
                None => SecretSource::Managed { description },
            },
            inject,
            rotation,
            kms_key,
        }
    }
}

// By hand: an untagged enum would say that either is possible, and not which is meant.
impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<Table>();
        schema.insert("type".to_owned(), serde_json::json!(["string", "object"]));
        schema.insert(
            "description".to_owned(),
            "A text: what it is for, or the ARN of one that exists. Or a table.".into(),
        );
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Secret {
        let file: toml::Table = toml::from_str(toml).unwrap();
        file["it"].clone().try_into().unwrap()
    }

    #[test]
    fn a_text_is_the_short_form_of_a_table() {
        assert_eq!(
            read("it = 'for the API'"),
            read("it = { description = 'for the API' }")
        );
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db";
        let existing = read(&format!("it = '{arn}'"));
        assert_eq!(
            existing,
            read(&format!("it = {{ arn = '{arn}', description = 'x' }}"))
        );
        assert_eq!(
            existing.source,
            SecretSource::Existing {
                arn: arn.to_owned()
            }
        );
        assert_eq!(existing.backend, SecretBackend::SecretsManager);
        let parameter = read("it = 'arn:aws:ssm:us-east-1:123456789012:parameter/db'");
        assert_eq!(parameter.backend, SecretBackend::Ssm);
    }

    #[test]
    fn a_table_says_more() {
        let secret = read("it = { backend = 'ssm', inject = 'env', kms_key = 'alias/x' }");
        assert_eq!(secret.backend, SecretBackend::Ssm);
        assert_eq!(secret.inject, Inject::Env);
        assert_eq!(secret.kms_key.as_deref(), Some("alias/x"));
        let secret =
            read("it = { rotation = { lambda = '${aws.lambda.function.x.arn}', every = '30d' } }");
        assert_eq!(
            secret.rotation.map(|rotation| rotation.every.seconds()),
            Some(30 * 86_400)
        );
    }
}
