//! A data key, wrapped in each of the ways in which it can be had again.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cipher::NONCE;
use super::passphrase::{ByPassphrase, SALT};

/// The data key as one of those wrapped it who can open. All bytes are in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum WrappedKey {
    /// XChaCha20-Poly1305 under the key that scrypt (r = 8, p = 1) makes of a passphrase.
    Passphrase {
        /// The power of 2 that is scrypt's N.
        work: u8,
        /// scrypt's salt: 16 bytes.
        salt: String,
        /// The cipher's nonce: 24 bytes.
        nonce: String,
        /// The data key, encrypted.
        wrapped: String,
    },
    /// A file of age for one recipient, which has the data key in it.
    Age {
        /// The recipient.
        recipient: String,
        /// The file.
        wrapped: String,
    },
    /// What a service that keeps keys made of the data key.
    Service {
        /// The service, e.g. `aws-kms`.
        service: String,
        /// The key's id there.
        key: String,
        /// What it made.
        wrapped: String,
    },
}

impl WrappedKey {
    pub(super) fn of_passphrase(by: &ByPassphrase) -> Self {
        Self::Passphrase {
            work: by.work,
            salt: encode(&by.salt),
            nonce: encode(&by.nonce),
            wrapped: encode(&by.wrapped),
        }
    }

    /// Who wrapped it.
    pub(super) fn id(&self) -> KeyId {
        match self {
            Self::Passphrase { .. } => KeyId::Passphrase,
            Self::Age { recipient, .. } => KeyId::Age {
                recipient: recipient.clone(),
            },
            Self::Service { service, key, .. } => KeyId::Service {
                service: service.clone(),
                key: key.clone(),
            },
        }
    }
}

/// The parts of a passphrase's entry; `None` when they are not in order.
pub(super) fn by_passphrase(
    work: u8,
    salt: &str,
    nonce: &str,
    wrapped: &str,
) -> Option<ByPassphrase> {
    Some(ByPassphrase {
        work,
        salt: array::<SALT>(salt)?,
        nonce: array::<NONCE>(nonce)?,
        wrapped: decode(wrapped)?,
    })
}

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

pub(super) fn array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// What a document can be opened with, as far as the document says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyId {
    /// A passphrase. Which one, it does not say.
    Passphrase,
    /// The identity of a recipient of age.
    Age {
        /// The recipient.
        recipient: String,
    },
    /// A key of a service.
    Service {
        /// The service, e.g. `aws-kms`.
        service: String,
        /// The key's id there.
        key: String,
    },
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase => f.write_str("a passphrase"),
            Self::Age { recipient } => write!(f, "the age identity of {recipient}"),
            Self::Service { service, key } => write!(f, "the {service} key {key}"),
        }
    }
}
