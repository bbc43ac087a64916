//! What is kept of logins between runs: one file, for its owner alone.
//!
//! It is replaced as a whole, and under the operating system's lock from its reading to its writing:
//! a refresh token that two runs use at the same time ends both (OAuth 2.1, 4.3.1).

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::registration::Registration;
use crate::secret::Secret;

/// The version of the file's format.
const FORMAT: u32 = 1;

/// The most of the file that is read, in bytes.
const MOST: u64 = 16 << 20;

/// Logins cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// There is no folder for them.
    #[error(
        "there is no folder to keep logins in: neither MCPDEPLOY_LOGINS, XDG_STATE_HOME nor HOME is set"
    )]
    NoFolder,
    /// The file system says no.
    #[error("failed to {what} {}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Others can read along, or write.
    #[error("{} can be read or written by others", .0.display())]
    Open(PathBuf),
    /// The file is not what was written.
    #[error("{} is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong about it.
        #[source]
        source: serde_json::Error,
    },
    /// A newer version wrote it.
    #[error("{} was written by a newer version of mcpdeploy", .0.display())]
    Newer(PathBuf),
}

impl KeptError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoFolder => "set MCPDEPLOY_LOGINS to a folder of yours".to_owned(),
            Self::Io { .. } => return None,
            Self::Open(path) => format!("chmod go-rwx {}", path.display()),
            Self::Damaged { path, .. } => {
                format!("remove {}, and log in again", path.display())
            }
            Self::Newer(_) => "update mcpdeploy; nothing was changed".to_owned(),
        })
    }
}

/// A login to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) issuer: String,
    pub(crate) resource: String,
    pub(crate) client: Registration,
    pub(crate) token_endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revocation_endpoint: Option<String>,
    /// The scopes that were asked for.
    #[serde(default)]
    pub(crate) asked: Vec<String>,
    /// The scopes that the tokens have, as far as the server told.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    pub(crate) access_token: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<Secret>,
}

/// Everything that is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Content {
    version: u32,
    /// How each issuer knows this client.
    #[serde(default)]
    pub(crate) clients: BTreeMap<String, Registration>,
    /// By endpoint.
    #[serde(default)]
    pub(crate) logins: BTreeMap<String, Login>,
}

/// Where logins are kept.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// In that folder, which is made when something is kept.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Where the environment says: `$MCPDEPLOY_LOGINS`, `$XDG_STATE_HOME/mcpdeploy`, or
    /// `~/.local/state/mcpdeploy`.
    ///
    /// # Errors
    ///
    /// None of them is set.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, KeptError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(folder) = set("MCPDEPLOY_LOGINS") {
            return Ok(Self::at(folder));
        }
        // A relative one is invalid (XDG Base Directory Specification).
        let state = set("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute());
        let state = match state {
            Some(state) => state,
            None => PathBuf::from(set("HOME").ok_or(KeptError::NoFolder)?).join(".local/state"),
        };
        Ok(Self::at(state.join("mcpdeploy")))
    }

    fn file(&self) -> PathBuf {
        self.folder.join("logins.json")
    }

    /// What is kept now.
    pub(crate) fn read(&self) -> Result<Content, KeptError> {
        let path = self.file();
        let failed = |source| KeptError::Io {
            what: "read",
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Content {
                    version: FORMAT,
                    ..Content::default()
                });
            }
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(KeptError::Open(path));
        }
        let mut text = String::new();
        file.take(MOST).read_to_string(&mut text).map_err(failed)?;
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let damaged = |source| KeptError::Damaged {
            path: path.clone(),
            source,
        };
        let head: Head = serde_json::from_str(&text).map_err(damaged)?;
        if head.version > FORMAT {
            return Err(KeptError::Newer(path));
        }
        serde_json::from_str(&text).map_err(damaged)
    }

    /// Changes what is kept, while no other run can. Nothing is written when `change` says `Err`.
    pub(crate) fn change<T, E: From<KeptError>>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, E>,
    ) -> Result<T, E> {
        self.make_folder()?;
        let _lock = self.lock()?;
        let mut content = self.read()?;
        let result = change(&mut content)?;
        self.write(&content)?;
        Ok(result)
    }

    fn make_folder(&self) -> Result<(), KeptError> {
        let failed = |what| {
            move |source| KeptError::Io {
                what,
                path: self.folder.clone(),
                source,
            }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(failed("make"))?;
        let metadata = fs::metadata(&self.folder).map_err(failed("look at"))?;
        // In a folder where others may write, they could put a file of their own in the place of ours.
        if metadata.mode() & 0o022 != 0 {
            return Err(KeptError::Open(self.folder.clone()));
        }
        Ok(())
    }

    /// The lock; it ends with the value, or with the process.
    fn lock(&self) -> Result<File, KeptError> {
        let path = self.folder.join("logins.lock");
        let locked = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&path)
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| KeptError::Io {
            what: "lock",
            path,
            source,
        })
    }

    /// Replaces the file. Whoever writes has the lock, so the temporary file is nobody else's; what a
    /// crash left of it is written over.
    fn write(&self, content: &Content) -> Result<(), KeptError> {
        let path = self.file();
        let temporary = self.folder.join("logins.json.tmp");
        let written = serde_json::to_vec_pretty(content)
            .map_err(io::Error::other)
            .and_then(|text| replace(&self.folder, &temporary, &path, &text));
        written.map_err(|source| {
            // What is left of it has tokens in it. That it cannot be removed changes nothing.
            let _ = fs::remove_file(&temporary);
            KeptError::Io {
                what: "write",
                path,
                source,
            }
        })
    }
}

