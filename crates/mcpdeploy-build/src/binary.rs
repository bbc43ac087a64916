//! Reads an executable, and refuses one that cannot run on Lambda.

use std::io;
use std::path::{Path, PathBuf};

use crate::elf;
use crate::request::Architecture;

/// Why a file cannot be the function's executable.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// There is no such file.
    #[error("find the executable {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is a folder, or another thing that is no file.
    #[error("use {} as the executable: it is no file", path.display())]
    NoFile {
        /// What was named.
        path: PathBuf,
    },
    /// There is nothing in it.
    #[error("use {} as the executable: it is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Nobody may run it.
    #[error("use {} as the executable: nobody has the permission to run it", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
    },
    /// It is a program for another machine or system, or none at all.
    #[error("use {} as the executable: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        help: String,
    },
    /// It could not be read.
    #[error("read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl BinaryError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("build it first, or correct the path".to_owned()),
            Self::NoFile { .. } => Some("name the executable itself".to_owned()),
            Self::Empty { .. } => Some("build it again".to_owned()),
            Self::NotExecutable { path } => Some(format!("chmod +x {}", path.display())),
            Self::Unfit { help, .. } => Some(help.clone()),
            Self::Io { .. } => None,
        }
    }
}

/// An executable that can run on Lambda.
pub(crate) struct Executable {
    pub(crate) bytes: Vec<u8>,
    pub(crate) warnings: Vec<String>,
}

/// Reads and checks the executable at `path`.
pub(crate) fn load(path: &Path, architecture: Architecture) -> Result<Executable, BinaryError> {
    let owned = || path.to_owned();
    let io = |source: io::Error| {
        if source.kind() == io::ErrorKind::NotFound {
            BinaryError::Missing { path: owned() }
        } else {
            BinaryError::Io {
                path: owned(),
                source,
            }
        }
    };
    let metadata = path.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(BinaryError::NoFile { path: owned() });
    }
    if metadata.len() == 0 {
        return Err(BinaryError::Empty { path: owned() });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let warnings = check(path, &bytes, architecture)?;
    if !is_executable(&metadata) {
        return Err(BinaryError::NotExecutable { path: owned() });
    }
    Ok(Executable { bytes, warnings })
}

/// Checks the bytes of the executable that is, or was, at `path`.
pub(crate) fn check(
    path: &Path,
    bytes: &[u8],
    architecture: Architecture,
) -> Result<Vec<String>, BinaryError> {
    elf::check(bytes, architecture).map_err(|error| BinaryError::Unfit {
        path: path.to_owned(),
        reason: error.to_string(),
        help: help(&error, architecture),
    })
}

fn help(error: &elf::ElfError, architecture: Architecture) -> String {
    use elf::ElfError::{Damaged, MuslLoader, NewGlibc, NotElf, NotProgram, WrongMachine};
    let target = architecture.target();
    match error {
        WrongMachine { .. } => format!(
            "build it for {target}, or set [server] architecture in .pmcp/deploy.toml to the \
             processor that it is made for"
        ),
        MuslLoader(_) => "link it statically: -C target-feature=+crt-static".to_owned(),
        NewGlibc(_) => format!("build it for {target}, which needs no glibc"),
        NotElf(_) | Damaged | NotProgram => format!("name a program built for {target}"),
    }
}

/// Whether `path` is a file that may be run.
pub(crate) fn may_run(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && is_executable(&metadata))
}

/// Whether anybody may run the file. A system without such a permission gives it to all.
#[cfg(unix)]
pub(crate) fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

/// Whether anybody may run the file. A system without such a permission gives it to all.
#[cfg(not(unix))]
pub(crate) fn is_executable(_metadata: &std::fs::Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::load;
    use crate::elf::tests::program;
    use crate::request::Architecture::{Arm64, X86_64};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_unfit_file_is_told_apart_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        for (name, mode, bytes) in [
            ("empty", 0o755, Vec::new()),
            ("text", 0o755, b"hello".to_vec()),
            ("locked", 0o644, program(62, None)),
            ("good", 0o755, program(62, None)),
            (
                "glibc",
                0o755,
                program(62, Some("/lib64/ld-linux-x86-64.so.2")),
            ),
        ] {
            fs::write(at(name), bytes).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        for (name, architecture, problem, help) in [
            ("nowhere", X86_64, "find the executable", "correct the path"),
            ("folder", X86_64, "it is no file", "the executable itself"),
            ("empty", X86_64, "it is empty", "build it again"),
            (
                "text",
                X86_64,
                "it is an unknown file, not a Linux program",
                "x86_64-unknown-linux-musl",
            ),
            (
                "locked",
                X86_64,
                "nobody has the permission to run it",
                "chmod +x",
            ),
            (
                "good",
                Arm64,
                "it is made for x86_64, but the function runs on arm64",
                "[server] architecture",
            ),
        ] {
            let error = load(&at(name), architecture).err().unwrap();
            assert!(error.to_string().contains(problem), "{name}: {error}");
            assert!(
                error.help().unwrap().contains(help),
                "{name}: {:?}",
                error.help()
            );
        }
        assert_eq!(load(&at("good"), X86_64).unwrap().warnings.len(), 0);
        assert_eq!(load(&at("glibc"), X86_64).unwrap().warnings.len(), 1);
    }
}
