//! Options of what changes the cloud, or says what would change: plan, apply, deploy, destroy, import.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mcpdeploy_engine::address::Address;

use super::duration;

/// Which part of the deployment.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Selectors {
    /// Only this resource and what it depends on (may be given several times)
    #[arg(long, value_name = "ADDR")]
    pub(crate) target: Vec<Address>,
    /// Replace this resource though nothing asks for it (may be given several times)
    #[arg(long, value_name = "ADDR")]
    pub(crate) replace: Vec<Address>,
    /// Whether to look at the cloud first
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,
    /// Only take into the state what the cloud has
    #[arg(long, conflicts_with_all = ["replace", "destroy"])]
    pub(crate) refresh_only: bool,
    /// Remove everything
    #[arg(long, conflicts_with = "replace")]
    pub(crate) destroy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) select: Selectors,
    /// Save the plan here, for `mcpdeploy apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// End with 0 when nothing would change and with 2 when something would
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Save the plan as a web page
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A plan saved with `plan --out`: exactly this is applied, without a question
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "replace", "refresh_only", "destroy"])]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) select: Selectors,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// How to run what changes things.
#[derive(Debug, Clone, Args)]
pub(crate) struct Run {
    /// Do not ask before changing things
    #[arg(long, alias = "yes")]
    pub(crate) auto_approve: bool,
    /// How long to wait for another run to end, e.g. 30s, 10m
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) run: Run,
    /// Pack this executable instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// Do not try the server afterwards, whatever the file says
    #[arg(long)]
    pub(crate) skip_tests: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// Only this resource and what depends on it (may be given several times)
    #[arg(long, value_name = "ADDR")]
    pub(crate) target: Vec<Address>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The address that it is to have, e.g. aws.dynamodb.table.sessions; it must be in deploy.toml
    #[arg(value_name = "ADDR")]
    pub(crate) address: Address,
    /// Its id in the cloud: a name, an ARN, whatever its kind goes by
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) run: Run,
}
