//! Whether a process of this machine still runs.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process, known beyond its number: numbers are used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// The boot of the machine and the namespace that the number is of.
    space: String,
    pid: u32,
    /// When it started, in clock ticks since that boot.
    started: u64,
}

impl Process {
    /// This process; `None` where that cannot be told.
    pub(super) fn this() -> Option<Self> {
        let pid = std::process::id();
        Some(Self {
            space: space()?,
            pid,
            started: started(pid)?,
        })
    }

    /// Whether it is proven to have ended. Of what runs on another machine, in another container or
    /// ran before a restart nothing is proven.
    pub(super) fn has_ended(&self) -> bool {
        space().is_some_and(|here| here == self.space) && started(self.pid) != Some(self.started)
    }
}

/// Where numbers of processes mean the same.
fn space() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process started; `None` when there is none of that number.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may have anything in it; after it come the state and 18 numbers.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    // A zombie runs no more.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_ended_when_it_is_gone_or_another_has_its_number() {
        let this = Process::this().unwrap();
        assert!(!this.has_ended());
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let process = Process {
            pid: child.id(),
            started: started(child.id()).unwrap(),
            ..this.clone()
        };
        assert!(!process.has_ended());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process.has_ended());
        let earlier = Process {
            started: this.started - 1,
            ..this.clone()
        };
        assert!(earlier.has_ended());
        let elsewhere = Process {
            space: "another".to_owned(),
            ..process
        };
        assert!(!elsewhere.has_ended());
    }
}
