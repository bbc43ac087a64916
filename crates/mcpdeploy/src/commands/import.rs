//! `import`: takes an existing resource under management.

use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::import::{self, ImportError};

use crate::cli::{Global, Import};
use crate::exit::Exit;
use crate::failure::{Failure, call_failed};
use crate::host;
use crate::local::Need;
use crate::screen::Screen;
use crate::session::Session;

pub(crate) async fn run(global: &Global, args: &Import, screen: &Screen) -> Result<Exit, Failure> {
    let mut session = Session::open(global, Need::Stay, screen).await?;
    let by = host::run_info("import");
    let lock = super::apply::take_lock(&session, &by, &args.run).await?;
    session.reload()?;
    let id = PhysicalId::new(args.id.as_str());
    let plan = import::plan(
        &session.graph,
        &session.state,
        &session.cloud.registry,
        &args.address,
        id,
    )
    .await
    .map_err(|error| failure(&error, args))?;
    super::apply::carry_out(global, &plan, by, &lock, &mut session, screen).await?;
    screen.say(&format!("{} is managed as {} now.", args.id, args.address));
    screen.next("mcpdeploy plan        (shows what differs from deploy.toml)");
    Ok(Exit::Done)
}

fn failure(error: &ImportError, args: &Import) -> Failure {
    match error {
        ImportError::Read(fault) => call_failed(&format!("failed to read {}", args.id), fault),
        ImportError::NotWanted(_) => Failure::usage(error.to_string())
            .hint("write it into deploy.toml first, as a [[resources]] entry"),
        ImportError::Managed(_) => Failure::usage(error.to_string()).hint(format!(
            "let go of that one first: mcpdeploy state rm {}",
            args.address
        )),
        ImportError::Absent { .. } => {
            Failure::usage(error.to_string()).hint("look at the id, the region and the account")
        }
        ImportError::Open { .. } => {
            Failure::usage(error.to_string()).hint("import or apply what it depends on first")
        }
    }
}
