//! `build`: the server as a zip that Lambda takes.

use mcpdeploy_build::{self as build, Artifact, BuildRequest, Progress};
use mcpdeploy_config::TargetKind;
use serde_json::json;

use crate::cli::{Build, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(crate) async fn run(global: &Global, args: &Build, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    let loaded = project.load()?;
    screen.notes(&loaded);
    let (TargetKind::AwsLambda, Some(server)) = (&loaded.config.target.kind, &loaded.config.server)
    else {
        return Err(Failure::usage(
            "there is no server to build: the file deploys only resources",
        ));
    };
    let request = project.build_request(&loaded.config, server, args.arch, args.binary.as_deref());
    let artifact = run_build(request, screen).await?;
    report(&artifact, screen);
    screen.next("mcpdeploy plan");
    Ok(Exit::Done)
}

/// Builds, and shows how it goes.
pub(crate) async fn run_build(request: BuildRequest, screen: &Screen) -> Result<Artifact, Failure> {
    let spinner = screen.spinner("looking at the project");
    let result = tokio::task::spawn_blocking(move || {
        let result = build::build(&request, &mut |progress| match progress {
            Progress::Building { package, tool } => {
                spinner.say(&format!("building {package} with {tool}"));
            }
            Progress::Compiling { line } => spinner.detail(&line),
            Progress::Zipping => spinner.say("packing"),
            Progress::Done => {}
        });
        spinner.end();
        result
    })
    .await;
    match result {
        Ok(result) => Ok(result?),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Tells what was built.
pub(crate) fn report(artifact: &Artifact, screen: &Screen) {
    let of = artifact
        .package
        .as_ref()
        .map_or_else(String::new, |package| format!(" {package}"));
    screen.result(
        "build",
        &format!(
            "Built{of} for {} with {}: {}, {} in all\n  sha256:{}\n  {}",
            artifact.architecture,
            artifact.tool,
            megabytes(artifact.size),
            megabytes(artifact.unzipped_size),
            artifact.sha256,
            artifact.zip.display(),
        ),
        json!({
            "package": artifact.package,
            "architecture": artifact.architecture.to_string(),
            "tool": artifact.tool,
            "zip": artifact.zip,
            "sha256": artifact.sha256,
            "size": artifact.size,
            "unzipped_size": artifact.unzipped_size,
            "warnings": artifact.warnings,
        }),
    );
    for warning in &artifact.warnings {
        screen.warn(warning);
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1_000_000.0)
}
