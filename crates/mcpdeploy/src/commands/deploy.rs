//! `deploy`: build, plan, apply and try the server, in one go.

use mcpdeploy_config::{OnFailure, TargetKind};
use mcpdeploy_local::Seen;
use mcpdeploy_probe::Verdict;
use tokio::sync::mpsc;

use crate::checks;
use crate::cli::{Deploy, Global, Selectors};
use crate::entrance;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::Need;
use crate::logins::Entry;
use crate::project::Project;
use crate::screen::Screen;
use crate::session::Session;
use crate::signals::After;
use crate::views::checks::{Checks, Detail};

pub(crate) async fn run(global: &Global, args: &Deploy, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    let loaded = project.load()?;
    if let (TargetKind::AwsLambda, Some(server)) =
        (&loaded.config.target.kind, &loaded.config.server)
    {
        let request = project.build_request(&loaded.config, server, None, args.binary.as_deref());
        let artifact = super::build::run_build(request, screen).await?;
        super::build::report(&artifact, screen);
    }
    let mut session = Session::open(global, Need::Stay, screen).await?;
    let select = Selectors {
        refresh: true,
        ..Selectors::default()
    };
    let exit =
        super::apply::fresh(global, "deploy", &select, &args.run, &mut session, screen).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    if args.skip_tests {
        screen.next(entrance::next(&session).await);
        return Ok(exit);
    }
    // Everything is saved: nobody has to wait for the checks.
    let _ends = session.after.take().map(After::end_process);
    try_it(&session, screen).await
}

/// Tries the deployed server, as `[post_deploy_tests]` says.
async fn try_it(session: &Session, screen: &Screen) -> Result<Exit, Failure> {
    let tests = &session.loaded.config.post_deploy_tests;
    let url = session
        .state
        .outputs
        .get("mcp_url")
        .and_then(|url| url.as_str());
    let (true, Some(url)) = (tests.enabled, url) else {
        screen.next(entrance::next(session).await);
        return Ok(Exit::Done);
    };
    let wants_login = session.loaded.config.auth.enabled;
    let gateway = session.cloud.factory.endpoint_url();
    let mut options = super::test::after_deploy(tests, wants_login, url, gateway)?;
    let mut entry = Entry::kept(url, screen)?;
    options.bearer = entry.bearer();
    let view = Checks::new(url, Detail::Brief, screen.theme());
    let seen = match session.cloud.running() {
        // Only a convenience: the checks say what is wrong, the cloud says why.
        Some(running) => running.watch().await.ok(),
        None => None,
    };
    let report = checks::run("deploy", url, options, view, screen, entry.renewer()).await?;
    let fine = match report.verdict {
        Verdict::Passed => true,
        // It turns strangers away, as it is to: what is behind that was not seen.
        Verdict::NeedsLogin => wants_login,
        Verdict::Failed | Verdict::Unreachable => false,
    };
    if fine {
        screen.next(match report.verdict {
            Verdict::Passed => "mcpdeploy output",
            Verdict::NeedsLogin | Verdict::Failed | Verdict::Unreachable => {
                entrance::next(session).await
            }
        });
        return Ok(Exit::Done);
    }
    if let Some(why) = seen.and_then(why) {
        screen.warn(&why);
    }
    match tests.on_failure {
        OnFailure::Fail => {
            screen.say("Deployed, but failing its checks.");
            Ok(Exit::ChecksFailed)
        }
        OnFailure::Warn => {
            screen
                .warn("it is deployed and fails its checks; on_failure = \"warn\" lets that pass");
            Ok(Exit::Done)
        }
        OnFailure::Rollback => Err(Failure::usage(
            "on_failure = \"rollback\" is not there yet in this version",
        )),
    }
}

/// Why the function failed, as the embedded cloud saw it.
fn why(mut seen: mpsc::Receiver<Seen>) -> Option<String> {
    while let Ok(one) = seen.try_recv() {
        if let Seen::Invocation {
            error: Some(error),
            hint,
            ..
        } = one
        {
            let hint = hint.map_or_else(String::new, |hint| format!(": {hint}"));
            return Some(format!("the function failed with {error}{hint}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(error: Option<&str>, hint: Option<&str>) -> Seen {
        Seen::Invocation {
            function: "f".to_owned(),
            version: "1".to_owned(),
            millis: 1.0,
            init_millis: None,
            error: error.map(str::to_owned),
            hint: hint.map(str::to_owned),
        }
    }

    #[test]
    fn the_first_failure_is_the_reason() {
        let of = |runs: Vec<Seen>| {
            let (sender, seen) = mpsc::channel(8);
            for run in runs {
                sender.try_send(run).unwrap();
            }
            why(seen)
        };
        assert_eq!(of(vec![run(None, None)]), None);
        let runs = vec![
            run(None, None),
            run(Some("Runtime.ExitError: exit status 3"), Some("look at it")),
            run(Some("another"), None),
        ];
        let expected = "the function failed with Runtime.ExitError: exit status 3: look at it";
        assert_eq!(of(runs).unwrap(), expected);
    }
}
