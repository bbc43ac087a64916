//! Data keys, and the one cipher: XChaCha20-Poly1305.

use std::fmt;

use chacha20poly1305::aead::rand_core::RngCore as _;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, OsRng, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// The length of a key.
pub(super) const KEY: usize = 32;
/// The length of a nonce: long enough to be drawn at random, however often.
pub(super) const NONCE: usize = 24;

/// A key that documents and journals are sealed with. It is wiped from memory when it goes.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; KEY]>);

impl DataKey {
    /// A new one.
    pub(super) fn random() -> Self {
        let mut key = Zeroizing::new([0; KEY]);
        OsRng.fill_bytes(key.as_mut_slice());
        Self(key)
    }

    /// The key of these bytes; `None` when they are not of a key's length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        if bytes.len() != KEY {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// Encrypts, so that only who has the key can read it, and authenticates `context` with it.
    /// A nonce is never used twice under one key.
    pub(super) fn seal(&self, nonce: &[u8; NONCE], context: &[u8], plain: &[u8]) -> Vec<u8> {
        let payload = Payload {
            msg: plain,
            aad: context,
        };
        match self.cipher().encrypt(XNonce::from_slice(nonce), payload) {
            Ok(sealed) => sealed,
            // Past 256 GiB, which no file of ours can have in memory.
            Err(error) => panic!("{} bytes cannot be encrypted: {error}", plain.len()),
        }
    }

    /// Decrypts; `None` when key, nonce, context or bytes are not those of the sealing.
    pub(super) fn open(
        &self,
        nonce: &[u8; NONCE],
        context: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let payload = Payload {
            msg: sealed,
            aad: context,
        };
        self.cipher()
            .decrypt(XNonce::from_slice(nonce), payload)
            .ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(self.0.as_slice()))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// Bytes that nobody can foresee.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}
