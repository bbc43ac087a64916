//! Failures of calls that the service never answered, or whose answer broke off.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use mcpdeploy_engine::kind::{FaultClass, KindError};

pub(super) const LOG_IN_AGAIN: &str = "the credentials have expired: log in again (`aws sso login`, or fetch new session credentials) and run the command again";

/// The answer came, but not whole: what was asked for may have happened.
pub(super) fn broken_answer(error: &(dyn Error + 'static), status: u16) -> KindError {
    KindError::new(
        FaultClass::Transient,
        format!(
            "the answer (HTTP status {status}) cannot be read: {}",
            chain(error)
        ),
    )
}

/// There was no answer.
pub(super) fn not_sent<E, R>(error: &SdkError<E, R>) -> KindError
where
    E: Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let text = chain(error);
    if let Some(credentials) = find_credentials_error(error) {
        return credentials_fault(credentials, &text);
    }
    if let SdkError::TimeoutError(_) = error {
        return KindError::new(FaultClass::Transient, text);
    }
    let SdkError::DispatchFailure(failure) = error else {
        // Built wrongly: e.g. an id that cannot stand in an address.
        return KindError::fatal(text);
    };
    if is_certificate(&text) {
        return KindError::fatal(text).hint(
            "the server's certificate is not trusted: name the file of your CA's certificates in AWS_CA_BUNDLE",
        );
    }
    if failure.is_user() {
        return KindError::fatal(text);
    }
    let fault = KindError::new(FaultClass::Transient, text);
    if failure.is_io() && never_connected(&fault.message) {
        return fault.hint("is the network up, and are the region and the endpoint right?");
    }
    fault
}

/// Whether no connection came about: the call certainly did not happen.
fn never_connected(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "connection refused",
        "dns error",
        "failed to lookup",
        "connect timeout",
        "no route to host",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

fn is_certificate(text: &str) -> bool {
    text.to_lowercase().contains("certificate")
}

fn credentials_fault(error: &CredentialsError, text: &str) -> KindError {
    let lower = text.to_lowercase();
    // The last source asked is the machine's metadata service: when that is what failed, no other
    // had any.
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) || lower.contains("imds") {
        let what = "no AWS credentials were found";
        let message = match text.rsplit(": ").next() {
            Some(cause) if cause.contains("profile") => format!("{what}: {cause}"),
            _ => what.to_owned(),
        };
        return KindError::new(FaultClass::Denied, message).hint(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a `profile` under [aws], or run `aws configure` or `aws sso login`",
        );
    }
    if lower.contains("expired") || lower.contains("sso") && lower.contains("token") {
        return KindError::new(FaultClass::Denied, text).hint(LOG_IN_AGAIN);
    }
    if let CredentialsError::ProviderTimedOut(_) = error {
        return KindError::new(FaultClass::Transient, text);
    }
    let hint = if let CredentialsError::InvalidConfiguration(_) = error {
        "check ~/.aws/config and ~/.aws/credentials, and the profile's name"
    } else {
        "the credentials could not be fetched: check the profile and the role it assumes"
    };
    KindError::new(FaultClass::Denied, text).hint(hint)
}

fn find_credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref::<CredentialsError>())
}

/// What the SDK calls its own layers.
const WRAPPERS: &[&str] = &[
    "an error occurred while loading credentials",
    "client error (Connect)",
    "dispatch failure",
    "failed to construct request",
    "io error",
    "other",
    "request has timed out",
    "response error",
    "service error",
    "unhandled error",
    "user error",
];

/// The error and its causes in one line, without the SDK's layers, which say nothing.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |&error| error.source()) {
        let text = cause.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
    }
    let said: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !WRAPPERS.contains(part))
        .collect();
    if said.is_empty() {
        parts.join(": ")
    } else {
        said.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::error::CredentialsError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    type Sdk = SdkError<std::io::Error, ()>;

    fn check(error: &Sdk, class: FaultClass, hint: Option<&str>) {
        let fault = not_sent(error);
        assert_eq!(fault.class, class, "{fault}");
        match hint {
            Some(hint) => assert!(fault.hint.as_ref().unwrap().contains(hint), "{fault:?}"),
            None => assert_eq!(fault.hint, None),
        }
    }

    #[test]
    fn what_was_never_answered() {
        let io = |kind, text: &str| Box::new(std::io::Error::new(kind, text));
        let refused = io(
            std::io::ErrorKind::ConnectionRefused,
            "Connection refused (os error 111)",
        );
        check(
            &Sdk::dispatch_failure(ConnectorError::io(refused)),
            FaultClass::Transient,
            Some("network"),
        );
        let dns = io(
            std::io::ErrorKind::Other,
            "dns error: failed to lookup address",
        );
        check(
            &Sdk::dispatch_failure(ConnectorError::io(dns)),
            FaultClass::Transient,
            Some("network"),
        );
        let reset = io(
            std::io::ErrorKind::ConnectionReset,
            "connection reset by peer",
        );
        check(
            &Sdk::dispatch_failure(ConnectorError::io(reset)),
            FaultClass::Transient,
            None,
        );
        check(
            &Sdk::timeout_error("operation attempt timeout"),
            FaultClass::Transient,
            None,
        );
        let tls = io(
            std::io::ErrorKind::InvalidData,
            "invalid peer certificate: UnknownIssuer",
        );
        check(
            &Sdk::dispatch_failure(ConnectorError::io(tls)),
            FaultClass::Fatal,
            Some("AWS_CA_BUNDLE"),
        );
        check(
            &Sdk::construction_failure("no uri"),
            FaultClass::Fatal,
            None,
        );
    }

    #[test]
    fn credentials_that_are_missing_or_stale() {
        let dispatch = |error: CredentialsError| {
            Sdk::dispatch_failure(ConnectorError::other(error.into(), None))
        };
        check(
            &dispatch(CredentialsError::not_loaded("nowhere")),
            FaultClass::Denied,
            Some("aws configure"),
        );
        check(
            &dispatch(CredentialsError::provider_error(
                "failed to load IMDS session token",
            )),
            FaultClass::Denied,
            Some("aws configure"),
        );
        check(
            &dispatch(CredentialsError::provider_error(
                "the SSO session has expired or is otherwise invalid",
            )),
            FaultClass::Denied,
            Some("log in again"),
        );
        check(
            &dispatch(CredentialsError::provider_timed_out(
                std::time::Duration::from_secs(1),
            )),
            FaultClass::Transient,
            None,
        );
        check(
            &dispatch(CredentialsError::invalid_configuration("no such profile")),
            FaultClass::Denied,
            Some("profile"),
        );
    }
}
