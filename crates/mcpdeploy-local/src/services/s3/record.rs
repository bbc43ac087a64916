//! What is kept of buckets, objects and uploads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::checksum::Checksum;
use super::fault::{marker_not_allowed, no_such_bucket, no_such_key, no_such_version};
use super::{State, fault};
use crate::storage::StorageError;
use crate::wire::Fault;

/// The id of the version that a bucket without versioning has of each object.
pub(super) const NULL: &str = "null";

/// A bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Bucket {
    pub(super) region: String,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    pub(super) versioning: Option<Versioning>,
    pub(super) policy: Option<String>,
    /// Documents by the name of their part of the API, e.g. `lifecycle`.
    pub(super) config: BTreeMap<String, String>,
}

/// Whether versions are kept. Once they were, they are not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Versioning {
    Enabled,
    Suspended,
}

/// A version of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) version: String,
    #[serde(with = "rfc3339")]
    pub(super) modified: OffsetDateTime,
    /// None is a delete marker.
    pub(super) data: Option<Data>,
}

/// What an object has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Data {
    /// The name of the file with its bytes.
    pub(super) file: String,
    pub(super) size: u64,
    /// Without its quotes.
    pub(super) etag: String,
    pub(super) checksum: Option<Checksum>,
    /// How many parts it was uploaded in.
    pub(super) parts: Option<usize>,
    pub(super) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(super) about: About,
}

/// What whoever put an object said about it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct About {
    /// Headers to give back: content type, cache control, …
    pub(super) headers: BTreeMap<String, String>,
    /// By names without `x-amz-meta-`.
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) class: Option<String>,
    /// The KMS key, when it is encrypted by one: empty is the one that AWS manages.
    pub(super) kms: Option<String>,
}

/// A tag as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

/// A multipart upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    #[serde(with = "rfc3339")]
    pub(super) begun: OffsetDateTime,
    pub(super) about: About,
    pub(super) tags: Vec<Tag>,
    /// The algorithm of its checksums, and whether the object's is one of all its bytes.
    pub(super) checksum: Option<(String, bool)>,
    pub(super) parts: BTreeMap<u16, Part>,
}

/// A part of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) checksum: Option<Checksum>,
    #[serde(with = "rfc3339")]
    pub(super) modified: OffsetDateTime,
}

impl Object {
    pub(super) fn file(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.file.as_str())
    }
}

/// The rows of all versions of an object begin with this.
pub(super) fn rows(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}\u{0}")
}

impl State {
    pub(super) fn bucket(&self, name: &str) -> Result<&Bucket, Fault> {
        self.buckets.get(name).ok_or_else(|| no_such_bucket(name))
    }

    /// Changes a bucket.
    pub(super) fn change_bucket<R>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Bucket) -> R,
    ) -> Result<R, Fault> {
        let changed = self.buckets.update(name, change)?;
        changed.ok_or_else(|| no_such_bucket(name))
    }

    /// The row and the version of an object: the newest, or the one that is asked for. It may be a
    /// delete marker.
    pub(super) fn version(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(String, &Object), Fault> {
        self.bucket(bucket)?;
        let prefix = rows(bucket, key);
        let found = self
            .objects
            .under(&prefix)
            .find(|(_, object)| version.is_none_or(|version| object.version == version));
        match (found, version) {
            (Some((row, object)), _) => Ok((row.to_owned(), object)),
            (None, None) => Err(no_such_key(key)),
            (None, Some(version)) => Err(no_such_version(key, version)),
        }
    }

    /// As [`State::version`], but what has bytes.
    pub(super) fn data(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Object, Data), Fault> {
        let (_, object) = self.version(bucket, key, version)?;
        match (&object.data, version) {
            (Some(data), _) => Ok((object.clone(), data.clone())),
            (None, None) => Err(no_such_key(key).header(
                super::headers::DELETE_MARKER,
                http::HeaderValue::from_static("true"),
            )),
            (None, Some(_)) => Err(marker_not_allowed()),
        }
    }

    /// Keeps a version, in a bucket that keeps versions beside the others. Returns its id and the
    /// files that are needed no more.
    pub(super) fn keep(
        &mut self,
        bucket: &str,
        key: &str,
        now: OffsetDateTime,
        data: Option<Data>,
    ) -> Result<(Option<String>, Vec<String>), Fault> {
        let versioning = self.bucket(bucket)?.versioning;
        let version = match versioning {
            Some(Versioning::Enabled) => uuid::Uuid::new_v4().simple().to_string(),
            Some(Versioning::Suspended) | None => NULL.to_owned(),
        };
        let mut files = Vec::new();
        let mut changes = Vec::new();
        if version == NULL {
            let prefix = rows(bucket, key);
            let replaced = self.objects.under(&prefix);
            for (row, object) in replaced.filter(|(_, object)| object.version == NULL) {
                files.extend(object.file().map(str::to_owned));
                changes.push((row.to_owned(), None));
            }
        }
        let row = self.new_row(bucket, key, now);
        let object = Object {
            version: version.clone(),
            modified: now,
            data,
        };
        changes.push((row, Some(object)));
        self.objects.write(changes)?;
        Ok((versioning.map(|_| version), files))
    }

    /// A row before all others of this object.
    fn new_row(&mut self, bucket: &str, key: &str, now: OffsetDateTime) -> String {
        let clock = u64::try_from(now.unix_timestamp_nanos()).unwrap_or_default();
        self.newest = clock.max(self.newest + 1);
        format!("{}{:016x}", rows(bucket, key), u64::MAX - self.newest)
    }

    /// Changes a version in place.
    pub(super) fn put_version(&mut self, row: &str, object: Object) -> Result<(), StorageError> {
        self.objects.put(row, object)
    }

    /// An upload that was begun and neither completed nor aborted.
    pub(super) fn upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<(String, Upload), Fault> {
        self.bucket(bucket)?;
        let row = format!("{}{id}", rows(bucket, key));
        match self.uploads.get(&row) {
            Some(upload) => Ok((row, upload.clone())),
            None => Err(fault::no_such_upload(id)),
        }
    }
}
