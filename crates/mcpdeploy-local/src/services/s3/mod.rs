//! S3: buckets and objects.
//!
//! The bytes of objects are files in the data folder; what is known of them are rows. A file is
//! written before its row, and removed after it: what is left behind by a crash is removed at the
//! next start. Rules of lifecycle and CORS are kept and shown, but nothing expires by itself, and no
//! page of another origin is answered by them. Signatures of presigned URLs are not checked.

mod acl;
mod attributes;
mod body;
mod bucket;
mod checksum;
mod config;
mod copy;
mod delete;
mod fault;
mod get;
mod headers;
mod list;
mod multipart;
mod put;
mod record;
mod route;
mod tagging;
mod versions;
mod xml;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method};
use time::OffsetDateTime;

use self::record::{Bucket, Object, Upload};
use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage, StorageError};
use crate::wire::{Call, Content, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct S3 {
    state: Mutex<State>,
    /// Where the bytes are.
    files: PathBuf,
}

/// What it knows.
#[derive(Debug)]
struct State {
    /// By name.
    buckets: Collection<Bucket>,
    /// Every version, by `bucket/key`, a zero, and a number that is smaller the newer it is.
    objects: Collection<Object>,
    /// By `bucket/key`, a zero, and the upload's id.
    uploads: Collection<Upload>,
    /// The number of the newest version.
    newest: u64,
}

/// What a call is about.
#[derive(Debug)]
struct Target {
    bucket: String,
    key: String,
    now: OffsetDateTime,
}

impl S3 {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let files = storage.folder("s3")?;
        let state = State {
            buckets: storage.collection("s3.buckets")?,
            objects: storage.collection("s3.objects")?,
            uploads: storage.collection("s3.uploads")?,
            newest: 0,
        };
        remove_unknown(&files, &state)?;
        Ok(Self {
            state: Mutex::new(state),
            files,
        })
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let (bucket, key) = route::target(call);
        let target = Target {
            bucket,
            key,
            now: cloud.now(),
        };
        call.operation = route::operation(call, &target).to_owned();
        let answer = self.answer(call, &target).await;
        let id = HeaderValue::from_str(&call.request_id);
        match answer {
            Ok(mut reply) => {
                if let Ok(id) = id {
                    reply.headers.insert(headers::REQUEST_ID, id);
                }
                Ok(reply)
            }
            // Answers to HEAD and "not modified" have no body; the status says it all.
            Err(fault) if call.method == Method::HEAD || fault.status == 304 => {
                let mut reply = Reply::with_status(fault.status, Content::Empty);
                reply.headers = fault.headers;
                Ok(reply)
            }
            Err(mut fault) => {
                if let Ok(id) = id {
                    fault.headers.insert(headers::REQUEST_ID, id);
                }
                Err(fault)
            }
        }
    }

    async fn answer(&self, call: &Call, at: &Target) -> Result<Reply, Fault> {
        match call.operation.as_str() {
            "ListBuckets" => self.list_buckets(call),
            "CreateBucket" => self.create_bucket(call, at),
            "HeadBucket" => self.head_bucket(at),
            "DeleteBucket" => self.delete_bucket(at),
            "GetBucketLocation" => self.bucket_location(at),
            "GetBucketVersioning" => self.get_versioning(at),
            "PutBucketVersioning" => self.put_versioning(call, at),
            "GetBucketConfiguration" => self.get_config(call, at),
            "PutBucketConfiguration" => self.put_config(call, at),
            "DeleteBucketConfiguration" => self.delete_config(call, at),
            "GetBucketPolicy" => self.get_policy(at),
            "PutBucketPolicy" => self.put_policy(call, at),
            "DeleteBucketPolicy" => self.delete_policy(at),
            "GetBucketPolicyStatus" => self.policy_status(at),
            "GetBucketAcl" => self.bucket_acl(at),
            "GetObjectAcl" => self.object_acl(call, at),
            "PutBucketAcl" => self.put_acl(call, at),
            "ListObjects" => self.list_objects(call, at),
            "ListObjectsV2" => self.list_objects_v2(call, at),
            "ListObjectVersions" => self.list_versions(call, at),
            "PutObject" => self.put_object(call, at).await,
            "CopyObject" => self.copy_object(call, at).await,
            "GetObject" => self.get_object(call, at).await,
            "HeadObject" => self.head_object(call, at),
            "GetObjectAttributes" => self.object_attributes(call, at),
            "DeleteObject" => self.delete_object(call, at),
            "DeleteObjects" => self.delete_objects(call, at),
            "GetObjectTagging" => self.get_tagging(call, at),
            "PutObjectTagging" => self.put_tagging(call, at),
            "DeleteObjectTagging" => self.delete_tagging(call, at),
            "CreateMultipartUpload" => self.create_upload(call, at),
            "UploadPart" => self.upload_part(call, at).await,
            "UploadPartCopy" => self.copy_part(call, at).await,
            "CompleteMultipartUpload" => self.complete_upload(call, at).await,
            "AbortMultipartUpload" => self.abort_upload(call, at),
            "ListParts" => self.list_parts(call, at),
            "ListMultipartUploads" => self.list_uploads(call, at),
            _ => Err(Fault::absent(format!(
                "s3 {} {}",
                call.method,
                call.query.first().map_or("", |(name, _)| name.as_str())
            ))),
        }
    }

    /// The bytes of an object, for a service that reads them, e.g. a function's code.
    pub(crate) async fn object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Bytes, Fault> {
        let data = self.state().data(bucket, key, version)?.1;
        self.read_file(&data.file, None).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps bytes in a file of a new name, which it returns.
    async fn write_file(&self, bytes: &[u8]) -> Result<String, Fault> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let path = self.files.join(&name);
        match tokio::fs::write(&path, bytes).await {
            Ok(()) => Ok(name),
            Err(source) => {
                self.remove_files(&[name]);
                Err(StorageError::new(&path, source).into())
            }
        }
    }

    /// The bytes of a file, or so many of them from a place.
    async fn read_file(&self, name: &str, part: Option<(u64, u64)>) -> Result<Bytes, Fault> {
        use tokio::io::{AsyncReadExt, AsyncSeekExt};
        let path = self.files.join(name);
        let fail = |source: std::io::Error| {
            Fault::internal(format!("the bytes of the object cannot be read: {source}"))
        };
        let Some((from, count)) = part else {
            return tokio::fs::read(&path).await.map(Bytes::from).map_err(fail);
        };
        let mut file = tokio::fs::File::open(&path).await.map_err(fail)?;
        file.seek(std::io::SeekFrom::Start(from))
            .await
            .map_err(fail)?;
        let mut bytes = Vec::new();
        file.take(count)
            .read_to_end(&mut bytes)
            .await
            .map_err(fail)?;
        Ok(bytes.into())
    }

    /// Removes files that no row names any more. One that stays is removed at the next start.
    fn remove_files(&self, names: &[String]) {
        for name in names {
            if let Err(error) = std::fs::remove_file(self.files.join(name))
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, name, "a file of a deleted object stays");
            }
        }
    }
}

/// Removes the files that no row names.
fn remove_unknown(files: &std::path::Path, state: &State) -> Result<(), ReadError> {
    let fail = |source| ReadError::Io {
        path: files.display().to_string(),
        source,
    };
    let objects = state.objects.iter().filter_map(|(_, object)| object.file());
    let parts = state
        .uploads
        .iter()
        .flat_map(|(_, upload)| upload.parts.values().map(|part| part.file.as_str()));
    let known: BTreeSet<&str> = objects.chain(parts).collect();
    for entry in std::fs::read_dir(files).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| known.contains(name)) {
            std::fs::remove_file(entry.path()).map_err(fail)?;
        }
    }
    Ok(())
}
