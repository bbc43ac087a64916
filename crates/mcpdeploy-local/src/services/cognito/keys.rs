//! The key pair of each pool: made when it is needed for the first time, and kept in a file that only
//! its owner can read.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, KeyPair as _, RsaKeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::OsRng;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::cloud::Cloud;
use crate::wire::Fault;

/// How many bits the modulus of a key has, as at AWS.
const BITS: usize = 2048;

/// The keys of all pools.
#[derive(Debug)]
pub(super) struct Keys {
    folder: PathBuf,
    cells: Mutex<HashMap<String, Arc<OnceCell<Arc<PoolKey>>>>>,
}

/// The key pair of a pool.
#[derive(Debug)]
pub(super) struct PoolKey {
    pair: RsaKeyPair,
    id: String,
}

impl Keys {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            cells: Mutex::default(),
        }
    }

    fn path(&self, pool: &str) -> PathBuf {
        self.folder.join(format!("{pool}.key"))
    }

    /// The key of a pool that there is.
    pub(super) async fn get(&self, cloud: &Cloud, pool: &str) -> Result<Arc<PoolKey>, Fault> {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(pool.to_owned()).or_default())
        };
        let path = self.path(pool);
        let make = || async move {
            let made = cloud.tasks().spawn_blocking(move || read_or_make(&path));
            let made = made.await.map_err(io::Error::other).flatten();
            made.map(Arc::new).map_err(|error| {
                Fault::internal(format!(
                    "the embedded cloud failed to have a pool's key: {error}"
                ))
            })
        };
        cell.get_or_try_init(make).await.cloned()
    }

    /// Removes the key of a pool that is no more.
    pub(super) fn forget(&self, pool: &str) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.remove(pool);
        drop(cells);
        if let Err(error) = fs::remove_file(self.path(pool))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, pool, "the key of a deleted user pool stays on disk");
        }
    }
}

fn read_or_make(path: &Path) -> io::Result<PoolKey> {
    let der = match fs::read(path) {
        Ok(der) => der,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(error),
    };
    let pair =
        RsaKeyPair::from_der(&der).map_err(|rejected| io::Error::other(rejected.to_string()))?;
    let digest = Sha256::digest(pair.public_key().as_ref());
    Ok(PoolKey {
        id: STANDARD.encode(digest),
        pair,
    })
}

fn make(path: &Path) -> io::Result<Vec<u8>> {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, BITS).map_err(io::Error::other)?;
    let der = key.to_pkcs1_der().map_err(io::Error::other)?;
    // A temporary file is readable to its owner alone, and takes that along.
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(der.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(der.as_bytes().to_vec())
}

impl PoolKey {
    /// A signed token of these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Fault> {
        let header = json!({"kid": self.id, "alg": "RS256"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Fault::internal("signing a token failed"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that this key signed. Says nothing of whether it has expired.
    pub(super) fn verify(&self, token: &str) -> Option<Value> {
        let (message, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = signature::UnparsedPublicKey::new(
            &signature::RSA_PKCS1_2048_8192_SHA256,
            self.pair.public_key().as_ref(),
        );
        key.verify(message.as_bytes(), &signature).ok()?;
        claims(token)
    }

    /// The public key as a key set has it.
    pub(super) fn jwk(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({
            "alg": "RS256",
            "e": URL_SAFE_NO_PAD.encode(public.e),
            "kid": self.id,
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(public.n),
            "use": "sig",
        })
    }
}

/// The claims of a token that nobody has checked yet.
pub(super) fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_readable_to_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.key");
        let first = read_or_make(&path).unwrap();
        let again = read_or_make(&path).unwrap();
        assert_eq!(first.jwk(), again.jwk());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let token = first.sign(&json!({"sub": "ann"})).unwrap();
        assert_eq!(again.verify(&token), Some(json!({"sub": "ann"})));
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(again.verify(&format!("{message}.AAAA")), None);
        let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"eve"}"#);
        let mut parts: Vec<&str> = token.split('.').collect();
        parts[1] = &forged;
        assert_eq!(again.verify(&parts.join(".")), None);
    }
}
