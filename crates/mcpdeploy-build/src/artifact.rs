//! What a build leaves: the zip and what there is to know of it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zip::ZipArchive;

use crate::archive::{self, BOOTSTRAP, SERVER};
use crate::elf;
use crate::error::BuildError;
use crate::request::Architecture;
use crate::runtime;

/// The name of the zip in the output folder.
pub const ZIP_NAME: &str = "bootstrap.zip";

/// A zip that Lambda takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where the zip is.
    pub zip: PathBuf,
    /// The SHA-256 of the zip, in hexadecimal.
    pub sha256: String,
    /// The same as Lambda reports it (`CodeSha256`).
    pub code_sha256_base64: String,
    /// The bytes of the zip.
    pub size: u64,
    /// The bytes of all files in it.
    pub unzipped_size: u64,
    /// The function's executable, beside the zip.
    pub binary: PathBuf,
    /// The function's executable is the runtime, and a server's that knows no Lambda is beside it.
    pub bridge: bool,
    /// The processor that it is made for.
    pub architecture: Architecture,
    /// The Cargo package that it was built from, when this build did that.
    pub package: Option<String>,
    /// What made the executable.
    pub tool: String,
    /// What may go wrong with it.
    pub warnings: Vec<String>,
}

impl Artifact {
    pub(crate) fn encode(digest: [u8; 32]) -> (String, String) {
        (hex::encode(digest), STANDARD.encode(digest))
    }
}

/// What an earlier build left in the folder `output`, if anything.
///
/// # Errors
///
/// When there is a zip, but it cannot be read or is no function's.
pub fn existing_artifact(output: &Path) -> Result<Option<Artifact>, BuildError> {
    let zip = output.join(ZIP_NAME);
    if zip.exists() {
        read_artifact(&zip).map(Some)
    } else {
        Ok(None)
    }
}

/// What there is to know of the zip at `zip`.
///
/// # Errors
///
/// When it cannot be read, is no zip, or has no executable that Lambda could start.
pub fn read_artifact(zip: &Path) -> Result<Artifact, BuildError> {
    let io = || BuildError::io("read", zip);
    let broken = BuildError::zip("read", zip);
    let mut file = File::open(zip).map_err(io())?;
    let digest = archive::digest(&mut file).map_err(io())?;
    let size = file.metadata().map_err(io())?.len();
    let mut archive = ZipArchive::new(file).map_err(&broken)?;

    let mut unzipped_size = 0;
    for index in 0..archive.len() {
        unzipped_size += archive.by_index_raw(index).map_err(&broken)?.size();
    }
    let no_bootstrap = || BuildError::NoBootstrap {
        path: zip.to_owned(),
    };
    let mut program = |name: &str| -> Result<Option<Vec<u8>>, BuildError> {
        let Ok(file) = archive.by_name(name) else {
            return Ok(None);
        };
        if file.unix_mode().is_some_and(|mode| mode & 0o111 == 0) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        // A damaged zip may promise any size: no more is read than Lambda would take.
        file.take(archive::UNZIPPED_LIMIT)
            .read_to_end(&mut bytes)
            .map_err(io())?;
        Ok(Some(bytes))
    };
    let binary = zip.with_file_name(BOOTSTRAP);
    let bootstrap = program(BOOTSTRAP)?.ok_or_else(no_bootstrap)?;
    let architecture = elf::architecture(&bootstrap).ok_or_else(no_bootstrap)?;
    let mut warnings = crate::binary::check(&binary, &bootstrap, architecture)?;
    let server = if runtime::is_runtime(&bootstrap) {
        program(SERVER)?
    } else {
        None
    };
    if let Some(server) = &server {
        let path = zip.with_file_name(SERVER);
        warnings.extend(crate::binary::check(&path, server, architecture)?);
    }
    let (sha256, code_sha256_base64) = Artifact::encode(digest);
    Ok(Artifact {
        zip: zip.to_owned(),
        sha256,
        code_sha256_base64,
        size,
        unzipped_size,
        binary,
        bridge: server.is_some(),
        architecture,
        package: None,
        tool: "an earlier build".to_owned(),
        warnings,
    })
}
