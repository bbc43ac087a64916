//! The lock of a deployment's folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::Path;

use super::{Store, StoreError};
use crate::record::RunInfo;

impl Store {
    /// Takes the lock; it is held until the guard is dropped or the process ends, however it ends.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when another run has it.
    pub fn lock(&self, by: &RunInfo) -> Result<Lock, StoreError> {
        self.make_dir()?;
        let path = self.lock_path();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options
            .open(&path)
            .map_err(|e| StoreError::io("open", &path, e))?;
        let taken = file.try_lock();
        if let Err(TryLockError::Error(error)) = taken {
            return Err(StoreError::io("lock", &path, error));
        }
        if taken.is_err() {
            let mut text = String::new();
            let holder = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| serde_json::from_str(&text).ok());
            return Err(StoreError::Locked { path, holder });
        }
        let line = serde_json::to_vec(by).map_err(|e| StoreError::io("write", &path, e.into()))?;
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&line))
            .map_err(|e| StoreError::io("write", &path, e))?;
        Ok(Lock { file })
    }

    /// Makes the folder, durably.
    fn make_dir(&self) -> Result<(), StoreError> {
        let new: Vec<&Path> = self
            .dir
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .collect();
        fs::create_dir_all(&self.dir).map_err(|e| StoreError::io("make", &self.dir, e))?;
        for dir in new {
            let parent = match dir.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                Some(_) | None => Path::new("."),
            };
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(|e| StoreError::io("make", dir, e))?;
        }
        Ok(())
    }
}

/// The lock, held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next holder's name replaces ours; an unlocked file with a name in it means nothing.
        // Closing the file unlocks it in any case.
        let _ = self.file.unlock();
    }
}
