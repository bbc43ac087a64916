//! A build from its request to its zip.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::archive::{self, BOOTSTRAP, Entry, SERVER};
use crate::artifact::{Artifact, ZIP_NAME};
use crate::assets::{self, Collected};
use crate::binary::{self, Executable};
use crate::cargo::{Job, another_may_do_better};
use crate::choose::{Choice, choose};
use crate::detect::detect;
use crate::error::BuildError;
use crate::progress::Progress;
use crate::request::{Architecture, BuildRequest};
use crate::runtime;
use crate::toolchain::{Tool, Toolchain};

/// What made an executable that was there already.
const READY: &str = "a ready executable";

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
    // What is wrong with the assets, or missing of our own, is told before minutes of compiling.
    assets_of(request)?;
    let runtime = runtime_of(request)?;
    let source = compile(request, progress)?;
    pack(request, &source, runtime, progress)
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
        tool: READY.to_owned(),
    };
    pack(request, &source, runtime_of(request)?, progress)
}

/// The runtime, where the server needs one.
fn runtime_of(request: &BuildRequest) -> Result<Option<Vec<u8>>, BuildError> {
    let runtime = request
        .bridge
        .then(|| runtime::binary(request.architecture));
    Ok(runtime.transpose()?)
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

/// What goes beside the executables.
fn assets_of(request: &BuildRequest) -> Result<Collected, BuildError> {
    let collected = assets::collect(&request.root, &request.assets)?;
    Ok(if request.bridge {
        collected.beside_server()?
    } else {
        collected
    })
}

fn pack(
    request: &BuildRequest,
    source: &Source,
    runtime: Option<Vec<u8>>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Artifact, BuildError> {
    let Executable {
        bytes,
        mut warnings,
    } = binary::load(&source.executable, request.architecture)?;
    let Collected {
        entries,
        warnings: odd,
    } = assets_of(request)?;
    warnings.extend(odd);
    let programs = match runtime {
        Some(runtime) => vec![(BOOTSTRAP, runtime), (SERVER, bytes)],
        None => vec![(BOOTSTRAP, bytes)],
    };
    progress(Progress::Zipping);
    let artifact = write(&programs, entries, request.architecture, &request.output)?;
    progress(Progress::Done);
    Ok(Artifact {
        bridge: request.bridge,
        package: source.package.clone(),
        tool: source.tool.clone(),
        warnings,
        ..artifact
    })
}

/// Packs the runtime alone.
pub(crate) fn package_runtime(
    architecture: Architecture,
    output: &Path,
) -> Result<Artifact, BuildError> {
    let runtime = runtime::binary(architecture)?;
    write(&[(BOOTSTRAP, runtime)], Vec::new(), architecture, output)
}

/// Writes the programs, and the zip of them and of the entries, into the folder `output`.
fn write(
    programs: &[(&str, Vec<u8>)],
    mut entries: Vec<Entry>,
    architecture: Architecture,
    output: &Path,
) -> Result<Artifact, BuildError> {
    // The zip is made from our own copies: another build may replace Cargo's at any time.
    let mut copies = Vec::new();
    for (name, bytes) in programs {
        let path = output.join(name);
        let mut copy = archive::temporary(&path)?;
        copy.write_all(bytes)
            .map_err(BuildError::io("write", &path))?;
        entries.push(Entry {
            name: (*name).to_owned(),
            path: copy.path().to_owned(),
            executable: true,
            size: bytes.len() as u64,
        });
        copies.push((copy, path));
    }
    let zip = output.join(ZIP_NAME);
    let written = archive::write(entries, &zip)?;
    for (copy, path) in copies {
        archive::put(copy, &path, true)?;
    }
    let (sha256, code_sha256_base64) = Artifact::encode(written.digest);
    Ok(Artifact {
        zip,
        sha256,
        code_sha256_base64,
        size: written.size,
        unzipped_size: written.unzipped_size,
        binary: output.join(BOOTSTRAP),
        bridge: false,
        architecture,
        package: None,
        tool: READY.to_owned(),
        warnings: Vec::new(),
    })
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
