//! Which IAM action allows an operation of the SDK.
//!
//! Mostly the two have the same name; where they do not, AWS's Service Authorization Reference
//! says so, and this is the table of it.

/// The IAM action for a service's operation: `iam_action("lambda", "CreateFunction")` is
/// `lambda:CreateFunction`.
///
/// `service` is the name that [`crate::fault`] uses, `operation` the API's.
#[must_use]
pub fn iam_action(service: &str, operation: &str) -> String {
    let (service, action) = match (service, operation) {
        // API Gateway authorises by HTTP verb and path.
        ("apigatewayv2", operation) => ("apigateway", verb(operation)),
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html and its like.
        ("s3", "HeadBucket" | "ListObjects" | "ListObjectsV2") => ("s3", "ListBucket"),
        ("s3", "ListObjectVersions") => ("s3", "ListBucketVersions"),
        ("s3", "HeadObject") => ("s3", "GetObject"),
        (
            "s3",
            "CopyObject" | "CompleteMultipartUpload" | "CreateMultipartUpload" | "UploadPart",
        ) => ("s3", "PutObject"),
        ("s3", "DeleteObjects") => ("s3", "DeleteObject"),
        ("s3", "ListBuckets") => ("s3", "ListAllMyBuckets"),
        ("s3", "GetBucketEncryption") => ("s3", "GetEncryptionConfiguration"),
        ("s3", "PutBucketEncryption" | "DeleteBucketEncryption") => {
            ("s3", "PutEncryptionConfiguration")
        }
        ("s3", "GetBucketLifecycleConfiguration") => ("s3", "GetLifecycleConfiguration"),
        ("s3", "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle") => {
            ("s3", "PutLifecycleConfiguration")
        }
        ("s3", "GetPublicAccessBlock") => ("s3", "GetBucketPublicAccessBlock"),
        ("s3", "PutPublicAccessBlock" | "DeletePublicAccessBlock") => {
            ("s3", "PutBucketPublicAccessBlock")
        }
        ("s3", "DeleteBucketTagging") => ("s3", "PutBucketTagging"),
        // Lambda's own exception.
        ("lambda", "Invoke") => ("lambda", "InvokeFunction"),
        (service, operation) => (service, operation),
    };
    format!("{service}:{action}")
}

fn verb(operation: &str) -> &'static str {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| operation.starts_with(prefix));
    match operation {
        "TagResource" => "POST",
        "UntagResource" => "DELETE",
        "ReimportApi" => "PUT",
        _ if starts(&["Create", "Import"]) => "POST",
        _ if starts(&["Update"]) => "PATCH",
        _ if starts(&["Delete", "Reset"]) => "DELETE",
        _ if starts(&["Put"]) => "PUT",
        _ => "GET",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions() {
        for (service, operation, expected) in [
            ("lambda", "CreateFunction", "lambda:CreateFunction"),
            ("lambda", "Invoke", "lambda:InvokeFunction"),
            ("iam", "GetRole", "iam:GetRole"),
            ("logs", "CreateLogGroup", "logs:CreateLogGroup"),
            ("s3", "HeadBucket", "s3:ListBucket"),
            (
                "s3",
                "PutPublicAccessBlock",
                "s3:PutBucketPublicAccessBlock",
            ),
            ("s3", "CreateBucket", "s3:CreateBucket"),
            ("apigatewayv2", "GetApis", "apigateway:GET"),
            ("apigatewayv2", "CreateApi", "apigateway:POST"),
            ("apigatewayv2", "UpdateStage", "apigateway:PATCH"),
            ("apigatewayv2", "TagResource", "apigateway:POST"),
            ("apigatewayv2", "UntagResource", "apigateway:DELETE"),
            ("apigatewayv2", "DeleteRoute", "apigateway:DELETE"),
            ("apigatewayv2", "ReimportApi", "apigateway:PUT"),
        ] {
            assert_eq!(iam_action(service, operation), expected);
        }
    }
}
