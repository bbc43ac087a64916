//! The project on disk: where its files are, and what deploy.toml says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mcpdeploy_build::{self as build, Artifact, BuildRequest};
use mcpdeploy_config::{self as config, DeployConfig, Loaded, Server};

use crate::cli::{Arch, Global};
use crate::failure::Failure;

/// Where the file is, seen from the project's folder.
pub(crate) const CONFIG: &str = ".pmcp/deploy.toml";

/// A project's folder and the environment that is worked on.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) environment: String,
    /// Whether the embedded cloud takes the place of AWS.
    pub(crate) local: bool,
    /// Whether builds are those of `dev`, which nothing but `dev` is to deploy.
    pub(crate) dev: bool,
}

impl Project {
    /// The project that the command line names.
    pub(crate) fn open(global: &Global) -> Result<Self, Failure> {
        let root = global.chdir.clone().unwrap_or_else(|| PathBuf::from("."));
        if !root.is_dir() {
            return Err(Failure::usage(format!(
                "there is no folder {}",
                root.display()
            )));
        }
        let name = &global.env;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
            return Err(Failure::usage(format!(
                "`{name}` is no name of an environment: letters, digits, `-` and `_`, at most 32"
            )));
        }
        Ok(Self {
            root,
            environment: name.clone(),
            local: global.local,
            dev: false,
        })
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        if self.root == Path::new(".") {
            return PathBuf::from(CONFIG);
        }
        self.root.join(CONFIG)
    }

    /// Where state and journal of the environment are when nobody shares them. What is deployed to
    /// the embedded cloud is another deployment than that of the same name on AWS.
    pub(crate) fn state_folder(&self) -> PathBuf {
        let folder = if self.local {
            self.local_folder().join("deployments")
        } else {
            self.root.join(".pmcp/deployments")
        };
        folder.join(&self.environment)
    }

    /// Where everything of the embedded cloud is.
    pub(crate) fn local_folder(&self) -> PathBuf {
        let folder = self.root.join(".pmcp/local");
        std::path::absolute(&folder).unwrap_or(folder)
    }

    /// Where builds for the environment go.
    pub(crate) fn build_folder(&self) -> PathBuf {
        let folder = if self.dev {
            ".pmcp/local/build"
        } else {
            ".pmcp/build"
        };
        self.root.join(folder).join(&self.environment)
    }

    /// Reads and checks deploy.toml.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let path = self.config_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::usage(format!("there is no {}", path.display()))
                    .hint("mcpdeploy init writes one that fits the project")
                    .hint("or name the project's folder: mcpdeploy -C DIR …"));
            }
            Err(error) => {
                return Err(
                    Failure::usage(format!("failed to read {}", path.display())).cause(error)
                );
            }
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            Failure::usage(format!("{} is not UTF-8 text", path.display()))
                .cause(error.utf8_error())
        })?;
        Ok(config::load(CONFIG, &text, &self.environment)?)
    }

    /// What to build, as the file and the command line say.
    pub(crate) fn build_request(
        &self,
        config: &DeployConfig,
        server: &Server,
        arch: Option<Arch>,
        binary: Option<&Path>,
    ) -> BuildRequest {
        let architecture = match (arch, server.architecture) {
            (Some(Arch::X86_64), _) | (None, config::Architecture::X86_64) => {
                build::Architecture::X86_64
            }
            (Some(Arch::Arm64), _) | (None, config::Architecture::Arm64) => {
                build::Architecture::Arm64
            }
        };
        // Cargo is run in folders of its own: every path has to be whole.
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        // A path on the command line is seen from where the user stands, one in the file from the
        // project.
        let binary = match binary {
            Some(path) => Some(whole(path.to_owned())),
            None => server.binary.as_ref().map(PathBuf::from),
        };
        BuildRequest {
            root: whole(self.root.clone()),
            package: server.package.clone(),
            binary,
            server_name: server.name.clone(),
            architecture,
            features: config.build.features.clone(),
            no_default_features: config.build.no_default_features,
            profile: Some(config.build.profile.clone()),
            bridge: bridged(server),
            assets: build::Assets {
                include: config.assets.include.clone(),
                exclude: config.assets.exclude.clone(),
                base_dir: config.assets.base_dir.as_ref().map(PathBuf::from),
            },
            output: whole(self.build_folder()),
        }
    }

    /// What the last build left, if it is one for the server as the file has it now.
    pub(crate) fn artifact_for(&self, request: &BuildRequest) -> Result<Option<Artifact>, Failure> {
        let artifact = build::existing_artifact(&self.build_folder())?;
        Ok(artifact.filter(|artifact| request.fits(artifact)))
    }
}

/// Whether the server needs the runtime beside it.
fn bridged(server: &Server) -> bool {
    match server.transport {
        config::Transport::Lambda => false,
        config::Transport::Http | config::Transport::Stdio => true,
    }
}
