//! SNS: topics and subscriptions.

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Sns;

impl Sns {
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

    /// Publishes to a topic on behalf of a service, e.g. an alarm.
    pub(crate) fn notify(
        &self,
        _cloud: &Cloud,
        topic: &str,
        _subject: &str,
        _message: &str,
    ) -> Result<(), Fault> {
        Err(Fault::absent(topic))
    }
}
