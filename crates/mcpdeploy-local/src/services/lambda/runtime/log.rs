//! What a process writes, and what Lambda writes about it, on the way to CloudWatch Logs.
//!
//! Lines are kept until [`Log::flush`]: one call of the log store a run, not one a line.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Program;
use super::failure::Failure;
use crate::cloud::Cloud;
use crate::seen::Seen;
use crate::services::logs::{LogLine, LogTarget};

/// A line that is longer becomes several: the largest event that CloudWatch Logs takes.
const LONGEST_LINE: usize = 256 * 1024;

/// How much of the end of a run's log its caller may have.
const TAIL: usize = 4096;

/// The log of one execution environment: one stream.
#[derive(Debug)]
pub(super) struct Log {
    cloud: Cloud,
    program: Arc<Program>,
    stream: String,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    waiting: Vec<LogLine>,
    tail: Vec<u8>,
}

impl Log {
    /// A new stream: `2026/01/02/[$LATEST]` and 32 hexadecimal digits.
    pub(super) fn new(cloud: Cloud, program: Arc<Program>) -> Self {
        let date = cloud.now().date();
        let stream = format!(
            "{}/{:02}/{:02}/[{}]{}",
            date.year(),
            u8::from(date.month()),
            date.day(),
            program.version,
            uuid::Uuid::new_v4().simple()
        );
        Self {
            cloud,
            program,
            stream,
            line: Vec::new(),
            waiting: Vec::new(),
            tail: Vec::new(),
        }
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// Takes what the process wrote.
    pub(super) fn output(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            self.line.extend_from_slice(line);
            self.end_line();
        }
        self.line.extend_from_slice(bytes);
        while self.line.len() > LONGEST_LINE {
            let rest = self.line.split_off(LONGEST_LINE);
            self.end_line();
            self.line = rest;
        }
    }

    /// Takes a line that has no end, because its process has come to one.
    pub(super) fn last_output(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let mut rest = std::mem::take(&mut self.line);
        loop {
            let next = rest.split_off(rest.len().min(LONGEST_LINE));
            let line = String::from_utf8_lossy(&rest).into_owned();
            self.cloud.tell(|| Seen::Log {
                function: self.program.function.clone(),
                line: line.clone(),
            });
            self.push(line);
            if next.is_empty() {
                return;
            }
            rest = next;
        }
    }

    /// Writes a line of Lambda's own. Like Lambda, every event ends with a line feed.
    fn push(&mut self, mut line: String) {
        line.push('\n');
        self.tail.extend_from_slice(line.as_bytes());
        if self.tail.len() > 4 * TAIL {
            let cut = self.tail.len() - TAIL;
            self.tail.drain(..cut);
        }
        self.waiting.push(LogLine {
            at: self.cloud.now(),
            message: line,
        });
    }

    pub(super) fn init_start(&mut self) {
        let region = &self.program.region;
        self.push(format!(
            "INIT_START Runtime Version: provided:al2023.v97\tRuntime Version ARN: arn:aws:lambda:{region}::runtime:c41794fa37de91d5a4c88f2a471b21f574288707c433f12c13d96fe25015cab8"
        ));
    }

    /// Lambda writes it only of starts that failed. `phase` is `init`, or `invoke` for the second
    /// try, which is part of the run.
    pub(super) fn init_report(&mut self, took: Duration, phase: &str, failure: &Failure) {
        self.push(format!(
            "INIT_REPORT Init Duration: {} ms\tPhase: {phase}\t{}",
            millis(took),
            failure.status()
        ));
    }

    pub(super) fn start(&mut self, request_id: &str) {
        let version = &self.program.version;
        self.push(format!("START RequestId: {request_id} Version: {version}"));
    }

    /// Writes the two lines at the end of a run.
    pub(super) fn end(&mut self, request_id: &str, report: &Report<'_>) {
        self.push(format!("END RequestId: {request_id}"));
        let billed = report.duration + report.init.unwrap_or_default();
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            millis(report.duration),
            billed.as_nanos().div_ceil(1_000_000),
            self.program.memory_mb,
            report.memory_mb,
        );
        if let Some(init) = report.init {
            line.push_str(&format!("Init Duration: {} ms\t", millis(init)));
        }
        if let Some(failure) = report.failure {
            line.push_str(&failure.status());
        }
        self.push(line);
    }

    /// Writes what a person should look at, in words that are not Lambda's.
    pub(super) fn hint(&mut self, hint: &str) {
        self.push(format!("[mcpdeploy] hint: {hint}"));
    }

    /// Whether lines wait for [`Log::flush`].
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Hands the lines to the log store.
    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let target = LogTarget {
            region: &self.program.region,
            group: &self.program.log_group,
            stream: &self.stream,
        };
        let lines = std::mem::take(&mut self.waiting);
        self.cloud
            .services()
            .logs
            .append(&self.cloud, target, lines);
    }

    /// The end of what was written since the last call, at most 4 KB.
    pub(super) fn take_tail(&mut self) -> Bytes {
        let tail = std::mem::take(&mut self.tail);
        let cut = tail.len().saturating_sub(TAIL);
        Bytes::from(tail).slice(cut..)
    }

    /// The end of what was written since the last [`Log::take_tail`], to look for causes in.
    pub(super) fn recent(&self) -> String {
        let cut = self.tail.len().saturating_sub(TAIL);
        let recent = self.tail.get(cut..).unwrap_or_default();
        String::from_utf8_lossy(recent).into_owned()
    }
}

/// What a `REPORT` line says.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) duration: Duration,
    pub(super) init: Option<Duration>,
    pub(super) memory_mb: u64,
    pub(super) failure: Option<&'a Failure>,
}

/// Milliseconds with two decimals.
fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}
