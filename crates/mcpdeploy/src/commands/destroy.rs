//! `destroy`: removes everything but what is to be retained.

use crate::cli::{Destroy, Global, Selectors};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::host;
use crate::screen::Screen;
use crate::session::Session;

pub(crate) async fn run(global: &Global, args: &Destroy, screen: &Screen) -> Result<Exit, Failure> {
    let mut session = Session::open_to_destroy(global, screen).await?;
    let by = host::run_info("destroy");
    let lock = super::apply::take_lock(&session, &by, &args.run).await?;
    session.reload()?;
    let select = Selectors {
        target: args.target.clone(),
        refresh: true,
        destroy: true,
        ..Selectors::default()
    };
    let plan = session.plan(global, &select, &mut screen.reading()).await?;
    if plan.is_noop() {
        screen.say("There is nothing to destroy.");
        return Ok(Exit::Done);
    }
    screen.plan(&plan, &session, "destroy", None);
    let name = session.state.deployment.clone();
    if !plan.is_empty() && !args.run.auto_approve {
        let question = format!("This cannot be undone. Type `{name}` to destroy it");
        if screen.ask(&question)?.trim() != name {
            screen.say("Nothing was changed.");
            return Ok(Exit::Failed);
        }
    }
    super::apply::carry_out(global, &plan, by, &lock, &mut session, screen).await
}
