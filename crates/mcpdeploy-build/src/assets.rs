//! Which files go into the zip beside the executable.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use crate::archive::{BOOTSTRAP, Entry, SERVER};
use crate::request::Assets;

/// Folders that are never packed, wherever they are.
const NEVER: [&str; 2] = [".git", ".pmcp"];

/// Cargo's own folder: never packed at the top, nor where Cargo has marked it.
const CARGO_TARGET: &str = "target";
const CARGO_MARK: &str = "CACHEDIR.TAG";

/// Why the assets cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// A pattern is no glob.
    #[error("understand the pattern {pattern:?} of [assets] {key}")]
    Pattern {
        /// The key that it is in.
        key: &'static str,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A pattern leads out of the base folder.
    #[error("use the pattern {pattern:?} of [assets] {key}: it leads out of the base folder")]
    PatternOutside {
        /// The key that it is in.
        key: &'static str,
        /// The pattern.
        pattern: String,
    },
    /// The base folder does not exist, or is no folder.
    #[error("find the folder {} of [assets] base_dir", path.display())]
    BaseFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file is elsewhere: a symbolic link leads to it.
    #[error("pack {name}: its symbolic link leads out of {}, to {}", base.display(), leads_to.display())]
    Outside {
        /// The name that it would have.
        name: String,
        /// The base folder.
        base: PathBuf,
        /// Where it really is.
        leads_to: PathBuf,
    },
    /// A file would take the executable's place.
    #[error("pack {}: the executable of the function has that name", path.display())]
    Bootstrap {
        /// The file.
        path: PathBuf,
    },
    /// A file would take the server's place, where that is beside the runtime.
    #[error("pack {name}: the executable of the server has the name {SERVER} in the function")]
    Server {
        /// The name that it would have.
        name: String,
    },
    /// A file's name cannot be written in a zip.
    #[error("pack {}: its name is not UTF-8", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder could not be read.
    #[error("read the assets in {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl AssetError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Pattern { .. } => {
                Some("globs know *, **, ?, [ab] and {a,b}: \"prompts/**/*.md\"".to_owned())
            }
            Self::PatternOutside { .. } => {
                Some("set [assets] base_dir to the folder that holds the files".to_owned())
            }
            Self::BaseFolder { .. } => {
                Some("it is relative to the folder of the project".to_owned())
            }
            Self::Outside { name, .. } => Some(format!(
                "copy the file into the folder, or leave it out: exclude = [\"{name}\"]"
            )),
            Self::Bootstrap { .. } => Some("rename it, or exclude it".to_owned()),
            Self::Server { .. } => {
                Some("rename it, exclude it, or set [assets] base_dir to another folder".to_owned())
            }
            Self::Name { .. } => Some("rename it".to_owned()),
            Self::Io { .. } => None,
        }
    }
}

/// The files to pack, sorted by name, and what is odd about the patterns.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) entries: Vec<Entry>,
    pub(crate) warnings: Vec<String>,
}

/// Finds the files that the patterns take, below the base folder of the project in `root`.
pub(crate) fn collect(root: &Path, assets: &Assets) -> Result<Collected, AssetError> {
    let include = globs("include", &assets.include)?;
    let exclude = globs("exclude", &assets.exclude)?;
    if assets.include.is_empty() {
        return Ok(Collected::default());
    }
    let base = match &assets.base_dir {
        Some(base) => root.join(base),
        None => root.to_owned(),
    };
    let base = match base.canonicalize() {
        Ok(base) if base.is_dir() => base,
        _ => return Err(AssetError::BaseFolder { path: base }),
    };
    let mut found = BTreeMap::new();
    let mut used = vec![false; assets.include.len()];
    let wanted = |name: &str| include.is_match(name) && !exclude.is_match(name);
    let walk = WalkDir::new(&base)
        .min_depth(1)
        .follow_links(true)
        .into_iter();
    for entry in walk.filter_entry(|entry| enters(entry, &base, &wanted)) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => match unreadable(error, &base, &wanted) {
                Some(error) => return Err(error),
                None => continue,
            },
        };
        let path = entry.path();
        if entry.file_type().is_dir() && !leaves(&entry, &base) {
            continue;
        }
        // What is not UTF-8 may still be none of ours.
        let name = name_of(path, &base);
        let escapes = entry.file_type().is_dir() && wanted(&below(&name));
        if !wanted(&name) && !escapes {
            continue;
        }
        let entry = accept(&entry, &base, name)?;
        for index in include.matches(&entry.name) {
            // Each pattern is two globs: itself, and all that is below it.
            used[index / 2] = true;
        }
        found.insert(entry.name.clone(), entry);
    }
    let idle = assets.include.iter().zip(used).filter(|(_, used)| !used);
    let warnings = idle
        .map(|(pattern, _)| {
            format!(
                "[assets] include: {pattern:?} takes no file of {}",
                base.display()
            )
        })
        .collect();
    Ok(Collected {
        entries: found.into_values().collect(),
        warnings,
    })
}

