//! Errors as API Gateway v2 words them, and the checks that more than one operation makes.

use http::StatusCode;

use crate::cloud::ACCOUNT;
use crate::wire::Fault;

/// `BadRequestException`.
pub(super) fn bad(message: impl Into<String>) -> Fault {
    Fault::bad("BadRequestException", message)
}

/// `ConflictException`.
pub(super) fn conflict(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::CONFLICT, "ConflictException", message)
}

/// No API of this id: AWS names the account before it.
pub(super) fn no_api(id: &str) -> Fault {
    not_found(format!("Invalid API identifier specified {ACCOUNT}:{id}"))
}

/// Nothing of this kind and id.
pub(super) fn no(kind: &str, id: &str) -> Fault {
    not_found(format!("Invalid {kind} identifier specified {id}"))
}

fn not_found(message: String) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "NotFoundException", message)
}

/// A member that must be there.
pub(super) fn required<T>(member: Option<T>, name: &str) -> Result<T, Fault> {
    member.ok_or_else(|| bad(format!("{name} is a required member")))
}

/// A text's length in characters.
pub(super) fn length(text: Option<&str>, name: &str, most: usize) -> Result<(), Fault> {
    match text {
        Some(text) if text.chars().count() > most => Err(bad(format!(
            "{name} must have a length of at most {most} characters"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Tags as AWS takes them: at most 50, none of its own namespace.
pub(super) fn check_tags(tags: &super::model::Tags) -> Result<(), Fault> {
    if tags.len() > 50 {
        return Err(bad("Too many tags: a resource has at most 50"));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(bad("A tag's key has 1 to 128 characters"));
        }
        if value.chars().count() > 256 {
            return Err(bad("A tag's value has at most 256 characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(bad("Tag keys cannot start with 'aws:'"));
        }
    }
    Ok(())
}
