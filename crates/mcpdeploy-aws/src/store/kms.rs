//! Data keys wrapped by AWS KMS.

use std::sync::Arc;

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::seal::{DataKey, KeyService, ServiceError};

use super::bridge::Bridge;
use crate::fault::Fault;

/// What goes with each call, so that CloudTrail shows it and key policies can ask for it.
const CONTEXT: (&str, &str) = ("mcpdeploy", "state");

/// One key of KMS.
pub(super) struct Kms {
    bridge: Arc<Bridge>,
    client: Client,
    key: String,
}

impl Kms {
    pub(super) fn new(bridge: Arc<Bridge>, client: Client, key: &str) -> Self {
        Self {
            bridge,
            client,
            key: key.to_owned(),
        }
    }
}

impl KeyService for Kms {
    fn name(&self) -> &'static str {
        "aws-kms"
    }

    fn key(&self) -> &str {
        &self.key
    }

    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, ServiceError> {
        let call = self
            .client
            .encrypt()
            .key_id(&self.key)
            .encryption_context(CONTEXT.0, CONTEXT.1)
            .plaintext(Blob::new(key.as_bytes().as_slice()));
        let on = self.key.clone();
        let wrapped = self
            .bridge
            .wait(async move { call.send().await.fault("kms", "Encrypt", on) })??;
        let blob = wrapped.ciphertext_blob.ok_or_else(|| nothing(&self.key))?;
        Ok(blob.into_inner())
    }

    fn unwrap(&self, by: &str, wrapped: &[u8]) -> Result<DataKey, ServiceError> {
        let call = self
            .client
            .decrypt()
            .key_id(by)
            .encryption_context(CONTEXT.0, CONTEXT.1)
            .ciphertext_blob(Blob::new(wrapped));
        let on = by.to_owned();
        let opened = self
            .bridge
            .wait(async move { call.send().await.fault("kms", "Decrypt", on) })??;
        let plain = opened.plaintext.ok_or_else(|| nothing(by))?;
        Ok(DataKey::from_slice(plain.as_ref()).ok_or_else(|| nothing(by))?)
    }
}

fn nothing(key: &str) -> KindError {
    KindError::fatal("KMS answered without a key that is ours").on(key)
}
