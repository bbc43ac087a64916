//! Cells over a service whose calls are asynchronous.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::sync::Arc;

use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::store::Version;
use mcpdeploy_engine::store::shared::{Cell, Cells, Expect, PutError};

use super::bridge::Bridge;

/// What a service does for [`Cells`]; what its methods promise is said there.
pub(super) trait Service: Debug + Send + Sync + 'static {
    fn place(&self, key: &str) -> String;

    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Cell>, KindError>> + Send;

    /// Writes over that version, or where nothing is; `None` when there is something else.
    fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        expect: Option<&Version>,
    ) -> impl Future<Output = Result<Option<Version>, KindError>> + Send;

    /// False when there is another version.
    fn remove(
        &self,
        key: &str,
        only: Option<&Version>,
    ) -> impl Future<Output = Result<bool, KindError>> + Send;

    fn get_all(
        &self,
        keys: Vec<String>,
    ) -> impl Future<Output = Result<Vec<Option<Cell>>, KindError>> + Send {
        async move {
            let mut cells = Vec::with_capacity(keys.len());
            for key in keys {
                cells.push(self.get(&key).await?);
            }
            Ok(cells)
        }
    }

    fn remove_all(&self, keys: Vec<String>) -> impl Future<Output = Result<(), KindError>> + Send {
        async move {
            for key in keys {
                self.remove(&key, None).await?;
            }
            Ok(())
        }
    }

    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<String>, KindError>> + Send;
}

/// A service whose answers are waited for.
#[derive(Debug)]
pub(super) struct Waited<S> {
    bridge: Arc<Bridge>,
    service: Arc<S>,
}

impl<S: Service> Waited<S> {
    pub(super) fn new(bridge: Arc<Bridge>, service: S) -> Self {
        Self {
            bridge,
            service: Arc::new(service),
        }
    }

    fn wait<T, F>(&self, call: impl FnOnce(Arc<S>) -> F) -> io::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, KindError>> + Send + 'static,
    {
        let answer = self.bridge.wait(call(Arc::clone(&self.service)))?;
        answer.map_err(failed)
    }
}

fn failed(mut error: KindError) -> io::Error {
    if error.code.as_deref() == Some("NoSuchBucket") {
        error = error.hint("make it first, with versions kept: aws s3api create-bucket, then put-bucket-versioning; or name another under [state] in deploy.toml");
    }
    io::Error::other(error)
}

impl<S: Service> Cells for Waited<S> {
    fn place(&self, key: &str) -> String {
        self.service.place(key)
    }

    fn get(&self, key: &str) -> io::Result<Option<Cell>> {
        let key = key.to_owned();
        self.wait(|service| async move { service.get(&key).await })
    }

    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError> {
        let (key, bytes) = (key.to_owned(), bytes.to_vec());
        let version = match expect {
            Expect::Absent => None,
            Expect::Version(version) => Some(version.clone()),
        };
        self.wait(|service| async move { service.put(&key, bytes, version.as_ref()).await })
            .map_err(PutError::Io)?
            .ok_or(PutError::Unmet)
    }

    fn remove(&self, key: &str, only: Option<&Version>) -> Result<(), PutError> {
        let (key, only) = (key.to_owned(), only.cloned());
        let removed = self
            .wait(|service| async move { service.remove(&key, only.as_ref()).await })
            .map_err(PutError::Io)?;
        if removed {
            Ok(())
        } else {
            Err(PutError::Unmet)
        }
    }

    fn get_all(&self, keys: &[String]) -> io::Result<Vec<Option<Cell>>> {
        let keys = keys.to_vec();
        self.wait(|service| async move { service.get_all(keys).await })
    }

    fn remove_all(&self, keys: &[String]) -> io::Result<()> {
        let keys = keys.to_vec();
        self.wait(|service| async move { service.remove_all(keys).await })
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let prefix = prefix.to_owned();
        self.wait(|service| async move { service.list(&prefix).await })
    }
}
