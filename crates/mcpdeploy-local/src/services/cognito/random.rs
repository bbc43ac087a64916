//! Names, codes and secrets that nobody can guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::rand_core::{OsRng, RngCore as _};

const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random bytes from the operating system.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// Letters and digits.
pub(super) fn alphanumeric(length: usize) -> String {
    letters(LETTERS, length)
}

/// Small letters and digits.
pub(super) fn lowercase(length: usize) -> String {
    letters(b"0123456789abcdefghijklmnopqrstuvwxyz", length)
}

/// Digits, as codes that people type have them.
pub(super) fn digits(length: usize) -> String {
    letters(b"0123456789", length)
}

/// A token of 256 bits in base64.
pub(super) fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// A UUID.
pub(super) fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A text of these letters, all as likely as one another.
fn letters(set: &[u8], length: usize) -> String {
    let fair = 256 - 256 % set.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<32>() {
            let byte = usize::from(byte);
            if byte < fair && text.len() < length {
                text.push(char::from(set[byte % set.len()]));
            }
        }
    }
    text
}
