//! CloudWatch Logs: groups, streams and events.

use time::OffsetDateTime;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Logs;

impl Logs {
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

    /// Takes lines that a service writes. Group and stream are made when they are not there; lines
    /// that cannot be kept are dropped, as nobody could be told.
    pub(crate) fn append(&self, _cloud: &Cloud, _target: LogTarget<'_>, _lines: Vec<LogLine>) {}
}

/// Where lines go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogTarget<'a> {
    pub(crate) region: &'a str,
    /// E.g. `/aws/lambda/x`.
    pub(crate) group: &'a str,
    /// E.g. `2026/01/02/[$LATEST]0123…`.
    pub(crate) stream: &'a str,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) at: OffsetDateTime,
    pub(crate) message: String,
}
