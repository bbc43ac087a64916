//! Copying objects and parts of them.

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::checksum::Algorithm;
use super::fault::{invalid_argument, invalid_request};
use super::get::check_conditions;
use super::headers::{self, Headers, VERSION_ID};
use super::put::check_key;
use super::record::{About, Data, NULL, Object};
use super::{S3, Target};
use crate::wire::{self, Call, Fault, Reply};

/// What is copied.
pub(super) struct Source {
    bucket: String,
    key: String,
    pub(super) object: Object,
    pub(super) data: Data,
}

impl S3 {
    /// The object that `x-amz-copy-source` names, if the conditions hold.
    pub(super) fn source(&self, call: &Call) -> Result<Source, Fault> {
        let text = call.header("x-amz-copy-source").unwrap_or_default();
        let (path, version) = match text.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        let path = percent_decode_str(path).decode_utf8_lossy();
        let path = path.strip_prefix('/').unwrap_or(&path);
        let Some((bucket, key)) = path.split_once('/').filter(|(_, key)| !key.is_empty()) else {
            return Err(invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                "x-amz-copy-source",
                text,
            ));
        };
        let (object, data) = self.state().data(bucket, key, version)?;
        check_conditions(call, &object, &data, "x-amz-copy-source-")?;
        Ok(Source {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            object,
            data,
        })
    }

    pub(super) async fn copy_object(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        check_key(&at.key)?;
        let source = self.source(call)?;
        let replaces = |header: &str| match call.header(header) {
            None | Some("COPY") => Ok(false),
            Some("REPLACE") => Ok(true),
            Some(other) => Err(invalid_argument(
                "Unknown metadata directive.",
                header,
                other,
            )),
        };
        let about = {
            let state = self.state();
            About::read(call, state.bucket(&at.bucket)?)?
        };
        let new_metadata = replaces("x-amz-metadata-directive")?;
        let itself = source.bucket == at.bucket && source.key == at.key;
        let changes = new_metadata
            || about.class != source.data.about.class
            || call.header("x-amz-server-side-encryption").is_some();
        if itself
            && !changes
            && call
                .header("x-amz-copy-source")
                .is_some_and(|s| !s.contains("versionId"))
        {
            return Err(invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let about = if new_metadata {
            about
        } else {
            About {
                headers: source.data.about.headers.clone(),
                metadata: source.data.about.metadata.clone(),
                ..about
            }
        };
        let tags = if replaces("x-amz-tagging-directive")? {
            headers::tags(call)?
        } else {
            source.data.tags.clone()
        };
        let bytes = self.read_file(&source.data.file, None).await?;
        let algorithm = match call.header("x-amz-checksum-algorithm") {
            Some(name) => Algorithm::read(name)?,
            None => source
                .data
                .checksum
                .as_ref()
                .map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm),
        };
        let file = self.write_file(&bytes).await?;
        let data = Data {
            file,
            size: bytes.len() as u64,
            etag: hex::encode(super::checksum::md5(&bytes)),
            checksum: Some(algorithm.of(&bytes)),
            parts: None,
            tags,
            about,
        };
        let mut headers = Headers::default();
        headers.encryption(&data.about);
        if source.object.version != NULL {
            headers.set("x-amz-copy-source-version-id", &source.object.version);
        }
        let etag = format!("\"{}\"", data.etag);
        if let Some(version) = self.keep(call, at, data)? {
            headers.set(VERSION_ID.as_str(), version);
        }
        let mut reply = Reply::output(json!({"CopyObjectResult": {
            "ETag": etag,
            "LastModified": wire::time(at.now),
        }}));
        reply.headers = headers.0;
        Ok(reply)
    }
}
