//! Why a build ends without a zip.

use std::io;
use std::path::{Path, PathBuf};

use crate::assets::AssetError;
use crate::binary::BinaryError;
use crate::choose::ChoiceError;
use crate::diagnose::Cause;
use crate::request::Architecture;
use crate::runtime::RuntimeError;
use crate::toolchain::Tool;

/// Why a build ends without a zip. Each message completes "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The project's folder has no `Cargo.toml`.
    #[error("find Cargo.toml in {}", root.display())]
    NoManifest {
        /// The project's folder.
        root: PathBuf,
    },
    /// Cargo cannot tell what the project is made of.
    #[error("read the project of {}", manifest.display())]
    Metadata {
        /// The project's `Cargo.toml`.
        manifest: PathBuf,
        /// What Cargo says.
        source: cargo_metadata::Error,
    },
    /// It is not clear what to build.
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    /// Nothing that is installed can compile for the processor.
    #[error("find a tool that compiles for {architecture}")]
    NoTool {
        /// The processor.
        architecture: Architecture,
        /// What to install.
        advice: String,
    },
    /// The tool could not be started.
    #[error("start {tool}")]
    Start {
        /// The tool.
        tool: Tool,
        /// What the system says.
        source: io::Error,
    },
    /// The package does not compile or link.
    #[error("compile {package} with {tool}:\n{excerpt}")]
    Compile {
        /// The package.
        package: String,
        /// What compiled it.
        tool: Tool,
        /// The compiler's first error, or its last lines.
        excerpt: String,
        /// What is missing on this machine, when that is known to be the reason.
        cause: Option<Cause>,
        /// The processor.
        architecture: Architecture,
    },
    /// The compiler was stopped, most likely by Ctrl-C.
    #[error("compile {package}: it was interrupted")]
    Interrupted {
        /// The package.
        package: String,
    },
    /// The tool ended well but left no executable.
    #[error("find the executable that {tool} made of {package}")]
    NoExecutable {
        /// The package.
        package: String,
        /// What compiled it.
        tool: Tool,
    },
    /// The executable cannot run on Lambda.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// The assets cannot be packed.
    #[error(transparent)]
    Assets(#[from] AssetError),
    /// There is no runtime to put beside the server.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// All files together are more than Lambda takes.
    #[error(
        "pack {} of files, more than the {} that Lambda takes",
        megabytes(*size),
        megabytes(*limit)
    )]
    TooLarge {
        /// The bytes of all files.
        size: u64,
        /// What Lambda takes.
        limit: u64,
        /// The biggest files, with their bytes.
        biggest: Vec<(String, u64)>,
    },
    /// The zip could not be written or read.
    #[error("{action} {}", path.display())]
    Zip {
        /// What was being done.
        action: &'static str,
        /// The zip.
        path: PathBuf,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// The zip is no Lambda deployment package.
    #[error("use {} for a function: it has no executable named bootstrap", path.display())]
    NoBootstrap {
        /// The zip.
        path: PathBuf,
    },
    /// A file could not be written or read.
    #[error("{action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl BuildError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoManifest { .. } => Some(
                "run it in the folder of the Rust project (or give that with -C), or package a \
                 ready executable with --binary"
                    .to_owned(),
            ),
            Self::Metadata {
                source: cargo_metadata::Error::Io(error),
                ..
            } if error.kind() == io::ErrorKind::NotFound => {
                Some("install Rust: https://rustup.rs".to_owned())
            }
            Self::Choice(error) => Some(error.help()),
            Self::NoTool { advice, .. } => Some(advice.clone()),
            Self::Compile {
                cause: Some(cause),
                architecture,
                ..
            } => Some(cause.help(*architecture)),
            Self::Interrupted { .. } => {
                Some("run it again: Cargo continues where it was".to_owned())
            }
            Self::Binary(error) => error.help(),
            Self::Assets(error) => error.help(),
            Self::Runtime(error) => error.help(),
            Self::TooLarge { biggest, .. } => {
                let files = biggest
                    .iter()
                    .map(|(name, size)| format!("{name} {}", megabytes(*size)));
                let files: Vec<String> = files.collect();
                Some(format!(
                    "leave some out with [assets] exclude; the biggest: {}",
                    files.join(", ")
                ))
            }
            Self::NoBootstrap { .. } => Some("build it again".to_owned()),
            Self::Metadata { .. }
            | Self::Start { .. }
            | Self::Compile { .. }
            | Self::NoExecutable { .. }
            | Self::Zip { .. }
            | Self::Io { .. } => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn zip(
        action: &'static str,
        path: &Path,
    ) -> impl Fn(zip::result::ZipError) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Zip {
            action,
            path: path.clone(),
            source,
        }
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{BuildError, megabytes};

    #[test]
    fn a_size_in_words() {
        for (bytes, expected) in [
            (0, "0.0 MB"),
            (1_600_000, "1.5 MB"),
            (262_144_000, "250.0 MB"),
        ] {
            assert_eq!(megabytes(bytes), expected);
        }
    }

    #[test]
    fn too_much_names_the_biggest_files() {
        let error = BuildError::TooLarge {
            size: 300 << 20,
            limit: 250 << 20,
            biggest: vec![("model.bin".to_owned(), 290 << 20)],
        };
        assert_eq!(
            error.to_string(),
            "pack 300.0 MB of files, more than the 250.0 MB that Lambda takes"
        );
        assert!(
            error
                .help()
                .unwrap()
                .ends_with("the biggest: model.bin 290.0 MB")
        );
    }
}
