//! S3: buckets and objects.

use bytes::Bytes;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct S3;

impl S3 {
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

    /// The bytes of an object, for a service that reads them, e.g. a function's code.
    pub(crate) async fn object(
        &self,
        bucket: &str,
        key: &str,
        _version: Option<&str>,
    ) -> Result<Bytes, Fault> {
        Err(Fault::absent(format!("s3://{bucket}/{key}")))
    }
}
