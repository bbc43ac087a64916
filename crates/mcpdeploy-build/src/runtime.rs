//! `mcpdeploy-runtime`, which is deployed beside servers that know no Lambda: a part of this program.
//!
//! It is put in when this crate is built (`build.rs`). `MCPDEPLOY_RUNTIME` names a folder with another
//! one, `<processor>/mcpdeploy-runtime`, as `make runtime` leaves it in `target/runtime`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::artifact::Artifact;
use crate::binary::{self, BinaryError};
use crate::error::BuildError;
use crate::pipeline;
use crate::request::Architecture;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The variable that names a folder with other runtimes.
const FOLDER: &str = "MCPDEPLOY_RUNTIME";
const PROGRAM: &str = "mcpdeploy-runtime";

/// What only the runtime has in it: a variable that it reads.
const MARK: &[u8] = b"MCPDEPLOY_COMMAND";

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// This program was built without it.
    #[error("find the runtime for {0}: this mcpdeploy was built without it")]
    Absent(Architecture),
    /// What was put in cannot be unpacked.
    #[error("unpack the runtime for {architecture}")]
    Damaged {
        /// The processor.
        architecture: Architecture,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The one that `MCPDEPLOY_RUNTIME` names cannot be used.
    #[error(transparent)]
    Named(#[from] BinaryError),
}

impl RuntimeError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Absent(architecture) => Some(format!(
                "build mcpdeploy with `make install` or `make release`, which build the runtime \
                 first; or name a folder that has {architecture}/{PROGRAM} in {FOLDER}"
            )),
            Self::Damaged { .. } => Some("install mcpdeploy again".to_owned()),
            Self::Named(error) => error
                .help()
                .map(|help| format!("{help} (the folder is what {FOLDER} says)")),
        }
    }
}

/// A runtime, as far as people want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The processor that it is made for.
    pub architecture: Architecture,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
    /// The folder that it is from, when it is not a part of this program.
    pub from: Option<PathBuf>,
    /// Whether it was made of another source than this program's. Not known of one from a folder.
    pub stale: bool,
}

/// The runtime's executable.
///
/// # Errors
///
/// When there is none for that processor.
pub fn binary(architecture: Architecture) -> Result<Vec<u8>, RuntimeError> {
    load(architecture, folder().as_deref())
}

/// The runtimes that there are.
///
/// # Errors
///
/// When one is there, and cannot be used.
pub fn runtimes() -> Result<Vec<Runtime>, RuntimeError> {
    let from = folder();
    let mut found = Vec::new();
    let both = [Architecture::X86_64, Architecture::Arm64];
    for (architecture, stale) in both.into_iter().zip(STALE) {
        match load(architecture, from.as_deref()) {
            Ok(bytes) => found.push(Runtime {
                architecture,
                sha256: hex::encode(Sha256::digest(&bytes)),
                size: bytes.len() as u64,
                from: from.clone(),
                stale: stale && from.is_none(),
            }),
            Err(RuntimeError::Absent(_) | RuntimeError::Named(BinaryError::Missing { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Packs the runtime alone into the folder `output`: a function without a server of the user's.
///
/// # Errors
///
/// When there is no runtime for the processor, or the zip cannot be written.
pub fn package(architecture: Architecture, output: &Path) -> Result<Artifact, BuildError> {
    pipeline::package_runtime(architecture, output)
}

/// Whether the executable is a runtime, of whatever version.
pub(crate) fn is_runtime(executable: &[u8]) -> bool {
    executable.windows(MARK.len()).any(|window| window == MARK)
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder))
}

fn load(architecture: Architecture, from: Option<&Path>) -> Result<Vec<u8>, RuntimeError> {
    if let Some(folder) = from {
        let path = folder.join(architecture.as_str()).join(PROGRAM);
        return Ok(binary::load(&path, architecture)?.bytes);
    }
    let [x86_64, arm64] = EMBEDDED;
    let packed = match architecture {
        Architecture::X86_64 => x86_64,
        Architecture::Arm64 => arm64,
    };
    let mut bytes = Vec::new();
    GzDecoder::new(packed.ok_or(RuntimeError::Absent(architecture))?)
        .read_to_end(&mut bytes)
        .map_err(|source| RuntimeError::Damaged {
            architecture,
            source,
        })?;
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::{PROGRAM, RuntimeError, load};
    use crate::binary::{self, BinaryError};
    use crate::elf::tests::program;
    use crate::request::Architecture::{Arm64, X86_64};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    /// What is put in was made by `make runtime`; without it, the error says so.
    #[test]
    fn what_is_put_in_runs_on_its_processor_or_is_said_to_be_missing() {
        for architecture in [X86_64, Arm64] {
            match load(architecture, None) {
                Ok(bytes) => {
                    let doubts = binary::check(Path::new(PROGRAM), &bytes, architecture).unwrap();
                    assert_eq!(doubts, Vec::<String>::new());
                    assert!(super::is_runtime(&bytes));
                    assert!(bytes.len() < 4_000_000, "{} bytes", bytes.len());
                }
                Err(error) => {
                    assert!(matches!(error, RuntimeError::Absent(_)), "{error}");
                    let help = error.help().unwrap();
                    assert!(help.contains("make install"), "{help}");
                    assert!(help.contains(architecture.as_str()), "{help}");
                }
            }
        }
    }

    #[test]
    fn a_folder_of_the_developers_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arm64").join(PROGRAM);
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, program(183, None)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let bytes = load(Arm64, Some(folder.path())).unwrap();
        assert_eq!(bytes, program(183, None));
        assert!(!super::is_runtime(&bytes));
        let error = load(X86_64, Some(folder.path())).unwrap_err();
        assert!(
            matches!(error, RuntimeError::Named(BinaryError::Missing { .. })),
            "{error}"
        );
        assert!(error.help().unwrap().contains("MCPDEPLOY_RUNTIME"));
    }
}
