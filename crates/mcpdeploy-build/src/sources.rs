//! Which folders a build reads: for those who watch for changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// The folders whose files make the server: the project's own, its workspace's, and those of the
/// packages that it takes by path. Calls Cargo; without a `Cargo.toml`, or when Cargo cannot read
/// it, only the project's own.
#[must_use]
pub fn source_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = BTreeSet::from([root.to_owned()]);
    let manifest = root.join("Cargo.toml");
    if manifest.is_file() {
        let metadata = MetadataCommand::new().manifest_path(manifest).exec();
        for package in metadata.iter().flat_map(|metadata| &metadata.packages) {
            // Packages of a registry or of git do not change.
            if package.source.is_none()
                && let Some(folder) = package.manifest_path.parent()
            {
                folders.insert(folder.as_std_path().to_owned());
            }
        }
    }
    // A folder within another is watched with it.
    let all: Vec<PathBuf> = folders.into_iter().collect();
    let within = |folder: &PathBuf| {
        all.iter()
            .any(|other| other != folder && folder.starts_with(other))
    };
    all.iter()
        .filter(|folder| !within(folder))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn packages_by_path_are_watched_and_folders_within_folders_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let package = |at: &str, more: &str| {
            let folder = root.join(at);
            fs::create_dir_all(folder.join("src")).unwrap();
            fs::write(folder.join("src/lib.rs"), "").unwrap();
            let name = at.replace('/', "-");
            fs::write(
                folder.join("Cargo.toml"),
                format!(
                    "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}"
                ),
            )
            .unwrap();
        };
        package("helper", "");
        package("server/inner", "");
        package(
            "server",
            "[dependencies]\nhelper = { path = \"../helper\" }\nserver-inner = { path = \"inner\" }\n",
        );
        assert_eq!(
            source_folders(&root.join("server")),
            [root.join("helper"), root.join("server")]
        );
        assert_eq!(
            source_folders(&root.join("nothing")),
            [root.join("nothing")]
        );
    }
}
