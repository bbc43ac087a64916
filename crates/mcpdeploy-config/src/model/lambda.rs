//! `[server]`, `[lambda]` and `[api_gateway]`: the function and the HTTP API before it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// The MCP server and the Lambda function that runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The server's name; the function and all that belongs to it are named after it.
    #[schemars(regex(pattern = shapes::SERVER_NAME))]
    pub name: String,
    /// Memory of the function, in MB; the CPU grows with it.
    #[serde(default = "memory_mb")]
    #[schemars(range(min = 128, max = 10240), extend("x-by" = "Lambda"))]
    pub memory_mb: u32,
    /// How long one request may take, in seconds.
    #[serde(default = "timeout_seconds")]
    #[schemars(range(min = 1, max = 900), extend("x-by" = "Lambda"))]
    pub timeout_seconds: u32,
    /// Size of /tmp, in MB.
    #[serde(default = "ephemeral_storage_mb")]
    #[schemars(range(min = 512, max = 10240), extend("x-by" = "Lambda"))]
    pub ephemeral_storage_mb: u32,
    /// The path at which the server speaks MCP; / serves it at the root.
    #[serde(default = "mcp_path")]
    #[schemars(regex(pattern = shapes::MCP_PATH))]
    pub mcp_path: String,
    /// How many requests may run at once at most, reserved for this function. 0 stops it.
    #[serde(default)]
    pub reserved_concurrency: Option<u32>,
    /// How many instances are kept warm. Costs money while it is set.
    #[serde(default)]
    #[schemars(range(min = 1), extend("x-by" = "Lambda"))]
    pub provisioned_concurrency: Option<u32>,
    /// The processor that the binary is built for.
    #[serde(default)]
    pub architecture: Architecture,
    /// How the server is reached inside Lambda.
    #[serde(default)]
    pub transport: Transport,
    /// The Cargo package to build, when the workspace has several that could be meant.
    #[serde(default)]
    #[schemars(regex(pattern = shapes::CARGO_NAME))]
    pub package: Option<String>,
    /// A ready executable to deploy instead of building one: its path, seen from the project's folder.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub binary: Option<String>,
    /// Arguments of the server's program, for transport = "http" or "stdio": ["--stdio", "--read-only"]. No shell sees them.
    #[serde(default)]
    pub args: Vec<String>,
}

fn memory_mb() -> u32 {
    512
}

fn timeout_seconds() -> u32 {
    30
}

fn ephemeral_storage_mb() -> u32 {
    512
}

fn mcp_path() -> String {
    "/mcp".to_owned()
}

/// A processor architecture of Lambda.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM (Graviton): a fifth cheaper.
    Arm64,
}

/// How the server is reached inside Lambda.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The binary is a Lambda runtime itself.
    #[default]
    Lambda,
    /// The binary is a web server on $PORT; the runtime beside it hands requests to it.
    Http,
    /// The binary speaks on stdin and stdout; the runtime beside it hands requests to it.
    Stdio,
}

/// Settings of the Lambda function beyond `[server]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lambda {
    /// Stream answers as they are made. Only false works: an HTTP API cannot stream.
    pub enable_response_streaming: bool,
}

/// The HTTP API before the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiGateway {
    /// Requests a second, on average, before callers are told to slow down.
    #[schemars(range(min = 1), extend("x-by" = "API Gateway"))]
    pub rate_limit: u32,
    /// Requests at once, in a burst, before callers are told to slow down.
    #[schemars(range(min = 1), extend("x-by" = "API Gateway"))]
    pub burst_limit: u32,
    /// Web pages' origins that may call the API from a browser; none means no CORS.
    #[schemars(inner(regex(pattern = shapes::ORIGIN)), extend("uniqueItems" = true))]
    pub cors_origins: Vec<String>,
    /// Write a line for each request to a log group of its own.
    pub access_logs: bool,
}

impl Default for ApiGateway {
    fn default() -> Self {
        Self {
            rate_limit: 1000,
            burst_limit: 2000,
            cors_origins: Vec::new(),
            access_logs: false,
        }
    }
}
