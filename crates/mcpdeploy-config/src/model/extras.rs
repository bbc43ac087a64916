//! `[post_deploy_tests]` and `[metadata]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is tried after a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostDeployTests {
    /// Whether anything is tried at all.
    pub enabled: bool,
    /// What is tried, in this order.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub checks: Vec<Check>,
    /// What a failing check does.
    pub on_failure: OnFailure,
    /// How long one request of a check may take, in seconds.
    #[schemars(range(min = 1, max = 900))]
    pub timeout_seconds: u32,
    /// How long the server may take until it answers for the first time, in milliseconds.
    #[schemars(range(min = 0, max = 60_000))]
    pub warmup_grace_ms: u32,
}

impl Default for PostDeployTests {
    fn default() -> Self {
        Self {
            enabled: true,
            checks: vec![Check::Connectivity, Check::Conformance],
            on_failure: OnFailure::default(),
            timeout_seconds: 60,
            warmup_grace_ms: 0,
        }
    }
}

/// Something that is tried on a deployed server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The server answers and initialises.
    Connectivity,
    /// It keeps to the MCP specification.
    Conformance,
    /// Its widgets work in their hosts. Not there yet in this version.
    Apps,
}

/// What a failing check does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The command fails with exit code 3; the new version stays.
    #[default]
    Fail,
    /// It is said, and the command succeeds.
    Warn,
    /// Traffic goes back to the version before. Not there yet in this version.
    Rollback,
}

/// Facts about the server that other tools read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metadata {
    /// What kind of server it is; becomes a tag.
    #[schemars(length(min = 1, max = 256))]
    pub server_type: Option<String>,
    /// Whether the configuration is baked into the binary. Only false works in this version.
    pub snapshot_baked: Option<bool>,
}
