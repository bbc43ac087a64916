//! The errors that Lambda answers with, word for word.

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

use crate::wire::Fault;

fn user(status: StatusCode, code: &str, message: impl Into<String>) -> Fault {
    Fault::new(status, code, message).field("Type", "User")
}

/// A value that this operation does not take.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    user(
        StatusCode::BAD_REQUEST,
        "InvalidParameterValueException",
        message,
    )
}

/// Something that there is not. (This one spells its member `Message`.)
pub(super) fn not_found(message: impl Into<String>) -> Fault {
    let message = message.into();
    user(
        StatusCode::NOT_FOUND,
        "ResourceNotFoundException",
        message.clone(),
    )
    .field("Message", message)
}

/// There is no such function, version or alias.
pub(super) fn no_function(arn: &str) -> Fault {
    not_found(format!("Function not found: {arn}"))
}

/// It is there already, or something stands in its way.
pub(super) fn conflict(message: impl Into<String>) -> Fault {
    user(StatusCode::CONFLICT, "ResourceConflictException", message)
}

/// A revision that is not the latest any more; `read` names the operations that tell the latest.
pub(super) fn stale(read: &str) -> Fault {
    user(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailedException",
        format!(
            "The Revision Id provided does not match the latest Revision Id. \
             Call the {read} API to retrieve the latest Revision Id"
        ),
    )
}

/// A request or a payload that is too large.
pub(super) fn too_large(code: &str, message: impl Into<String>) -> Fault {
    user(StatusCode::PAYLOAD_TOO_LARGE, code, message)
}

/// No more runs at once: the function's own reserve is used up, or the account's pool.
pub(super) fn throttled(reserve: bool) -> Fault {
    let reason = if reserve {
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    } else {
        "ConcurrentInvocationLimitExceeded"
    };
    Fault::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        "Rate Exceeded.",
    )
    .field("Reason", reason)
    .field("Type", "User")
    .header(RETRY_AFTER, HeaderValue::from_static("1"))
}

/// Values that do not satisfy the constraints of the service's model, which AWS checks and tells
/// all at once.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<String>);

impl Violations {
    /// Notes that `value` at the member `at` breaks a constraint.
    pub(super) fn add(&mut self, value: &str, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// Notes a violation whose value is not told, since it may be a secret.
    pub(super) fn add_hidden(&mut self, at: &str, constraint: &str) {
        self.0.push(format!(
            "Value at '{at}' failed to satisfy constraint: {constraint}"
        ));
    }

    /// Notes that a member must be given.
    pub(super) fn missing(&mut self, at: &str) {
        self.0.push(format!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// Notes a number outside of its bounds.
    pub(super) fn bounds(&mut self, value: i64, at: &str, least: i64, most: i64) {
        if value < least {
            let constraint = format!("Member must have value greater than or equal to {least}");
            self.add(&value.to_string(), at, &constraint);
        } else if value > most {
            let constraint = format!("Member must have value less than or equal to {most}");
            self.add(&value.to_string(), at, &constraint);
        }
    }

    /// Notes a text that is too long.
    pub(super) fn longest(&mut self, value: &str, at: &str, most: usize) {
        if value.chars().count() > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.add(value, at, &constraint);
        }
    }

    /// Notes a text that is not one of `all`.
    pub(super) fn one_of(&mut self, value: &str, at: &str, all: &[&str]) {
        if !all.contains(&value) {
            let constraint = format!("Member must satisfy enum value set: [{}]", all.join(", "));
            self.add(value, at, &constraint);
        }
    }

    /// # Errors
    /// `ValidationException` with all that was noted.
    pub(super) fn check(self) -> Result<(), Fault> {
        let s = match self.0.len() {
            0 => return Ok(()),
            1 => "",
            _ => "s",
        };
        Err(Fault::bad(
            "ValidationException",
            format!(
                "{} validation error{s} detected: {}",
                self.0.len(),
                self.0.join("; ")
            ),
        ))
    }

    /// One violation.
    pub(super) fn one(value: &str, at: &str, constraint: &str) -> Fault {
        let mut violations = Self::default();
        violations.add(value, at, constraint);
        match violations.check() {
            Err(fault) => fault,
            Ok(()) => Fault::internal("a violation was noted and not found"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_told_all_at_once() {
        let mut violations = Violations::default();
        violations.bounds(901, "timeout", 1, 900);
        violations.bounds(900, "timeout", 1, 900);
        violations.missing("role");
        let fault = violations.check().unwrap_err();
        assert_eq!(fault.code, "ValidationException");
        assert_eq!(
            fault.message,
            "2 validation errors detected: Value '901' at 'timeout' failed to satisfy constraint: \
             Member must have value less than or equal to 900; Value null at 'role' failed to \
             satisfy constraint: Member must not be null"
        );
        assert!(Violations::default().check().is_ok());
    }
}
