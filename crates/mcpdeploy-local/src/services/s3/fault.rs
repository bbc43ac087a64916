//! What S3 says when something is wrong. Source: "Error responses" in the API reference.

use http::StatusCode;

use crate::wire::Fault;

pub(super) fn no_such_bucket(name: &str) -> Fault {
    not_found("NoSuchBucket", "The specified bucket does not exist").field("BucketName", name)
}

pub(super) fn no_such_key(key: &str) -> Fault {
    not_found("NoSuchKey", "The specified key does not exist.").field("Key", key)
}

pub(super) fn no_such_version(key: &str, version: &str) -> Fault {
    not_found("NoSuchVersion", "The specified version does not exist.")
        .field("Key", key)
        .field("VersionId", version)
}

pub(super) fn no_such_upload(id: &str) -> Fault {
    not_found(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
    .field("UploadId", id)
}

pub(super) fn not_found(code: &str, message: &str) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, code, message)
}

pub(super) fn marker_not_allowed() -> Fault {
    Fault::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    )
    .field("ResourceType", "DeleteMarker")
    .header(
        super::headers::DELETE_MARKER,
        http::HeaderValue::from_static("true"),
    )
}

pub(super) fn malformed_xml() -> Fault {
    Fault::bad(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(super) fn invalid_argument(message: &str, name: &str, value: &str) -> Fault {
    Fault::bad("InvalidArgument", message)
        .field("ArgumentName", name)
        .field("ArgumentValue", value)
}

pub(super) fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidRequest", message)
}

pub(super) fn precondition_failed(condition: &str) -> Fault {
    Fault::new(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
    .field("Condition", condition)
}
