//! Options of what works on the source: init, build, dev.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The server's name; the package's when not given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// How the server speaks
    #[arg(long, value_enum)]
    pub(crate) transport: Option<Transport>,
    /// Who knows the users
    #[arg(long, value_enum)]
    pub(crate) auth: Option<Auth>,
    /// Ask nothing: take what was found
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Lambda,
    Http,
    Stdio,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    None,
    Cognito,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The processor to build for, whatever the file says
    #[arg(long, value_enum)]
    pub(crate) arch: Option<Arch>,
    /// Pack this executable instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "arm64")]
    Arm64,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Build as for AWS: slower to build, faster to run
    #[arg(long)]
    pub(crate) release: bool,
}
