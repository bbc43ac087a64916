//! A shared state in objects of S3, or of a service that speaks its protocol.

use std::future::Future;
use std::io;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::store::Version;
use mcpdeploy_engine::store::shared::{Cell, Cells, Expect, PutError};

use super::bridge::Bridge;
use crate::fault::Fault;

/// How many objects are read at the same time.
const AT_ONCE: usize = 16;
/// How many objects one call removes at most: S3's own limit.
const REMOVED_AT_ONCE: usize = 1000;
/// How often a write is tried that S3 put off because of another on the same object.
const TRIES: u32 = 5;

/// Objects under a prefix of a bucket.
#[derive(Debug)]
pub(super) struct S3Cells {
    bridge: Arc<Bridge>,
    inner: Arc<Objects>,
}

#[derive(Debug, Clone)]
pub(super) struct Objects {
    client: Client,
    bucket: String,
    /// Ends in a slash.
    prefix: String,
}

impl S3Cells {
    pub(super) fn new(bridge: Arc<Bridge>, objects: Objects) -> Self {
        Self {
            bridge,
            inner: Arc::new(objects),
        }
    }

    fn wait<T, F>(&self, call: impl FnOnce(Arc<Objects>) -> F) -> io::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.bridge.wait(call(Arc::clone(&self.inner)))
    }
}

pub(super) fn failed(mut error: KindError) -> io::Error {
    if error.code.as_deref() == Some("NoSuchBucket") {
        error = error.hint("make it first, with versions kept: aws s3api create-bucket, then put-bucket-versioning; or name another under [state] in deploy.toml");
    }
    io::Error::other(error)
}

