//! A sealed document, as far as it can be read without a key.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FORMAT;
use super::cipher::NONCE;
use super::error::{At, SealError};
use super::frame::{self, Framed};
use super::wrapped::{self, KeyId, WrappedKey};

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A state, or a copy of one.
    State,
    /// A saved plan.
    Plan,
    /// A journal.
    Journal,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State => "state",
            Self::Plan => "plan",
            Self::Journal => "journal",
        })
    }
}

/// What a sealed document shows without a key. It cannot be changed unnoticed, but that is noticed
/// only when the document is opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The lineage of the state.
    pub lineage: String,
    /// The serial of the state; of a plan or a journal, that of the state that it is for.
    pub serial: u64,
}

/// The clear part of a document, and of a journal's first line.
#[derive(Serialize)]
pub(super) struct Clear<'a> {
    pub(super) sealed: u32,
    pub(super) what: What,
    pub(super) head: &'a Head,
    pub(super) keys: &'a [WrappedKey],
    pub(super) nonce: String,
}

/// A sealed document: `state.json` or a saved plan when they are encrypted; also the first line of
/// an encrypted journal, whose first record it has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedLine {
    /// The version of this format.
    sealed: u32,
    /// What is sealed.
    what: What,
    /// What must be known without a key. Authenticated, like everything before `ciphertext`.
    head: Head,
    /// The data key, wrapped in each of the ways in which the document can be opened.
    keys: Vec<WrappedKey>,
    /// The cipher's nonce: 24 bytes in base64. A journal's ends in eight bytes of zero; line n has
    /// n in their place, big-endian.
    nonce: String,
    /// The content, encrypted with XChaCha20-Poly1305 under the data key, in base64. Authenticated
    /// with it are the bytes of the document before `,"ciphertext":`.
    #[serde(rename = "ciphertext")]
    _ciphertext: String,
    /// The CRC-32 (IEEE) of the document's bytes before `","check":`, in lower-case hexadecimal.
    #[serde(rename = "check")]
    #[schemars(regex(pattern = "^[0-9a-f]{8}$"))]
    _check: String,
}

/// A later line of a sealed journal.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordLine {
    /// The line's number; the first line has 0.
    pub(super) line: u64,
    /// The record, encrypted like a document. Authenticated with it are the SHA-256 of the first
    /// line's bytes, its end included, and this line's bytes before `,"ciphertext":`.
    #[serde(rename = "ciphertext")]
    _ciphertext: String,
    /// The CRC-32 (IEEE) of the line's bytes before `","check":`, in lower-case hexadecimal.
    #[serde(rename = "check")]
    #[schemars(regex(pattern = "^[0-9a-f]{8}$"))]
    _check: String,
}

/// A document that may be sealed.
#[derive(Debug)]
pub enum Document<'a> {
    /// It is not.
    Plain(&'a [u8]),
    /// It is.
    Sealed(Envelope<'a>),
}

impl<'a> Document<'a> {
    /// Looks at a document. Needs no key, and decrypts nothing.
    ///
    /// # Errors
    /// When it is sealed, but damaged, of a newer format, or something else than `what`.
    pub fn read(what: What, bytes: &'a [u8]) -> Result<Self, SealError> {
        if frame::looks_sealed(bytes) {
            Envelope::read(what, bytes).map(Self::Sealed)
        } else {
            Ok(Self::Plain(bytes))
        }
    }
}

/// A sealed document whose checksum is right. Nothing of it is proven before it is opened.
#[derive(Debug)]
pub struct Envelope<'a> {
    what: What,
    head: Head,
    pub(super) keys: Vec<WrappedKey>,
    pub(super) nonce: [u8; NONCE],
    framed: Framed<'a>,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(what: What, bytes: &'a [u8]) -> Result<Self, SealError> {
        let damaged = || SealError::Damaged(At::start(what));
        let framed = Framed::read(bytes);
        // The format first: a newer one may well have no checksum that we know.
        let found = match framed {
            Some(framed) => format_of(&closed(framed.clear)),
            None => format_of(bytes),
        };
        if let Some(found) = found.filter(|&found| found > FORMAT) {
            return Err(SealError::Newer { what, found });
        }
        let framed = framed.ok_or_else(damaged)?;
        let clear: SealedLine =
            serde_json::from_slice(&closed(framed.clear)).map_err(|_| damaged())?;
        let nonce = wrapped::array(&clear.nonce).ok_or_else(damaged)?;
        if clear.sealed != FORMAT {
            return Err(damaged());
        }
        if clear.what != what {
            return Err(SealError::Other {
                expected: what,
                found: clear.what,
            });
        }
        Ok(Self {
            what,
            head: clear.head,
            keys: clear.keys,
            nonce,
            framed,
        })
    }

    /// What it is.
    #[must_use]
    pub fn what(&self) -> What {
        self.what
    }

    /// What it shows without a key.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What it can be opened with.
    #[must_use]
    pub fn opens_with(&self) -> Vec<KeyId> {
        self.keys.iter().map(WrappedKey::id).collect()
    }

    pub(super) fn clear(&self) -> &[u8] {
        self.framed.clear
    }

    pub(super) fn ciphertext(&self) -> Result<Vec<u8>, SealError> {
        let ciphertext = self.framed.ciphertext();
        ciphertext.ok_or_else(|| SealError::Damaged(At::start(self.what)))
    }
}

/// A line with nothing where its ciphertext is, which may be megabytes.
pub(super) fn closed(clear: &[u8]) -> Vec<u8> {
    [clear, br#","ciphertext":"","check":""}"#].concat()
}

fn format_of(json: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Format {
        sealed: u32,
    }
    serde_json::from_slice::<Format>(json)
        .ok()
        .map(|format| format.sealed)
}
