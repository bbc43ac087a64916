//! What the commands do: one file each. They compute and decide; `screen` and `views` show.

mod apply;
pub(crate) mod build;
mod deploy;
mod destroy;
mod dev;
mod doctor;
mod graph;
mod import;
mod init;
mod local;
mod local_user;
mod login;
mod logout;
mod migrate;
mod output;
mod plan;
mod schema;
mod secrets;
mod show;
mod state;
mod test;
mod unlock;
mod validate;
mod version;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

/// Runs the command.
pub(crate) async fn run(cli: Cli, screen: &Screen) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => init::run(&global, &args, screen),
        Command::Validate => validate::run(&global, screen),
        Command::Build(args) => build::run(&global, &args, screen).await,
        Command::Plan(args) => plan::run(&global, &args, screen).await,
        Command::Apply(args) => apply::run(&global, &args, screen).await,
        Command::Deploy(args) => deploy::run(&global, &args, screen).await,
        Command::Destroy(args) => destroy::run(&global, &args, screen).await,
        Command::Show(args) => show::run(&global, &args, screen).await,
        Command::Output(args) => output::run(&global, &args, screen).await,
        Command::State(args) => state::run(&global, &args, screen).await,
        Command::Secrets(args) => secrets::run(&global, args, screen).await,
        Command::Import(args) => import::run(&global, &args, screen).await,
        Command::Graph(args) => graph::run(&global, &args, screen).await,
        Command::Test(args) => test::run(&global, &args, screen).await,
        Command::Login(args) => login::run(&global, &args, screen).await,
        Command::Logout(args) => logout::run(&global, &args, screen).await,
        Command::Doctor => doctor::run(&global, screen).await,
        Command::Local(args) => local::run(&global, &args, screen).await,
        Command::Dev(args) => dev::run(&global, &args, screen).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mcpdeploy", &mut script);
            screen.bytes(&script);
            Ok(Exit::Done)
        }
        Command::Schema { name } => schema::run(name.as_deref(), screen),
        Command::Version => version::run(&global, screen),
    }
}
