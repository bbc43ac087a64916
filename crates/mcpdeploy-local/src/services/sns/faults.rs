//! The errors of SNS, as it words them.

use http::StatusCode;

use crate::wire::Fault;

/// `Invalid parameter: …`.
pub(super) fn invalid(what: &str) -> Fault {
    Fault::bad("InvalidParameter", format!("Invalid parameter: {what}"))
}

pub(super) fn no_topic() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "NotFound", "Topic does not exist")
}

pub(super) fn no_subscription() -> Fault {
    Fault::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        "Subscription does not exist",
    )
}

/// Tags' operations have a code of their own.
pub(super) fn no_resource() -> Fault {
    Fault::new(
        StatusCode::NOT_FOUND,
        "ResourceNotFound",
        "Resource does not exist",
    )
}
