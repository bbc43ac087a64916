//! `test`: tries an MCP endpoint.

use std::path::Path;
use std::time::Duration;

use mcpdeploy_probe::{self as probe, Bearer, CheckId, Options, Report, Verdict, Via, to_junit};
use serde_json::json;

use crate::checks;
use crate::cli::{CallTools, Era, Global, Test};
use crate::cloud::Cloud;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::{self, Need};
use crate::project::Project;
use crate::screen::Screen;
use crate::stores::Stores;
use crate::views::checks::{Checks, Detail};

/// What is tried, and how to get there.
struct Endpoint {
    url: String,
    via: Option<Via>,
    origins: Vec<String>,
}

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
    let endpoint = match &args.url {
        Some(url) => Endpoint {
            via: global
                .endpoint_url
                .as_deref()
                .and_then(|gateway| checks::at_emulator(url, gateway)),
            url: url.clone(),
            origins: Vec::new(),
        },
        None => deployed(global, screen).await?,
    };
    let options = Options {
        timeout: args.timeout,
        warm_up: args.warm_up,
        bearer: bearer(args)?,
        via: endpoint.via,
        only: args.only.clone(),
        skip: args.skip.clone(),
        call_tools: call_tools(args.call_tools),
        require: args.require.iter().copied().map(era).collect(),
        cors_origins: [endpoint.origins, args.origin.clone()].concat(),
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
    let report = checks::run("test", &endpoint.url, options, view, screen).await?;
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
    Ok(match report.verdict {
        Verdict::Passed => Exit::Done,
        Verdict::Failed => Exit::ChecksFailed,
        Verdict::NeedsLogin | Verdict::Unreachable => Exit::Failed,
    })
}

/// The endpoint that the environment's state knows.
async fn deployed(global: &Global, screen: &Screen) -> Result<Endpoint, Failure> {
    let project = Project::open(global)?;
    let loaded = project.load()?;
    let stored = Stores::new(&project, global, Some(&loaded))
        .open()
        .await?
        .load()?;
    let outputs = stored.state.as_ref().map(|state| &state.outputs);
    let url = outputs.and_then(|outputs| outputs.get("mcp_url"));
    let Some(url) = url.and_then(|url| url.as_str()) else {
        return Err(Failure::usage(format!(
            "the environment {} has no endpoint yet",
            global.env
        ))
        .hint("mcpdeploy deploy makes one")
        .hint("or name another: mcpdeploy test URL"));
    };
    let gateway = if project.local {
        // It serves what is deployed at addresses of its own, as long as it is up.
        local::open(&project, Need::Stay, screen).await?;
        None
    } else {
        // An emulator may be named in the environment as well: whoever deploys there knows best.
        let cloud = Cloud::connect(&loaded, global, None).await?;
        cloud.factory.endpoint_url().map(str::to_owned)
    };
    let origins = loaded.config.api_gateway.cors_origins.iter();
    Ok(Endpoint {
        via: gateway.and_then(|gateway| checks::at_emulator(url, &gateway)),
        url: url.to_owned(),
        // Any origin is let in: somebody's will do.
        origins: origins
            .map(|origin| match origin.as_str() {
                "*" => "https://example.com".to_owned(),
                _ => origin.clone(),
            })
            .collect(),
    })
}

fn bearer(args: &Test) -> Result<Option<Bearer>, Failure> {
    let Some(name) = &args.bearer_from_env else {
        return Ok(None);
    };
    let token = std::env::var(name)
        .map_err(|_| Failure::usage(format!("the environment variable {name} is not set")))?;
    Bearer::new(&token)
        .map(Some)
        .map_err(|error| Failure::usage(format!("{name} holds no token: {error}")))
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
        options.only = connectivity.into_iter().flat_map(pick).collect();
    }
    Ok(options)
}
