//! The log: a JSON object a line.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How much a line matters; Lambda's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// What happened.
    Info,
    /// What was mended, or is going to hurt.
    Warn,
    /// What failed.
    Error,
}

/// Where lines go. Clones write to the same place.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    request_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a, F> {
    timestamp: String,
    level: Level,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(flatten)]
    fields: Option<F>,
}

impl Log {
    /// The log of a function: its standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::to(Box::new(std::io::stderr()))
    }

    /// A log somewhere else.
    #[must_use]
    pub fn to(out: Box<dyn Write + Send>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                out,
                request_id: None,
            })),
        }
    }

    /// Lines from now on are of that invocation, or of none.
    pub fn of_request(&self, id: Option<&str>) {
        self.with(|inner| inner.request_id = id.map(str::to_owned));
    }

    /// A line of ours.
    pub fn line(&self, level: Level, message: &str) {
        self.write(level, message, None, None::<()>);
    }

    /// A line of ours with more than its message: the fields of `fields` beside it.
    pub fn event(&self, level: Level, message: &str, fields: &impl Serialize) {
        self.write(level, message, None, Some(fields));
    }

    /// A line of the server. One that is a JSON object already stays as it is.
    pub fn server(&self, source: &str, line: &str) {
        let is_object =
            line.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
        if is_object {
            self.with(|inner| put(&mut inner.out, line.as_bytes()));
        } else {
            self.write(Level::Info, line, Some(source), None::<()>);
        }
    }

    fn write(
        &self,
        level: Level,
        message: &str,
        source: Option<&str>,
        fields: Option<impl Serialize>,
    ) {
        let timestamp = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .unwrap_or_default();
        self.with(|inner| {
            let line = Line {
                timestamp,
                level,
                message,
                source,
                request_id: inner.request_id.as_deref(),
                fields,
            };
            if let Ok(line) = serde_json::to_vec(&line) {
                put(&mut inner.out, &line);
            }
        });
    }

    fn with(&self, act: impl FnOnce(&mut Inner)) {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// One write a line, so that lines of several processes do not mix. A log that cannot be written
/// has nobody to be told to.
fn put(out: &mut Box<dyn Write + Send>, line: &[u8]) {
    let mut whole = Vec::with_capacity(line.len() + 1);
    whole.extend_from_slice(line);
    whole.push(b'\n');
    let _ = out.write_all(&whole);
    let _ = out.flush();
}

/// An error with all its causes.
#[must_use]
pub fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_objects_and_objects_stay_as_they_are() {
        let kept = Kept::default();
        let log = Log::to(Box::new(kept.clone()));
        log.line(Level::Warn, "a \"quoted\" thing");
        log.of_request(Some("r-1"));
        let fields = serde_json::json!({"status": 200});
        log.event(Level::Info, "GET /x 200", &fields);
        log.server("stderr", "plain");
        log.server("stdout", r#"{"level": "DEBUG", "n": 1.0}"#);
        log.server("stdout", "{not json}");
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["message"], "a \"quoted\" thing");
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0].get("requestId"), None);
        assert_eq!(lines[1]["requestId"], "r-1");
        assert_eq!(lines[1]["status"], 200);
        assert_eq!(lines[2]["source"], "stderr");
        assert!(text.contains("\n{\"level\": \"DEBUG\", \"n\": 1.0}\n"));
        assert_eq!(lines[4]["message"], "{not json}");
    }
}
