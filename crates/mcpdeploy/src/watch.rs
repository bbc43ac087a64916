//! Changes of a project's files, for `dev`.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use walkdir::WalkDir;

/// How long nothing must change before a change counts: editors write several files at once.
const QUIET: Duration = Duration::from_millis(120);

/// Folders that builds and tools write: changes there are nobody's edits.
const IGNORED: [&str; 6] = [
    "target",
    ".git",
    "node_modules",
    "build",
    "local",
    "deployments",
];

/// Watches folders, without those that builds write.
pub(crate) struct Changes {
    changed: mpsc::UnboundedReceiver<PathBuf>,
    watcher: RecommendedWatcher,
    watched: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Changes {
    /// Starts watching.
    pub(crate) fn of(folders: &[PathBuf]) -> notify::Result<Self> {
        let (sender, changed) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            for path in event.paths {
                if counts(&path) {
                    // Nobody listens any more: `dev` is about to end.
                    drop(sender.send(path));
                }
            }
        })?;
        let mut changes = Self {
            changed,
            watcher,
            watched: Arc::default(),
        };
        for folder in folders {
            changes.add(folder);
        }
        Ok(changes)
    }

    /// Waits for changes, until there are no more for a moment, and returns what changed.
    pub(crate) async fn next(&mut self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        match self.changed.recv().await {
            Some(path) => paths.push(path),
            // The watcher is gone: there is nothing to wait for.
            None => std::future::pending().await,
        }
        while let Ok(Some(path)) = tokio::time::timeout(QUIET, self.changed.recv()).await {
            paths.push(path);
        }
        // A new folder may hold new source.
        for path in &paths {
            if path.is_dir() {
                self.add(path);
            }
        }
        paths.sort();
        paths.dedup();
        paths
    }

    fn add(&mut self, folder: &Path) {
        let walk = WalkDir::new(folder)
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !ignored(entry.file_name(), entry.path()));
        for entry in walk.flatten().filter(|entry| entry.file_type().is_dir()) {
            let path = entry.into_path();
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            // A folder that is gone again, or one too many for the machine: the others go on.
            if watched.insert(path.clone())
                && let Err(error) = self.watcher.watch(&path, RecursiveMode::NonRecursive)
            {
                tracing::warn!(%error, path = %path.display(), "not watched");
            }
        }
    }
}

/// Whether a folder is one that builds and tools write. `build`, `local` and `deployments` are so
/// only below `.pmcp`.
fn ignored(name: &OsStr, path: &Path) -> bool {
    let Some(name) = name.to_str() else {
        return true;
    };
    if !IGNORED.contains(&name) {
        return false;
    }
    let in_pmcp = path.parent().and_then(Path::file_name) == Some(OsStr::new(".pmcp"));
    in_pmcp || ["target", ".git", "node_modules"].contains(&name)
}

/// Whether a change of this file is an edit: editors leave temporary files all over the place.
fn counts(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    let temporary = name.ends_with('~')
        || name.ends_with(".swp")
        || name.ends_with(".swx")
        || name.starts_with(".#")
        || name == "4913";
    let inside = path
        .ancestors()
        .any(|part| part.file_name().is_some_and(|name| ignored(name, part)));
    !temporary && !inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_and_what_builds_and_editors_write_does_not() {
        for path in [
            "/p/src/main.rs",
            "/p/.pmcp/deploy.toml",
            "/p/src/build/x.rs",
            "/p/local/a",
        ] {
            assert!(counts(Path::new(path)), "{path}");
        }
        for path in [
            "/p/target/debug/x",
            "/p/.git/index",
            "/p/.pmcp/build/default/bootstrap.zip",
            "/p/.pmcp/local/cloud/lock",
            "/p/src/.main.rs.swp",
            "/p/src/main.rs~",
            "/p/src/4913",
        ] {
            assert!(!counts(Path::new(path)), "{path}");
        }
    }
}
