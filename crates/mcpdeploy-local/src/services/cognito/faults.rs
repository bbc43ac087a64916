//! What Cognito says when it does not do what it is asked.

use crate::wire::Fault;

pub(super) fn parameter(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidParameterException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> Fault {
    Fault::bad("ResourceNotFoundException", message)
}

pub(super) fn not_authorized(message: impl Into<String>) -> Fault {
    Fault::bad("NotAuthorizedException", message)
}

pub(super) fn no_pool(id: &str) -> Fault {
    not_found(format!("User pool {id} does not exist."))
}

pub(super) fn no_client(id: &str) -> Fault {
    not_found(format!("User pool client {id} does not exist."))
}

pub(super) fn no_user() -> Fault {
    Fault::bad("UserNotFoundException", "User does not exist.")
}

pub(super) fn wrong_password() -> Fault {
    not_authorized("Incorrect username or password.")
}

pub(super) fn bad_token() -> Fault {
    not_authorized("Invalid Access Token")
}

pub(super) fn bad_session() -> Fault {
    not_authorized("Invalid session for the user.")
}

pub(super) fn code_mismatch() -> Fault {
    Fault::bad(
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
    )
}

pub(super) fn expired_code() -> Fault {
    Fault::bad(
        "ExpiredCodeException",
        "Invalid code provided, please request a code again.",
    )
}
