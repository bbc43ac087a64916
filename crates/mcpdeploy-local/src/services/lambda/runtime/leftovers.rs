//! Processes that a killed cloud left behind, and how the next one ends them.
//!
//! A process whose cloud is gone finds its Runtime API closed and ends by itself, if it is at that
//! API; one in the middle of a run may go on. So each is written down with the moment of its start,
//! which tells it from another process that was given its number, and the next cloud on the same
//! data folder ends what is left. A cloud without a data folder leaves no such list. What a function
//! started beside itself is ended with it, but not when it is all that is left.

use std::fs;
use std::sync::{Arc, Mutex};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::family;
use crate::storage::{Collection, ReadError, Storage};

/// A process, told from all others there ever are on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    pid: u32,
    /// In clock ticks since the machine started.
    started: u64,
}

/// A process of a function, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    process: Identity,
    cloud: Identity,
    /// Which start of the machine this was.
    boot: String,
}

/// The processes that are running.
#[derive(Debug)]
pub(super) struct Ledger {
    rows: Mutex<Collection<Row>>,
    cloud: Option<(Identity, String)>,
}

impl Ledger {
    /// Opens the list and ends what is still running of a cloud that is not.
    pub(super) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let rows: Collection<Row> = storage.collection("lambda.processes")?;
        let cloud = Identity::of(std::process::id()).zip(boot());
        for (_, row) in rows.iter() {
            row.end_leftover();
        }
        let gone: Vec<String> = rows
            .iter()
            .filter(|(_, row)| !row.cloud.is_running() || row.boot != boot().unwrap_or_default())
            .map(|(key, _)| key.to_owned())
            .collect();
        let ledger = Self {
            rows: Mutex::new(rows),
            cloud,
        };
        for key in gone {
            ledger.forget(&key);
        }
        Ok(ledger)
    }

    /// Writes down a process that was started, until the entry is dropped.
    pub(super) fn remember(self: &Arc<Self>, pid: u32) -> Option<Entry> {
        let (cloud, boot) = self.cloud.clone()?;
        let process = Identity::of(pid)?;
        let key = pid.to_string();
        let row = Row {
            process,
            cloud,
            boot,
        };
        let kept = self.lock().put(&key, row);
        if let Err(error) = kept {
            tracing::warn!(%error, "a process of a function is not written down");
        }
        Some(Entry {
            ledger: self.clone(),
            key,
        })
    }

    fn forget(&self, key: &str) {
        let removed = self.lock().remove(key);
        if let Err(error) = removed {
            tracing::warn!(%error, "a process that ended is still written down");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Collection<Row>> {
        self.rows
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A process that is written down.
#[derive(Debug)]
pub(super) struct Entry {
    ledger: Arc<Ledger>,
    key: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.ledger.forget(&self.key);
    }
}

impl Row {
    fn end_leftover(&self) {
        let same_boot = boot().is_some_and(|boot| boot == self.boot);
        if !same_boot || self.cloud.is_running() || !self.process.is_running() {
            return;
        }
        let pid = i32::try_from(self.process.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            tracing::info!(
                pid = self.process.pid,
                "ending a process that an earlier cloud left"
            );
            family::end(pid);
        }
    }
}

impl Identity {
    /// Where there is no `/proc`, there is none.
    fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is a name in parentheses, with whatever the program put there; the
        // start is the 22nd field, the 20th after it.
        let (_, fields) = stat.rsplit_once(')')?;
        let started = fields.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self { pid, started })
    }

    fn is_running(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }
}

fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn sleeper() -> Child {
        Command::new("/bin/sleep")
            .arg("600")
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    fn write_down(storage: &Storage, child: &Child, change: impl FnOnce(&mut Row)) {
        let ledger = Arc::new(Ledger::open(storage).unwrap());
        let entry = ledger.remember(child.id()).unwrap();
        ledger.lock().update(&entry.key, change).unwrap();
        // As when the cloud is killed.
        std::mem::forget(entry);
    }

    #[test]
    fn what_a_killed_cloud_left_is_ended_by_the_next() {
        let storage = Storage::open(None).unwrap();
        let mut child = sleeper();
        // The cloud that started it is not there any more.
        write_down(&storage, &child, |row| row.cloud.started += 1);
        let ledger = Ledger::open(&storage).unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(ledger.lock().iter().count(), 0);
    }

    #[test]
    fn others_are_left_alone() {
        type Change = fn(&mut Row);
        let running: Change = |_| {};
        let another_process: Change = |row| {
            row.cloud.started += 1;
            row.process.started += 1;
        };
        let another_boot: Change = |row| {
            row.cloud.started += 1;
            row.boot.push('x');
        };
        for change in [running, another_process, another_boot] {
            let storage = Storage::open(None).unwrap();
            let mut child = sleeper();
            write_down(&storage, &child, change);
            drop(Ledger::open(&storage).unwrap());
            assert!(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
