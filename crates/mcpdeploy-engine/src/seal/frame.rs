//! The form of a sealed line: clear JSON, the ciphertext, a checksum.
//!
//! `{…,"ciphertext":"…","check":"0123abcd"}` and a line end. The bytes before `,"ciphertext":` are
//! authenticated as they stand. The checksum, a CRC-32 of everything before it, needs no key: it
//! tells what a disk or an editor damaged from what another key sealed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

const CIPHERTEXT: &[u8] = b",\"ciphertext\":\"";
const CHECK: &[u8] = b"\",\"check\":\"";
const END: &[u8] = b"\"}\n";
/// The length of `","check":"01234567"}` and the line end.
const TAIL: usize = CHECK.len() + 8 + END.len();

/// How every sealed document begins.
const MARK: &[u8] = b"{\"sealed\":";

/// A line whose checksum is right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framed<'a> {
    /// What is authenticated with the ciphertext.
    pub(super) clear: &'a [u8],
    /// In base64.
    ciphertext: &'a [u8],
}

impl<'a> Framed<'a> {
    /// The parts of a line; `None` when it is not what was written.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let (body, tail) = line.split_at(line.len().checked_sub(TAIL)?);
        let check = tail.strip_prefix(CHECK)?.strip_suffix(END)?;
        if check != checksum(body).as_bytes() {
            return None;
        }
        let quote = body.iter().rposition(|&b| b == b'"')?;
        let (clear, ciphertext) = body.split_at(quote + 1);
        let clear = clear.strip_suffix(CIPHERTEXT)?;
        Some(Self { clear, ciphertext })
    }

    /// What was encrypted, still encrypted; `None` when it is no base64.
    pub(super) fn ciphertext(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.ciphertext).ok()
    }
}

/// The JSON of a line's clear part, without its last brace.
pub(super) fn clear(of: &impl Serialize) -> Vec<u8> {
    let mut clear = match serde_json::to_vec(of) {
        Ok(clear) => clear,
        // Plain data with string keys.
        Err(error) => panic!("the head of a sealed line cannot be written as JSON: {error}"),
    };
    clear.pop();
    clear
}

/// A line of both parts.
pub(super) fn write(clear: Vec<u8>, ciphertext: &[u8]) -> Vec<u8> {
    let mut line = clear;
    line.reserve(CIPHERTEXT.len() + ciphertext.len().div_ceil(3) * 4 + TAIL);
    line.extend_from_slice(CIPHERTEXT);
    line.extend_from_slice(BASE64_STANDARD.encode(ciphertext).as_bytes());
    let check = checksum(&line);
    line.extend_from_slice(CHECK);
    line.extend_from_slice(check.as_bytes());
    line.extend_from_slice(END);
    line
}

fn checksum(body: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(body))
}

/// Whether bytes are a sealed document, sound or not. It looks at both ends, so that damage to one
/// of them does not make a sealed document a plain one.
pub(super) fn looks_sealed(bytes: &[u8]) -> bool {
    // Whoever formats a sealed document damages it; it is one all the same.
    let compact = |bytes: &[u8]| -> Vec<u8> {
        let bytes = bytes.iter().filter(|b| !b.is_ascii_whitespace());
        bytes.copied().collect()
    };
    let start = compact(&bytes[..bytes.len().min(4 * MARK.len())]);
    let end = compact(&bytes[bytes.len().saturating_sub(2 * TAIL)..]);
    let tail = end.len().checked_sub(TAIL - 1); // without the line end
    let checked = tail.is_some_and(|at| end[at..].starts_with(CHECK));
    start.starts_with(MARK) || checked
}

/// Whether this may be all that was written of a sealed line.
pub(super) fn begins_sealed(bytes: &[u8]) -> bool {
    MARK.starts_with(bytes)
}

/// Whether the write of a journal's last line was cut short: its end is missing, or it has zeros,
/// where the disk never wrote.
pub(super) fn is_torn(line: &[u8]) -> bool {
    line.last() != Some(&b'\n') || line.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_known_by_either_end() {
        let line = write(b"{\"sealed\":1".to_vec(), b"something");
        assert!(looks_sealed(&line));
        let pretty: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert!(looks_sealed(
            serde_json::to_string_pretty(&pretty).unwrap().as_bytes()
        ));
        for end in 0..line.len() {
            let cut = &line[..end];
            assert!(looks_sealed(cut) || begins_sealed(cut), "cut off at {end}");
        }
        for at in 0..line.len() {
            let mut damaged = line.clone();
            damaged[at] ^= 1;
            assert!(looks_sealed(&damaged), "byte {at}");
        }
    }

    #[test]
    fn what_is_plain_is_not_sealed() {
        let plain: [&[u8]; 5] = [
            b"{\n  \"format\": 1,\n  \"lineage\": \"l\"\n}\n",
            br#"{"seq":0,"record":{"begun":{}},"crc":"0123abcd"}"#,
            b"[]",
            b"{}",
            b"no JSON at all",
        ];
        for plain in plain {
            assert!(!looks_sealed(plain), "{}", String::from_utf8_lossy(plain));
        }
    }
}
