//! Putting objects.

use http::StatusCode;

use super::body::Upload;
use super::checksum::{Algorithm, Checksum};
use super::fault::{no_such_key, precondition_failed};
use super::headers::{self, Headers, VERSION_ID};
use super::record::{About, Data};
use super::{S3, State, Target};
use crate::wire::{Call, Content, Fault, Reply};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 1024;

impl S3 {
    pub(super) async fn put_object(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        check_key(&at.key)?;
        let about = {
            let state = self.state();
            About::read(call, state.bucket(&at.bucket)?)?
        };
        let tags = headers::tags(call)?;
        let upload = Upload::read(call)?;
        let file = self.write_file(&upload.bytes).await?;
        let data = Data {
            file,
            size: upload.bytes.len() as u64,
            etag: hex::encode(upload.md5),
            // What S3 calculates when nothing is sent along.
            checksum: Some(
                upload
                    .checksum
                    .unwrap_or_else(|| Algorithm::Crc64Nvme.of(&upload.bytes)),
            ),
            parts: None,
            tags,
            about,
        };
        let mut headers = Headers::default();
        headers.set("etag", format!("\"{}\"", data.etag));
        headers.encryption(&data.about);
        headers.checksum(data.checksum.as_ref());
        if let Some(version) = self.keep(call, at, data)? {
            headers.set(VERSION_ID.as_str(), version);
        }
        let mut reply = Reply::with_status(StatusCode::OK, Content::Empty);
        reply.headers = headers.0;
        Ok(reply)
    }

    /// Keeps a new version whose file is written, if the request's conditions hold, and removes the
    /// files of what it replaces. Returns its id where there are versions.
    pub(super) fn keep(
        &self,
        call: &Call,
        at: &Target,
        data: Data,
    ) -> Result<Option<String>, Fault> {
        let file = data.file.clone();
        let kept = {
            let mut state = self.state();
            check_conditions(&state, call, at)
                .and_then(|()| state.keep(&at.bucket, &at.key, at.now, Some(data)))
        };
        match kept {
            Ok((version, replaced)) => {
                self.remove_files(&replaced);
                Ok(version)
            }
            Err(fault) => {
                self.remove_files(&[file]);
                Err(fault)
            }
        }
    }
}

impl Headers {
    /// A checksum and its kind.
    pub(super) fn checksum(&mut self, checksum: Option<&Checksum>) {
        if let Some(checksum) = checksum {
            self.set(&checksum.algorithm.header(), &checksum.value);
            self.set("x-amz-checksum-type", checksum.kind());
        }
    }
}

pub(super) fn check_key(key: &str) -> Result<(), Fault> {
    if key.len() > LONGEST_KEY {
        return Err(Fault::bad("KeyTooLongError", "Your key is too long")
            .field("Size", key.len().to_string())
            .field("MaxSizeAllowed", LONGEST_KEY.to_string()));
    }
    if key.contains('\u{0}') {
        return Err(Fault::bad(
            "InvalidArgument",
            "Object key cannot contain a NUL character",
        ));
    }
    Ok(())
}

/// `If-None-Match: *` for what must not be there, `If-Match` for what must be there as it is.
fn check_conditions(state: &State, call: &Call, at: &Target) -> Result<(), Fault> {
    let there = state.data(&at.bucket, &at.key, None).ok();
    match call.header("if-none-match") {
        Some("*") if there.is_some() => return Err(precondition_failed("If-None-Match")),
        Some("*") | None => {}
        Some(_) => return Err(Fault::absent("If-None-Match of an ETag for writes")),
    }
    match (call.header("if-match"), there) {
        (Some(_), None) => Err(no_such_key(&at.key)),
        (Some(etag), Some((_, data))) if !same_etag(etag, &data.etag) => {
            Err(precondition_failed("If-Match"))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// Whether an ETag of a request, with or without quotes, is this one.
pub(super) fn same_etag(given: &str, etag: &str) -> bool {
    given == "*" || given.trim().trim_matches('"') == etag
}
