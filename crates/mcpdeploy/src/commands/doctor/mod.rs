//! `doctor`: what is missing on this machine or in the account, and how to mend it.

mod login;

use mcpdeploy_aws::clients::{ClientFactory, ConnectSettings};
use mcpdeploy_build::{self as build, Architecture, BuildError, BuildRequest, Toolchain};
use mcpdeploy_config::Loaded;
use mcpdeploy_local::Running;

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::{Failure, What};
use crate::local;
use crate::project::{CONFIG, Project};
use crate::screen::Screen;
use crate::stores::Stores;
use crate::views::tables::{Check, Verdict};

pub(crate) async fn run(global: &Global, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    let loaded = project.load();
    let mut checks = vec![file(&loaded)];
    let config = loaded.as_ref().ok().map(|loaded| &loaded.config);
    let server = config.and_then(|config| config.server.as_ref());
    let architecture = match server.map(|server| server.architecture) {
        Some(mcpdeploy_config::Architecture::Arm64) => Architecture::Arm64,
        Some(mcpdeploy_config::Architecture::X86_64) | None => Architecture::X86_64,
    };
    let binary = server.and_then(|server| server.binary.as_deref());
    checks.push(match binary {
        Some(binary) => ready(&project, binary),
        None => toolchain(&project, architecture),
    });
    if let Some((loaded, server)) = loaded.as_ref().ok().zip(server) {
        let request = project.build_request(&loaded.config, server, None, None);
        let runs = request.bridge || loaded.config.auth.enabled;
        checks.extend(runs.then(|| runtime(request.architecture)));
        checks.push(built(&project, Some(&request)));
    } else {
        checks.push(built(&project, None));
    }
    checks.push(state(&project, global, loaded.as_ref().ok()).await);
    if project.local {
        checks.push(embedded(&project).await);
    } else {
        checks.extend(account(global, loaded.as_ref().ok()).await);
    }
    if let Some(auth) = config
        .map(|config| &config.auth)
        .filter(|auth| auth.enabled)
    {
        let issuer = login::issuer(auth);
        // Without a way to the cloud, only that can be told.
        if checks.iter().all(|check| check.verdict != Verdict::Bad) {
            checks.extend(login::at_the_cloud(global, screen).await);
        }
        checks.extend(issuer);
    }
    let healthy = checks.iter().all(|check| check.verdict != Verdict::Bad);
    for check in &mut checks {
        check.mend = check.mend.take().map(|mend| screen.command(&mend));
    }
    screen.checks(&checks);
    if healthy {
        screen.next("mcpdeploy plan");
        Ok(Exit::Done)
    } else {
        Ok(Exit::Failed)
    }
}

fn good(what: &str, found: impl Into<String>) -> Check {
    Check {
        verdict: Verdict::Good,
        name: what.to_owned(),
        found: found.into(),
        mend: None,
    }
}

fn bad(what: &str, found: impl Into<String>, mend: impl Into<String>) -> Check {
    Check {
        verdict: Verdict::Bad,
        mend: Some(mend.into()),
        ..good(what, found)
    }
}

fn open(what: &str, found: impl Into<String>, mend: impl Into<String>) -> Check {
    Check {
        verdict: Verdict::Skipped,
        mend: Some(mend.into()),
        ..good(what, found)
    }
}

fn file(loaded: &Result<Loaded, Failure>) -> Check {
    match loaded {
        Ok(loaded) => good(
            CONFIG,
            format!("in order: {}", loaded.config.deployment_name()),
        ),
        Err(Failure {
            what: What::Config(errors),
            ..
        }) => bad(
            CONFIG,
            format!("{} mistakes", errors.errors().len()),
            "see them with: mcpdeploy validate",
        ),
        Err(_) => bad(CONFIG, "not there", "mcpdeploy init"),
    }
}

/// What is deployed instead of building something.
fn ready(project: &Project, binary: &str) -> Check {
    let what = "the executable";
    if project.root.join(binary).is_file() {
        good(what, binary)
    } else {
        bad(
            what,
            format!("{binary} is not there"),
            "build it, or correct `binary` under [server]",
        )
    }
}

fn toolchain(project: &Project, architecture: Architecture) -> Check {
    let what = format!("building for {architecture}");
    if !project.root.join("Cargo.toml").is_file() {
        return open(
            &what,
            "no Cargo.toml here",
            "set `binary` under [server] to a ready executable, or go to the project's folder",
        );
    }
    let toolchain = Toolchain::probe(&project.root, architecture);
    let tools = toolchain.tools(architecture);
    match tools.first() {
        Some(tool) => good(&what, format!("with {tool}")),
        None => bad(
            &what,
            "nothing installed can do it",
            toolchain.advice(architecture),
        ),
    }
}

