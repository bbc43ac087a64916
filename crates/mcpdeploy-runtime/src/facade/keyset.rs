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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn set(keys: serde_json::Value) -> KeySet {
        serde_json::from_value(json!({ "keys": keys })).unwrap()
    }

    /// The examples of RFC 7515, appendices A.2 and A.3.
    #[test]
    fn signatures_are_those_of_the_rfc() {
        let rsa = json!({
            "kty": "RSA",
            "kid": "r",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
            "e": "AQAB",
        });
        let p256 = json!({
            "kty": "EC",
            "kid": "e",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let by_rsa = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let by_p256 = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let cases = [
            (Algorithm::RS256, "eyJhbGciOiJSUzI1NiJ9", by_rsa, &rsa),
            (Algorithm::ES256, "eyJhbGciOiJFUzI1NiJ9", by_p256, &p256),
        ];
        let both = set(json!([rsa, p256]));
        for (algorithm, header, signature, key) in cases {
            let message = format!("{header}.{CLAIMS}");
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let holds = |keys: &KeySet, kid, message: &str, signature: &[u8]| {
                keys.verifies(algorithm, kid, message.as_bytes(), signature)
            };
            assert!(holds(&both, None, &message, &signature));
            assert!(holds(&both, key["kid"].as_str(), &message, &signature));
            assert!(!holds(&both, Some("other"), &message, &signature));
            assert!(!holds(&both, None, &format!("{message}x"), &signature));
            assert!(!holds(&both, None, &message, &signature[1..]));
            for (name, value) in [("use", "enc"), ("alg", "PS256"), ("kty", "oct")] {
                let mut other = key.clone();
                other[name] = json!(value);
                assert!(!holds(&set(json!([other])), None, &message, &signature));
            }
            let other = match algorithm {
                Algorithm::RS256 => Algorithm::ES256,
                Algorithm::ES256 => Algorithm::RS256,
            };
            assert!(!both.verifies(other, None, message.as_bytes(), &signature));
        }
    }
}
