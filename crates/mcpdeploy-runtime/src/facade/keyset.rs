//! Keys that clients publish (RFC 7517), and signatures by them (RFC 7518: RS256 and ES256).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// More than any client has.
const MOST: usize = 32;

/// How a client signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Algorithm {
    RS256,
    ES256,
}

impl Algorithm {
    /// All of them, as metadata names them.
    pub(super) const NAMES: [&str; 2] = ["RS256", "ES256"];
}

/// A set of keys, as clients publish it. What is of no known kind is there and never fits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Whether there is a key of that name, or any where none is named.
    pub(super) fn has(&self, kid: Option<&str>) -> bool {
        self.named(kid).next().is_some()
    }

    /// Whether one of the keys of that name made `signature` of `message`.
    pub(super) fn verifies(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        self.named(kid)
            .any(|key| key.verifies(algorithm, message, signature))
    }

    fn named<'s>(&'s self, kid: Option<&'s str>) -> impl Iterator<Item = &'s Jwk> {
        self.keys
            .iter()
            .take(MOST)
            .filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
    }
}

impl Jwk {
    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let name = match algorithm {
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
        };
        let other_use = self
            .purpose
            .as_deref()
            .is_some_and(|purpose| purpose != "sig");
        let other_algorithm = self.alg.as_deref().is_some_and(|alg| alg != name);
        if other_use || other_algorithm {
            return false;
        }
        let verified = match algorithm {
            Algorithm::RS256 => self.rsa(message, signature),
            Algorithm::ES256 => self.p256(message, signature),
        };
        verified.is_some()
    }

    fn rsa(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let (n, e) = (number(self.n.as_deref())?, number(self.e.as_deref())?);
        if self.kty != "RSA" {
            return None;
        }
        RsaPublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .ok()
    }

    fn p256(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
        if self.kty != "EC" || self.crv.as_deref() != Some("P-256") {
            return None;
        }
        // As a point that is not compressed (SEC 1, section 2.3.3).
        let point = [&[4][..], &x, &y].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(message, signature)
            .ok()
    }
}

fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

/// A number without zeros before it, which some put there and ring refuses.
fn number(text: Option<&str>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes.get(zeros..)?.to_vec())
}
