//! The command line: names, options and their help, a file for each family of commands. What they
//! do is in `commands`.

mod change;
mod endpoint;
mod local;
mod project;
mod secrets;
mod show;
mod state;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub(crate) use change::{Apply, Deploy, Destroy, Import, Plan, Run, Selectors};
pub(crate) use endpoint::{CallTools, Era, Login, Logout, Test, When};
pub(crate) use local::{Local, LocalUp, LocalUser, Pool};
pub(crate) use project::{Arch, Auth, Build, Dev, Init, Transport};
pub(crate) use secrets::{Secrets, SecretsImport, SecretsRm, SecretsSet};
pub(crate) use show::{Graph, GraphFormat, GraphOf, Output, Show};
pub(crate) use state::{Migrate, State};

/// Deploys MCP servers straight through the AWS API: plan, apply, and nothing is lost on the way.
#[derive(Debug, Parser)]
#[command(
    name = "mcpdeploy",
    version,
    propagate_version = false,
    disable_version_flag = false,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    /// The environment to work on
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        env = "MCPDEPLOY_ENV",
        default_value = "default"
    )]
    pub(crate) env: String,
    /// Use the embedded cloud instead of AWS
    #[arg(long, global = true)]
    pub(crate) local: bool,
    /// Call this address instead of AWS: an emulator, for example
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// The AWS region, whatever the file and the environment say
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile of ~/.aws/config, whatever the file says
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// How many resources to work on at the same time
    #[arg(long, global = true, value_name = "N", default_value_t = 32, value_parser = parallelism)]
    pub(crate) parallelism: usize,
    /// Print JSON lines for other programs to read
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print without colours (also: NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Say more; twice: what is called
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only what matters
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Never ask; what would have to be asked is an error
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

fn parallelism(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("a whole number, at least 1".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write .pmcp/deploy.toml from what the project is made of
    Init(Init),
    /// Check deploy.toml: every mistake at once
    Validate,
    /// Build the server for Lambda and pack it
    Build(Build),
    /// Show what apply would change, and why
    Plan(Plan),
    /// Make the cloud as deploy.toml says
    Apply(Apply),
    /// Build, plan, apply and try the server, in one go
    Deploy(Deploy),
    /// Remove everything but what is to be retained
    Destroy(Destroy),
    /// Show a saved plan, or the state
    Show(Show),
    /// Show what the deployment gives: mcp_url, function, …
    Output(Output),
    /// Look at the state, and mend it
    #[command(subcommand)]
    State(State),
    /// Set, list, remove and rotate the values of secrets
    #[command(subcommand)]
    Secrets(Secrets),
    /// Take an existing resource under management
    Import(Import),
    /// Draw the resources and what depends on what
    Graph(Graph),
    /// Try an MCP endpoint: both eras of the protocol, its tools, its HTTP
    Test(Test),
    /// Log in to an MCP endpoint, so that `test` and scripts can use it
    Login(Login),
    /// End a login to an MCP endpoint, and forget it
    Logout(Logout),
    /// Find out what is missing on this machine or in the account
    Doctor,
    /// Start, stop or look at the embedded cloud
    #[command(subcommand)]
    Local(Local),
    /// Build, deploy to the embedded cloud, and again at every change of the source
    Dev(Dev),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the JSON Schema of a file that mcpdeploy reads or writes, or of a kind's inputs
    Schema {
        /// deploy, state, journal, plan, event, test-report, or a kind such as aws.dynamodb.table; without it, the list
        name: Option<String>,
    },
    /// Print the version
    Version,
}

fn duration(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let wrong = || format!("`{text}` is no time: write 500ms, 30s, 10m or 1h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_millis(number.saturating_mul(milliseconds)))
}

/// Commands that are designed and not there yet: naming one says so.
pub(crate) const PLANNED: [&str; 10] = [
    "history",
    "rollback",
    "promote",
    "canary",
    "abort",
    "resume",
    "logs",
    "metrics",
    "permissions",
    "cost",
];
