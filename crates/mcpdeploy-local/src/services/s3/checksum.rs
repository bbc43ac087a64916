//! Checksums of objects: MD5 for the ETag, and those that SDKs send along.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::fault::invalid_request;
use crate::wire::Fault;

/// A checksum algorithm, by the ending of its header and its name in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// The checksum of an object or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// In Base64; of parts' checksums with their number at the end.
    pub(super) value: String,
    /// Whether it is one of all bytes, and not of the parts' checksums.
    pub(super) full: bool,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// As requests and answers name it, e.g. `CRC32`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Its header, e.g. `x-amz-checksum-crc32`.
    pub(super) fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_lowercase())
    }

    pub(super) fn read(name: &str) -> Result<Self, Fault> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                invalid_request(
                    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
                )
            })
    }

    /// The checksum of these bytes.
    pub(super) fn of(self, bytes: &[u8]) -> Checksum {
        Checksum {
            algorithm: self,
            value: BASE64_STANDARD.encode(self.raw(bytes)),
            full: true,
        }
    }

    fn raw(self, bytes: &[u8]) -> Vec<u8> {
        // The 32-bit ones come in the lower half.
        let crc = |algorithm| crc_fast::checksum(algorithm, bytes).to_be_bytes();
        match self {
            Self::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc)[4..].to_vec(),
            Self::Crc32c => crc(CrcAlgorithm::Crc32Iscsi)[4..].to_vec(),
            Self::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme).to_vec(),
            Self::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Self::Sha256 => {
                use sha2::Digest as _;
                sha2::Sha256::digest(bytes).to_vec()
            }
        }
    }

    /// The checksum of parts' checksums.
    pub(super) fn composite(self, parts: &[Checksum]) -> Option<Checksum> {
        let raw: Option<Vec<Vec<u8>>> = parts
            .iter()
            .map(|part| BASE64_STANDARD.decode(&part.value).ok())
            .collect();
        let value = BASE64_STANDARD.encode(self.raw(&raw?.concat()));
        Some(Checksum {
            algorithm: self,
            value: format!("{value}-{}", parts.len()),
            full: false,
        })
    }
}

impl Checksum {
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub(super) const fn kind(&self) -> &'static str {
        if self.full {
            "FULL_OBJECT"
        } else {
            "COMPOSITE"
        }
    }
}

/// The MD5 of these bytes.
pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The ETag of an object that was uploaded in parts with these ETags.
pub(super) fn etag_of_parts(etags: &[&str]) -> String {
    let digests: Vec<u8> = etags
        .iter()
        .flat_map(|etag| hex::decode(etag).unwrap_or_default())
        .collect();
    format!("{}-{}", hex::encode(md5(&digests)), etags.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the CRC catalogue and of FIPS 180, for `123456789`.
    #[test]
    fn checksums_are_the_known_ones() {
        for (algorithm, hex) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (
                Algorithm::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
        ] {
            let value = BASE64_STANDARD.encode(hex::decode(hex).unwrap());
            assert_eq!(algorithm.of(b"123456789").value, value, "{algorithm:?}");
        }
    }

    #[test]
    fn parts_make_an_etag_of_their_own() {
        let parts = [hex::encode(md5(b"a")), hex::encode(md5(b"b"))];
        let parts = [parts[0].as_str(), parts[1].as_str()];
        let both = [md5(b"a"), md5(b"b")].concat();
        let whole = format!("{}-2", hex::encode(md5(&both)));
        assert_eq!(etag_of_parts(&parts), whole);
    }
}
