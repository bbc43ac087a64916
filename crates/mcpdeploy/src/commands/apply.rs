//! `apply`: makes the cloud as the file, or as a saved plan, says.

use std::path::Path;

use mcpdeploy_aws::kinds::UserPool;
use mcpdeploy_engine::apply::{self as engine, ApplyOptions};
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::Summary;
use mcpdeploy_engine::kind::Kind;
use mcpdeploy_engine::plan::{Action, Mode, Plan, PlannedAction};
use mcpdeploy_engine::record::RunInfo;
use mcpdeploy_engine::store::{Lock, StoreError};

use crate::cli::{Apply, Global, Run, Selectors};
use crate::entrance;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::host;
use crate::local::Need;
use crate::screen::{Screen, in_all};
use crate::secrets;
use crate::session::Session;
use crate::signals;

pub(crate) async fn run(global: &Global, args: &Apply, screen: &Screen) -> Result<Exit, Failure> {
    let mut session = if args.select.destroy {
        Session::open_to_destroy(global, screen).await?
    } else {
        Session::open(global, Need::Stay, screen).await?
    };
    match &args.plan {
        Some(path) => saved(global, path, &args.run, &mut session, screen).await,
        None => {
            fresh(
                global,
                "apply",
                &args.select,
                &args.run,
                &mut session,
                screen,
            )
            .await
        }
    }
}

