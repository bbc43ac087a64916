//! An error that a service answers with.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::storage::StorageError;

/// An error as AWS words it. It is written in the protocol of the call that it answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    /// E.g. `ResourceNotFoundException`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further members of the body, e.g. Lambda's `Type`.
    pub(crate) fields: Map<String, Value>,
    pub(crate) headers: HeaderMap,
}

impl Fault {
    /// Any error.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            fields: Map::new(),
            headers: HeaderMap::new(),
        }
    }

    /// The caller's error: status 400.
    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The embedded cloud does not have this. Never to be mistaken for an answer of AWS.
    pub(crate) fn absent(what: impl AsRef<str>) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplementedException",
            format!("the embedded cloud does not have {} yet", what.as_ref()),
        )
    }

    /// The embedded cloud itself failed.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalFailure",
            message,
        )
    }

    /// With another member in the body.
    #[must_use]
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// With a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self::internal(format!(
            "the embedded cloud failed to {error}: {}",
            cause.unwrap_or_default()
        ))
    }
}
