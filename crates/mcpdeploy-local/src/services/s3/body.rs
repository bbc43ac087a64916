//! The bytes that a request brings, whichever way they are wrapped.
//!
//! SDKs send bodies in chunks (`aws-chunked`), each perhaps with a signature, and after the last of
//! them headers such as a checksum. Source: "Signature calculations for chunked uploads" in the API
//! reference.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::checksum::{Algorithm, Checksum, md5};
use super::fault::invalid_request;
use crate::wire::{Call, Fault};

/// Bytes that came in, checked.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) bytes: Bytes,
    pub(super) md5: [u8; 16],
    /// The one that was sent along, if one was.
    pub(super) checksum: Option<Checksum>,
}

impl Upload {
    /// Unwraps the body and checks it against what was sent with it.
    pub(super) fn read(call: &Call) -> Result<Self, Fault> {
        let (bytes, trailers) = if is_chunked(call) {
            unwrap(&call.body).ok_or_else(|| {
                Fault::bad(
                    "InvalidChunkSizeError",
                    "Only the last chunk is allowed to have a size less than 8192 bytes",
                )
            })?
        } else {
            (call.body.clone(), Vec::new())
        };
        let wanted = call.header("x-amz-decoded-content-length");
        if wanted.is_some_and(|length| length != bytes.len().to_string()) {
            return Err(Fault::bad(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            ));
        }
        let digest = md5(&bytes);
        if let Some(given) = call.header("content-md5") {
            match BASE64_STANDARD.decode(given) {
                Ok(given) if given == digest => {}
                Ok(given) if given.len() == digest.len() => {
                    return Err(Fault::bad(
                        "BadDigest",
                        "The Content-MD5 you specified did not match what we received.",
                    ));
                }
                Ok(_) | Err(_) => {
                    return Err(Fault::bad(
                        "InvalidDigest",
                        "The Content-MD5 you specified was invalid.",
                    ));
                }
            }
        }
        let checksum = checked(call, &trailers, &bytes)?;
        Ok(Self {
            bytes,
            md5: digest,
            checksum,
        })
    }
}

/// Compares the bytes with the checksum that came in a header or after them.
fn checked(
    call: &Call,
    trailers: &[(String, String)],
    bytes: &[u8],
) -> Result<Option<Checksum>, Fault> {
    let mut found = None;
    for algorithm in Algorithm::ALL {
        let name = algorithm.header();
        let after = trailers.iter().find(|(key, _)| *key == name);
        let after = after.map(|(_, value)| value.as_str());
        let Some(given) = call.header(&name).or(after) else {
            continue;
        };
        if found.is_some() {
            return Err(invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let checksum = algorithm.of(bytes);
        if BASE64_STANDARD.decode(given).is_err() {
            return Err(invalid_request(format!(
                "Value for {name} header is invalid."
            )));
        }
        if given != checksum.value {
            return Err(Fault::bad(
                "BadDigest",
                format!(
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                ),
            ));
        }
        found = Some(checksum);
    }
    // Named, but not sent: it is calculated.
    if found.is_none()
        && let Some(name) = call.header("x-amz-sdk-checksum-algorithm")
    {
        found = Some(Algorithm::read(name)?.of(bytes));
    }
    Ok(found)
}

/// Whether the body comes in chunks.
fn is_chunked(call: &Call) -> bool {
    let streams = call
        .header("x-amz-content-sha256")
        .is_some_and(|value| value.starts_with("STREAMING-"));
    let encoded = call.header("content-encoding").is_some_and(|value| {
        value
            .split(',')
            .any(|part| part.trim().eq_ignore_ascii_case("aws-chunked"))
    });
    streams || encoded
}

/// The bytes in the chunks, and the headers after them.
fn unwrap(mut rest: &[u8]) -> Option<(Bytes, Vec<(String, String)>)> {
    let mut bytes = Vec::with_capacity(rest.len());
    loop {
        let (line, after) = line(rest)?;
        let size = line.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            rest = after;
            break;
        }
        bytes.extend_from_slice(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut trailers = Vec::new();
    while let Some((text, after)) = line(rest) {
        rest = after;
        if let Some((name, value)) = text.split_once(':') {
            trailers.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    Some((bytes.into(), trailers))
}

/// The text until the end of a line, and what follows.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    Some((text, &bytes[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_unwrapped() {
        for (body, bytes, trailers) in [
            ("0\r\n\r\n", "", 0),
            ("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
            (
                "5;chunk-signature=ab\r\nhello\r\n6;chunk-signature=cd\r\n world\r\n0;chunk-signature=ef\r\n\r\n",
                "hello world",
                0,
            ),
            (
                "a\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:pXJ9Vw==\r\nx-amz-trailer-signature:ab\r\n\r\n",
                "0123456789",
                2,
            ),
        ] {
            let (found, after) = unwrap(body.as_bytes()).unwrap();
            assert_eq!(found, bytes.as_bytes());
            assert_eq!(after.len(), trailers, "{after:?}");
        }
    }

    #[test]
    fn damaged_chunks_are_refused() {
        for body in [
            "",
            "5\r\nhel",
            "x\r\n",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "5\r\nhello\r\n",
        ] {
            assert!(unwrap(body.as_bytes()).is_none(), "{body:?}");
        }
    }
}
