//! Why a run did not come to its own end, in Lambda's words.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::bootstrap::PLACES;

/// The largest buffered answer: 6 MB and the room that Lambda leaves for its own.
pub(super) const LARGEST_ANSWER: usize = 6 * 1024 * 1024 + 100;

/// Why a run, or the start of a process, failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no `bootstrap`.
    NoBootstrap,
    /// It could not be executed; with the system's words, as Go has them.
    Exec(&'static str),
    /// The process ended.
    Exited(Ending),
    /// It used more memory than the function has.
    OutOfMemory,
    /// The run was cut after this time.
    TimedOut(Duration),
    /// The start took longer than this time.
    InitTimedOut(Duration),
    /// The answer was larger than [`LARGEST_ANSWER`].
    TooLarge,
    /// The answer broke off.
    Truncated,
    /// The answer came in a mode that there is not.
    ResponseMode,
    /// The function reported an error at its start.
    Reported { kind: String, payload: Bytes },
    /// This machine cannot start one more process.
    Machine(String),
    /// The cloud ended.
    Stopped,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Code(i32),
    Signal(i32),
}

impl Ending {
    #[cfg(unix)]
    pub(super) fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Ending {
    /// As Go names them, in which Lambda is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = match self {
            Self::Code(code) => return write!(f, "exit status {code}"),
            Self::Signal(signal) => *signal,
        };
        let name = match signal {
            1 => "hangup",
            2 => "interrupt",
            3 => "quit",
            4 => "illegal instruction",
            5 => "trace/breakpoint trap",
            6 => "aborted",
            7 => "bus error",
            8 => "floating point exception",
            9 => "killed",
            10 => "user defined signal 1",
            11 => "segmentation fault",
            12 => "user defined signal 2",
            13 => "broken pipe",
            14 => "alarm clock",
            15 => "terminated",
            other => return write!(f, "signal: signal {other}"),
        };
        write!(f, "signal: {name}")
    }
}

impl Failure {
    /// The `errorType`.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::NoBootstrap | Self::Exec(_) => "Runtime.InvalidEntrypoint",
            Self::Exited(_) => "Runtime.ExitError",
            Self::OutOfMemory => "Runtime.OutOfMemory",
            Self::TimedOut(_) | Self::InitTimedOut(_) => "Sandbox.Timedout",
            Self::TooLarge => "Function.ResponseSizeTooLarge",
            Self::Truncated => "Runtime.TruncatedResponse",
            Self::ResponseMode => "Runtime.InvalidResponseModeHeader",
            Self::Reported { kind, .. } => kind,
            Self::Machine(_) | Self::Stopped => "Sandbox.Failure",
        }
    }

    /// The error object that the caller gets.
    pub(super) fn payload(&self, request_id: &str) -> Bytes {
        if let Self::Reported { payload, .. } = self {
            return payload.clone();
        }
        if *self == Self::TooLarge {
            // This one has no request id, and its fields the other way round.
            let error = json!({ "errorMessage": self.reason(), "errorType": self.kind() });
            return error.to_string().into();
        }
        let message = format!("RequestId: {request_id} Error: {}", self.reason());
        json!({ "errorType": self.kind(), "errorMessage": message })
            .to_string()
            .into()
    }

    fn reason(&self) -> String {
        match self {
            Self::NoBootstrap => format!("Couldn't find valid bootstrap(s): {PLACES}"),
            Self::Exec(error) => format!("fork/exec /var/task/bootstrap: {error}"),
            Self::Exited(Ending::Code(0)) => "Runtime exited without providing a reason".to_owned(),
            Self::Exited(ending) => format!("Runtime exited with error: {ending}"),
            Self::OutOfMemory => "Runtime exited with error: signal: killed".to_owned(),
            Self::TimedOut(after) | Self::InitTimedOut(after) => {
                format!("Task timed out after {:.2} seconds", after.as_secs_f64())
            }
            Self::TooLarge => format!(
                "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
            ),
            Self::Reported { kind, .. } => kind.clone(),
            Self::Truncated => "HTTP request detected as truncated".to_owned(),
            Self::ResponseMode => "Invalid function response mode".to_owned(),
            Self::Machine(reason) => {
                format!("the embedded cloud cannot start another process: {reason}")
            }
            Self::Stopped => "the embedded cloud was stopped".to_owned(),
        }
    }

    /// What `INIT_REPORT` and `REPORT` lines say of it.
    pub(super) fn status(&self) -> String {
        match self {
            Self::TimedOut(_) | Self::InitTimedOut(_) => "Status: timeout".to_owned(),
            Self::NoBootstrap
            | Self::Exec(_)
            | Self::Exited(_)
            | Self::OutOfMemory
            | Self::TooLarge
            | Self::Truncated
            | Self::ResponseMode
            | Self::Reported { .. }
            | Self::Machine(_)
            | Self::Stopped => format!("Status: error\tError Type: {}", self.kind()),
        }
    }
}

/// An error type as a function may give it: of the form that Lambda takes, or `Runtime.Unknown`.
pub(super) fn reported_kind(given: Option<&str>) -> String {
    let given = given.unwrap_or_default();
    let name = given
        .strip_prefix("Runtime.")
        .or_else(|| given.strip_prefix("Function."))
        .unwrap_or_default();
    let mut letters = name.chars();
    let valid = letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    if valid {
        given.to_owned()
    } else if given.starts_with("Function.") {
        "Function.Unknown".to_owned()
    } else {
        "Runtime.Unknown".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_words() {
        for (failure, payload) in [
            (
                Failure::NoBootstrap,
                r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}"#,
            ),
            (
                Failure::Exec("permission denied"),
                r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: fork/exec /var/task/bootstrap: permission denied"}"#,
            ),
            (
                Failure::Exited(Ending::Code(0)),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited without providing a reason"}"#,
            ),
            (
                Failure::Exited(Ending::Code(3)),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 3"}"#,
            ),
            (
                Failure::Exited(Ending::Signal(11)),
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: signal: segmentation fault"}"#,
            ),
            (
                Failure::OutOfMemory,
                r#"{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}"#,
            ),
            (
                Failure::TimedOut(Duration::from_secs(3)),
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 3.00 seconds"}"#,
            ),
            (
                Failure::TooLarge,
                r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#,
            ),
        ] {
            assert_eq!(failure.payload("r"), payload);
        }
    }

    #[test]
    fn only_lambdas_kinds_of_error_are_taken_over() {
        for (given, expected) in [
            (
                Some("Runtime.ImportModuleError"),
                "Runtime.ImportModuleError",
            ),
            (Some("Function.Custom"), "Function.Custom"),
            (Some("Function.x"), "Function.Unknown"),
            (Some("ValueError"), "Runtime.Unknown"),
            (None, "Runtime.Unknown"),
        ] {
            assert_eq!(reported_kind(given), expected);
        }
    }
}
