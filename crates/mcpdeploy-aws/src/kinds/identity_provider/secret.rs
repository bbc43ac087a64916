//! The secret that a provider wants, read when it is needed.

use std::fmt;

use mcpdeploy_engine::kind::{Cx, FaultClass, KindError};
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clients::Clients;
use crate::fault::Fault;

/// Where a secret is. Its value is in no file, plan or state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSecret {
    /// The ARN of the secret in Secrets Manager.
    pub secret_arn: Input<String>,
    /// Which version of it: another one here is told to Cognito. When not set, it is the current one
    /// whenever something else about the provider changes.
    #[serde(default)]
    pub version_id: Option<Input<String>>,
    /// Which member of it, where the secret is a JSON object; the whole text when not set.
    #[serde(default)]
    pub member: Option<String>,
}

/// A secret's value, on its way from one service to the other.
pub(super) struct Value(String);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}

impl Value {
    pub(super) fn into_text(self) -> String {
        self.0
    }

    #[cfg(test)]
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

pub(super) async fn read(
    cx: &Cx<'_, Clients>,
    secret: Option<&ProviderSecret>,
) -> Result<Option<Value>, KindError> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    let arn = secret.secret_arn.get();
    let answer = cx
        .clients
        .secretsmanager()
        .get_secret_value()
        .secret_id(arn)
        .set_version_id(secret.version_id.as_ref().map(|id| id.get().clone()))
        .send()
        .await
        .fault("secretsmanager", "GetSecretValue", arn);
    let answer = answer.map_err(|mut error| {
        // It is the provider that is asked for, and that is not what is gone.
        if error.class == FaultClass::Gone {
            error.class = FaultClass::Fatal;
            return error.hint(
                "the provider's secret has no value yet: set it with `mcpdeploy secrets set`",
            );
        }
        error
    })?;
    let text = answer.secret_string.unwrap_or_default();
    let text = member(&text, secret.member.as_deref())
        .ok_or_else(|| KindError::fatal("the provider's secret is not of that form").on(arn))?;
    Ok(Some(Value(text)))
}

/// The text, or that member of it.
fn member(text: &str, member: Option<&str>) -> Option<String> {
    let text = match member {
        None => text.to_owned(),
        Some(member) => {
            let object: serde_json::Value = serde_json::from_str(text).ok()?;
            object.get(member)?.as_str()?.to_owned()
        }
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_or_the_whole() {
        let json = r#"{"client_secret": "s", "other": 1}"#;
        assert_eq!(member("s", None), Some("s".to_owned()));
        assert_eq!(member(json, Some("client_secret")), Some("s".to_owned()));
        assert_eq!(member(json, Some("other")), None);
        assert_eq!(member(json, Some("nothing")), None);
        assert_eq!(member("s", Some("client_secret")), None);
        assert_eq!(member("", None), None);
    }

    #[test]
    fn a_value_is_not_told() {
        assert_eq!(format!("{:?}", Value::new("hunter2")), "Value");
    }
}
