//! What passes through the cloud, for those who watch: `local up --foreground` and `dev`.

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Seen {
    /// A call of a service's API.
    Call {
        /// E.g. `lambda`.
        service: String,
        /// E.g. `CreateFunction`.
        operation: String,
        /// The HTTP status of the answer; 0 when the answer was lost on purpose.
        status: u16,
        /// Milliseconds until the answer.
        millis: f64,
    },
    /// A request to an HTTP API.
    Request {
        /// The API's id.
        api: String,
        /// The HTTP method.
        method: String,
        /// Path and query, without the values that let somebody in.
        path: String,
        /// The HTTP status of the answer.
        status: u16,
        /// Milliseconds until the answer.
        millis: f64,
        /// What the request said that it is, when it is MCP: `tools/call add`.
        mcp: Option<String>,
    },
    /// A function ran.
    Invocation {
        /// The function's name.
        function: String,
        /// `$LATEST` or the version's number.
        version: String,
        /// Milliseconds that it took.
        millis: f64,
        /// Milliseconds of its start, when it was a cold one.
        init_millis: Option<f64>,
        /// What went wrong, as AWS says it.
        error: Option<String>,
        /// What to look at, in words for a person.
        hint: Option<String>,
    },
    /// A function wrote a line to its log.
    Log {
        /// The function's name.
        function: String,
        /// The line, without its end.
        line: String,
    },
}
