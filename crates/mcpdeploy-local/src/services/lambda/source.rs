//! Where the code of a call comes from: the call itself, or an object in S3.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use super::code::LARGEST_ZIP;
use super::faults::{invalid, too_large};
use crate::cloud::Cloud;
use crate::wire::Fault;

/// `FunctionCode`, and the same members of UpdateFunctionCode.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Source {
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    s3_object_version: Option<String>,
    s3_object_storage_mode: Option<String>,
    image_uri: Option<String>,
    #[serde(rename = "SourceKMSKeyArn")]
    source_kms_key_arn: Option<String>,
}

impl Source {
    /// Reads the zip.
    ///
    /// # Errors
    /// As Lambda words them.
    pub(super) async fn bytes(self, cloud: &Cloud) -> Result<Bytes, Fault> {
        if self.image_uri.is_some() {
            return Err(invalid(
                "Please don't provide ImageUri when updating a function with packageType Zip.",
            ));
        }
        if self.source_kms_key_arn.is_some() {
            return Err(Fault::absent("encryption of packages by a key of KMS"));
        }
        if self
            .s3_object_storage_mode
            .is_some_and(|mode| mode != "COPY")
        {
            return Err(Fault::absent("packages that stay in S3"));
        }
        match (self.zip_file, self.s3_bucket, self.s3_key) {
            (Some(zip), None, None) => inline(&zip),
            (Some(_), _, _) => Err(invalid(
                "Please do not provide other FunctionCode parameters when providing a ZipFile.",
            )),
            (None, Some(bucket), Some(key)) => {
                let version = self.s3_object_version.as_deref();
                let object = cloud.services().s3.object(&bucket, &key, version).await;
                object.map_err(not_read)
            }
            (None, _, _) => Err(invalid("Please provide a source for function code.")),
        }
    }
}

fn inline(zip: &str) -> Result<Bytes, Fault> {
    let bytes = BASE64_STANDARD
        .decode(zip)
        .map_err(|_| Fault::bad("SerializationException", "ZipFile is not base64"))?;
    if bytes.len() as u64 > LARGEST_ZIP {
        return Err(too_large(
            "RequestEntityTooLargeException",
            format!("Zipped size must be smaller than {LARGEST_ZIP} bytes"),
        ));
    }
    Ok(bytes.into())
}

/// What S3 said, as Lambda passes it on.
fn not_read(fault: Fault) -> Fault {
    if fault.status == StatusCode::NOT_IMPLEMENTED || fault.status.is_server_error() {
        return fault;
    }
    invalid(format!(
        "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
        fault.code, fault.message
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_in_the_call_is_base64_and_not_too_large() {
        assert_eq!(inline("aGk=").unwrap(), "hi");
        assert_eq!(inline("?").unwrap_err().code, "SerializationException");
        let large = vec![0; usize::try_from(LARGEST_ZIP).unwrap() + 1];
        let fault = inline(&BASE64_STANDARD.encode(large)).unwrap_err();
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn what_s3_says_is_passed_on() {
        let fault = not_read(Fault::new(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        ));
        assert_eq!(fault.code, "InvalidParameterValueException");
        assert!(fault.message.ends_with(
            "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
        ));
        assert_eq!(not_read(Fault::absent("x")), Fault::absent("x"));
    }
}
