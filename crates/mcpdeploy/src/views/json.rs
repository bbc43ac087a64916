//! What happens, for programs: one JSON object a line, the first line saying which format it is.

use std::io::{self, Write};

use mcpdeploy_engine::event::{self, Event, Sink};
use mcpdeploy_engine::said::Said;
use serde::Serialize;

use super::errors::Report;

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
    use mcpdeploy_engine::said::Line;

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
