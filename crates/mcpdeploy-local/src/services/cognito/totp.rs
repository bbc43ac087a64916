//! Codes of software tokens: RFC 6238 with SHA-1, six digits and thirty seconds.

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use time::OffsetDateTime;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Base32 without padding, as authenticator apps take it.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        for letter in 0..letters {
            let index = (bits >> (35 - 5 * letter)) & 31;
            text.extend(
                ALPHABET
                    .get(usize::try_from(index).unwrap_or_default())
                    .map(|b| char::from(*b)),
            );
        }
    }
    text
}

/// The step of time that a code is of, when it is the code of now, of the step before or of the next.
pub(super) fn step_of(secret: &[u8], code: &str, now: OffsetDateTime) -> Option<u64> {
    let step = u64::try_from(now.unix_timestamp()).ok()? / 30;
    [step, step.saturating_sub(1), step + 1]
        .into_iter()
        .find(|step| self::code(secret, *step) == code)
}

/// The code of a step of time.
fn code(secret: &[u8], step: u64) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let mut word = [0; 4];
    word.copy_from_slice(&tag[offset..offset + 4]);
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000;
    format!("{number:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1; its codes have eight digits, of which these are the last six.
    #[test]
    fn the_vectors_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, wanted) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (2_000_000_000, "279037"),
        ] {
            let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let step = u64::try_from(seconds).unwrap() / 30;
            assert_eq!(code(secret, step), wanted);
            assert_eq!(step_of(secret, wanted, now), Some(step));
            assert_eq!(step_of(secret, "000000", now), None);
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn base32_without_padding() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
