//! Encrypting and decrypting: AES-256 in Galois/Counter Mode, with the encryption context as the
//! data that is only authenticated.
//!
//! A ciphertext is a 1, the key's id, the nonce, and what was encrypted, so that it tells its key.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::key::Key;
use super::{At, State, validation};
use crate::wire::{Fault, Reply};

/// What every ciphertext of this cloud begins with.
const VERSION: u8 = 1;

/// The longest plaintext, in bytes.
const LONGEST: usize = 4096;

type Context = BTreeMap<String, String>;

/// Bytes in Base64 whose `Debug` does not show them.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Blob(String);

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Blob {
    fn bytes(&self) -> Result<Vec<u8>, Fault> {
        BASE64_STANDARD
            .decode(&self.0)
            .map_err(|_| Fault::bad("SerializationException", "a blob is not Base64"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Encrypt {
    key_id: String,
    plaintext: Blob,
    #[serde(default)]
    encryption_context: Context,
    encryption_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Decrypt {
    ciphertext_blob: Blob,
    key_id: Option<String>,
    #[serde(default)]
    encryption_context: Context,
    encryption_algorithm: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReEncrypt {
    ciphertext_blob: Blob,
    source_key_id: Option<String>,
    #[serde(default)]
    source_encryption_context: Context,
    destination_key_id: String,
    #[serde(default)]
    destination_encryption_context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DataKey {
    key_id: String,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Random {
    number_of_bytes: Option<usize>,
}

impl State {
    pub(super) fn encrypt(&mut self, at: &At, input: &Encrypt) -> Result<Reply, Fault> {
        check_algorithm(input.encryption_algorithm.as_deref())?;
        let plaintext = input.plaintext.bytes()?;
        if plaintext.is_empty() || plaintext.len() > LONGEST {
            let (wrong, bound) = if plaintext.is_empty() {
                ("greater", 1)
            } else {
                ("less", LONGEST)
            };
            return Err(validation(format!(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length {wrong} than or equal to {bound}"
            )));
        }
        let key = self.key(at, &input.key_id)?;
        let sealed = seal(&key, &input.encryption_context, &plaintext)?;
        Ok(Reply::output(json!({
            "CiphertextBlob": BASE64_STANDARD.encode(sealed),
            "KeyId": key.arn(),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        })))
    }

    pub(super) fn decrypt(&mut self, at: &At, input: &Decrypt) -> Result<Reply, Fault> {
        check_algorithm(input.encryption_algorithm.as_deref())?;
        let (key, plaintext) = self.open_sealed(
            at,
            &input.ciphertext_blob,
            input.key_id.as_deref(),
            &input.encryption_context,
        )?;
        Ok(Reply::output(json!({
            "Plaintext": BASE64_STANDARD.encode(plaintext),
            "KeyId": key.arn(),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        })))
    }

    pub(super) fn re_encrypt(&mut self, at: &At, input: &ReEncrypt) -> Result<Reply, Fault> {
        let (source, plaintext) = self.open_sealed(
            at,
            &input.ciphertext_blob,
            input.source_key_id.as_deref(),
            &input.source_encryption_context,
        )?;
        let key = self.key(at, &input.destination_key_id)?;
        let sealed = seal(&key, &input.destination_encryption_context, &plaintext)?;
        Ok(Reply::output(json!({
            "CiphertextBlob": BASE64_STANDARD.encode(sealed),
            "SourceKeyId": source.arn(),
            "KeyId": key.arn(),
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        })))
    }

    /// A data key; open as well, when it is `shown`.
    pub(super) fn data_key(
        &mut self,
        at: &At,
        input: &DataKey,
        shown: bool,
    ) -> Result<Reply, Fault> {
        let size = match (input.key_spec.as_deref(), input.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(size @ 1..=1024)) => size,
            (None | Some(_), _) => {
                return Err(validation(
                    "Please specify either number of bytes or key spec.",
                ));
            }
        };
        let key = self.key(at, &input.key_id)?;
        let mut plaintext = vec![0; size];
        fill(&mut plaintext)?;
        let sealed = seal(&key, &input.encryption_context, &plaintext)?;
        Ok(Reply::output(json!({
            "CiphertextBlob": BASE64_STANDARD.encode(sealed),
            "Plaintext": shown.then(|| BASE64_STANDARD.encode(&plaintext)),
            "KeyId": key.arn(),
        })))
    }

    fn open_sealed(
        &mut self,
        at: &At,
        sealed: &Blob,
        key_id: Option<&str>,
        context: &Context,
    ) -> Result<(Key, Vec<u8>), Fault> {
        let sealed = sealed.bytes()?;
        let id = key_in(&sealed).ok_or_else(invalid_ciphertext)?;
        let key = self.keys.get(&format!("{}/{id}", at.region)).cloned();
        if let Some(wanted) = key_id {
            let wanted = self.key(at, wanted)?;
            if wanted.id != id {
                return Err(Fault::bad(
                    "IncorrectKeyException",
                    "The key ID in the request does not identify a CMK that can perform this operation.",
                ));
            }
        }
        let key = key.ok_or_else(invalid_ciphertext)?;
        key.check_usable()?;
        let plaintext = open(&key, context, &sealed).ok_or_else(invalid_ciphertext)?;
        Ok((key, plaintext))
    }
}

pub(super) fn generate_random(input: &Random) -> Result<Reply, Fault> {
    let size = input.number_of_bytes.unwrap_or_default();
    if !(1..=1024).contains(&size) {
        return Err(validation(format!(
            "1 validation error detected: Value '{size}' at 'numberOfBytes' failed to satisfy constraint: Member must have value between 1 and 1024"
        )));
    }
    let mut bytes = vec![0; size];
    fill(&mut bytes)?;
    Ok(Reply::output(
        json!({ "Plaintext": BASE64_STANDARD.encode(bytes) }),
    ))
}

/// Fills with random bytes.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), Fault> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| Fault::internal("the system gives no random numbers"))
}

fn check_algorithm(algorithm: Option<&str>) -> Result<(), Fault> {
    match algorithm {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(other) => Err(Fault::absent(format!("the algorithm {other}"))),
    }
}

fn invalid_ciphertext() -> Fault {
    // AWS gives no message.
    Fault::bad("InvalidCiphertextException", "")
}

fn seal(key: &Key, context: &Context, plaintext: &[u8]) -> Result<Vec<u8>, Fault> {
    key.check_usable()?;
    let mut nonce = [0; NONCE_LEN];
    fill(&mut nonce)?;
    let mut sealed = vec![VERSION];
    sealed.extend_from_slice(key.id.as_bytes());
    sealed.extend_from_slice(&nonce);
    let mut bytes = plaintext.to_vec();
    let failed = |_| Fault::internal("the key does not encrypt");
    cipher(key)
        .and_then(|cipher| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            cipher.seal_in_place_append_tag(nonce, Aad::from(authenticated(context)), &mut bytes)
        })
        .map_err(failed)?;
    sealed.extend(bytes);
    Ok(sealed)
}

fn key_in(sealed: &[u8]) -> Option<Uuid> {
    let id = sealed.strip_prefix(&[VERSION])?.get(..16)?;
    Uuid::from_slice(id).ok()
}

fn open(key: &Key, context: &Context, sealed: &[u8]) -> Option<Vec<u8>> {
    let rest = sealed.get(17..)?;
    let nonce = Nonce::try_assume_unique_for_key(rest.get(..NONCE_LEN)?).ok()?;
    let mut bytes = rest.get(NONCE_LEN..)?.to_vec();
    let cipher = cipher(key).ok()?;
    let plaintext = cipher
        .open_in_place(nonce, Aad::from(authenticated(context)), &mut bytes)
        .ok()?;
    Some(plaintext.to_vec())
}

fn cipher(key: &Key) -> Result<LessSafeKey, ring::error::Unspecified> {
    UnboundKey::new(&AES_256_GCM, &key.material.0).map(LessSafeKey::new)
}

/// The context in one way of writing it.
fn authenticated(context: &Context) -> Vec<u8> {
    json!(context).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn only_the_same_key_and_context_open() {
        let at = At {
            region: "us-east-1".to_owned(),
            now: OffsetDateTime::UNIX_EPOCH,
        };
        let key = Key::new(&at, String::new(), false).unwrap();
        let context = Context::from([("of".to_owned(), "tests".to_owned())]);
        let sealed = seal(&key, &context, b"hunter2").unwrap();
        assert_eq!(key_in(&sealed), Some(key.id));
        assert_eq!(
            open(&key, &context, &sealed).as_deref(),
            Some(&b"hunter2"[..])
        );
        assert_eq!(open(&key, &Context::new(), &sealed), None);
        let other = Key::new(&at, String::new(), false).unwrap();
        assert_eq!(open(&other, &context, &sealed), None);
        for at in 17..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&key, &context, &changed), None, "byte {at}");
        }
        assert_eq!(open(&key, &context, &sealed[..20]), None);
        assert!(!format!("{key:?}").contains("material: ["));
    }
}
