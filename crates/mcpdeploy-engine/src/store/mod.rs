//! Where the state lives: one folder a deployment and environment, with `state.json`,
//! `journal.jsonl` and `state.lock`.
//!
//! The state is only ever replaced as a whole: temporary file, fsync, rename, fsync of the folder.
//! What a crash leaves is the old state with a journal, or the new one with a stale journal that
//! its serial gives away.

mod error;
mod format;
mod lock;

pub use error::StoreError;
pub use format::{StateProblem, parse_state};
pub use lock::Lock;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::durable::{BeforeWrite, Watch, Write};
use crate::journal::Journal;
use crate::record::{Begun, Record, RunInfo};
use crate::state::State;

use format::{Head, parse_head};

/// The folder of one deployment in one environment.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    watch: Watch,
}

/// What was found in the folder.
#[derive(Debug)]
pub struct Loaded {
    /// The state with the journal folded into it; `None` when nothing was ever deployed. Each
    /// record of an interrupted run counts as a change: the serial is then so much higher than that
    /// of the file, and a plan made before that run is no longer for this state.
    pub state: Option<State>,
    /// The run that did not end: its journal was there.
    pub interrupted: Option<RunInfo>,
    /// The records of that journal.
    pub records: usize,
}

impl Store {
    /// The store in that folder, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            watch: Watch::default(),
        }
    }

    /// Tells `watch` of each durable write before it happens; its error takes the write's place.
    #[must_use]
    pub fn watched(mut self, watch: Arc<BeforeWrite>) -> Self {
        self.watch = Watch(Some(watch));
        self
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The state's file.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// The journal's file.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        self.dir.join("journal.jsonl")
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("state.lock")
    }

    /// Reads state and journal. Changes nothing.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, or was written by a newer program.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        // The journal first: when a run ends between the two reads, the state then is the newer
        // one and the journal is known to be in it.
        let journal = Journal::read(&self.journal_path())?;
        let mut state = self.read_state()?;
        let mut loaded = Loaded {
            state: None,
            interrupted: None,
            records: 0,
        };
        if let Some((begun, records)) = journal {
            let base = match state.take() {
                Some(state) if state.lineage != begun.lineage => {
                    return Err(StoreError::Foreign(self.journal_path()));
                }
                Some(state) => state,
                None => State {
                    lineage: begun.lineage.clone(),
                    ..State::new(&begun.deployment, &begun.environment)
                },
            };
            if base.serial == begun.serial {
                loaded.records = records.len();
                loaded.interrupted = Some(begun.by);
                let mut folded = self.fold(base, &records)?;
                folded.serial += records.len() as u64;
                state = Some(folded);
            } else if base.serial > begun.serial {
                state = Some(base); // folded and saved already; only the file was left
            } else {
                return Err(StoreError::Foreign(self.journal_path()));
            }
        }
        loaded.state = state;
        Ok(loaded)
    }

    fn fold(&self, mut state: State, records: &[Record]) -> Result<State, StoreError> {
        for (index, record) in records.iter().enumerate() {
            state.fold(record).map_err(|source| StoreError::Fold {
                path: self.journal_path(),
                line: index + 2,
                source,
            })?;
        }
        Ok(state)
    }

    fn read_state(&self) -> Result<Option<State>, StoreError> {
        let bytes = self.state_bytes()?;
        let state = bytes.map(|bytes| parse_state(&bytes)).transpose();
        state.map_err(|problem| self.problem(problem))
    }

    fn read_head(&self) -> Result<Option<Head>, StoreError> {
        let bytes = self.state_bytes()?;
        let head = bytes.map(|bytes| parse_head(&bytes)).transpose();
        head.map_err(|problem| self.problem(problem))
    }

    fn state_bytes(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.state_path();
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::io("read", &path, source)),
        }
    }

    fn problem(&self, problem: StateProblem) -> StoreError {
        let path = self.state_path();
        match problem {
            StateProblem::Newer(found) => StoreError::Newer { path, found },
            StateProblem::Unreadable(source) => StoreError::Unreadable { path, source },
        }
    }

    /// Checks that the folder still has the state that `state` was loaded from: nothing that came
    /// in between is ever written over.
    fn check_unchanged(&self, state: &State) -> Result<(), StoreError> {
        let (mut lineage, mut serial) = match self.read_head()? {
            Some(head) => (Some(head.lineage), head.serial),
            None => (None, 0),
        };
        if let Some((begun, records)) = Journal::read(&self.journal_path())?
            && begun.serial == serial
        {
            serial += records.len() as u64;
            lineage = lineage.or(Some(begun.lineage));
        }
        if state.serial == serial && lineage.is_none_or(|lineage| lineage == state.lineage) {
            Ok(())
        } else {
            let changed = io::Error::other("it was changed since it was read");
            Err(StoreError::io("write", &self.state_path(), changed))
        }
    }

    /// Takes an interrupted run's journal, which is folded into `state`, into the file.
    pub(crate) fn settle(&self, _lock: &Lock, state: &mut State) -> Result<(), StoreError> {
        if self.journal_path().exists() {
            self.check_unchanged(state)?;
            self.save(state)?;
        }
        Ok(())
    }

    /// Begins a run's journal on top of a state. The caller holds the lock.
    ///
    /// A journal that is already folded into `state` (an interrupted run's) is kept until the new
    /// state is durable: it is saved first, so that nothing depends on two journals.
    ///
    /// # Errors
    /// When the folder no longer has the state that `state` was loaded from, or the disk does not
    /// take it.
    pub fn begin(
        &self,
        _lock: &Lock,
        state: &mut State,
        by: RunInfo,
    ) -> Result<Journal, StoreError> {
        self.check_unchanged(state)?;
        if self.journal_path().exists() {
            self.save(state)?;
        }
        let begun = Begun {
            format: crate::journal::FORMAT,
            lineage: state.lineage.clone(),
            serial: state.serial,
            deployment: state.deployment.clone(),
            environment: state.environment.clone(),
            by,
        };
        let journal = Journal::create_watched(&self.journal_path(), begun, self.watch.clone())?;
        self.sync_dir()?;
        Ok(journal)
    }

    /// Ends a run: the state becomes durable under the next serial, then the journal goes.
    ///
    /// # Errors
    /// When the disk does not take it; state and journal are then as they were.
    pub fn commit(&self, journal: Journal, state: &mut State) -> Result<(), StoreError> {
        drop(journal);
        self.save(state)
    }

    /// Writes the state under the next serial and drops a journal that is in it.
    fn save(&self, state: &mut State) -> Result<(), StoreError> {
        state.serial += 1;
        let written = self.replace_state(&self.state_path(), state);
        if written.is_err() {
            state.serial -= 1;
        }
        written?;
        self.drop_journal()
    }

    fn replace_state(&self, path: &Path, state: &State) -> Result<(), StoreError> {
        let mut bytes = serde_json::to_vec_pretty(state)
            .map_err(|e| StoreError::io("write", path, e.into()))?;
        bytes.push(b'\n');
        self.replace(path, &bytes)
    }

    fn drop_journal(&self) -> Result<(), StoreError> {
        let path = self.journal_path();
        let removed = self.watch.before(Write::RemoveJournal);
        match removed.and_then(|()| fs::remove_file(&path)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove", &path, error)),
        }
        self.sync_dir()
    }

    /// Replaces the state by hand (`state mv`, `rm`, `push`), keeping a copy of the old one beside
    /// it. The caller holds the lock.
    ///
    /// # Errors
    /// When the disk does not take it; the state is then as it was.
    pub fn replace_with_backup(
        &self,
        _lock: &Lock,
        old: Option<&State>,
        new: &mut State,
    ) -> Result<Option<PathBuf>, StoreError> {
        let backup = match old {
            Some(old) => {
                self.check_unchanged(old)?;
                let path = self.dir.join(format!("state.json.backup-{}", old.serial));
                self.replace_state(&path, old)?;
                Some(path)
            }
            None => None,
        };
        self.save(new)?;
        Ok(backup)
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
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            self.watch.before(Write::Rename)?;
            fs::rename(&temporary, path)
        })();
        if let Err(source) = result {
            // What is left of the temporary file is of no use; that it cannot be removed changes nothing.
            let _ = fs::remove_file(&temporary);
            return Err(StoreError::io("write", path, source));
        }
        self.sync_dir()
    }

    fn sync_dir(&self) -> Result<(), StoreError> {
        self.watch
            .before(Write::Folder)
            .and_then(|()| File::open(&self.dir))
            .and_then(|dir| dir.sync_all())
            .map_err(|e| StoreError::io("save", &self.dir, e))
    }
}