impl Objects {
    pub(super) fn new(client: Client, bucket: &str, prefix: &str) -> Self {
        Self {
            client,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn place(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Cell>, KindError> {
        let place = self.place(key);
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.key(key))
            .send()
            .await;
        // A bucket that is not there is no object that is not there.
        let missing = answer
            .as_ref()
            .is_err_and(|error| error.code() == Some("NoSuchKey"));
        if missing {
            return Ok(None);
        }
        let object = answer.fault("s3", "GetObject", &place)?;
        let version = Version(object.e_tag.unwrap_or_default());
        let bytes = object.body.collect().await.map_err(|error| {
            KindError::new(
                mcpdeploy_engine::kind::FaultClass::Transient,
                error.to_string(),
            )
            .on(&place)
        })?;
        Ok(Some(Cell {
            bytes: bytes.into_bytes().to_vec(),
            version,
        }))
    }

    /// `None` when what is there is not as expected.
    pub(super) async fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        expect: Option<&Version>,
    ) -> Result<Option<Version>, KindError> {
        let place = self.place(key);
        let mut tries = 0;
        loop {
            tries += 1;
            let call = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(self.key(key))
                .content_type("application/json")
                .body(ByteStream::from(bytes.clone()));
            let answer = match expect {
                None => call.if_none_match("*"),
                Some(Version(tag)) => call.if_match(tag),
            }
            .send()
            .await;
            match answer.as_ref().err().and_then(ProvideErrorMetadata::code) {
                Some("PreconditionFailed") => return Ok(None),
                Some("NoSuchKey") if expect.is_some() => return Ok(None),
                // Another write to the same object is under way: who of both comes first is open.
                Some("ConditionalRequestConflict") if tries < TRIES => continue,
                Some(_) | None => {}
            }
            let object = answer.fault("s3", "PutObject", &place)?;
            return match object.e_tag {
                Some(tag) => Ok(Some(Version(tag))),
                None => Err(
                    KindError::fatal("the service tells no entity tag of what it wrote").on(place),
                ),
            };
        }
    }

    /// Writes an object of a name that nobody else writes.
    pub(super) async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<(), KindError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(key))
            .content_type("application/json")
            .body(ByteStream::from(bytes))
            .send()
            .await
            .fault("s3", "PutObject", self.place(key))?;
        Ok(())
    }

    /// False when what is there is another one.
    pub(super) async fn remove(
        &self,
        key: &str,
        only: Option<&Version>,
    ) -> Result<bool, KindError> {
        let place = self.place(key);
        let call = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(self.key(key))
            .set_if_match(only.map(|Version(tag)| tag.clone()));
        let answer = call.send().await;
        match answer.as_ref().err().and_then(ProvideErrorMetadata::code) {
            Some("PreconditionFailed") => return Ok(false),
            Some("NoSuchKey") => return Ok(true),
            // Older services have no conditions for removals. What is removed so is only a lock or a
            // state that moved away, and neither is what keeps others out.
            Some("NotImplemented") if only.is_some() => {
                let there = self.get(key).await?;
                if there.is_some_and(|cell| Some(&cell.version) != only) {
                    return Ok(false);
                }
                return Box::pin(self.remove(key, None)).await;
            }
            Some(_) | None => {}
        }
        answer.removed("s3", "DeleteObject", &place)?;
        Ok(true)
    }

    async fn get_all(&self, keys: Vec<String>) -> Result<Vec<Option<Cell>>, KindError> {
        stream::iter(keys)
            .map(|key| async move { self.get(&key).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn remove_all(&self, keys: Vec<String>) -> Result<(), KindError> {
        for keys in keys.chunks(REMOVED_AT_ONCE) {
            let place = self.place(&keys[0]);
            let mut delete = Delete::builder().quiet(true);
            for key in keys {
                let object = ObjectIdentifier::builder().key(self.key(key)).build();
                delete = delete.objects(object.map_err(|e| KindError::fatal(e.to_string()))?);
            }
            let answer = self
                .client
                .delete_objects()
                .bucket(&self.bucket)
                .delete(
                    delete
                        .build()
                        .map_err(|e| KindError::fatal(e.to_string()))?,
                )
                .send()
                .await
                .fault("s3", "DeleteObjects", &place)?;
            if let Some(error) = answer.errors().first() {
                return Err(KindError::fatal(
                    error.message().unwrap_or("it was not removed").to_owned(),
                )
                .on(self.place(error.key().unwrap_or_default())));
            }
        }
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, KindError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(self.key(prefix))
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.fault("s3", "ListObjectsV2", self.place(prefix))?;
            let found = page.contents().iter().filter_map(|object| object.key());
            let ours = found.filter_map(|key| key.strip_prefix(self.prefix.as_str()));
            keys.extend(ours.map(ToOwned::to_owned));
        }
        Ok(keys)
    }
}

impl Cells for S3Cells {
    fn place(&self, key: &str) -> String {
        self.inner.place(key)
    }

    fn get(&self, key: &str) -> io::Result<Option<Cell>> {
        let key = key.to_owned();
        self.wait(|objects| async move { objects.get(&key).await })?
            .map_err(failed)
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError> {
        let (key, bytes) = (key.to_owned(), bytes.to_vec());
        let version = match expect {
            Expect::Absent => None,
            Expect::Version(version) => Some(version.clone()),
        };
        let put = self
            .wait(|objects| async move { objects.put(&key, bytes, version.as_ref()).await })
            .map_err(PutError::Io)?;
        put.map_err(|error| PutError::Io(failed(error)))?
            .ok_or(PutError::Unmet)
    }

    fn remove(&self, key: &str, only: Option<&Version>) -> Result<(), PutError> {
        let (key, only) = (key.to_owned(), only.cloned());
        let removed = self
            .wait(|objects| async move { objects.remove(&key, only.as_ref()).await })
            .map_err(PutError::Io)?;
        match removed {
            Ok(true) => Ok(()),
            Ok(false) => Err(PutError::Unmet),
            Err(error) => Err(PutError::Io(failed(error))),
        }
    }

    fn get_all(&self, keys: &[String]) -> io::Result<Vec<Option<Cell>>> {
        let keys = keys.to_vec();
        self.wait(|objects| async move { objects.get_all(keys).await })?
            .map_err(failed)
    }

    fn remove_all(&self, keys: &[String]) -> io::Result<()> {
        let keys = keys.to_vec();
        self.wait(|objects| async move { objects.remove_all(keys).await })?
            .map_err(failed)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let prefix = prefix.to_owned();
        self.wait(|objects| async move { objects.list(&prefix).await })?
            .map_err(failed)
    }
}
