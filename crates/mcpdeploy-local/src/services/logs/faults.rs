//! The errors of CloudWatch Logs, as it words them.

use serde_json::Value;

use crate::wire::Fault;

pub(super) fn no_group() -> Fault {
    Fault::bad(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

pub(super) fn no_stream() -> Fault {
    Fault::bad(
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
}

pub(super) fn no_filter() -> Fault {
    Fault::bad(
        "ResourceNotFoundException",
        "The specified metric filter does not exist.",
    )
}

pub(super) fn exists(what: &str) -> Fault {
    Fault::bad(
        "ResourceAlreadyExistsException",
        format!("The specified {what} already exists"),
    )
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidParameterException", message)
}

pub(super) fn bad_token() -> Fault {
    invalid("The specified nextToken is invalid.")
}

/// A member of the input that breaks a constraint of the service's model.
pub(super) fn constraint(value: impl Into<Value>, at: &str, constraint: &str) -> Fault {
    let value = value.into();
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
    ))
}

/// A limit of a list: how many are wanted, 1 to `most`.
pub(super) fn limit(asked: Option<i64>, most: i64) -> Result<usize, Fault> {
    let limit = asked.unwrap_or(most);
    if limit < 1 {
        return Err(constraint(
            limit,
            "limit",
            "Member must have value greater than or equal to 1",
        ));
    }
    if limit > most {
        return Err(constraint(
            limit,
            "limit",
            &format!("Member must have value less than or equal to {most}"),
        ));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}
