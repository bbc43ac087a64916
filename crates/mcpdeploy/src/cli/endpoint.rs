//! Options of what speaks to an MCP endpoint: test, login, logout.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use mcpdeploy_probe::Pick;

use super::duration;

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The endpoint; the deployed server's when not given
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Only these checks: ids, names or groups (may be several, with commas)
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = pick)]
    pub(crate) only: Vec<Pick>,
    /// Not these checks (may be several, with commas)
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = pick)]
    pub(crate) skip: Vec<Pick>,
    /// List the checks and make none
    #[arg(long)]
    pub(crate) list: bool,
    /// Which tools to call, with arguments made from their schemas
    #[arg(long, value_enum, value_name = "WHICH", default_value = "read-only")]
    pub(crate) call_tools: CallTools,
    /// Fail unless this era of the protocol is spoken (may be given twice)
    #[arg(long, value_enum, value_name = "ERA")]
    pub(crate) require: Vec<Era>,
    /// Check that browsers at this origin are let in (may be given several times)
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<String>,
    /// Send the bearer token that is in this environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "login")]
    pub(crate) bearer_from_env: Option<String>,
    /// Whether to log in where the server wants it
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) login: When,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// How long a fresh server may take until it answers for the first time
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) warm_up: Duration,
    /// Fail when of 100 warm calls more than 5 take longer than this, e.g. 500ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_p95: Option<Duration>,
    /// Write the report as JUnit XML, for CI systems
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

fn pick(text: &str) -> Result<Pick, String> {
    Pick::new(text).map_err(|error| match &error.near {
        Some(near) => format!("{error}; did you mean `{near}`?"),
        None => format!("{error}; see them with: mcpdeploy test --list"),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallTools {
    /// None
    None,
    /// Those annotated as read-only
    ReadOnly,
    /// All but those annotated as destructive; those without annotations, too
    All,
    /// All, the destructive ones as well
    Destructive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    /// Versions up to 2025-11-25, with a handshake
    Legacy,
    /// Version 2026-07-28, without one
    Modern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// With the login that is kept; with a new one when there is somebody to ask
    Auto,
    /// With a new one also when there is nobody to ask: a browser is opened
    Always,
    /// Never: as a stranger, whatever is kept
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The endpoint; the deployed server's when not given
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Ask for this scope, too (may be given several times)
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// The authorization server, when the endpoint has several
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// A client that was registered by hand at --issuer
    #[arg(long, value_name = "ID", requires = "issuer")]
    pub(crate) client_id: Option<String>,
    /// Ask for that client's secret, or take it from MCPDEPLOY_CLIENT_SECRET
    #[arg(long, requires = "client_id")]
    pub(crate) client_secret: bool,
    /// The https URL of a document that describes this client, for servers that take one
    #[arg(long, value_name = "URL", conflicts_with = "client_id")]
    pub(crate) client_metadata: Option<String>,
    /// The port of 127.0.0.1 that the browser comes back to; a free one when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) callback_port: Option<u16>,
    /// Open the login page with this command (also: BROWSER)
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    pub(crate) browser: Option<String>,
    /// Only print the address of the login page
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// How long the login may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Print a good access token of the login that is kept, for scripts; nobody is asked
    #[arg(long, conflicts_with_all = [
        "scope", "issuer", "client_metadata", "callback_port", "browser", "no_browser",
    ])]
    pub(crate) print_token: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// The endpoint; the deployed server's when not given
    #[arg(value_name = "URL", conflicts_with = "all")]
    pub(crate) url: Option<String>,
    /// End every login that is kept
    #[arg(long)]
    pub(crate) all: bool,
}
