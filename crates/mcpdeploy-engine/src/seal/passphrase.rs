//! Passphrases: scrypt makes a key of one, and that key wraps data keys.
//!
//! scrypt is slow by design, so each key that it makes is kept with the passphrase. A data key is
//! wrapped under the salt of a file that was opened before, when there is one: a run derives once,
//! however many files it opens and seals, and still each run has its own data key.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use scrypt::Params;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::KeyringError;
use super::cipher::{self, DataKey, KEY, NONCE};

/// The length of a salt.
pub(super) const SALT: usize = 16;
/// 2^17: 128 MiB and some tenths of a second, what OWASP asks for.
const WORK: u8 = 17;
/// 2^20: 1 GiB. A file that asks for more was not written by this program.
const MOST_WORK: u8 = 20;
/// Fewer characters can be tried out.
const SHORTEST: usize = 12;

const CONTEXT: &[u8] = b"mcpdeploy sealed 1: data key by passphrase";

/// A passphrase. Its clones share what was derived from it.
#[derive(Clone)]
pub struct Passphrase(Arc<Inner>);

struct Inner {
    secret: SecretString,
    work: u8,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<(u8, [u8; SALT]), DataKey>,
    /// A salt whose key is known: it opened something, or sealed something.
    salt: Option<[u8; SALT]>,
}

/// How a data key is wrapped by a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByPassphrase {
    pub(super) work: u8,
    pub(super) salt: [u8; SALT],
    pub(super) nonce: [u8; NONCE],
    pub(super) wrapped: Vec<u8>,
}

impl Passphrase {
    /// Takes a passphrase. A line end after it is not a part of it, because files and pipes end so.
    ///
    /// # Errors
    /// When it is so short that it can be tried out.
    pub fn new(mut secret: String) -> Result<Self, KeyringError> {
        let end = secret.trim_end_matches(['\r', '\n']).len();
        secret.truncate(end);
        let length = secret.chars().count();
        if length < SHORTEST {
            secret.zeroize();
            return Err(KeyringError::ShortPassphrase {
                length,
                least: SHORTEST,
            });
        }
        Ok(Self::with_secret(SecretString::from(secret), WORK))
    }

    fn with_secret(secret: SecretString, work: u8) -> Self {
        Self(Arc::new(Inner {
            secret,
            work,
            known: Mutex::default(),
        }))
    }

    /// The same passphrase with another amount of work: 2 to the power of `log2`, from 1 to 20. The
    /// amount that [`Passphrase::new`] takes is right for people's secrets; less is for tests.
    #[must_use]
    pub fn with_work(self, log2: u8) -> Self {
        Self::with_secret(self.0.secret.clone(), log2.clamp(1, MOST_WORK))
    }

    /// The amount of work, as a power of 2.
    pub(super) fn work(&self) -> u8 {
        self.0.work
    }

    pub(super) fn wrap(&self, key: &DataKey) -> ByPassphrase {
        let known = self.known().salt;
        let salt = known.unwrap_or_else(cipher::random);
        let derived = self.derive(self.0.work, salt);
        self.known().salt = Some(salt);
        let nonce = cipher::random();
        ByPassphrase {
            work: self.0.work,
            salt,
            wrapped: derived.seal(&nonce, CONTEXT, key.as_bytes()),
            nonce,
        }
    }

    /// The data key; `None` when another passphrase wrapped it.
    pub(super) fn unwrap(&self, by: &ByPassphrase) -> Option<DataKey> {
        if by.work > MOST_WORK || by.work == 0 {
            return None;
        }
        let derived = self.derive(by.work, by.salt);
        let key = Zeroizing::new(derived.open(&by.nonce, CONTEXT, &by.wrapped)?);
        let key = DataKey::from_slice(&key)?;
        // Only a salt that opened something: one that somebody else made up is not taken over.
        if by.work == self.0.work {
            self.known().salt = Some(by.salt);
        }
        Some(key)
    }

    fn derive(&self, work: u8, salt: [u8; SALT]) -> DataKey {
        // Held while it is derived, so that two threads do not derive the same.
        let mut known = self.known();
        if let Some(key) = known.keys.get(&(work, salt)) {
            return key.clone();
        }
        let mut bytes = Zeroizing::new([0; KEY]);
        let secret = self.0.secret.expose_secret().as_bytes();
        let derived = Params::new(work, 8, 1, KEY)
            .map_err(|error| error.to_string())
            .and_then(|params| {
                scrypt::scrypt(secret, &salt, &params, bytes.as_mut_slice())
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = derived {
            // The work is in its bounds and the length is a key's.
            panic!("scrypt takes no 2^{work}: {error}");
        }
        let Some(key) = DataKey::from_slice(bytes.as_slice()) else {
            unreachable!("a key has the length of a key");
        };
        known.keys.insert((work, salt), key.clone());
        key
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // What is in it is whole between any two statements.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}