impl Collected {
    /// The same, where the runtime is the function's executable and the server's is beside it.
    pub(crate) fn beside_server(self) -> Result<Self, AssetError> {
        // No file can be in a folder that is a file.
        let takes = |name: &str| name.split('/').next() == Some(SERVER);
        match self.entries.iter().find(|entry| takes(&entry.name)) {
            Some(entry) => Err(AssetError::Server {
                name: entry.name.clone(),
            }),
            None => Ok(self),
        }
    }
}

fn accept(entry: &DirEntry, base: &Path, name: String) -> Result<Entry, AssetError> {
    let path = entry.path();
    let io = |source| AssetError::Io {
        path: path.to_owned(),
        source,
    };
    let leads_to = path.canonicalize().map_err(io)?;
    if !leads_to.starts_with(base) {
        return Err(AssetError::Outside {
            name,
            base: base.to_owned(),
            leads_to,
        });
    }
    if path.to_str().is_none() {
        return Err(AssetError::Name {
            path: path.to_owned(),
        });
    }
    if name == BOOTSTRAP {
        return Err(AssetError::Bootstrap {
            path: path.to_owned(),
        });
    }
    let metadata = path.metadata().map_err(io)?;
    if !metadata.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is no file");
        return Err(io(source));
    }
    let executable = cfg!(unix) && crate::binary::is_executable(&metadata);
    Ok(Entry {
        name,
        path: leads_to,
        executable,
        size: metadata.len(),
    })
}

fn globs(key: &'static str, patterns: &[String]) -> Result<GlobSet, AssetError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let owned = || pattern.clone();
        let plain = pattern.trim_start_matches("./").trim_end_matches('/');
        let mut parts = Path::new(plain).components();
        if parts.any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(AssetError::PatternOutside {
                key,
                pattern: owned(),
            });
        }
        // A folder's name stands for all that is in it.
        for glob in [plain.to_owned(), format!("{plain}/**")] {
            let glob = GlobBuilder::new(&glob).literal_separator(true).build();
            set.add(glob.map_err(|source| AssetError::Pattern {
                key,
                pattern: owned(),
                source,
            })?);
        }
    }
    set.build().map_err(|source| AssetError::Pattern {
        key,
        pattern: String::new(),
        source,
    })
}

fn enters(entry: &DirEntry, base: &Path, wanted: &dyn Fn(&str) -> bool) -> bool {
    let name = entry.file_name();
    if NEVER.iter().any(|never| name == *never) {
        return false;
    }
    if !entry.file_type().is_dir() {
        return true;
    }
    if name == CARGO_TARGET && (entry.depth() == 1 || entry.path().join(CARGO_MARK).is_file()) {
        return false;
    }
    // A link out of the base folder may lead anywhere: it is looked at only to refuse it.
    let name = name_of(entry.path(), base);
    !leaves(entry, base) || wanted(&name) || wanted(&below(&name))
}

/// Whether the folder is a symbolic link out of the base folder.
fn leaves(entry: &DirEntry, base: &Path) -> bool {
    entry.path_is_symlink()
        && entry
            .path()
            .canonicalize()
            .is_ok_and(|leads_to| !leads_to.starts_with(base))
}

/// A name that any file in the folder `name` might have.
fn below(name: &str) -> String {
    format!("{name}/x")
}

/// A folder that links into itself, or a link to nothing, matters only when it is wanted.
fn unreadable(
    error: walkdir::Error,
    base: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Option<AssetError> {
    let path = error.path().unwrap_or(base).to_owned();
    let matters = error.loop_ancestor().is_none()
        && (path == base || wanted(&name_of(&path, base)) || wanted(&below(&name_of(&path, base))));
    matters.then(|| AssetError::Io {
        path,
        source: error.into(),
    })
}

/// The name in the zip: relative to the base folder, with slashes on any system.
fn name_of(path: &Path, base: &Path) -> String {
    let relative = path.strip_prefix(base).unwrap_or(path);
    let parts = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
#[path = "assets_tests.rs"]
mod tests;
