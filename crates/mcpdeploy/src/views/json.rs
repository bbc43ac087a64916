//! What happens, for programs: one JSON object a line, the first line saying which format it is.

use std::io::{self, Write};

use mcpdeploy_engine::event::{self, Event, Sink};
use mcpdeploy_engine::plan::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::Report;

/// One line of machine output: an event of the engine, or something that only commands say.
#[cfg(test)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Line {
    /// Said by the command.
    Said(Box<Said>),
    /// Something that happened.
    Event(Event),
}

/// What only commands say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The first line: who writes, in which format.
    Version {
        /// The version of this format.
        format: u32,
        /// The version of mcpdeploy.
        mcpdeploy: String,
    },
    /// The plan.
    Planned {
        /// All of it.
        plan: Box<Plan>,
    },
    /// What a command was asked for, e.g. outputs or a list.
    Result {
        /// The command, e.g. `output`.
        command: String,
        /// What it found.
        data: Value,
    },
    /// Something failed.
    Error {
        /// What.
        error: String,
        /// Why, the nearest cause first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        causes: Vec<String>,
        /// On what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// What a person can do about it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hints: Vec<String>,
        /// What to do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
}

impl From<&Report> for Said {
    fn from(report: &Report) -> Self {
        Self::Error {
            error: report.error.clone(),
            causes: report.causes.clone(),
            on: report.on.clone(),
            hints: report.hints.clone(),
            next: report.next.clone(),
        }
    }
}

/// Writes lines of JSON. A reader that goes away does not stop the run.
pub(crate) struct JsonLines<W: Write + Send> {
    out: W,
    begun: bool,
    /// Nobody reads any more.
    deaf: bool,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`; the version comes before the first line.
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            begun: false,
            deaf: false,
        }
    }

    /// Says something that is no event of the engine.
    pub(crate) fn say(&mut self, said: &Said) {
        self.line(said);
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.write(&Said::Version {
                format: event::FORMAT,
                mcpdeploy: env!("CARGO_PKG_VERSION").to_owned(),
            });
        }
    }

    fn line(&mut self, line: &impl Serialize) {
        self.begin();
        self.write(line);
    }

    fn write(&mut self, line: &impl Serialize) {
        if self.deaf {
            return;
        }
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut text| {
                // One write a line: what reads never sees half of one.
                text.push(b'\n');
                self.out.write_all(&text)?;
                self.out.flush()
            });
        self.deaf = written.is_err();
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn event(&mut self, event: &Event) {
        self.line(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcpdeploy_engine::event::Summary;

    struct Closed(usize, usize);
    impl Write for Closed {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_version_comes_first_and_every_line_reads_back() {
        let mut out = Vec::new();
        let mut lines = JsonLines::new(&mut out);
        lines.event(&Event::Reading { done: 1, total: 2 });
        lines.say(&Said::from(
            &Report::new("failed to plan").with_hint("read"),
        ));
        lines.event(&Event::RunFinished {
            summary: Summary::default(),
        });
        let text = String::from_utf8(out).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert!(
            text.starts_with(&format!(
                "{{\"event\":\"version\",\"format\":1,\"mcpdeploy\":\"{version}\"}}\n"
            )),
            "{text}"
        );
        let read: Vec<Line> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read.len(), 4);
        assert_eq!(read[1], Line::Event(Event::Reading { done: 1, total: 2 }));
    }

    #[test]
    fn a_closed_pipe_is_left_alone() {
        let mut lines = JsonLines::new(Closed(1, 0));
        for _ in 0..3 {
            lines.event(&Event::Reading { done: 1, total: 2 });
        }
        assert!(lines.deaf);
        assert_eq!(lines.out.1, 2, "it was written to again");
    }
}
