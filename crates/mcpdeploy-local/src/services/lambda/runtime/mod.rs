//! The data plane of Lambda: processes that run a function's code and speak the Runtime API.
//!
//! It knows a frozen [`Program`] and requests for it. It must not know functions, aliases or
//! policies: who may run what is decided before.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};

/// What runs: one version of a function, frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// The function's name.
    pub(crate) function: String,
    /// `$LATEST` or the version's number.
    pub(crate) version: String,
    /// The function's ARN without a qualifier.
    pub(crate) arn: String,
    pub(crate) region: String,
    /// Changes with code or configuration: processes of another revision are not used again.
    pub(crate) revision: String,
    /// The folder of the unpacked code, read-only: `/var/task`.
    pub(crate) code: PathBuf,
    /// `x86_64` or `arm64`.
    pub(crate) architecture: String,
    pub(crate) handler: String,
    pub(crate) timeout: Duration,
    pub(crate) memory_mb: u32,
    /// The function's own variables.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) role: String,
    pub(crate) log_group: String,
}

/// One run that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct RunRequest {
    pub(crate) request_id: String,
    /// As it was invoked: with the alias or version, if any.
    pub(crate) invoked_arn: String,
    pub(crate) payload: Bytes,
    /// The client context, decoded from base64.
    pub(crate) client_context: Option<String>,
    pub(crate) trace: Option<String>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) duration: Duration,
    /// How long the process took to start, when it was a cold start.
    pub(crate) init: Option<Duration>,
    /// The end of the run's log, at most 4 KB, as `LogResult` has it.
    pub(crate) log_tail: Bytes,
}

/// What came out of a run.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The function's answer.
    Payload(Bytes),
    /// The function's answer as it comes, when it streams: chunks, and an error in the middle.
    Stream {
        /// What the function says that it is, e.g. `application/vnd.awslambda.http-integration-response`.
        content_type: String,
        chunks: tokio::sync::mpsc::Receiver<Result<Bytes, StreamError>>,
    },
    /// An error object; `handled` when the function reported it itself.
    Error { payload: Bytes, handled: bool },
}

/// An error in the middle of a stream, from the function's trailers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamError {
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// The processes that there are.
#[derive(Debug)]
pub(crate) struct Runtime;

impl Runtime {
    pub(crate) fn open(_storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self)
    }

    /// Runs a program once: in a warm process, or in a new one.
    pub(crate) async fn run(
        &self,
        _cloud: &Cloud,
        program: Arc<Program>,
        _request: RunRequest,
    ) -> Run {
        let text = format!("the embedded cloud cannot run {} yet", program.function);
        Run {
            outcome: Outcome::Error {
                payload: serde_json::json!({ "errorMessage": text })
                    .to_string()
                    .into(),
                handled: false,
            },
            duration: Duration::ZERO,
            init: None,
            log_tail: Bytes::new(),
        }
    }

    /// Lets the processes of a function end: those at work after their run. With a revision, only
    /// those of other revisions of that version.
    pub(crate) fn retire(&self, _arn: &str, _version: Option<&str>) {}

    /// Ends all processes.
    pub(crate) async fn stop(&self) {}
}
