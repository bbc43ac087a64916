//! `[target]` and `[aws]`: what is deployed, and as whom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// What this file deploys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// What is deployed: a whole MCP server on AWS Lambda, or only the file's `[[resources]]`.
    #[serde(rename = "type")]
    pub kind: TargetKind,
    /// The version of the target's description, as other tools write it. Recorded, changes nothing.
    pub version: Option<String>,
    /// The deployment's name when there is no server to take it from (only with type = "resources").
    #[schemars(regex(pattern = shapes::SERVER_NAME))]
    pub name: Option<String>,
}

/// What kind of deployment it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// An MCP server as an AWS Lambda function behind an HTTP API.
    #[default]
    AwsLambda,
    /// Only the `[[resources]]` of the file.
    Resources,
}

/// The AWS account and region, and the identity that deploys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aws {
    /// The region. Without it, the environment or the profile decides.
    #[schemars(regex(pattern = shapes::REGION))]
    pub region: Option<String>,
    /// The account that must be the caller's; checked before anything is changed.
    #[schemars(regex(pattern = shapes::ACCOUNT_ID))]
    pub account_id: Option<String>,
    /// The profile of ~/.aws/config to use.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
    /// A role to assume before deploying.
    #[schemars(regex(pattern = shapes::ROLE_ARN))]
    pub role_arn: Option<String>,
    /// Where the AWS API is to be found instead of AWS itself: an emulator, for example.
    #[schemars(regex(pattern = shapes::URL))]
    pub endpoint_url: Option<String>,
}
