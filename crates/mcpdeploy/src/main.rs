//! `mcpdeploy`: deploys MCP servers straight through the AWS API.
//!
//! This crate owns the command line, the views, signals and exit codes. It makes no AWS calls of
//! its own and decides nothing that a plan says.

mod checks;
mod cli;
mod cloud;
mod commands;
mod endpoint;
mod entrance;
mod exit;
mod failure;
mod host;
mod local;
mod logins;
mod placed;
mod project;
mod screen;
mod secrets;
mod session;
mod signals;
mod stores;
mod views;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

fn main() -> ExitCode {
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    // These are about the embedded cloud whatever else is said.
    cli.global.local |= matches!(cli.command, Command::Dev(_) | Command::Local(_));
    let screen = Screen::new(&cli.global);
    if cli.global.local && cli.global.endpoint_url.is_some() {
        let failure = Failure::usage("--endpoint-url and --local name two different clouds")
            .hint("leave one of them out");
        return screen.failure(&failure).into();
    }
    if cli.global.verbose >= 2 {
        trace();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let exit = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(commands::run(cli, &screen));
            // A call that is cut off is not waited for: its intent is in the journal.
            runtime.shutdown_background();
            result.unwrap_or_else(|failure| screen.failure(&failure))
        }
        Err(error) => screen.failure(&Failure::failed("failed to start").cause(error)),
    };
    exit.into()
}

/// What clap says; a command that is designed and not there yet is named as such.
fn usage(error: &clap::Error) -> Exit {
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand)
        && cli::PLANNED.contains(&name.as_str())
    {
        return Screen::plain().failure(
            &Failure::usage(format!(
                "`mcpdeploy {name}` is not there yet in this version"
            ))
            .hint("see what there is: mcpdeploy --help"),
        );
    }
    // That the terminal is gone changes nothing about the exit code.
    let _ = error.print();
    let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    if asked.contains(&error.kind()) {
        Exit::Done
    } else {
        Exit::Usage
    }
}

/// Calls and retries on standard error, for `-vv`. Bodies are not logged: they may hold secrets.
fn trace() {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("MCPDEPLOY_LOG").unwrap_or_else(|_| {
            tracing_subscriber::EnvFilter::new("mcpdeploy=debug,aws_smithy_runtime=info")
        });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
