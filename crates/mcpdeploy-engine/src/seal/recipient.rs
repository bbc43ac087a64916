//! Keys of age: recipients, for whom is sealed, and the identities that open.

use std::fmt;
use std::str::FromStr;

use age::x25519;
use zeroize::Zeroizing;

use super::{DataKey, KeyringError};

/// A public key of age (`age1…`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Recipient {
    key: x25519::Recipient,
}

impl Recipient {
    /// A data key, readable for whoever has the identity: a file of age.
    pub(super) fn wrap(&self, key: &DataKey) -> Vec<u8> {
        match age::encrypt(&self.key, key.as_bytes()) {
            Ok(wrapped) => wrapped,
            // Written into memory, for one recipient: nothing is left that could fail.
            Err(error) => panic!("age did not encrypt into memory: {error}"),
        }
    }
}

impl FromStr for Recipient {
    type Err = KeyringError;

    fn from_str(text: &str) -> Result<Self, KeyringError> {
        let text = text.trim();
        // Never the text itself: it may be a secret in the wrong place.
        if text.parse::<x25519::Identity>().is_ok() {
            return Err(KeyringError::SecretForRecipient);
        }
        let key = text.parse().map_err(|_| KeyringError::Recipient)?;
        Ok(Self { key })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

/// A secret key of age (`AGE-SECRET-KEY-1…`).
#[derive(Clone)]
pub struct Identity {
    key: x25519::Identity,
    recipient: Recipient,
}

impl Identity {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(x25519::Identity::generate())
    }

    fn new(key: x25519::Identity) -> Self {
        let recipient = Recipient {
            key: key.to_public(),
        };
        Self { key, recipient }
    }

    /// Reads identities as `age-keygen` writes them: one a line, and lines of comments.
    ///
    /// # Errors
    /// When a line is neither, or there is no identity at all. The error does not say the line.
    pub fn read_all(text: &str) -> Result<Vec<Self>, KeyringError> {
        let mut identities = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = line
                .parse()
                .map_err(|_| KeyringError::Identity { line: index + 1 })?;
            identities.push(Self::new(key));
        }
        if identities.is_empty() {
            return Err(KeyringError::NoIdentity);
        }
        Ok(identities)
    }

    /// For whom one seals so that this opens it.
    #[must_use]
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// The data key in a file of age; `None` when that is damaged or for somebody else.
    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<DataKey> {
        let key = Zeroizing::new(age::decrypt(&self.key, wrapped).ok()?);
        DataKey::from_slice(&key)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(of {})", self.recipient)
    }
}
