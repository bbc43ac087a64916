//! The one place where a failed call becomes a [`KindError`] of a class.
//!
//! [`Fault::fault`] is how kinds end a call; [`classify`] is the table behind it. The table goes by
//! service, operation, code and message, because AWS uses one code for opposite things: Lambda's
//! `ResourceConflictException` is "busy, try again" and "exists already".

mod dispatch;
mod table;

use std::error::Error;
use std::fmt::Display;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use mcpdeploy_engine::kind::{Delta, FaultClass, KindError};

use crate::iam_action::iam_action;

pub use table::classify;

/// What a service answered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The service, by the name it has in IAM (but `apigatewayv2`).
    pub service: &'a str,
    /// The API's operation, e.g. `CreateFunction`.
    pub operation: &'a str,
    /// The error code as sent.
    pub code: &'a str,
    /// The message as sent.
    pub message: &'a str,
    /// The HTTP status.
    pub status: u16,
}

/// Ends a call to AWS.
pub trait Fault<T>: Sized {
    /// The answer, or the failure with its class. `service` is the name that IAM has for it (but
    /// `apigatewayv2`), `on` the ARN or name of what the call was about.
    ///
    /// # Errors
    /// What the call failed with.
    fn fault(
        self,
        service: &'static str,
        operation: &'static str,
        on: impl Display,
    ) -> Result<T, KindError>;

    /// As [`Fault::fault`], with `None` when the service says that what was asked for is not
    /// there.
    ///
    /// # Errors
    /// What the call failed with otherwise.
    fn found(
        self,
        service: &'static str,
        operation: &'static str,
        on: impl Display,
    ) -> Result<Option<T>, KindError> {
        unless_gone(self.fault(service, operation, on))
    }

    /// As [`Fault::fault`] for a removal: that it is absent already is fine.
    ///
    /// # Errors
    /// What the call failed with otherwise.
    fn removed(
        self,
        service: &'static str,
        operation: &'static str,
        on: impl Display,
    ) -> Result<(), KindError> {
        self.found(service, operation, on).map(|_| ())
    }
}

/// `None` when the failure is that it is not there.
///
/// # Errors
/// Any other failure.
pub fn unless_gone<T>(result: Result<T, KindError>) -> Result<Option<T>, KindError> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.class == FaultClass::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

/// Right after a creation, "not there" means "not visible everywhere yet": IAM and S3 tell every
/// replica with a delay. For calls in `configure`.
///
/// # Errors
/// The failure, of class [`FaultClass::Propagation`] where that is the case.
pub fn fresh<T>(delta: &Delta<'_>, result: Result<T, KindError>) -> Result<T, KindError> {
    result.map_err(|mut error| {
        if delta.is_created() && error.class == FaultClass::Gone {
            error.class = FaultClass::Propagation;
        }
        error
    })
}

impl<T, E> Fault<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn fault(
        self,
        service: &'static str,
        operation: &'static str,
        on: impl Display,
    ) -> Result<T, KindError> {
        self.map_err(|error| {
            let mut fault = match &error {
                SdkError::ConstructionFailure(_)
                | SdkError::TimeoutError(_)
                | SdkError::DispatchFailure(_) => dispatch::not_sent(&error),
                // The SDK files an answer that it cannot read under the service's errors too.
                SdkError::ServiceError(context) if context.raw().status().is_success() => {
                    dispatch::broken_answer(context.err(), context.raw().status().as_u16())
                }
                SdkError::ServiceError(context) => service_fault(&Answer {
                    service,
                    operation,
                    code: context.err().code().unwrap_or_default(),
                    message: context.err().message().unwrap_or_default(),
                    status: context.raw().status().as_u16(),
                }),
                SdkError::ResponseError(context) => {
                    dispatch::broken_answer(&error, context.raw().status().as_u16())
                }
                // More kinds of errors than this SDK has.
                _ => dispatch::not_sent(&error),
            };
            fault.operation = Some(format!("{service}:{operation}"));
            fault.on(on.to_string())
        })
    }
}

/// The failure that an answer of the service stands for.
#[must_use]
pub fn service_fault(answer: &Answer<'_>) -> KindError {
    let class = classify(answer);
    let message = match (answer.message, answer.code) {
        ("", "") => format!("the service answered with HTTP status {}", answer.status),
        ("", code) => code.to_owned(),
        (message, _) => message.to_owned(),
    };
    let mut fault = KindError::new(class, message);
    fault.code = Some(answer.code.to_owned()).filter(|code| !code.is_empty());
    fault.hint = hint(class, answer);
    fault
}

/// What a person can do about it.
fn hint(class: FaultClass, answer: &Answer<'_>) -> Option<String> {
    match class {
        FaultClass::Denied => Some(denied_hint(answer)),
        FaultClass::Exists => Some(
            "something with this name is there already and is not ours: choose another name, remove it, or `mcpdeploy import` it"
                .to_owned(),
        ),
        FaultClass::Fatal if table::is_quota(answer) => Some(
            "a quota of the account is reached: remove what is unused or ask for more in Service Quotas"
                .to_owned(),
        ),
        FaultClass::Fatal if table::is_wrong_region(answer) => Some(
            "the bucket is in another region: set the region it is in".to_owned(),
        ),
        FaultClass::Fatal
        | FaultClass::Propagation
        | FaultClass::Pending
        | FaultClass::Concurrent
        | FaultClass::Throttled
        | FaultClass::Transient
        | FaultClass::Gone => None,
    }
}

fn denied_hint(answer: &Answer<'_>) -> String {
    if table::is_expired(answer) {
        return dispatch::LOG_IN_AGAIN.to_owned();
    }
    if table::is_bad_credentials(answer) {
        return "the credentials are not those of an AWS account: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN or the profile, and the machine's clock".to_owned();
    }
    // "… is not authorized to perform: iam:PassRole on resource: …": another action than the
    // call's own may be the one that is missing.
    let named = answer
        .message
        .split_once("not authorized to perform: ")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    let action = named.map_or_else(
        || iam_action(answer.service, answer.operation),
        |named| named.trim_end_matches([',', '.']).to_owned(),
    );
    let message = answer.message.to_lowercase();
    if message.contains("service control policy") {
        format!(
            "an organization's service control policy forbids {action}: ask whoever administers it"
        )
    } else if message.contains("explicit deny") {
        format!(
            "a policy denies {action} explicitly: remove that statement or use another principal"
        )
    } else {
        format!(
            "allow {action} for the principal you deploy with; `mcpdeploy permissions` prints the whole policy"
        )
    }
}
