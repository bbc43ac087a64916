//! CloudWatch: metrics, alarms and dashboards.

use time::OffsetDateTime;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct CloudWatch;

impl CloudWatch {
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

    /// Starts the clock by which alarms are looked at.
    pub(crate) fn start(&self, _cloud: &Cloud) {}

    /// Takes a value that a service measured, e.g. `AWS/Lambda` `Duration` of `FunctionName=x`.
    pub(crate) fn record(&self, _cloud: &Cloud, _sample: Sample<'_>) {}
}

/// A measured value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'a> {
    /// E.g. `AWS/Lambda`.
    pub(crate) namespace: &'a str,
    /// E.g. `Duration`.
    pub(crate) metric: &'a str,
    /// Names and values, e.g. `("FunctionName", "x")`. Each list is a metric of its own.
    pub(crate) dimensions: &'a [(&'a str, &'a str)],
    pub(crate) value: f64,
    /// E.g. `Milliseconds`.
    pub(crate) unit: &'a str,
    pub(crate) at: OffsetDateTime,
    pub(crate) region: &'a str,
}
