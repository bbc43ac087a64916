//! IAM: roles and policies.

pub(crate) mod matching;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Iam;

impl Iam {
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

    /// Whether `principal` (e.g. `lambda.amazonaws.com`) may assume the role of this ARN by now:
    /// it exists, trusts the principal, and its last change is as old as `--iam-propagation` wants.
    pub(crate) fn assumable(&self, _cloud: &Cloud, _role: &str, _principal: &str) -> Assumable {
        Assumable::Missing
    }
}

/// Whether a role can be assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assumable {
    /// It can.
    Yes,
    /// There is no such role, or its creation has not propagated yet.
    Missing,
    /// Its trust policy does not name the principal, or does not yet.
    Untrusted,
}
