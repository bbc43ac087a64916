//! A shared state in objects of S3, or of a service that speaks its protocol.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::store::Version;
use mcpdeploy_engine::store::shared::Cell;

use super::waited::Service;
use crate::fault::Fault;

/// How many objects are read at the same time.
const AT_ONCE: usize = 16;
/// How many objects one call removes at most: S3's own limit.
const REMOVED_AT_ONCE: usize = 1000;
/// How often a write is tried that S3 put off because of another on the same object.
const TRIES: u32 = 5;

/// Objects under a prefix of a bucket.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    client: Client,
    bucket: String,
    /// Ends in a slash.
    prefix: String,
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
}

impl Service for Objects {
    fn place(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    async fn get(&self, key: &str) -> Result<Option<Cell>, KindError> {
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

    async fn put(
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

    async fn remove(&self, key: &str, only: Option<&Version>) -> Result<bool, KindError> {
        let place = self.place(key);
        let mut condition = only.map(|Version(tag)| tag.clone());
        loop {
            let call = self
                .client
                .delete_object()
                .bucket(&self.bucket)
                .key(self.key(key))
                .set_if_match(condition.clone());
            let answer = call.send().await;
            match answer.as_ref().err().and_then(ProvideErrorMetadata::code) {
                Some("PreconditionFailed") => return Ok(false),
                Some("NoSuchKey") => return Ok(true),
                // Older services have no conditions for removals. What is removed so is only a lock
                // or a state that moved away, and neither is what keeps others out.
                Some("NotImplemented") if condition.is_some() => {
                    let there = self.get(key).await?;
                    if there.is_some_and(|cell| Some(&cell.version) != only) {
                        return Ok(false);
                    }
                    condition = None;
                }
                Some(_) | None => {
                    answer.removed("s3", "DeleteObject", &place)?;
                    return Ok(true);
                }
            }
        }
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
