//! The errors of CloudWatch.
//!
//! Each has two names: that of its shape, and the code that it had in the query protocol, which old
//! and new clients still know it by. Source: the service's model.

use http::{HeaderName, HeaderValue, StatusCode};

use crate::wire::{Call, Fault, Protocol};

/// Shapes and codes where these differ.
const CODES: [(&str, &str); 8] = [
    ("DashboardInvalidInputError", "InvalidParameterInput"),
    ("DashboardNotFoundError", "ResourceNotFound"),
    ("InternalServiceFault", "InternalServiceError"),
    ("InvalidFormatFault", "InvalidFormat"),
    (
        "InvalidParameterCombinationException",
        "InvalidParameterCombination",
    ),
    ("InvalidParameterValueException", "InvalidParameterValue"),
    ("MissingRequiredParameterException", "MissingParameter"),
    ("ValidationException", "ValidationError"),
];

const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// Names a fault as the call's protocol does: by its shape and, in a header, its code, or by its code.
pub(super) fn dress(call: &Call, mut fault: Fault) -> Fault {
    let found = CODES.iter().find(|(shape, _)| *shape == fault.code);
    let Some((_, code)) = found else {
        return fault;
    };
    if call.protocol == Protocol::Query {
        (*code).clone_into(&mut fault.code);
        return fault;
    }
    let side = if fault.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    match HeaderValue::from_str(&format!("{code};{side}")) {
        Ok(value) => fault.header(QUERY_ERROR, value),
        Err(_) => fault,
    }
}

pub(super) fn invalid_value(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidParameterValueException", message)
}

pub(super) fn combination(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidParameterCombinationException", message)
}

pub(super) fn missing(path: &str) -> Fault {
    Fault::bad(
        "MissingRequiredParameterException",
        format!("The parameter {path} is required."),
    )
}

pub(super) fn validation(message: impl Into<String>) -> Fault {
    Fault::bad("ValidationException", message)
}

/// A member that breaks a constraint of the service's model.
pub(super) fn constraint(value: &str, at: &str, constraint: &str) -> Fault {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
    ))
}

pub(super) fn bad_token() -> Fault {
    Fault::bad("InvalidNextToken", "Request parameter NextToken is invalid")
}

pub(super) fn not_found(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, code, message)
}
