//! Options of `local`, the embedded cloud.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use mcpdeploy_local::{Fault, Latency, Throttle};

#[derive(Debug, Subcommand)]
pub(crate) enum Local {
    /// Start the embedded cloud, or give a running one other switches
    Up(LocalUp),
    /// End the embedded cloud; what it holds is kept
    Down {
        /// Its data folder, when it is not the project's
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Show where the embedded cloud is and what it runs
    Status {
        /// Its data folder, when it is not the project's
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Empty the embedded cloud
    Reset {
        /// Its data folder, when it is not the project's
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Add, list or remove people who can log in at the embedded cloud
    #[command(subcommand)]
    User(LocalUser),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocalUser {
    /// Add somebody, or give them another password; it is asked for, or read from standard input
    Add {
        /// The e-mail address that they log in with
        #[arg(value_name = "EMAIL")]
        name: String,
        /// Take the password from this environment variable
        #[arg(long, value_name = "VARIABLE")]
        from_env: Option<String>,
        /// A group of the pool that they belong to (may be given several times)
        #[arg(long, value_name = "NAME")]
        group: Vec<String>,
        #[command(flatten)]
        pool: Pool,
    },
    /// List everybody
    List {
        #[command(flatten)]
        pool: Pool,
    },
    /// Remove somebody
    Rm {
        /// The e-mail address that they log in with
        #[arg(value_name = "EMAIL")]
        name: String,
        #[command(flatten)]
        pool: Pool,
    },
}

/// Which user pool of the embedded cloud.
#[derive(Debug, Args)]
pub(crate) struct Pool {
    /// The user pool; the deployment's when not given
    #[arg(long = "pool", value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LocalUp {
    /// The loopback port of its AWS API; the last one, 4600 or a free one when not given
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// Where it keeps what is created; .pmcp/local/cloud when not given
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Stay in the foreground and show what passes through
    #[arg(long)]
    pub(crate) foreground: bool,
    /// How long calls take: 80ms, 40ms/400ms (reads/changes), or aws
    #[arg(long, value_name = "TIME")]
    pub(crate) latency: Option<Latency>,
    /// How long a fresh role is unknown to other services, e.g. 6s
    #[arg(long, value_name = "TIME", value_parser = mcpdeploy_local::duration)]
    pub(crate) iam_propagation: Option<Duration>,
    /// How long functions and tables stay pending after a change, e.g. 2s
    #[arg(long, value_name = "TIME", value_parser = mcpdeploy_local::duration)]
    pub(crate) pending: Option<Duration>,
    /// How many calls a second each service takes: 10, or 10/20 with so many at once
    #[arg(long, value_name = "RATE")]
    pub(crate) throttle: Option<Throttle>,
    /// What goes wrong with the Nth call: N=fail, N=lose (done, but the answer is lost), N=hang
    #[arg(long, value_name = "N=KIND")]
    pub(crate) fault: Vec<Fault>,
}