/// What is put beside a server that knows no Lambda.
fn runtime(architecture: Architecture) -> Check {
    let what = format!("the runtime for {architecture}");
    match build::runtime::binary(architecture) {
        Ok(bytes) => good(&what, format!("a part of mcpdeploy, {} bytes", bytes.len())),
        Err(error) => {
            let (found, mend) = Failure::from(BuildError::from(error)).in_short();
            bad(&what, found, mend.unwrap_or_default())
        }
    }
}

fn built(project: &Project, wanted: Option<&BuildRequest>) -> Check {
    match build::existing_artifact(&project.build_folder()) {
        Ok(Some(artifact)) if wanted.is_some_and(|wanted| !wanted.fits(&artifact)) => open(
            "the build",
            "for another architecture or transport than the file has now",
            "mcpdeploy build",
        ),
        Ok(Some(artifact)) => good("the build", format!("sha256:{}", &artifact.sha256[..16])),
        Ok(None) => open("the build", "not built yet", "mcpdeploy build"),
        Err(error) => bad(
            "the build",
            Failure::from(error).in_short().0,
            "mcpdeploy build",
        ),
    }
}

async fn state(project: &Project, global: &Global, loaded: Option<&Loaded>) -> Check {
    let store = match Stores::new(project, global, loaded).open().await {
        Ok(store) => store,
        Err(failure) => {
            let (found, mend) = failure.in_short();
            return bad("the state", found, mend.unwrap_or_default());
        }
    };
    match store.load() {
        Ok(stored) => match (&stored.interrupted, &stored.state) {
            (Some(by), _) => open(
                "the state",
                format!(
                    "a run was interrupted ({}, pid {} on {})",
                    by.at, by.pid, by.host
                ),
                "mcpdeploy apply goes on from there",
            ),
            (None, Some(state)) => good(
                "the state",
                format!(
                    "{} resources, serial {}",
                    state.resources.len(),
                    state.serial
                ),
            ),
            (None, None) => good("the state", "nothing is deployed yet"),
        },
        Err(error) => {
            let (found, mend) = Failure::from(error).in_short();
            bad("the state", found, mend.unwrap_or_default())
        }
    }
}

async fn embedded(project: &Project) -> Check {
    let data = local::data(project);
    match Running::find(&data).await {
        Some(running) => good("the embedded cloud", format!("up at {}", running.endpoint)),
        None => open(
            "the embedded cloud",
            "down",
            "mcpdeploy local up, or what you want to do there: it is started for it",
        ),
    }
}

async fn account(global: &Global, loaded: Option<&Loaded>) -> Vec<Check> {
    let aws = loaded
        .map(|loaded| loaded.config.aws.clone())
        .unwrap_or_default();
    let settings = ConnectSettings {
        region: global.region.clone().or(aws.region),
        profile: global.profile.clone().or(aws.profile),
        role_arn: aws.role_arn,
        endpoint_url: global.endpoint_url.clone().or(aws.endpoint_url),
        ..ConnectSettings::default()
    };
    let factory = match ClientFactory::connect(&settings).await {
        Ok(factory) => factory,
        Err(error) => {
            let mend = error
                .hint
                .clone()
                .unwrap_or_else(|| "look at AWS_CA_BUNDLE".to_owned());
            return vec![bad("AWS", error.to_string(), mend)];
        }
    };
    let region = match factory.region() {
        Some(region) => good("the region", region),
        None => {
            return vec![bad(
                "the region",
                "not set",
                "set `region` under [aws] in deploy.toml, --region, or AWS_REGION",
            )];
        }
    };
    let caller = match factory.caller_identity().await {
        Ok(caller) => match aws.account_id {
            Some(wanted) if wanted != caller.account => bad(
                "the account",
                format!("{}, as {}", caller.account, caller.arn),
                format!("deploy.toml is for account {wanted}: use credentials for it"),
            ),
            _ => good(
                "the account",
                format!("{}, as {}", caller.account, caller.arn),
            ),
        },
        Err(error) => {
            let mend = error.hint.clone().unwrap_or_else(|| {
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
            });
            bad("the account", error.to_string(), mend)
        }
    };
    let mut checks = vec![region];
    if let Some(url) = factory.endpoint_url() {
        checks.push(good("the endpoint", format!("{url} instead of AWS")));
    }
    checks.push(caller);
    checks
}
