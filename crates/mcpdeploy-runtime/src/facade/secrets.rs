//! What the facade knows and tells nobody: the keys that it seals with, and secrets of clients. They
//! can be exchanged while it runs, as they are rotated.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use zeroize::{Zeroize as _, Zeroizing};

use super::seal::Sealer;

/// All that is secret.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// What is sealed with.
    pub keys: Keys,
    /// The secret of the facade's own client upstream, when it has one.
    pub upstream: Option<SecretString>,
    /// The secrets of clients of the settings that have one, by the clients' ids.
    pub clients: HashMap<String, SecretString>,
}

impl Secrets {
    /// These keys, and no client with a secret.
    #[must_use]
    pub fn of(keys: Keys) -> Self {
        Self {
            keys,
            upstream: None,
            clients: HashMap::new(),
        }
    }
}

/// What the facade seals with.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Seals and opens.
    pub current: Key,
    /// Opens what it sealed before the rotation.
    pub previous: Option<Key>,
}

/// A key of 32 random bytes; as text it is base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

/// What was said to be a key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key must be base64 of 32 bytes")]
pub struct NoKey;

impl Key {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        // Who sets a secret by hand has a line's end behind it.
        let bytes = Zeroizing::new(STANDARD.decode(text.trim_ascii()).map_err(|_| NoKey)?);
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(Self)
            .map_err(|_| NoKey)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The secrets as they are used.
pub(super) struct Held {
    pub(super) sealer: Sealer,
    pub(super) upstream: Option<SecretString>,
    pub(super) clients: HashMap<String, SecretString>,
}

impl Held {
    pub(super) fn new(secrets: Secrets, issuer: &str) -> Self {
        Self {
            sealer: Sealer::new(&secrets.keys, issuer),
            upstream: secrets.upstream,
            clients: secrets.clients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_base64_of_32_bytes_and_is_not_shown() {
        let text = STANDARD.encode([7; 32]);
        assert_eq!(text.parse(), Ok(Key::new([7; 32])));
        assert_eq!(format!("{text}\n").parse(), Ok(Key::new([7; 32])));
        for wrong in ["", "c2VjcmV0", "no base64", &STANDARD.encode([7; 33])] {
            assert_eq!(wrong.parse::<Key>(), Err(NoKey), "{wrong}");
        }
        let keys = Keys {
            current: Key::new([7; 32]),
            previous: None,
        };
        let shown = format!(
            "{:?}",
            Secrets {
                upstream: Some("canary".into()),
                clients: HashMap::from([("id".to_owned(), "canary".into())]),
                ..Secrets::of(keys)
            }
        );
        assert!(!shown.contains("canary") && !shown.contains('7'), "{shown}");
    }
}
