//! What is configured for encryption, and what was unwrapped with it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::cipher::{self, DataKey, NONCE};
use super::envelope::Clear;
use super::error::At;
use super::wrapped::WrappedKey;
use super::{
    Document, Envelope, FORMAT, Head, KeyringError, Keys, SealError, What, frame, wrapped,
};

/// Seals and opens. It seals with the primary keys, or not at all when encryption is off, and opens
/// with those and the fallbacks. Data keys are kept for as long as it lives.
pub struct Keyring {
    primary: Option<Keys>,
    /// The primary keys first, then the fallbacks.
    openers: Keys,
    opens_plain: bool,
    /// The data key of this run.
    sealing: Mutex<Option<Arc<Sealing>>>,
    /// Data keys by the digest of their entries.
    opened: Mutex<HashMap<[u8; 32], DataKey>>,
}

/// A data key with its entries.
pub(super) struct Sealing {
    pub(super) key: DataKey,
    pub(super) entries: Vec<WrappedKey>,
}

impl Keyring {
    /// Encryption is off: what is written is plain.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            primary: None,
            openers: Keys::new(),
            opens_plain: true,
            sealing: Mutex::default(),
            opened: Mutex::default(),
        }
    }

    /// Everything is sealed with these keys, and what is not sealed is not taken.
    ///
    /// # Errors
    /// When they cannot seal, or could not open what they seal: whoever changes a state has to read
    /// it again.
    pub fn new(primary: Keys) -> Result<Self, KeyringError> {
        primary.check_seals()?;
        Ok(Self {
            openers: primary.clone(),
            primary: Some(primary),
            opens_plain: false,
            ..Self::plain()
        })
    }

    /// Opens with these keys as well: those of before.
    #[must_use]
    pub fn with_fallback(mut self, keys: Keys) -> Self {
        self.openers.add(keys);
        self
    }

    /// Takes what is not sealed as well, while encryption is being introduced. Not for longer:
    /// whoever can write to the store could put a plain state there.
    #[must_use]
    pub fn with_plain_fallback(mut self) -> Self {
        self.opens_plain = true;
        self
    }

    /// Whether what is written is sealed.
    #[must_use]
    pub fn seals(&self) -> bool {
        self.primary.is_some()
    }

    /// Seals a document; it is as it was when encryption is off.
    ///
    /// # Errors
    /// When a key service does not wrap the data key. Nothing is then to be written.
    pub fn seal<'a>(
        &self,
        what: What,
        head: &Head,
        content: &'a [u8],
    ) -> Result<Cow<'a, [u8]>, SealError> {
        let Some(sealing) = self.sealing()? else {
            return Ok(Cow::Borrowed(content));
        };
        let nonce = cipher::random();
        Ok(Cow::Owned(sealing.seal(what, head, &nonce, content)))
    }

    /// Opens a document; one that is not sealed is as it is, when such are taken.
    ///
    /// # Errors
    /// When no key opens it, or it is not what was sealed.
    pub fn open<'a>(&self, what: What, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, SealError> {
        match Document::read(what, bytes)? {
            // What is too short to say: the beginning of a sealed one, if there are such here.
            Document::Plain(bytes) if self.seals() && frame::begins_sealed(bytes) => {
                Err(SealError::Damaged(At::start(what)))
            }
            Document::Plain(bytes) if self.opens_plain => Ok(Cow::Borrowed(bytes)),
            Document::Plain(_) => Err(SealError::NotSealed(what)),
            Document::Sealed(envelope) => {
                let (_, content) = self.open_envelope(&envelope)?;
                Ok(Cow::Owned(content))
            }
        }
    }

    /// Whether a document is sealed otherwise than it would be now: with other keys, with more or
    /// fewer of them, or not at all. Sealing it again rotates it.
    #[must_use]
    pub fn needs_rotation(&self, document: &Document<'_>) -> bool {
        match (document, &self.primary) {
            (Document::Plain(_), None) => false,
            (Document::Plain(_), Some(_)) | (Document::Sealed(_), None) => true,
            (Document::Sealed(envelope), Some(primary)) => !primary.made(&envelope.keys),
        }
    }

    pub(super) fn opens_plain(&self) -> bool {
        self.opens_plain
    }

    /// The data key that this run seals with; `None` when encryption is off.
    ///
    /// Always a new one, never that of a document that was opened: whoever knows a recipient can
    /// seal for it, and would know the data key of all that is written after.
    pub(super) fn sealing(&self) -> Result<Option<Arc<Sealing>>, SealError> {
        let Some(primary) = &self.primary else {
            return Ok(None);
        };
        // Held while it is wrapped, so that there is one.
        let mut sealing = lock(&self.sealing);
        if let Some(sealing) = &*sealing {
            return Ok(Some(Arc::clone(sealing)));
        }
        let key = DataKey::random();
        let entries = primary.wrap(&key)?;
        lock(&self.opened).insert(digest(&entries), key.clone());
        let made = Arc::new(Sealing { key, entries });
        *sealing = Some(Arc::clone(&made));
        Ok(Some(made))
    }

    /// The data key and the content.
    pub(super) fn open_envelope(
        &self,
        envelope: &Envelope<'_>,
    ) -> Result<(DataKey, Vec<u8>), SealError> {
        let key = self.unwrap(envelope)?;
        let content = key.open(&envelope.nonce, envelope.clear(), &envelope.ciphertext()?);
        let content = content.ok_or_else(|| SealError::Altered(At::start(envelope.what())))?;
        Ok((key, content))
    }

    fn unwrap(&self, envelope: &Envelope<'_>) -> Result<DataKey, SealError> {
        let digest = digest(&envelope.keys);
        if let Some(key) = lock(&self.opened).get(&digest) {
            return Ok(key.clone());
        }
        let what = envelope.what();
        if !self.openers.open() {
            let keys = envelope.opens_with();
            return Err(SealError::NoKeys { what, keys });
        }
        let unwrapped = self.openers.unwrap(&envelope.keys);
        let key = unwrapped.map_err(|(refusals, source)| SealError::Refused {
            what,
            refusals,
            source,
        })?;
        lock(&self.opened).insert(digest, key.clone());
        Ok(key)
    }
}

impl Sealing {
    /// The line of a document, or the first one of a journal.
    pub(super) fn seal(
        &self,
        what: What,
        head: &Head,
        nonce: &[u8; NONCE],
        content: &[u8],
    ) -> Vec<u8> {
        let clear = frame::clear(&Clear {
            sealed: FORMAT,
            what,
            head,
            keys: &self.entries,
            nonce: wrapped::encode(nonce),
        });
        let ciphertext = self.key.seal(nonce, &clear, content);
        frame::write(clear, &ciphertext)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("primary", &self.primary)
            .field("openers", &self.openers)
            .field("opens_plain", &self.opens_plain)
            .finish_non_exhaustive()
    }
}

/// By what a data key is known: all that its entries say.
fn digest(entries: &[WrappedKey]) -> [u8; 32] {
    Sha256::digest(frame::clear(&entries)).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in there is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
