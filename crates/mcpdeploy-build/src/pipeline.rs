//! A build from its request to its zip.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::archive::{self, BOOTSTRAP, Entry};
use crate::artifact::{Artifact, ZIP_NAME};
use crate::assets::{self, Collected};
use crate::binary::{self, Executable};
use crate::cargo::{Job, another_may_do_better};
use crate::choose::{Choice, choose};
use crate::detect::detect;
use crate::error::BuildError;
use crate::progress::Progress;
use crate::request::BuildRequest;
use crate::toolchain::{Tool, Toolchain};

/// Where an executable came from.
struct Source {
    executable: PathBuf,
    package: Option<String>,
    tool: String,
}

/// Builds what the request asks for: compiles the package, or takes the ready executable that it
/// names, and packs it with its assets.
///
/// # Errors
///
/// When it is not clear what to build, when that does not compile, or when the result is nothing that
/// Lambda could run. [`BuildError::help`] says what to do about it.
pub fn build(
    request: &BuildRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<Artifact, BuildError> {
    if let Some(binary) = &request.binary {
        return package_binary(request, binary, progress);
    }
    // What is wrong with the assets is told before minutes of compiling.
    assets::collect(&request.root, &request.assets)?;
    let source = compile(request, progress)?;
    pack(request, &source, progress)
}

/// Packs the ready executable at `binary` (relative to the project's folder) with the request's assets.
///
/// # Errors
///
/// When Lambda could not run the executable, or the assets cannot be packed.
pub fn package_binary(
    request: &BuildRequest,
    binary: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Artifact, BuildError> {
    let source = Source {
        executable: request.root.join(binary),
        package: None,
        tool: "a ready executable".to_owned(),
    };
    pack(request, &source, progress)
}

fn compile(
    request: &BuildRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<Source, BuildError> {
    let detected = detect(&request.root)?;
    let choice = choose(&detected, request.package.as_deref(), &request.server_name)?;
    let toolchain = Toolchain::probe(&request.root, request.architecture);
    let tools = toolchain.tools(request.architecture);
    let (executable, tool) =
        first_that_works(request, choice, &detected.target_folder, tools, progress)?.ok_or_else(
            || BuildError::NoTool {
                architecture: request.architecture,
                advice: toolchain.advice(request.architecture),
            },
        )?;
    let package = Some(choice.package.name.clone());
    Ok(Source {
        executable,
        package,
        tool: tool.to_string(),
    })
}

/// Tries the tools in their order, the next one only when it has what the one before lacked.
fn first_that_works(
    request: &BuildRequest,
    choice: Choice<'_>,
    target_folder: &Path,
    tools: Vec<Tool>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<(PathBuf, Tool)>, BuildError> {
    let mut tools = tools.into_iter().peekable();
    while let Some(tool) = tools.next() {
        let job = Job {
            request,
            choice,
            target_folder,
            tool: &tool,
        };
        match job.run(progress) {
            Ok(executable) => return Ok(Some((executable, tool))),
            Err(error) if another_may_do_better(&error) && tools.peek().is_some() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn pack(
    request: &BuildRequest,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Artifact, BuildError> {
    let Executable {
        bytes,
        mut warnings,
    } = binary::load(&source.executable, request.architecture)?;
    let Collected {
        mut entries,
        warnings: odd,
    } = assets::collect(&request.root, &request.assets)?;
    warnings.extend(odd);
    progress(Progress::Zipping);

    // The zip is made from our own copy: another build may replace Cargo's at any time.
    let (zip, bootstrap) = (
        request.output.join(ZIP_NAME),
        request.output.join(BOOTSTRAP),
    );
    let mut copy = archive::temporary(&bootstrap)?;
    copy.write_all(&bytes)
        .map_err(BuildError::io("write", &bootstrap))?;
    entries.push(Entry {
        name: BOOTSTRAP.to_owned(),
        path: copy.path().to_owned(),
        executable: true,
        size: bytes.len() as u64,
    });
    let written = archive::write(entries, &zip)?;
    archive::put(copy, &bootstrap, true)?;
    progress(Progress::Done);

    let (sha256, code_sha256_base64) = Artifact::encode(written.digest);
    Ok(Artifact {
        zip,
        sha256,
        code_sha256_base64,
        size: written.size,
        unzipped_size: written.unzipped_size,
        binary: bootstrap,
        architecture: request.architecture,
        package: source.package.clone(),
        tool: source.tool.clone(),
        warnings,
    })
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
