//! Values that travel through hands we do not trust: encrypted, authenticated, and with an end.
//!
//! A sealed value is base64url(nonce ‖ ciphertext) of XChaCha20-Poly1305. What it is for, and the
//! issuer that made it, are associated data: a refresh token is never taken for a state, nor that
//! of another deployment for ours, even under the same key.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::rand_core::RngCore as _;
use chacha20poly1305::aead::{Aead as _, OsRng, Payload};
use chacha20poly1305::{AeadCore as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::secrets::Keys;

const NONCE: usize = 24;

/// Longer than anything that we seal: nobody makes us decrypt megabytes.
const LONGEST: usize = 16 * 1024;

/// A type that may travel sealed.
pub(super) trait Travels: Serialize + DeserializeOwned {
    /// What it is for: part of the associated data, and different for each type.
    const PURPOSE: &'static str;
}

/// Why a sealed value is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unopened {
    #[error("not sealed by this issuer for this purpose")]
    Foreign,
    #[error("expired")]
    Expired,
}

#[derive(Serialize)]
struct Closing<'a, T> {
    e: u64,
    v: &'a T,
}

#[derive(Deserialize)]
struct Opening<T> {
    e: u64,
    v: T,
}

/// Seals with the current key; opens what that one or the previous one sealed.
pub(super) struct Sealer {
    current: XChaCha20Poly1305,
    previous: Option<XChaCha20Poly1305>,
    issuer: String,
    /// Whether something came that neither key opens.
    missed: AtomicBool,
}

impl Sealer {
    pub(super) fn new(keys: &Keys, issuer: &str) -> Self {
        let cipher = |key: &super::Key| XChaCha20Poly1305::new(key.bytes().into());
        Self {
            current: cipher(&keys.current),
            previous: keys.previous.as_ref().map(cipher),
            issuer: issuer.to_owned(),
            missed: AtomicBool::new(false),
        }
    }

    /// Whether since the last question something came that neither key opens: a forgery, what is very
    /// old, or what was sealed with a newer key than these.
    pub(super) fn missed(&self) -> bool {
        self.missed.swap(false, Ordering::Relaxed)
    }

    /// `value`, of which nothing can be read nor changed, and which opens until `expires`.
    pub(super) fn seal<T: Travels>(&self, value: &T, expires: u64) -> String {
        let plain = serde_json::to_vec(&Closing {
            e: expires,
            v: value,
        })
        .expect("what travels has nothing that JSON cannot say");
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let associated = self.associated::<T>();
        let payload = Payload {
            msg: &plain,
            aad: &associated,
        };
        let sealed = self
            .current
            .encrypt(&nonce, payload)
            .expect("what travels is far below the cipher's bound");
        URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed, when it was by us, for this purpose, and is not over.
    pub(super) fn open<T: Travels>(&self, text: &str, now: u64) -> Result<T, Unopened> {
        let (value, expires) = self.unsealed(text)?;
        if expires <= now {
            return Err(Unopened::Expired);
        }
        Ok(value)
    }

    /// As `open`, with the time until which it opens.
    pub(super) fn open_until<T: Travels>(
        &self,
        text: &str,
        now: u64,
    ) -> Result<(T, u64), Unopened> {
        let (value, expires) = self.unsealed(text)?;
        if expires <= now {
            return Err(Unopened::Expired);
        }
        Ok((value, expires))
    }

    fn unsealed<T: Travels>(&self, text: &str) -> Result<(T, u64), Unopened> {
        if text.len() > LONGEST {
            return Err(Unopened::Foreign);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| Unopened::Foreign)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(Unopened::Foreign)?;
        let associated = self.associated::<T>();
        let plain = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|cipher| {
                let payload = Payload {
                    msg: sealed,
                    aad: &associated,
                };
                cipher.decrypt(XNonce::from_slice(nonce), payload).ok()
            })
            .ok_or_else(|| {
                self.missed.store(true, Ordering::Relaxed);
                Unopened::Foreign
            })?;
        // Another version of ours may have sealed it: what cannot be read is foreign, not a bug.
        let opening: Opening<T> = serde_json::from_slice(&plain).map_err(|_| Unopened::Foreign)?;
        Ok((opening.v, opening.e))
    }

