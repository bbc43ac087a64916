//! Keys for the tests of the seal, and ways to damage what is sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpdeploy_engine::seal::{
    DataKey, Head, Identity, KeyService, Keyring, Keys, Passphrase, ServiceError,
};

/// A passphrase that costs nothing to derive.
pub(crate) fn passphrase(secret: &str) -> Passphrase {
    Passphrase::new(secret.to_owned()).unwrap().with_work(1)
}

pub(crate) fn by_passphrase(secret: &str) -> Keys {
    Keys::new().with_passphrase(passphrase(secret))
}

/// Seals for an identity and opens with it.
pub(crate) fn by_identity(identity: &Identity) -> Keys {
    Keys::new()
        .with_recipient(identity.recipient().clone())
        .with_identity(identity.clone())
}

pub(crate) fn by_service(service: &Arc<FakeService>) -> Keys {
    Keys::new().with_service(Arc::<FakeService>::clone(service))
}

pub(crate) fn ring(keys: Keys) -> Keyring {
    Keyring::new(keys).unwrap()
}

pub(crate) fn head() -> Head {
    Head {
        lineage: "6f1c".into(),
        serial: 7,
    }
}

/// A service that keeps keys: it turns bytes over, knows its own, and counts.
pub(crate) struct FakeService {
    key: &'static str,
    denies: bool,
    pub(crate) wraps: AtomicUsize,
    pub(crate) unwraps: AtomicUsize,
}

impl FakeService {
    pub(crate) fn new(key: &'static str) -> Arc<Self> {
        Self::that(key, false)
    }

    pub(crate) fn denying(key: &'static str) -> Arc<Self> {
        Self::that(key, true)
    }

    fn that(key: &'static str, denies: bool) -> Arc<Self> {
        Arc::new(Self {
            key,
            denies,
            wraps: AtomicUsize::new(0),
            unwraps: AtomicUsize::new(0),
        })
    }

    fn check(&self) -> Result<(), ServiceError> {
        if self.denies {
            return Err("access denied by the fake".into());
        }
        Ok(())
    }
}

impl KeyService for FakeService {
    fn name(&self) -> &str {
        "fake-kms"
    }

    fn key(&self) -> &str {
        self.key
    }

    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, ServiceError> {
        self.wraps.fetch_add(1, Ordering::Relaxed);
        self.check()?;
        Ok(key.as_bytes().iter().map(|b| !b).collect())
    }

    fn unwrap(&self, _by: &str, wrapped: &[u8]) -> Result<DataKey, ServiceError> {
        self.unwraps.fetch_add(1, Ordering::Relaxed);
        self.check()?;
        let bytes: Vec<u8> = wrapped.iter().map(|b| !b).collect();
        DataKey::from_slice(&bytes).ok_or_else(|| "no key of the fake".into())
    }
}

/// The line with a checksum that is right again: what somebody does who knows the format.
pub(crate) fn mended(line: &[u8]) -> Vec<u8> {
    let end = line.len() - "\",\"check\":\"01234567\"}\n".len();
    let body = &line[..end];
    let check = format!("\",\"check\":\"{:08x}\"}}\n", crc32fast::hash(body));
    [body, check.as_bytes()].concat()
}

/// Each copy with one bit turned over, and where.
pub(crate) fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, flipped)
    })
}
