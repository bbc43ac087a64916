//! A process and all that it started, ended together.
//!
//! A server behind a bridge has a process group of its own, so that the bridge can end it alone. The
//! groups of a process's descendants are found while it still runs: whoever has lost the parent is
//! not found again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// Kills the group that `leader` leads, and those of its descendants.
pub(super) fn end(leader: Pid) {
    let mut groups = groups_below(leader.as_raw_nonzero().get());
    groups.insert(leader.as_raw_nonzero().get());
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        match kill_process_group(group, Signal::KILL) {
            // When there is nobody left in it, that is what was wanted.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => tracing::warn!(%error, ?group, "a process group does not end"),
        }
    }
}

/// The groups of what `leader` started, and of what these started; none where there is no `/proc`.
fn groups_below(leader: i32) -> BTreeSet<i32> {
    let mut children: BTreeMap<i32, Vec<(i32, i32)>> = BTreeMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let pid = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid else { continue };
        if let Some((parent, group)) = parent_and_group(pid) {
            children.entry(parent).or_default().push((pid, group));
        }
    }
    let mut groups = BTreeSet::new();
    let mut parents = vec![leader];
    while let Some(parent) = parents.pop() {
        for (pid, group) in children.remove(&parent).unwrap_or_default() {
            groups.insert(group);
            parents.push(pid);
        }
    }
    groups
}

/// The 4th and 5th fields of `/proc/<pid>/stat`; the second is a name in parentheses, with whatever
/// the program put there.
fn parent_and_group(pid: i32) -> Option<(i32, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_has_a_group_of_its_own_ends_too() {
        // The one in between says who it started, in a session and so a group of its own.
        let mut shell = Command::new("sh")
            .args(["-c", "setsid sh -c 'echo $$; exec sleep 600' & wait"])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let server: i32 = line.trim().parse().unwrap();
        let leader = i32::try_from(shell.id()).unwrap();
        assert_ne!(parent_and_group(server).unwrap().1, leader);

        end(Pid::from_raw(leader).unwrap());
        shell.wait().unwrap();
        // Nobody has the pipe any more.
        assert_eq!(output.read(&mut [0; 1]).unwrap(), 0);
    }
}
