//! `test`: tries an MCP endpoint.

use std::path::Path;
use std::time::Duration;

use mcpdeploy_probe::{self as probe, CheckId, Options, Report, Verdict, to_junit};
use serde_json::json;

use crate::checks;
use crate::cli::{CallTools, Era, Global, Test};
use crate::endpoint::Endpoint;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logins::Entry;
use crate::screen::Screen;
use crate::views::checks::{Checks, Detail};

pub(crate) async fn run(global: &Global, args: &Test, screen: &Screen) -> Result<Exit, Failure> {
    if args.list {
        list(screen);
        return Ok(Exit::Done);
    }
    if args.timeout.is_zero() {
        return Err(Failure::usage(
            "--timeout is 0: nothing can answer in no time",
        ));
    }
    let endpoint = Endpoint::named_or_deployed(global, args.url.as_deref(), screen).await?;
    let mut entry = Entry::new(&endpoint, args, screen)?;
    let options = Options {
        timeout: args.timeout,
        warm_up: args.warm_up,
        bearer: entry.bearer(),
        require_login: endpoint.wants_login,
        via: endpoint.via.clone(),
        only: args.only.clone(),
        skip: args.skip.clone(),
        call_tools: call_tools(args.call_tools),
        require: args.require.iter().copied().map(era).collect(),
        cors_origins: [endpoint.origins.clone(), args.origin.clone()].concat(),
        p95_at_most: args.max_p95,
        ca_certificates: checks::ca_certificates()?,
        keep_exchanges: global.verbose > 0,
        ..Options::default()
    };
    let detail = match (global.quiet, global.verbose) {
        (true, _) => Detail::Brief,
        (false, 0) => Detail::Lines,
        (false, _) => Detail::Exchanges,
    };
    let view = Checks::new(&endpoint.url, detail, screen.theme());
    let report = checks::run(
        "test",
        &endpoint.url,
        options,
        view,
        screen,
        entry.renewer(),
    )
    .await?;
    if let Some(path) = &args.junit {
        write_junit(path, &report)?;
    }
    if let Some(failed) = report.failures().next()
        && global.verbose == 0
        && report.verdict == Verdict::Failed
    {
        let url = args.url.as_ref().map(|url| format!(" {url}"));
        screen.next(&format!(
            "mcpdeploy test{} --only {} -v    shows what was sent and received",
            url.unwrap_or_default(),
            failed.id
        ));
    }
    if report.verdict == Verdict::NeedsLogin {
        screen.next(&endpoint.command("login"));
    }
    Ok(match report.verdict {
        Verdict::Passed => Exit::Done,
        Verdict::Failed => Exit::ChecksFailed,
        Verdict::NeedsLogin | Verdict::Unreachable => Exit::Failed,
    })
}

fn call_tools(choice: CallTools) -> probe::CallTools {
    match choice {
        CallTools::None => probe::CallTools::None,
        CallTools::ReadOnly => probe::CallTools::ReadOnly,
        CallTools::All => probe::CallTools::All,
        CallTools::Destructive => probe::CallTools::Destructive,
    }
}

fn era(era: Era) -> probe::Era {
    match era {
        Era::Legacy => probe::Era::Legacy,
        Era::Modern => probe::Era::Modern,
    }
}

fn list(screen: &Screen) {
    let all = CheckId::all();
    let widest = all.iter().map(|id| id.to_string().len()).max().unwrap_or(0);
    let lines: Vec<String> = all
        .iter()
        .map(|id| format!("{:widest$}  {}", id.to_string(), id.title()))
        .collect();
    let data: Vec<_> = all
        .iter()
        .map(|id| json!({"id": id.to_string(), "title": id.title(), "page": id.page()}))
        .collect();
    screen.result("test", &lines.join("\n"), json!({"checks": data}));
}

fn write_junit(path: &Path, report: &Report) -> Result<(), Failure> {
    let failed = || Failure::failed(format!("failed to write {}", path.display()));
    let xml = to_junit(report).map_err(|error| failed().cause(error))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a report for the user, not a file of ours"
    )]
    std::fs::write(path, xml).map_err(|error| failed().cause(error))
}

/// What `deploy` tries after an apply.
pub(crate) fn after_deploy(
    tests: &mcpdeploy_config::PostDeployTests,
    wants_login: bool,
    url: &str,
    gateway: Option<&str>,
) -> Result<Options, Failure> {
    use mcpdeploy_config::Check;
    let pick = |text: &str| probe::Pick::new(text).into_iter();
    let connectivity = ["transport.connect", "transport.speaks-mcp"];
    // Nothing is called that nobody asked for, and speed is not what a deployment is judged by.
    let mut options = Options {
        timeout: Duration::from_secs(tests.timeout_seconds.into()),
        warm_up: Duration::from_millis(tests.warmup_grace_ms.into()),
        via: gateway.and_then(|gateway| checks::at_emulator(url, gateway)),
        skip: ["latency", "tools-call"]
            .into_iter()
            .flat_map(pick)
            .collect(),
        call_tools: probe::CallTools::None,
        require_login: wants_login,
        ca_certificates: checks::ca_certificates()?,
        ..Options::default()
    };
    let mut whole = false;
    for check in &tests.checks {
        match check {
            Check::Connectivity => {}
            Check::Conformance => whole = true,
            Check::Apps => {
                return Err(Failure::usage(
                    "the check `apps` is not there yet in this version",
                ));
            }
        }
    }
    if !whole {
        // Where nobody is let in without a login, that is what there is to be reached.
        let login = wants_login.then_some("login");
        options.only = connectivity
            .into_iter()
            .chain(login)
            .flat_map(pick)
            .collect();
    }
    Ok(options)
}
