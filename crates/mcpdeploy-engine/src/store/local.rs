//! A folder on this machine: `state.json`, `journal.jsonl` and `state.lock`.
//!
//! The state is replaced as a whole: temporary file, fsync, rename, fsync of the folder. The lock
//! is the operating system's and ends with its process, so that nobody who lost it can still write
//! (`docs/adr/0005-locks-of-the-local-store.md`).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Append, AppendError, Backend, Held, Holder, Kept, KeptJournal, StoreError, Version};
use crate::durable::{Watch, Write};
use crate::record::RunInfo;

/// The folder of one deployment in one environment.
#[derive(Debug, Clone)]
pub(super) struct Local {
    dir: PathBuf,
    watch: Watch,
}

impl Local {
    pub(super) fn new(dir: PathBuf, watch: Watch) -> Self {
        Self { dir, watch }
    }

    fn state_path(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    fn journal_path(&self) -> PathBuf {
        self.dir.join("journal.jsonl")
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("state.lock")
    }

    /// Makes the folder, durably, for nobody else's eyes.
    fn make_dir(&self) -> Result<(), StoreError> {
        let failed = |dir: &Path, error| StoreError::io("make", text(dir), error);
        let new: Vec<&Path> = self
            .dir
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .collect();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        if let Some(parent) = self.dir.parent() {
            builder.create(parent).map_err(|e| failed(parent, e))?;
        }
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.dir)
            .map_err(|e| failed(&self.dir, e))?;
        for dir in new {
            let parent = match dir.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                Some(_) | None => Path::new("."),
            };
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(|e| failed(dir, e))?;
        }
        Ok(())
    }

    /// Writes a file so that it is there whole or not at all.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that renames: with fsync of file and folder"
    )]
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        // Always the same name: what a crash leaves of it, the next write replaces. The lock keeps
        // others from writing at the same time.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let result = (|| {
            self.watch.before(Write::Temporary)?;
            let mut file = private(OpenOptions::new().write(true).create(true).truncate(true))
                .open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            self.watch.before(Write::Rename)?;
            fs::rename(&temporary, path)
        })();
        if let Err(source) = result {
            // What is left of the temporary file is of no use; that it cannot be removed changes nothing.
            let _ = fs::remove_file(&temporary);
            return Err(StoreError::io("write", text(path), source));
        }
        self.sync_dir()
    }

    fn sync_dir(&self) -> Result<(), StoreError> {
        self.watch
            .before(Write::Folder)
            .and_then(|()| File::open(&self.dir))
            .and_then(|dir| dir.sync_all())
            .map_err(|e| StoreError::io("save", text(&self.dir), e))
    }
}

/// For its owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::io("read", text(path), source)),
    }
}

impl Backend for Local {
    fn state_place(&self) -> String {
        text(&self.state_path())
    }

    fn journal_place(&self) -> String {
        text(&self.journal_path())
    }

    fn read_state(&self) -> Result<Option<Kept>, StoreError> {
        let bytes = read(&self.state_path())?;
        Ok(bytes.map(|bytes| Kept {
            bytes,
            version: None,
        }))
    }

    fn read_journal(&self) -> Result<Option<KeptJournal>, StoreError> {
        let bytes = read(&self.journal_path())?;
        // For whoever has the lock: the run that wrote it ended when the lock was free.
        Ok(bytes.map(|bytes| KeptJournal {
            bytes,
            is_barred: true,
        }))
    }

    fn lock(&self, by: &RunInfo) -> Result<Box<dyn Held>, StoreError> {
        self.make_dir()?;
        let path = self.lock_path();
        let failed = |what, error| StoreError::io(what, text(&path), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = private(&mut options)
            .open(&path)
            .map_err(|e| failed("open", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    place: text(&path),
                    holder: Box::new(named(&mut file)),
                });
            }
        }
        let line = serde_json::to_vec(by).map_err(|e| failed("write", e.into()))?;
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&line))
            .map_err(|e| failed("write", e))?;
        Ok(Box::new(OsLock(file)))
    }

    fn holder(&self) -> Result<Option<Holder>, StoreError> {
        let path = self.lock_path();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("open", text(&path), error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(named(&mut file))),
            Err(TryLockError::Error(error)) => Err(StoreError::io("lock", text(&path), error)),
        }
    }

    fn break_lock(&self, _holder: &Holder) -> Result<(), StoreError> {
        Err(StoreError::Unbreakable(text(&self.lock_path())))
    }

    fn replace_state(
        &self,
        bytes: &[u8],
        _serial: u64,
        _over: Option<&Version>,
    ) -> Result<Option<Version>, StoreError> {
        self.replace(&self.state_path(), bytes)?;
        Ok(None)
    }

    fn keep_copy(&self, serial: u64, bytes: &[u8]) -> Result<String, StoreError> {
        let path = self.dir.join(format!("state.json.backup-{serial}"));
        self.replace(&path, bytes)?;
        Ok(text(&path))
    }

    fn begin_journal(
        &self,
        _serial: u64,
        _version: Option<&Version>,
        first: &[u8],
    ) -> Result<Box<dyn Append>, StoreError> {
        let path = self.journal_path();
        let made = self
            .watch
            .before(Write::NewJournal)
            .and_then(|()| private(OpenOptions::new().write(true).create_new(true)).open(&path));
        let mut end = End {
            file: made.map_err(|e| StoreError::io("begin", text(&path), e))?,
            watch: self.watch.clone(),
        };
        match end.append(first) {
            Ok(()) => {}
            Err(AppendError::Io(error)) => return Err(StoreError::io("write", text(&path), error)),
            Err(AppendError::Lost) => return Err(StoreError::Lost(text(&self.lock_path()))),
        }
        self.sync_dir()?;
        Ok(Box::new(end))
    }

    fn bar_journal(&self, _by: &RunInfo) -> Result<(), StoreError> {
        Ok(())
    }

    fn drop_journal(&self, _saved: u64) -> Result<(), StoreError> {
        let path = self.journal_path();
        let removed = self.watch.before(Write::RemoveJournal);
        match removed.and_then(|()| fs::remove_file(&path)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove", text(&path), error)),
        }
        self.sync_dir()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the state moves aside, whole, and the folder is synced"
    )]
    fn retire(&self, serial: u64) -> Result<String, StoreError> {
        let path = self.state_path();
        let aside = self.dir.join(format!("state.json.migrated-{serial}"));
        fs::rename(&path, &aside).map_err(|e| StoreError::io("rename", text(&path), e))?;
        self.sync_dir()?;
        Ok(text(&aside))
    }
}

/// Who is named in a lock's file.
fn named(file: &mut File) -> Holder {
    let mut text = String::new();
    let by = file.read_to_string(&mut text).ok();
    Holder {
        by: by.and_then(|_| serde_json::from_str(&text).ok()),
        heartbeat: None,
        version: None,
    }
}

#[derive(Debug)]
struct OsLock(File);

impl Held for OsLock {
    fn is_held(&self) -> bool {
        true
    }
}

impl Drop for OsLock {
    fn drop(&mut self) {
        // The next holder's name replaces ours; an unlocked file with a name in it means nothing.
        // Closing the file unlocks it in any case.
        let _ = self.0.unlock();
    }
}

/// The end of the journal's file.
#[derive(Debug)]
struct End {
    file: File,
    watch: Watch,
}

impl Append for End {
    fn append(&mut self, lines: &[u8]) -> Result<(), AppendError> {
        self.watch
            .before(Write::Journal)
            .and_then(|()| self.file.write_all(lines))
            .and_then(|()| self.file.sync_data())
            .map_err(AppendError::Io)
    }
}
