//! Deleting objects.

use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::fault::{malformed_xml, precondition_failed};
use super::headers::{DELETE_MARKER, VERSION_ID};
use super::put::{check_key, same_etag};
use super::record::{Object, Versioning, rows};
use super::xml::Element;
use super::{S3, State, Target};
use crate::wire::{self, Call, Fault, Reply};

/// What deleting comes to.
#[derive(Debug, Default)]
struct Deleted {
    /// The version that was deleted, or the marker that was made.
    version: Option<String>,
    /// Whether that is a delete marker.
    marker: bool,
    files: Vec<String>,
}

impl State {
    fn delete(&mut self, at: &Target, key: &str, version: Option<&str>) -> Result<Deleted, Fault> {
        let bucket = self.bucket(&at.bucket)?;
        if let Some(version) = version {
            let prefix = rows(&at.bucket, key);
            let found = self
                .objects
                .under(&prefix)
                .find(|(_, object)| object.version == version)
                .map(|(row, _)| row.to_owned());
            let gone: Option<Object> = match found {
                Some(row) => self.objects.remove(&row)?,
                None => None,
            };
            return Ok(Deleted {
                version: Some(version.to_owned()),
                marker: gone.as_ref().is_some_and(|object| object.data.is_none()),
                files: gone
                    .iter()
                    .filter_map(|o| o.file().map(str::to_owned))
                    .collect(),
            });
        }
        match bucket.versioning {
            Some(Versioning::Enabled | Versioning::Suspended) => {
                let (version, files) = self.keep(&at.bucket, key, at.now, None)?;
                Ok(Deleted {
                    version,
                    marker: true,
                    files,
                })
            }
            None => {
                let prefix = rows(&at.bucket, key);
                let (mut files, mut changes) = (Vec::new(), Vec::new());
                for (row, object) in self.objects.under(&prefix) {
                    files.extend(object.file().map(str::to_owned));
                    changes.push((row.to_owned(), None));
                }
                self.objects.write(changes)?;
                Ok(Deleted {
                    files,
                    ..Deleted::default()
                })
            }
        }
    }
}

impl S3 {
    pub(super) fn delete_object(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        check_key(&at.key)?;
        let version = call.query("versionId");
        let deleted = {
            let mut state = self.state();
            if let Some(etag) = call.header("if-match") {
                // Only the current version counts, whichever is to go.
                let there = state.data(&at.bucket, &at.key, None).ok();
                if !there.is_some_and(|(_, data)| same_etag(etag, &data.etag)) {
                    return Err(precondition_failed("If-Match"));
                }
            }
            state.delete(at, &at.key, version)?
        };
        self.remove_files(&deleted.files);
        let mut reply = Reply::empty(StatusCode::NO_CONTENT);
        let version = deleted.version.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(version)) = version {
            reply = reply.header(VERSION_ID, version);
        }
        if deleted.marker {
            reply = reply.header(DELETE_MARKER, HeaderValue::from_static("true"));
        }
        Ok(reply)
    }

    pub(super) fn delete_objects(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        let body = super::body::Upload::read(call)?;
        let root = Element::read(&body.bytes, &["Delete"])?;
        let objects: Vec<&Element> = root.all("Object").collect();
        if objects.is_empty() || objects.len() > 1000 {
            return Err(malformed_xml());
        }
        let quiet = root.get("Quiet") == Some("true");
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        let mut files = Vec::new();
        let mut state = self.state();
        state.bucket(&at.bucket)?;
        for object in objects {
            // The text itself: a key may begin or end with a space.
            let key = object.child("Key").ok_or_else(malformed_xml)?.text.as_str();
            let version = object.get("VersionId");
            match state.delete(at, key, version) {
                Ok(gone) => {
                    files.extend(gone.files);
                    if quiet {
                        continue;
                    }
                    let made = version.is_none() && gone.marker;
                    deleted.push(json!({
                        "Key": key,
                        "VersionId": version,
                        "DeleteMarker": gone.marker.then_some(true),
                        "DeleteMarkerVersionId":
                            gone.version.filter(|_| gone.marker && (made || version.is_some())),
                    }));
                }
                Err(fault) => errors.push(json!({
                    "Key": key,
                    "VersionId": version,
                    "Code": fault.code,
                    "Message": fault.message,
                })),
            }
        }
        drop(state);
        self.remove_files(&files);
        Ok(Reply::output(json!({"DeleteResult": {
            "Deleted": wire::flat(deleted),
            "Error": wire::flat(errors),
        }})))
    }
}
