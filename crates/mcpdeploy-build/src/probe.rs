//! Looks at what is installed on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::request::Architecture;
use crate::toolchain::{Host, Toolchain};

impl Toolchain {
    /// What this machine has for compiling the project in `root` for `architecture`.
    pub fn probe(root: &Path, architecture: Architecture) -> Self {
        let target = architecture.target();
        let zig = has_zig();
        Self {
            host: host(),
            target: rustc(root, &["--print", "target-libdir", "--target", target])
                .is_some_and(|folder| Path::new(&folder).is_dir()),
            own_linker: std::env::var_os(linker_variable(target)).is_some()
                || config_files(root)
                    .iter()
                    .any(|file| names_linker(file, target)),
            cross_gcc: cross_gcc(architecture),
            rust_lld: has_rust_lld(root),
            zigbuild: zig && find("cargo-zigbuild").is_some(),
            cargo_lambda: zig && find("cargo-lambda").is_some(),
        }
    }
}

/// The variable that tells Cargo the linker for `target`.
pub(crate) fn linker_variable(target: &str) -> String {
    let target = target.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{target}_LINKER")
}

fn host() -> Host {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => Some(Architecture::X86_64),
        "aarch64" => Some(Architecture::Arm64),
        _ => None,
    };
    Host {
        linux: cfg!(target_os = "linux"),
        architecture,
    }
}

fn cross_gcc(architecture: Architecture) -> Option<String> {
    let name = match architecture {
        Architecture::X86_64 => "x86_64-linux-musl-gcc",
        Architecture::Arm64 => "aarch64-linux-musl-gcc",
    };
    find(name).map(|_| name.to_owned())
}

fn has_rust_lld(root: &Path) -> bool {
    let Some(host_libraries) = rustc(root, &["--print", "target-libdir"]) else {
        return false;
    };
    let lld = format!("rust-lld{}", std::env::consts::EXE_SUFFIX);
    Path::new(&host_libraries)
        .with_file_name("bin")
        .join(lld)
        .is_file()
}

/// Both tools look for Zig in these places.
fn has_zig() -> bool {
    std::env::var_os("CARGO_ZIGBUILD_ZIG_PATH").is_some()
        || find("zig").is_some()
        || find("python-zig").is_some()
        || (find("cargo-zigbuild")
            .or_else(|| find("cargo-lambda"))
            .is_some()
            && ["python3", "python"].iter().any(|python| {
                answer(Command::new(python).args(["-m", "ziglang", "version"])).is_some()
            }))
}

/// Asked in the project's folder, because `rust-toolchain.toml` chooses the compiler there.
fn rustc(root: &Path, arguments: &[&str]) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    answer(Command::new(rustc).args(arguments).current_dir(root))
}

fn answer(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn find(program: &str) -> Option<PathBuf> {
    find_in(std::env::var_os("PATH")?.as_os_str(), program)
}

fn find_in(path: &OsStr, program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path)
        .map(|folder| folder.join(&name))
        .find(|candidate| crate::binary::may_run(candidate))
}

/// The configuration files that Cargo reads for the project in `root`.
fn config_files(root: &Path) -> Vec<PathBuf> {
    let folders = root.ancestors().map(|folder| folder.join(".cargo"));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let user = std::env::home_dir().map(|home| home.join(".cargo"));
    folders
        .chain(home.or(user))
        .flat_map(|folder| [folder.join("config.toml"), folder.join("config")])
        .filter(|file| file.is_file())
        .collect()
}

fn names_linker(file: &Path, target: &str) -> bool {
    let table = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok());
    table.is_some_and(|table| {
        let section = table.get("target").and_then(|targets| targets.get(target));
        section.is_some_and(|section| section.get("linker").is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::{config_files, find_in, linker_variable, names_linker};
    use std::fs;

    #[test]
    fn cargo_spells_the_variable_so() {
        assert_eq!(
            linker_variable("aarch64-unknown-linux-musl"),
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER"
        );
    }

    #[test]
    fn a_linker_of_the_users_is_seen_in_any_folder_above() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("deep/project");
        fs::create_dir_all(folder.path().join(".cargo")).unwrap();
        fs::create_dir_all(&project).unwrap();
        let file = folder.path().join(".cargo/config.toml");
        fs::write(
            &file,
            "[target.aarch64-unknown-linux-musl]\nlinker = \"my-gcc\"\n",
        )
        .unwrap();
        assert!(config_files(&project).contains(&file));
        assert!(names_linker(&file, "aarch64-unknown-linux-musl"));
        assert!(!names_linker(&file, "x86_64-unknown-linux-musl"));
    }

    #[cfg(unix)]
    #[test]
    fn only_what_may_be_run_is_found() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tool");
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        let path = folder.path().as_os_str();
        assert_eq!(find_in(path, "tool"), None);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_in(path, "tool"), Some(program));
        assert_eq!(find_in(path, "other"), None);
    }
}
