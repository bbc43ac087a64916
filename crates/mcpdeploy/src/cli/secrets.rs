//! Options of `secrets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Give a secret its value: asked for without showing it, or from standard input
    Set(SecretsSet),
    /// List the secrets, never their values
    List,
    /// Remove a secret; it can be restored for a while
    Rm(SecretsRm),
    /// Have a new value made now, by the secret's function or at random
    Rotate {
        /// The secret, as deploy.toml names it
        name: String,
    },
    /// Set the values of many secrets, from a .env file or a JSON object
    Import(SecretsImport),
}

#[derive(Debug, Args)]
pub(crate) struct SecretsSet {
    /// The secret, as deploy.toml names it
    pub(crate) name: String,
    /// `-` for standard input, which is read anyway when it is no terminal
    #[arg(value_name = "-")]
    pub(crate) dash: Option<String>,
    /// Take the value of this environment variable
    #[arg(long, value_name = "VAR", conflicts_with_all = ["dash", "from_file"])]
    pub(crate) from_env: Option<String>,
    /// Take what is in this file
    #[arg(long, value_name = "PATH", conflicts_with = "dash")]
    pub(crate) from_file: Option<PathBuf>,
    /// Keep the line break at the end of standard input or of the file
    #[arg(long)]
    pub(crate) keep_newline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsRm {
    /// The secret, as deploy.toml names it
    pub(crate) name: String,
    /// Remove it at once and for good: nobody can restore it
    #[arg(long)]
    pub(crate) force_delete_without_recovery: bool,
    /// Do not ask
    #[arg(long, alias = "yes")]
    pub(crate) auto_approve: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsImport {
    /// The file; `-` for standard input
    pub(crate) file: PathBuf,
    /// Set those that have a value already, too
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Leave out what deploy.toml does not name
    #[arg(long)]
    pub(crate) ignore_unknown: bool,
    /// Only say what would be set
    #[arg(long)]
    pub(crate) dry_run: bool,
}
