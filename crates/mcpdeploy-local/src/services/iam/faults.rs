//! The errors that IAM answers with, word for word.

use http::StatusCode;

use crate::wire::Fault;

/// Something that there is not.
pub(super) fn no_entity(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
}

/// There is no such role.
pub(super) fn no_role(name: &str) -> Fault {
    no_entity(format!("The role with name {name} cannot be found."))
}

/// There is no such managed policy.
pub(super) fn no_policy(arn: &str) -> Fault {
    no_entity(format!("Policy {arn} was not found."))
}

/// A name that is taken.
pub(super) fn exists(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::CONFLICT, "EntityAlreadyExists", message)
}

/// Something that others hang on.
pub(super) fn in_use(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::CONFLICT, "DeleteConflict", message)
}

/// More than there may be.
pub(super) fn limit(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::CONFLICT, "LimitExceeded", message)
}

/// A value that the service's model does not allow.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::bad("ValidationError", message)
}

/// A value that breaks a constraint of the model.
pub(super) fn violation(value: &str, at: &str, constraint: &str) -> Fault {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
    ))
}

/// A policy that is none.
pub(super) fn malformed(message: impl Into<String>) -> Fault {
    Fault::bad("MalformedPolicyDocument", message)
}
