//! Options of `state`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mcpdeploy_engine::address::Address;

#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// List the resources by address
    List,
    /// Show everything that is known of one resource
    Show {
        /// Which
        address: Address,
    },
    /// Give a resource another address; nothing in the cloud changes
    Mv {
        /// The address that it has
        from: Address,
        /// The address that it gets
        to: Address,
    },
    /// Forget a resource; it stays in the cloud
    Rm {
        /// Which (may be several)
        #[arg(required = true)]
        addresses: Vec<Address>,
    },
    /// Print the state as JSON
    Pull,
    /// Replace the state by this one
    Push {
        /// The file; `-` for standard input
        file: PathBuf,
        /// Though it is older than, or of another lineage than, the one that is there
        #[arg(long)]
        force: bool,
    },
    /// Take the state to where, and encrypt it as, deploy.toml says now
    Migrate(Migrate),
    /// Remove the lock of a run that is dead
    Unlock {
        /// The run's id, as the message about the lock names it
        run: Option<String>,
        /// Though the run still gives signs of life; it can write nothing more then
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Where the state is: local, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "STORE", default_value = "local")]
    pub(crate) from: String,
    /// The DynamoDB table of that store, when it has one
    #[arg(long, value_name = "TABLE")]
    pub(crate) from_lock_table: Option<String>,
}
