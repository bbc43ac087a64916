//! The whole file, for one environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    ApiGateway, Assets, Auth, Aws, Build, Iam, Lambda, Metadata, Moved, Observability,
    PostDeployTests, ResourceConfig, Secret, Server, State, Target, TargetKind,
};
use crate::shapes;

/// What mcpdeploy deploys: .pmcp/deploy.toml.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "deploy.toml")]
pub struct DeployConfig {
    /// What this file deploys.
    pub target: Target,
    /// The AWS account and region, and the identity that deploys.
    pub aws: Aws,
    /// The MCP server and the Lambda function that runs it. Must be there unless only resources are deployed.
    pub server: Option<Server>,
    /// Environment variables of the server; 4 KB together at most.
    #[schemars(extend("propertyNames" = {"pattern": shapes::VARIABLE}))]
    pub environment: IndexMap<String, String>,
    /// Secrets of the server: the variable's name, and what it is for, the ARN of an existing one, or a table. Never a value.
    #[schemars(extend("propertyNames" = {"pattern": shapes::VARIABLE}))]
    pub secrets: IndexMap<String, Secret>,
    /// Login before the server.
    pub auth: Auth,
    /// Logs, traces, dashboard and alarms.
    pub observability: Observability,
    /// The HTTP API before the function.
    pub api_gateway: ApiGateway,
    /// Settings of the Lambda function beyond `[server]`.
    pub lambda: Lambda,
    /// Files that go into the zip beside the binary.
    pub assets: Assets,
    /// What the server may do in AWS, beyond writing its own logs.
    pub iam: Iam,
    /// What is tried after a deployment.
    pub post_deploy_tests: PostDeployTests,
    /// How Cargo builds the binary.
    pub build: Build,
    /// Facts about the server that other tools read.
    pub metadata: Metadata,
    /// Tags on every resource that can have them; 40 at most.
    #[schemars(extend(
        "propertyNames" = {"pattern": shapes::TAG_KEY},
        "maxProperties" = 40,
        "additionalProperties" = {"type": "string", "maxLength": 256}
    ))]
    pub tags: IndexMap<String, String>,
    /// Where the state is kept.
    pub state: State,
    /// Resources that have another address now.
    pub moved: Vec<Moved>,
    /// The `[[resources]]` of the file; read apart, for the places of their inputs.
    #[serde(skip)]
    pub resources: Vec<ResourceConfig>,
}

impl DeployConfig {
    /// What the deployment is called: the server's name; without a server the target's, else "resources".
    pub fn deployment_name(&self) -> &str {
        let server = match self.target.kind {
            TargetKind::AwsLambda => self.server.as_ref().map(|server| server.name.as_str()),
            TargetKind::Resources => None,
        };
        server
            .or(self.target.name.as_deref())
            .unwrap_or("resources")
    }
}
