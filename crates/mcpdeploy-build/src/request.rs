//! What a build is asked for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::artifact::Artifact;

/// The processor that the function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    X86_64,
    /// 64-bit Arm (Graviton).
    Arm64,
}

impl Architecture {
    /// The name that Lambda gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// The Rust target that runs on it without any shared library.
    pub const fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-musl",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "x86_64" => Ok(Self::X86_64),
            "arm64" => Ok(Self::Arm64),
            other => Err(format!("{other} is neither x86_64 nor arm64")),
        }
    }
}

/// Files that go into the zip beside the executable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assets {
    /// Globs of the files to take, relative to `base_dir`; a folder's name takes all that is in it.
    pub include: Vec<String>,
    /// Globs of the files to leave out after all.
    pub exclude: Vec<String>,
    /// The folder that the globs are relative to, itself relative to the project's folder, which it
    /// is when absent.
    pub base_dir: Option<PathBuf>,
}

/// All that a build needs to know.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The project's folder: where `.pmcp` and `Cargo.toml` are.
    pub root: PathBuf,
    /// The Cargo package to build; found by itself when absent.
    pub package: Option<String>,
    /// A ready executable, relative to `root`: nothing is compiled.
    pub binary: Option<PathBuf>,
    /// The server's name: a package of that name, or of that name and `-lambda`, is preferred.
    pub server_name: String,
    /// The processor to build for.
    pub architecture: Architecture,
    /// Cargo features to turn on.
    pub features: Vec<String>,
    /// Build without the package's default features.
    pub no_default_features: bool,
    /// The Cargo profile; `release` when absent.
    pub profile: Option<String>,
    /// The server knows no Lambda: the runtime is the function's executable, and the server's is
    /// beside it.
    pub bridge: bool,
    /// What goes into the zip beside the executable.
    pub assets: Assets,
    /// The folder that `bootstrap` and the zip are written to.
    pub output: PathBuf,
}

impl BuildRequest {
    /// Whether a build from before is one of the same kind: for the same processor, with the runtime
    /// or without.
    pub fn fits(&self, artifact: &Artifact) -> bool {
        artifact.architecture == self.architecture && artifact.bridge == self.bridge
    }
}
