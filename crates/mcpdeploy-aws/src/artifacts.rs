//! What is to be uploaded: bytes known by their digest.
//!
//! Plans and states hold digests only, never paths: the same plan applies from another folder or
//! machine, as long as somebody there has the bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mcpdeploy_engine::kind::KindError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The SHA-256 of an artifact in Base64: the form of Lambda's `CodeSha256`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CodeSha256(String);

impl CodeSha256 {
    /// Takes a digest as Lambda gives it.
    pub fn new(base64: impl Into<String>) -> Self {
        Self(base64.into())
    }

    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(BASE64_STANDARD.encode(Sha256::digest(bytes)))
    }

    /// The digest in Base64.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest in hexadecimal, which may stand in an object's key.
    ///
    /// # Errors
    /// When it is no SHA-256 in Base64.
    pub fn to_hex(&self) -> Result<String, String> {
        match BASE64_STANDARD.decode(&self.0) {
            Ok(bytes) if bytes.len() == 32 => Ok(hex::encode(bytes)),
            _ => Err(format!("`{}` is no SHA-256 digest in Base64", self.0)),
        }
    }
}

impl fmt::Display for CodeSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CodeSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the bytes of each digest are. Filled before an apply, read when a kind uploads.
#[derive(Debug, Default)]
pub struct Artifacts {
    paths: Mutex<BTreeMap<CodeSha256, PathBuf>>,
}

impl Artifacts {
    /// Tells where the bytes with this digest are.
    pub fn insert(&self, digest: CodeSha256, path: impl Into<PathBuf>) {
        self.paths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(digest, path.into());
    }

    /// The bytes with this digest, checked.
    ///
    /// # Errors
    /// When nobody told where they are, they cannot be read or are others by now.
    pub async fn bytes(&self, digest: &CodeSha256) -> Result<Vec<u8>, KindError> {
        let path = self
            .paths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            .cloned()
            .ok_or_else(|| {
                KindError::fatal(format!("no artifact here has the digest {digest}"))
                    .hint("build the server again and plan anew: a saved plan needs the very artifact it was made with")
            })?;
        let shown = path.display().to_string();
        let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => {
                return Err(
                    KindError::fatal(format!("cannot read the artifact: {error}")).on(shown),
                );
            }
            Err(_) => {
                return Err(KindError::fatal("reading the artifact was interrupted").on(shown));
            }
        };
        if CodeSha256::of(&bytes) == *digest {
            Ok(bytes)
        } else {
            Err(
                KindError::fatal("the artifact is no longer the one that was planned with")
                    .on(shown)
                    .hint("plan again"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_lambdas_form() {
        let digest = CodeSha256::of(b"");
        assert_eq!(
            digest.as_str(),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        assert!(digest.to_hex().unwrap().starts_with("e3b0c44298fc1c14"));
        assert!(CodeSha256::new("x").to_hex().is_err());
    }

    #[tokio::test]
    async fn unknown_artifacts_are_an_error() {
        let error = Artifacts::default()
            .bytes(&CodeSha256::of(b"x"))
            .await
            .unwrap_err();
        assert!(error.hint.is_some());
    }
}