    fn associated<T: Travels>(&self) -> Vec<u8> {
        format!("mcpdeploy/1/{}\0{}", T::PURPOSE, self.issuer).into_bytes()
    }
}

/// Twenty-four random bytes as text: an id or a secret that nobody guesses.
pub(super) fn random() -> String {
    let mut bytes = [0; 24];
    OsRng.fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::secrets::Key;
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note(String);
    impl Travels for Note {
        const PURPOSE: &'static str = "note";
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Other(String);
    impl Travels for Other {
        const PURPOSE: &'static str = "other";
    }

    fn sealer(current: u8, previous: Option<u8>, issuer: &str) -> Sealer {
        let keys = Keys {
            current: Key::new([current; 32]),
            previous: previous.map(|byte| Key::new([byte; 32])),
        };
        Sealer::new(&keys, issuer)
    }

    fn note() -> Note {
        Note("hello".to_owned())
    }

    #[test]
    fn a_value_opens_until_its_end_and_not_at_it() {
        let sealer = sealer(1, None, "https://a");
        let text = sealer.seal(&note(), 100);
        assert_eq!(sealer.open::<Note>(&text, 99), Ok(note()));
        assert_eq!(sealer.open::<Note>(&text, 100), Err(Unopened::Expired));
    }

    #[test]
    fn a_value_opens_for_its_purpose_and_issuer_only() {
        let ours = sealer(1, None, "https://a");
        let text = ours.seal(&note(), 100);
        assert_eq!(ours.open::<Other>(&text, 0), Err(Unopened::Foreign));
        let theirs = sealer(1, None, "https://b");
        assert_eq!(theirs.open::<Note>(&text, 0), Err(Unopened::Foreign));
    }

    #[test]
    fn a_rotated_key_opens_and_a_forgotten_one_does_not() {
        let text = sealer(1, None, "https://a").seal(&note(), 100);
        let rotated = sealer(2, Some(1), "https://a");
        assert_eq!(rotated.open::<Note>(&text, 0), Ok(note()));
        // What is sealed after the rotation is sealed with the new key.
        let fresh = rotated.seal(&note(), 100);
        let later = sealer(3, Some(2), "https://a");
        assert_eq!(later.open::<Note>(&fresh, 0), Ok(note()));
        assert_eq!(later.open::<Note>(&text, 0), Err(Unopened::Foreign));
    }

    #[test]
    fn equal_values_do_not_look_equal() {
        let sealer = sealer(1, None, "https://a");
        assert_ne!(sealer.seal(&note(), 1), sealer.seal(&note(), 1));
    }

    proptest! {
        #[test]
        fn no_changed_character_opens(at in any::<prop::sample::Index>(), to in "[ -~]") {
            let sealer = sealer(1, Some(2), "https://a");
            let text = sealer.seal(&note(), 100);
            let at = at.index(text.len());
            let mut changed = text.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != text);
            prop_assert_eq!(sealer.open::<Note>(&changed, 0), Err(Unopened::Foreign));
        }

        #[test]
        fn no_flipped_bit_cut_or_addition_opens(
            bit in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
            more in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let sealer = sealer(1, Some(2), "https://a");
            let bytes = URL_SAFE_NO_PAD.decode(sealer.seal(&note(), 100)).unwrap();
            let mut flipped = bytes.clone();
            let bit = bit.index(bytes.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
            let shorter = bytes[..cut.index(bytes.len())].to_vec();
            let longer = [bytes, more].concat();
            for changed in [flipped, shorter, longer] {
                let text = URL_SAFE_NO_PAD.encode(changed);
                prop_assert_eq!(sealer.open::<Note>(&text, 0), Err(Unopened::Foreign));
            }
        }

        #[test]
        fn nothing_made_up_opens(text in "[A-Za-z0-9_-]{0,400}") {
            let sealer = sealer(1, Some(2), "https://a");
            prop_assert_eq!(sealer.open::<Note>(&text, 0), Err(Unopened::Foreign));
        }
    }
}
