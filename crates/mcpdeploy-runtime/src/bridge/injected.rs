//! Secrets as the server's variables: `MCPDEPLOY_INJECT` names a variable and the ARN of its value for
//! each. They are read once, before the server starts, and go to its process only: not into the log, not
//! into this process's own variables.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::task::JoinSet;

use crate::aws::{Aws, AwsError, Stage};
use crate::outbound::Outbound;
use crate::settings::{Environment, SettingsError};

const NAME: &str = "MCPDEPLOY_INJECT";

/// Why a variable has no value.
#[derive(Debug, Error)]
pub enum InjectError {
    /// The setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The environment does not say who calls, or where.
    #[error("failed to read secrets: {0}")]
    Aws(AwsError),
    /// One cannot be read.
    #[error("failed to read the secret {arn} for the variable {variable}: {source}")]
    Read {
        /// The variable.
        variable: String,
        /// The secret's ARN.
        arn: String,
        /// Why not.
        source: AwsError,
    },
}

/// Variables with secret values. Its `Debug` shows their names.
#[derive(Clone, Default)]
pub(crate) struct Injected(Arc<Vec<(String, SecretString)>>);

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl Injected {
    /// Reads all of them at the same time; calls nobody when there are none. `outbound` is made when
    /// somebody is called.
    pub(crate) async fn read(
        environment: &Environment,
        outbound: impl FnOnce() -> Arc<dyn Outbound>,
    ) -> Result<Self, InjectError> {
        let Some(text) = environment.get(NAME) else {
            return Ok(Self::default());
        };
        let wanted: BTreeMap<String, String> =
            serde_json::from_str(text).map_err(|_| SettingsError::Wrong {
                name: NAME,
                value: text.to_owned(),
                expected: "a JSON object of variables and ARNs",
            })?;
        let aws = Aws::from_environment(environment, outbound()).map_err(InjectError::Aws)?;
        let aws = Arc::new(aws);
        let mut reads = JoinSet::new();
        for (variable, arn) in wanted {
            let aws = Arc::clone(&aws);
            reads.spawn(async move {
                let read = match arn.split(':').nth(2) {
                    Some("ssm") => aws.parameter(&arn).await,
                    Some(_) | None => aws.secret(&arn, Stage::Current).await,
                };
                match read {
                    Ok(value) => Ok((variable, value)),
                    Err(source) => Err(InjectError::Read {
                        variable,
                        arn,
                        source,
                    }),
                }
            });
        }
        let mut variables = Vec::new();
        while let Some(read) = reads.join_next().await {
            // A task of ours neither panics nor is ended.
            if let Ok(read) = read {
                variables.push(read?);
            }
        }
        Ok(Self(Arc::new(variables)))
    }

    /// Names and values, for the process that is meant.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(name, value)| (name.as_str(), value.expose_secret()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Request, Response};
    use serde_json::{Value, json};

    use super::*;
    use crate::outbound::{Answering, Bounds};

    const SECRET: &str = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:a-AbCdEf";
    const PARAMETER: &str = "arn:aws:ssm:eu-north-1:123456789012:parameter/b";

    /// Both services.
    struct Services;

    impl Outbound for Services {
        fn send(&self, request: Request<Bytes>, _: Bounds) -> Answering<'_> {
            let target = request.headers()["x-amz-target"]
                .to_str()
                .unwrap()
                .to_owned();
            let input: Value = serde_json::from_slice(request.body()).unwrap();
            Box::pin(async move {
                let (status, answer) = match target.as_str() {
                    "secretsmanager.GetSecretValue" if input["SecretId"] == SECRET => {
                        (200, json!({"SecretString": "hunter2"}))
                    }
                    "AmazonSSM.GetParameter"
                        if input["Name"] == PARAMETER && input["WithDecryption"] == true =>
                    {
                        (200, json!({"Parameter": {"Value": "hunter3"}}))
                    }
                    _ => (400, json!({"__type": "ResourceNotFoundException"})),
                };
                let response = Response::builder().status(status);
                Ok(response.body(Bytes::from(answer.to_string())).unwrap())
            })
        }
    }

    async fn read(inject: Option<&str>) -> Result<Injected, InjectError> {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-north-1"),
        ];
        let environment = variables
            .into_iter()
            .chain(inject.map(|inject| (NAME, inject)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Injected::read(&environment, || Arc::new(Services)).await
    }

    #[tokio::test]
    async fn secrets_and_parameters_become_variables() {
        let inject = json!({"A_TOKEN": SECRET, "B_TOKEN": PARAMETER}).to_string();
        let injected = read(Some(&inject)).await.unwrap();
        let mut pairs: Vec<_> = injected.pairs().collect();
        pairs.sort_unstable();
        assert_eq!(pairs, [("A_TOKEN", "hunter2"), ("B_TOKEN", "hunter3")]);
        assert!(!format!("{injected:?}").contains("hunter"));
        assert_eq!(read(None).await.unwrap().pairs().count(), 0);
    }

    #[tokio::test]
    async fn what_is_missing_is_named() {
        let gone = format!("{SECRET}x");
        let inject = json!({"A_TOKEN": SECRET, "C_TOKEN": gone}).to_string();
        let error = read(Some(&inject)).await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "failed to read the secret {gone} for the variable C_TOKEN: GetSecretValue was answered with ResourceNotFoundException (400)"
            )
        );
        assert!(read(Some("A=b")).await.is_err());
    }
}
