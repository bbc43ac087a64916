//! The table of classes.

use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_engine::kind::FaultClass::{
    Concurrent, Denied, Exists, Fatal, Gone, Pending, Propagation, Throttled, Transient,
};

use super::Answer;

/// One row: an empty field fits everything. The first row that fits decides.
struct Row {
    service: &'static str,
    /// Operations that begin with this.
    operation: &'static str,
    /// The code without the ending `Exception` or `Error`, which services add or leave out.
    code: &'static str,
    /// A part of the message, in lower case.
    message: &'static str,
    class: FaultClass,
}

const fn row(
    service: &'static str,
    operation: &'static str,
    code: &'static str,
    message: &'static str,
    class: FaultClass,
) -> Row {
    Row {
        service,
        operation,
        code,
        message,
        class,
    }
}

/// Sources: the services' API references (the "Errors" of each operation), and the messages that
/// the services send, which no document lists.
const TABLE: &[Row] = &[
    // Lambda: what a fresh role or key is not yet known for.
    row(
        "lambda",
        "",
        "InvalidParameterValue",
        "cannot be assumed by lambda",
        Propagation,
    ),
    row(
        "lambda",
        "",
        "InvalidParameterValue",
        "does not have permissions",
        Propagation,
    ),
    row(
        "lambda",
        "",
        "InvalidParameterValue",
        "invalid for creategrant",
        Propagation,
    ),
    row(
        "lambda",
        "",
        "InvalidParameterValue",
        "throttled by ec2",
        Throttled,
    ),
    row("lambda", "", "KMSAccessDenied", "", Propagation),
    // Lambda: one code for "busy" and "exists".
    row(
        "lambda",
        "",
        "ResourceConflict",
        "currently in the following state",
        Pending,
    ),
    row(
        "lambda",
        "",
        "ResourceConflict",
        "update is in progress",
        Pending,
    ),
    row("lambda", "", "ResourceConflict", "already exist", Exists),
    row("lambda", "Delete", "ResourceConflict", "reference", Fatal),
    row("lambda", "", "ResourceConflict", "", Concurrent),
    // Not AWS's code for it, but that of emulators.
    row("lambda", "", "Conflict", "already exist", Exists),
    row("lambda", "", "PreconditionFailed", "", Concurrent),
    row(
        "lambda",
        "",
        "ProvisionedConcurrencyConfigNotFound",
        "",
        Gone,
    ),
    row("lambda", "", "ResourceNotReady", "", Pending),
    row("lambda", "", "EC2Throttled", "", Throttled),
    row("lambda", "", "Service", "", Transient),
    // IAM.
    row(
        "iam",
        "",
        "MalformedPolicyDocument",
        "invalid principal in policy",
        Propagation,
    ),
    row("iam", "", "EntityTemporarilyUnmodifiable", "", Pending),
    row("iam", "", "ConcurrentModification", "", Concurrent),
    // Detached a moment ago, but not everywhere: deleting lists and detaches again.
    row("iam", "", "DeleteConflict", "", Concurrent),
    row("iam", "", "ServiceFailure", "", Transient),
    // API Gateway: its ConflictException is "exists" only where it says so.
    row("apigatewayv2", "", "Conflict", "already exist", Exists),
    row("apigatewayv2", "", "Conflict", "", Concurrent),
    row("apigatewayv2", "", "", "try again later", Concurrent),
    // CloudWatch Logs.
    row("logs", "", "OperationAborted", "", Concurrent),
    // CloudWatch.
    row("cloudwatch", "", "ConcurrentModification", "", Concurrent),
    row("cloudwatch", "", "InternalServiceFault", "", Transient),
    row("cloudwatch", "", "DashboardNotFound", "", Gone),
    // DynamoDB: one code for "exists" and "busy".
    row("dynamodb", "", "ResourceInUse", "already exist", Exists),
    row("dynamodb", "", "ResourceInUse", "", Pending),
    row(
        "dynamodb",
        "",
        "LimitExceeded",
        "simultaneously",
        Concurrent,
    ),
    row("dynamodb", "", "LimitExceeded", "control plane", Concurrent),
    row(
        "dynamodb",
        "",
        "ProvisionedThroughputExceeded",
        "",
        Throttled,
    ),
    row("dynamodb", "", "TableNotFound", "", Gone),
    // Secrets Manager: a deleted secret blocks its name until its window ends.
    row(
        "secretsmanager",
        "Create",
        "InvalidRequest",
        "scheduled for deletion",
        Exists,
    ),
    // Systems Manager.
    row("ssm", "", "ParameterAlreadyExists", "", Exists),
    row("ssm", "", "ParameterNotFound", "", Gone),
    row("ssm", "", "ParameterVersionNotFound", "", Gone),
    row("ssm", "", "InvalidResourceId", "", Gone),
    row("ssm", "", "TooManyUpdates", "", Concurrent),
    // Cognito: one code for everything that is wrong with a request.
    row("cognito-idp", "", "GroupExists", "", Exists),
    row("cognito-idp", "", "DuplicateProvider", "", Exists),
    row("cognito-idp", "", "ManagedLoginBrandingExists", "", Exists),
    row(
        "cognito-idp",
        "Create",
        "InvalidParameter",
        "already exists",
        Exists,
    ),
    row(
        "cognito-idp",
        "CreateUserPoolDomain",
        "InvalidParameter",
        "domain already associated",
        Exists,
    ),
    row(
        "cognito-idp",
        "CreateUserPoolDomain",
        "InvalidParameter",
        "already has a domain",
        Exists,
    ),
    row(
        "cognito-idp",
        "DeleteUserPoolDomain",
        "InvalidParameter",
        "no such domain",
        Gone,
    ),
    // KMS: its one code for "not there" has no ending of its own.
    row("kms", "", "AlreadyExists", "", Exists),
    row("kms", "", "NotFound", "", Gone),
    row("kms", "", "DependencyTimeout", "", Transient),
    row(
        "kms",
        "",
        "MalformedPolicyDocument",
        "invalid principal",
        Propagation,
    ),
    // SNS.
    row(
        "sns",
        "",
        "InvalidParameter",
        "already exists with different",
        Exists,
    ),
    row("sns", "", "ConcurrentAccess", "", Concurrent),
    row("sns", "", "StaleTag", "", Concurrent),
    row("sns", "", "KMSThrottling", "", Throttled),
    row("sns", "", "Authorization", "", Denied),
    row("sns", "", "NotFound", "", Gone),
    // S3.
    row("s3", "", "OperationAborted", "", Concurrent),
    row("s3", "", "ConditionalRequestConflict", "", Concurrent),
    row("s3", "", "BucketAlreadyOwnedByYou", "", Exists),
    row("s3", "", "BucketAlreadyExists", "", Exists),
    row("s3", "", "NoSuchBucket", "", Gone),
    row("s3", "", "NoSuchKey", "", Gone),
    row("s3", "", "NoSuchVersion", "", Gone),
    row("s3", "", "NoSuchUpload", "", Gone),
    row("s3", "", "NoSuchTagSet", "", Gone),
    row("s3", "", "NoSuchLifecycleConfiguration", "", Gone),
    row("s3", "", "NoSuchPublicAccessBlockConfiguration", "", Gone),
    row("s3", "Head", "NotFound", "", Gone),
    row("s3", "", "SlowDown", "", Throttled),
    // Exists, everywhere.
    row("", "", "EntityAlreadyExists", "", Exists),
    row("", "", "ResourceAlreadyExists", "", Exists),
    row("", "", "ResourceExists", "", Exists),
    row("", "", "ResourceInUse", "", Exists),
    // Throttled, everywhere.
    row("", "", "", "rate exceeded", Throttled),
    row("", "", "Throttling", "", Throttled),
    row("", "", "Throttled", "", Throttled),
    row("", "", "TooManyRequests", "", Throttled),
    row("", "", "RequestLimitExceeded", "", Throttled),
    row("", "", "RequestThrottled", "", Throttled),
    row("", "", "BandwidthLimitExceeded", "", Throttled),
    row("", "", "PriorRequestNotComplete", "", Throttled),
    // Concurrent, everywhere.
    row("", "", "ConcurrentModification", "", Concurrent),
    // Transient, everywhere.
    row("", "", "Internal", "", Transient),
    row("", "", "InternalFailure", "", Transient),
    row("", "", "InternalServer", "", Transient),
    row("", "", "InternalService", "", Transient),
    row("", "", "ServiceUnavailable", "", Transient),
    row("", "", "RequestTimeout", "", Transient),
    // Denied, everywhere.
    row("", "", "AccessDenied", "", Denied),
    row("", "", "UnauthorizedOperation", "", Denied),
    row("", "", "Unauthorized", "", Denied),
    row("", "", "NotAuthorized", "", Denied),
    row("", "", "Forbidden", "", Denied),
    row("", "", "OptInRequired", "", Denied),
    // Gone, everywhere: only where the service has a type for it.
    row("", "", "ResourceNotFound", "", Gone),
    row("", "", "NoSuchEntity", "", Gone),
];