/// For its owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a rename with fsync of file and folder, as the store of states does it"
)]
fn replace(folder: &Path, temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    // One that is there already may have other permissions.
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(folder)?.sync_all()
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "tokens run out by the clock, and nothing here is planned"
)]
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(set: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_folder_is_where_the_environment_says() {
        let of = |set| Kept::of_environment(environment(set)).map(|kept| kept.folder);
        let home = of(&[("HOME", "/h"), ("XDG_STATE_HOME", "relative")]).unwrap();
        assert_eq!(home, Path::new("/h/.local/state/mcpdeploy"));
        let xdg = of(&[("HOME", "/h"), ("XDG_STATE_HOME", "/x")]).unwrap();
        assert_eq!(xdg, Path::new("/x/mcpdeploy"));
        let own = of(&[("HOME", "/h"), ("MCPDEPLOY_LOGINS", "/own")]).unwrap();
        assert_eq!(own, Path::new("/own"));
        assert!(matches!(of(&[("HOME", "")]), Err(KeptError::NoFolder)));
    }

    fn nothing(_: &mut Content) -> Result<(), KeptError> {
        Ok(())
    }

    #[test]
    fn nobody_else_can_look() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("a/b"));
        kept.change(nothing).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&kept.folder), 0o700);
        assert_eq!(mode(&kept.file()), 0o600);
        assert_eq!(mode(&kept.folder.join("logins.lock")), 0o600);
        fs::set_permissions(kept.file(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(kept.read(), Err(KeptError::Open(_))));
        fs::set_permissions(kept.file(), fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&kept.folder, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(kept.change(nothing), Err(KeptError::Open(_))));
    }

    #[test]
    fn what_cannot_be_read_is_not_written_over() {
        #[expect(clippy::disallowed_methods, reason = "a file of a test")]
        fn put(kept: &Kept, text: &str) {
            fs::write(kept.file(), text).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("x"));
        kept.change(nothing).unwrap();
        put(&kept, "{\"version\": 2, \"logins\": 3}");
        assert!(matches!(kept.change(nothing), Err(KeptError::Newer(_))));
        put(&kept, "{");
        assert!(matches!(
            kept.change(nothing),
            Err(KeptError::Damaged { .. })
        ));
        assert_eq!(fs::read_to_string(kept.file()).unwrap(), "{");
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("x"));
        let failed: Result<(), KeptError> = kept.change(|_| Err(KeptError::NoFolder));
        assert!(failed.is_err());
        assert!(!kept.file().exists());
    }

    #[test]
    fn changes_of_two_at_once_are_both_kept() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("x"));
        std::thread::scope(|scope| {
            for number in 0..16 {
                let kept = &kept;
                scope.spawn(move || {
                    kept.change(|content| {
                        let client = Registration::document(&format!("https://a.test/{number}"));
                        content.clients.insert(number.to_string(), client);
                        Ok::<_, KeptError>(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(kept.read().unwrap().clients.len(), 16);
    }
}
