//! How much memory a process and its descendants use, as `/proc` says. Where there is none, nothing
//! is known and no limit holds.

use std::fs::{self, File};
use std::io::Read;

/// How many samples one list of descendants is used for: finding them reads a file a thread.
const LIST_AGE: u32 = 10;

/// The memory of a process and its descendants.
#[derive(Debug)]
pub(super) struct Memory {
    leader: u32,
    descendants: Vec<u32>,
    samples: u32,
    /// The most that was seen, in bytes.
    peak: u64,
}

impl Memory {
    pub(super) fn of(leader: u32) -> Self {
        Self {
            leader,
            descendants: Vec::new(),
            samples: 0,
            peak: 0,
        }
    }

    /// What they use now, in bytes.
    pub(super) fn sample(&mut self) -> u64 {
        if self.samples.is_multiple_of(LIST_AGE) {
            self.descendants.clear();
            descendants(self.leader, &mut self.descendants);
        }
        self.samples += 1;
        let others: u64 = self.descendants.iter().map(|&pid| resident(pid)).sum();
        let sum = resident(self.leader) + others;
        self.peak = self.peak.max(sum);
        sum
    }

    /// The most that they used, in megabytes; between samples, only of the process itself.
    pub(super) fn peak_mb(&mut self) -> u64 {
        self.peak = self.peak.max(high_water(self.leader));
        self.peak.div_ceil(1024 * 1024)
    }
}

/// Resident bytes of one process; none when it is gone.
fn resident(pid: u32) -> u64 {
    let mut buffer = [0; 128];
    let read = File::open(format!("/proc/{pid}/statm"))
        .and_then(|mut file| file.read(&mut buffer))
        .unwrap_or_default();
    let text = str::from_utf8(buffer.get(..read).unwrap_or_default()).unwrap_or_default();
    let pages: u64 = text
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

/// The most resident bytes that one process ever had.
fn high_water(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse().ok())
        .unwrap_or_default();
    kilobytes * 1024
}

fn descendants(pid: u32, found: &mut Vec<u32>) {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            if let Ok(child) = child.parse() {
                found.push(child);
                descendants(child, found);
            }
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory() {
        let mut memory = Memory::of(std::process::id());
        let now = memory.sample();
        assert!(now > 1024 * 1024, "{now}");
        assert!(memory.peak_mb() * 1024 * 1024 >= now);
    }

    #[test]
    fn a_process_that_is_gone_uses_none() {
        assert_eq!(Memory::of(u32::MAX).sample(), 0);
    }
}
