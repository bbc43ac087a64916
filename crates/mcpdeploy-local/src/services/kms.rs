//! KMS: keys, as far as other services need them.

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Kms;

impl Kms {
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
}