/// Plans under the lock, asks, and applies.
pub(crate) async fn fresh(
    global: &Global,
    command: &'static str,
    select: &Selectors,
    run: &Run,
    session: &mut Session,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let by = host::run_info(command);
    let lock = take_lock(session, &by, run).await?;
    session.reload()?;
    let plan = session.plan(global, select, &mut screen.reading()).await?;
    screen.plan(&plan, session, command, None);
    if deploys(&plan) {
        secrets::missing(session).await?.refuse(screen)?;
    }
    if !plan.is_empty() && !run.auto_approve && !screen.confirm("Apply this?")? {
        screen.say("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    carry_out(global, &plan, by, &lock, session, screen).await
}

/// Applies exactly what was saved.
async fn saved(
    global: &Global,
    path: &Path,
    run: &Run,
    session: &mut Session,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let plan = super::plan::read(path, session.store.keyring())?;
    let by = host::run_info("apply");
    let lock = take_lock(session, &by, run).await?;
    session.reload()?;
    let moved_on = |what: &str| {
        Failure::usage(format!("the plan {} is stale: {what}", path.display()))
            .hint("nothing was touched")
            .next(format!("mcpdeploy plan --out {}", path.display()))
    };
    if plan.environment != session.project.environment {
        return Err(Failure::usage(format!(
            "the plan {} is for the environment {}, not {}",
            path.display(),
            plan.environment,
            session.project.environment
        )));
    }
    if plan.lineage != session.state.lineage && !(session.state.is_empty() && plan.serial == 0) {
        return Err(moved_on("it was made from another state"));
    }
    if plan.serial != session.state.serial {
        return Err(moved_on("something was applied since it was made"));
    }
    let destroys = plan.options.mode == mcpdeploy_engine::plan::Mode::Destroy;
    if plan.digest != session.graph.digest() && !destroys {
        return Err(moved_on(
            "deploy.toml or the build has changed since it was made",
        ));
    }
    if deploys(&plan) {
        secrets::missing(session).await?.refuse(screen)?;
    }
    carry_out(global, &plan, by, &lock, session, screen).await
}

/// Whether the plan may start the server on what it finds.
fn deploys(plan: &Plan) -> bool {
    match plan.options.mode {
        Mode::Normal => !plan.is_empty(),
        Mode::Destroy | Mode::RefreshOnly => false,
    }
}

/// Plans under the lock and applies, without a question: for `dev`, which tells the end itself.
pub(crate) async fn quietly(
    global: &Global,
    command: &'static str,
    select: &Selectors,
    run: &Run,
    session: &mut Session,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let by = host::run_info(command);
    let lock = take_lock(session, &by, run).await?;
    session.reload()?;
    let plan = session.plan(global, select, &mut screen.reading()).await?;
    if deploys(&plan) {
        secrets::missing(session).await?.refuse(screen)?;
    }
    let done = apply_plan(global, &plan, by, &lock, session, screen).await?;
    Ok(done.map_or_else(|exit| exit, |_| Exit::Done))
}

/// Applies a plan, with signals and progress, and tells the end.
pub(crate) async fn carry_out(
    global: &Global,
    plan: &Plan,
    by: RunInfo,
    lock: &Lock,
    session: &mut Session,
    screen: &Screen,
) -> Result<Exit, Failure> {
    // Whoever goes on with it says itself what is next.
    let goes_on = by.command == "deploy";
    match apply_plan(global, plan, by, lock, session, screen).await? {
        Ok(summary) => {
            if !plan.is_empty() && finished(plan, &summary, session, screen) && !goes_on {
                screen.next(entrance::next(session).await);
            }
            Ok(Exit::Done)
        }
        Err(exit) => Err(Failure::told(exit)),
    }
}

/// Applies a plan. What was not done is told; the inner error is the exit code for it.
async fn apply_plan(
    global: &Global,
    plan: &Plan,
    by: RunInfo,
    lock: &Lock,
    session: &mut Session,
    screen: &Screen,
) -> Result<Result<Summary, Exit>, Failure> {
    let (canceller, cancel) = cancel::channel();
    let failed = |error| Failure::failed("failed to listen for signals").cause(error);
    let _watch = signals::Watch::start(canceller).map_err(failed)?;
    session.after = Some(signals::After::listen().map_err(failed)?);
    let command = by.command.clone();
    let mut watch = screen.progress(plan);
    let summary = engine::apply(
        plan,
        &mut session.state,
        &session.store,
        lock,
        &session.cloud.registry,
        by,
        &ApplyOptions {
            parallelism: global.parallelism,
            pace: session.pace.clone(),
        },
        cancel,
        &mut watch,
    )
    .await?;
    if summary.is_complete() {
        return Ok(Ok(summary));
    }
    screen.incomplete(&watch.ledger, &command);
    Ok(Err(if summary.failed > 0 {
        Exit::Failed
    } else {
        Exit::Interrupted
    }))
}

/// Tells what there is now. Whether that is a server.
fn finished(plan: &Plan, summary: &Summary, session: &Session, screen: &Screen) -> bool {
    let took = in_all(summary);
    if plan.options.mode == Mode::Destroy {
        let forgets = plan.actions.iter().filter(|a| a.action == Action::Forget);
        let stays = forgets.map(|a| ("Stays".to_owned(), a.address.to_string()));
        let rows: Vec<_> = stays.chain([(String::new(), took)]).collect();
        screen.applied(&format!("{} is gone", plan.deployment), &rows);
        return false;
    }
    let outputs = &session.state.outputs;
    let row = |title: &str, name: &str| {
        let value = outputs.get(name)?.as_str()?;
        Some((title.to_owned(), value.to_owned()))
    };
    let mut rows: Vec<(String, String)> = [
        row("MCP", "mcp_url"),
        entrance::metadata(session).map(|url| ("Login".to_owned(), url)),
        row("Version", "version"),
        // The console of AWS shows nothing of the embedded cloud.
        row("Dashboard", "dashboard").filter(|_| !session.project.local),
    ]
    .into_iter()
    .flatten()
    .collect();
    let live = !rows.is_empty();
    rows.push((String::new(), took));
    let title = if live { "is live" } else { "is applied" };
    screen.applied(&format!("{} {title}", plan.deployment), &rows);
    let makes_pool = |action: &PlannedAction| {
        action.action == Action::Create && action.address.kind().as_str() == UserPool::NAME
    };
    if live
        && plan.actions.iter().any(makes_pool)
        && let Some(how) = entrance::how_to_add(session)
    {
        screen.say(&format!("\n{how}"));
    }
    live
}

/// Takes the lock, waiting for another run as long as the user says.
pub(crate) async fn take_lock(session: &Session, by: &RunInfo, run: &Run) -> Result<Lock, Failure> {
    let started = std::time::Instant::now();
    loop {
        match session.store.lock(by) {
            Err(StoreError::Locked { .. }) if started.elapsed() < run.lock_timeout => {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            other => return Ok(other?),
        }
    }
}
