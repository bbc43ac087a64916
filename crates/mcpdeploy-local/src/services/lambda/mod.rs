//! Lambda: functions, versions, aliases, and running them.

pub(crate) mod runtime;

use bytes::Bytes;

use crate::cloud::Cloud;
use crate::running::FunctionStatus;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Lambda;

impl Lambda {
    pub(crate) fn open(_storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self)
    }

    pub(crate) async fn handle(&self, _cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        Err(Fault::absent(format!(
            "{}.{}",
            call.service.name(),
            call.operation
        )))
    }

    /// The functions that there are, for `local status`.
    pub(crate) fn status(&self) -> Vec<FunctionStatus> {
        Vec::new()
    }

    /// Stops all processes.
    pub(crate) async fn stop(&self, _cloud: &Cloud) {}

    /// Invokes a function for another service, which must have been given permission.
    pub(crate) async fn invoke_for(
        &self,
        _cloud: &Cloud,
        invoke: ServiceInvoke<'_>,
    ) -> Result<Ran, Refused> {
        Err(Refused::NotFound(invoke.function.to_owned()))
    }
}

/// An invocation by a service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceInvoke<'a> {
    /// An ARN, with or without a qualifier.
    pub(crate) function: &'a str,
    /// The event.
    pub(crate) payload: Bytes,
    /// E.g. `apigateway.amazonaws.com`.
    pub(crate) principal: &'a str,
    /// What calls, e.g. `arn:aws:execute-api:us-east-1:000000000000:id/$default/GET/mcp`.
    pub(crate) source_arn: &'a str,
    /// Sent to the function as its trace id, when there is one.
    pub(crate) trace: Option<&'a str>,
}

/// What a function gave back.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// Its result, or an error object when `error` is set.
    pub(crate) payload: Bytes,
    /// `Unhandled` or `Handled`.
    pub(crate) error: Option<FunctionError>,
    /// `$LATEST` or the number of the version that ran.
    pub(crate) version: String,
}

/// Whose error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FunctionError {
    Handled,
    Unhandled,
}

/// A function that was not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such function, version or alias.
    NotFound(String),
    /// The resource policy does not allow it.
    Forbidden,
    /// Its concurrency is used up: 429.
    Throttled,
    /// It is not active (yet), or its payload is too large.
    Invalid(String),
}
