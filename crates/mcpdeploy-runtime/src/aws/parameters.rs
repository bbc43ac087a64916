//! Systems Manager's Parameter Store.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::call::{Aws, AwsError, Service};

const SYSTEMS_MANAGER: Service = Service {
    name: "ssm",
    target: "AmazonSSM",
    endpoint: "AWS_ENDPOINT_URL_SSM",
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: SecretString,
}

impl Aws {
    /// The text of a parameter, by its name or ARN.
    ///
    /// # Errors
    /// There is no such parameter, or this function may not read it.
    pub async fn parameter(&self, id: &str) -> Result<SecretString, AwsError> {
        let input = json!({ "Name": id, "WithDecryption": true });
        let answer: Answer = self.call(&SYSTEMS_MANAGER, "GetParameter", &input).await?;
        Ok(answer.parameter.value)
    }
}