/// Codes of credentials that were good once.
const EXPIRED: &[&str] = &["ExpiredToken", "RequestExpired", "TokenRefreshRequired"];

/// Codes of credentials that are no good.
const BAD_CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignature",
    "InvalidToken",
    "MissingAuthenticationToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
];

/// Codes of quotas.
const QUOTA: &[&str] = &[
    "CodeStorageExceeded",
    "LimitExceeded",
    "ServiceQuotaExceeded",
    "SubscriptionLimitExceeded",
    "TooManyBuckets",
    "TopicLimitExceeded",
];

/// The class of a service's error.
#[must_use]
pub fn classify(answer: &Answer<'_>) -> FaultClass {
    let code = plain(answer.code);
    let message = answer.message.to_lowercase();
    if is_expired(answer) || is_bad_credentials(answer) {
        return Denied;
    }
    let found = TABLE.iter().find(|row| {
        (row.service.is_empty() || row.service == answer.service)
            && answer.operation.starts_with(row.operation)
            && (row.code.is_empty() || row.code == code)
            && message.contains(row.message)
    });
    if let Some(row) = found {
        return row.class;
    }
    // API Gateway's NotFoundException is typed; elsewhere a plain 404 may be a wrong endpoint.
    if answer.service == "apigatewayv2" && code == "NotFound" {
        return Gone;
    }
    match answer.status {
        429 => Throttled,
        401 | 403 => Denied,
        // 501 is an emulator that does not have this: asking again does not bring it.
        408 | 500 | 502..=599 => Transient,
        _ => Fatal,
    }
}

/// The code without namespace and the endings that services add or leave out.
fn plain(code: &str) -> &str {
    let code = code.rsplit(['#', '.']).next().unwrap_or(code);
    let code = code.strip_suffix("Exception").unwrap_or(code);
    code.strip_suffix("Error").unwrap_or(code)
}

pub(super) fn is_expired(answer: &Answer<'_>) -> bool {
    EXPIRED.contains(&plain(answer.code))
        || answer
            .message
            .contains("security token included in the request is expired")
}

pub(super) fn is_bad_credentials(answer: &Answer<'_>) -> bool {
    BAD_CREDENTIALS.contains(&plain(answer.code))
}

pub(super) fn is_quota(answer: &Answer<'_>) -> bool {
    QUOTA.contains(&plain(answer.code))
}

pub(super) fn is_wrong_region(answer: &Answer<'_>) -> bool {
    answer.service == "s3"
        && (answer.status == 301
            || [
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraint",
            ]
            .contains(&plain(answer.code)))
}

#[cfg(test)]
mod tests;
