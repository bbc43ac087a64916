//! Headers of objects: what is kept of a request's, and what an answer has.

use http::{HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::fault::invalid_argument;
use super::record::{About, Bucket, Data, Object, Tag};
use super::xml::Element;
use crate::wire::{Call, Fault};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
pub(super) const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");
pub(super) const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

const META: &str = "x-amz-meta-";

/// The headers that are given back as they came.
const KEPT: [&str; 7] = [
    "content-type",
    "content-encoding",
    "content-disposition",
    "content-language",
    "cache-control",
    "expires",
    "x-amz-website-redirect-location",
];

/// The most bytes of metadata, names and values.
const METADATA: usize = 2048;

impl About {
    /// What a request says about its object.
    pub(super) fn read(call: &Call, bucket: &Bucket) -> Result<Self, Fault> {
        refuse(call)?;
        let mut about = Self::default();
        for name in KEPT {
            let Some(value) = call.header(name) else {
                continue;
            };
            let value = match name {
                "content-encoding" => without_chunked(value),
                _ => value.to_owned(),
            };
            if !value.is_empty() {
                about.headers.insert(name.to_owned(), value);
            }
        }
        for (name, value) in &call.headers {
            if let Some(key) = name.as_str().strip_prefix(META) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                about.metadata.insert(key.to_owned(), value);
            }
        }
        let size = about
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len());
        if size.sum::<usize>() > METADATA {
            return Err(Fault::bad(
                "MetadataTooLarge",
                "Your metadata headers exceed the maximum allowed metadata size",
            )
            .field("MaxSizeAllowed", METADATA.to_string()));
        }
        let class = call.header("x-amz-storage-class");
        about.class = class
            .filter(|class| *class != "STANDARD")
            .map(str::to_owned);
        let key = call.header("x-amz-server-side-encryption-aws-kms-key-id");
        about.kms = match call.header("x-amz-server-side-encryption") {
            Some("aws:kms" | "aws:kms:dsse") => Some(key.unwrap_or_default().to_owned()),
            Some("AES256") => None,
            Some(other) => {
                return Err(invalid_argument(
                    "The encryption method specified is not supported",
                    "x-amz-server-side-encryption",
                    other,
                ));
            }
            None => default_key(bucket),
        };
        Ok(about)
    }
}

/// What there is not, and whoever asks for it would miss it.
fn refuse(call: &Call) -> Result<(), Fault> {
    let acl = call.header("x-amz-acl").unwrap_or("private");
    if !["private", "bucket-owner-full-control"].contains(&acl) {
        return Err(super::acl::not_supported());
    }
    for (name, what) in [
        (
            "x-amz-server-side-encryption-customer-algorithm",
            "keys of S3's customers (SSE-C)",
        ),
        ("x-amz-object-lock-mode", "object lock"),
        ("x-amz-object-lock-legal-hold", "object lock"),
        ("x-amz-write-offset-bytes", "appending to objects"),
    ] {
        if call.header(name).is_some() {
            return Err(Fault::absent(what));
        }
    }
    Ok(())
}

/// The KMS key by which the bucket encrypts, if it does.
fn default_key(bucket: &Bucket) -> Option<String> {
    let document = bucket.config.get("encryption")?;
    let root = Element::read(document.as_bytes(), &["ServerSideEncryptionConfiguration"]).ok()?;
    let rule = root
        .child("Rule")?
        .child("ApplyServerSideEncryptionByDefault")?;
    let by_key = rule.get("SSEAlgorithm")?.starts_with("aws:kms");
    by_key.then(|| rule.get("KMSMasterKeyID").unwrap_or_default().to_owned())
}

fn without_chunked(value: &str) -> String {
    let parts = value.split(',').map(str::trim);
    let kept: Vec<&str> = parts
        .filter(|part| !part.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    kept.join(",")
}

/// The tags in a header such as `a=1&b=2`.
pub(super) fn tags(call: &Call) -> Result<Vec<Tag>, Fault> {
    let text = call.header("x-amz-tagging").unwrap_or_default();
    let tags = form_urlencoded::parse(text.as_bytes()).map(|(key, value)| Tag {
        key: key.into_owned(),
        value: value.into_owned(),
    });
    super::tagging::checked(tags.collect(), 10)
}

/// Headers that are set as text; what cannot be one is left out.
#[derive(Debug, Default)]
pub(super) struct Headers(pub(super) HeaderMap);

impl Headers {
    pub(super) fn set(&mut self, name: &str, value: impl AsRef<str>) {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_ref().as_bytes())) {
            self.0.insert(name, value);
        }
    }

    /// How an object is encrypted.
    pub(super) fn encryption(&mut self, about: &About) {
        match about.kms.as_deref() {
            None => self.set("x-amz-server-side-encryption", "AES256"),
            Some(key) => {
                self.set("x-amz-server-side-encryption", "aws:kms");
                if !key.is_empty() {
                    self.set("x-amz-server-side-encryption-aws-kms-key-id", key);
                }
            }
        }
    }

    /// What `GetObject` and `HeadObject` say about an object.
    pub(super) fn object(&mut self, call: &Call, object: &Object, data: &Data) {
        self.set("etag", format!("\"{}\"", data.etag));
        self.set("last-modified", http_date(object.modified));
        self.set("accept-ranges", "bytes");
        self.set("content-type", "binary/octet-stream");
        for (name, value) in &data.about.headers {
            self.set(name, value);
        }
        for (name, value) in &data.about.metadata {
            self.set(&format!("{META}{name}"), value);
        }
        if let Some(class) = &data.about.class {
            self.set("x-amz-storage-class", class);
        }
        if object.version != super::record::NULL {
            self.set(VERSION_ID.as_str(), &object.version);
        }
        if !data.tags.is_empty() {
            self.set("x-amz-tagging-count", data.tags.len().to_string());
        }
        self.encryption(&data.about);
        // Presigned addresses may ask for other headers.
        for name in KEPT {
            if let Some(value) = call.query(&format!("response-{name}")) {
                self.set(name, value);
            }
        }
    }
}

const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// `Fri, 02 Jan 2026 03:04:05 GMT`.
pub(super) fn http_date(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(HTTP_DATE)
        .unwrap_or_default()
}

/// Reads such a date.
pub(super) fn read_http_date(text: &str) -> Option<OffsetDateTime> {
    let date = time::PrimitiveDateTime::parse(text, HTTP_DATE).ok()?;
    Some(date.assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let text = "Fri, 02 Jan 2026 03:04:05 GMT";
        let at = read_http_date(text).unwrap();
        assert_eq!(at.unix_timestamp(), 1_767_323_045);
        assert_eq!(http_date(at), text);
        assert_eq!(read_http_date("yesterday"), None);
    }

    #[test]
    fn chunked_is_no_encoding_of_the_object() {
        assert_eq!(without_chunked("aws-chunked"), "");
        assert_eq!(without_chunked("gzip, aws-chunked"), "gzip");
    }
}
