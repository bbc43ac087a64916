//! A run of the binary whose events are read as they come, so that a test can act at a moment that
//! it has chosen.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::project::Project;

/// A run with `--json`. Killed when dropped.
pub(crate) struct Watched {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// The events so far.
    pub(crate) events: Vec<Value>,
}

impl Watched {
    pub(crate) fn start(project: &Project, args: &[&str]) -> Self {
        let mut child = project
            .command(&[args, &["--json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
            events: Vec::new(),
        }
    }

    /// The next event; `None` when there will be none.
    fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.expect("the line is text");
        let event: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        self.events.push(event.clone());
        Some(event)
    }

    /// Reads on until an event of that name.
    pub(crate) fn wait_for(&mut self, name: &str) -> Value {
        loop {
            match self.next() {
                Some(event) if event["event"] == name => return event,
                Some(_) => {}
                None => panic!("it ended without {name}: {:#?}", self.events),
            }
        }
    }

    /// Reads on until so many events of that name were there; whether there were.
    pub(crate) fn wait_for_number(&mut self, name: &str, number: usize) -> bool {
        let mut seen = 0;
        while seen < number {
            match self.next() {
                Some(event) => seen += usize::from(event["event"] == name),
                None => return false,
            }
        }
        true
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended just now.
        let _ = kill_process(id.expect("a process has an id"), signal);
    }

    /// Reads to the end; the exit code, `None` when a signal ended it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        while self.next().is_some() {}
        self.child.wait().expect("it ends").code()
    }

    /// The events of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["event"] == name)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It has usually ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
