//! Which operation a request means, and what it is about.

use http::Method;
use percent_encoding::percent_decode_str;

use super::Target;
use super::config;
use crate::wire::Call;

/// Bucket and key, by the path or, when the host begins with the bucket, by both. Empty when there
/// is none.
pub(super) fn target(call: &Call) -> (String, String) {
    let path = call.path.strip_prefix('/').unwrap_or(&call.path);
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if let Some(bucket) = call.header("host").and_then(bucket_of_host) {
        return (bucket.to_owned(), decode(path));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decode(bucket), decode(key))
}

/// The bucket in a host such as `bucket.s3.us-east-1.amazonaws.com` or `bucket.localhost`.
fn bucket_of_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if name.starts_with("s3.") || name.starts_with("s3-") {
        return None;
    }
    [".s3.", ".s3-", ".localhost"]
        .iter()
        .filter_map(|mark| name.find(mark))
        .min()
        .map(|end| &name[..end])
}

/// The operation's name; an empty one for what there is not.
pub(super) fn operation(call: &Call, at: &Target) -> &'static str {
    let has = |name: &str| call.query(name).is_some();
    let copies = call.header("x-amz-copy-source").is_some();
    let method = &call.method;
    if at.bucket.is_empty() {
        return if method == Method::GET {
            "ListBuckets"
        } else {
            ""
        };
    }
    if at.key.is_empty() {
        return of_bucket(call, method, has);
    }
    let unknown = [
        "torrent",
        "retention",
        "legal-hold",
        "restore",
        "select",
        "partNumber",
    ];
    let part = has("uploadId") && has("partNumber");
    if !part && unknown.iter().any(|name| has(name)) {
        return "";
    }
    match *method {
        Method::GET if has("tagging") => "GetObjectTagging",
        Method::GET if has("acl") => "GetObjectAcl",
        Method::GET if has("attributes") => "GetObjectAttributes",
        Method::GET if has("uploadId") => "ListParts",
        Method::GET => "GetObject",
        Method::HEAD => "HeadObject",
        Method::PUT if has("tagging") => "PutObjectTagging",
        Method::PUT if has("acl") => "PutBucketAcl",
        Method::PUT if part && copies => "UploadPartCopy",
        Method::PUT if part => "UploadPart",
        Method::PUT if copies => "CopyObject",
        Method::PUT => "PutObject",
        Method::POST if has("uploads") => "CreateMultipartUpload",
        Method::POST if has("uploadId") => "CompleteMultipartUpload",
        Method::DELETE if has("tagging") => "DeleteObjectTagging",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        _ => "",
    }
}

fn of_bucket(call: &Call, method: &Method, has: impl Fn(&str) -> bool) -> &'static str {
    if config::of(call).is_some() {
        return match *method {
            Method::GET => "GetBucketConfiguration",
            Method::PUT => "PutBucketConfiguration",
            Method::DELETE => "DeleteBucketConfiguration",
            _ => "",
        };
    }
    let unknown = [
        "analytics",
        "inventory",
        "metrics",
        "intelligent-tiering",
        "session",
    ];
    if unknown.iter().any(|name| has(name)) {
        return "";
    }
    match *method {
        Method::GET if has("location") => "GetBucketLocation",
        Method::GET if has("versioning") => "GetBucketVersioning",
        Method::GET if has("policy") => "GetBucketPolicy",
        Method::GET if has("policyStatus") => "GetBucketPolicyStatus",
        Method::GET if has("acl") => "GetBucketAcl",
        Method::GET if has("versions") => "ListObjectVersions",
        Method::GET if has("uploads") => "ListMultipartUploads",
        Method::GET if call.query("list-type") == Some("2") => "ListObjectsV2",
        Method::GET => "ListObjects",
        Method::HEAD => "HeadBucket",
        Method::PUT if has("versioning") => "PutBucketVersioning",
        Method::PUT if has("policy") => "PutBucketPolicy",
        Method::PUT if has("acl") => "PutBucketAcl",
        Method::PUT => "CreateBucket",
        Method::DELETE if has("policy") => "DeleteBucketPolicy",
        Method::DELETE => "DeleteBucket",
        Method::POST if has("delete") => "DeleteObjects",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::bucket_of_host;

    #[test]
    fn a_host_may_begin_with_the_bucket() {
        for (host, bucket) in [
            ("127.0.0.1:4600", None),
            ("localhost:4600", None),
            ("s3.localhost:4600", None),
            ("s3.us-east-1.amazonaws.com", None),
            ("s3-accesspoint.us-east-1.amazonaws.com", None),
            ("my-bucket.localhost:4600", Some("my-bucket")),
            ("my.bucket.s3.localhost:4600", Some("my.bucket")),
            ("my-bucket.s3.amazonaws.com", Some("my-bucket")),
            ("my-bucket.s3.eu-west-1.amazonaws.com", Some("my-bucket")),
        ] {
            assert_eq!(bucket_of_host(host), bucket, "{host}");
        }
    }
}
