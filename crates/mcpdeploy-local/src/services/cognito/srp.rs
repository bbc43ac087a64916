//! The server's side of SRP-6a as Cognito speaks it: a sign-in in which the password is not sent.
//!
//! Source: RFC 5054 (the group of 3072 bits), and what amazon-cognito-identity-js sends and expects.

use ring::hmac::{HMAC_SHA256, Key, sign};
use rsa::BigUint;
use sha2::{Digest as _, Sha256};

use super::random;

/// The prime of RFC 5054's group of 3072 bits, whose generator is 5 there; Cognito uses 2.
const PRIME: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6\
F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804\
F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A\
8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864\
D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E\
4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

/// What the server remembers between its challenge and the client's answer.
#[derive(Clone)]
pub(super) struct Exchange {
    key: [u8; 16],
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchange")
    }
}

fn prime() -> BigUint {
    BigUint::parse_bytes(PRIME.as_bytes(), 16).unwrap_or_default()
}

fn generator() -> BigUint {
    BigUint::from(2_u32)
}

/// The bytes of a number as Java's `BigInteger` has them: with a zero in front where the first bit is
/// set.
fn padded(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    bytes
}

fn digest(parts: &[&[u8]]) -> BigUint {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    BigUint::from_bytes_be(&digest.finalize())
}

/// The part of a pool's id that takes part in hashes.
fn pool_name(pool: &str) -> &str {
    pool.split_once('_').map_or(pool, |(_, name)| name)
}

/// A fresh salt and the verifier of a password, both in hex.
pub(super) fn verifier(pool: &str, username: &str, password: &str) -> (String, String) {
    let salt = BigUint::from_bytes_be(&random::bytes::<16>());
    let inner = Sha256::digest(format!("{}{username}:{password}", pool_name(pool)));
    let x = digest(&[&padded(&salt), &inner]);
    let verifier = generator().modpow(&x, &prime());
    (salt.to_str_radix(16), verifier.to_str_radix(16))
}

/// Answers a client's `SRP_A` with `SRP_B`, both in hex. None when the client's number is no good.
pub(super) fn exchange(verifier: &str, client: &str) -> Option<(String, Exchange)> {
    let prime = prime();
    let client = BigUint::parse_bytes(client.as_bytes(), 16)?;
    if &client % &prime == BigUint::default() {
        return None;
    }
    let verifier = BigUint::parse_bytes(verifier.as_bytes(), 16)?;
    let multiplier = digest(&[&padded(&prime), &generator().to_bytes_be()]);
    let secret = BigUint::from_bytes_be(&random::bytes::<32>());
    let server = (multiplier * &verifier + generator().modpow(&secret, &prime)) % &prime;
    let scrambler = digest(&[&padded(&client), &padded(&server)]);
    let shared = (client * verifier.modpow(&scrambler, &prime)).modpow(&secret, &prime);
    let extracted = sign(
        &Key::new(HMAC_SHA256, &padded(&scrambler)),
        &padded(&shared),
    );
    let expanded = sign(
        &Key::new(HMAC_SHA256, extracted.as_ref()),
        b"Caldera Derived Key\x01",
    );
    let mut key = [0; 16];
    key.copy_from_slice(&expanded.as_ref()[..16]);
    Some((server.to_str_radix(16), Exchange { key }))
}

impl Exchange {
    /// Whether the client's signature shows that it knows the password.
    pub(super) fn proves(
        &self,
        pool: &str,
        username: &str,
        block: &[u8],
        timestamp: &str,
        signature: &[u8],
    ) -> bool {
        let key = Key::new(HMAC_SHA256, &self.key);
        let mut message = format!("{}{username}", pool_name(pool)).into_bytes();
        message.extend_from_slice(block);
        message.extend_from_slice(timestamp.as_bytes());
        ring::hmac::verify(&key, &message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's side, as amazon-cognito-identity-js has it.
    fn client_key(password: &str, salt: &str, server: &str, secret: &BigUint) -> [u8; 16] {
        let prime = prime();
        let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap();
        let (salt, server) = (number(salt), number(server));
        let public = generator().modpow(secret, &prime);
        let u = digest(&[&padded(&public), &padded(&server)]);
        let inner = Sha256::digest(format!("Ab12ann:{password}"));
        let x = digest(&[&padded(&salt), &inner]);
        let k = digest(&[&padded(&prime), &[2]]);
        let gx = generator().modpow(&x, &prime);
        let base = (server + k * &prime - k_times(&prime, &gx)) % &prime;
        let s = base.modpow(&(secret + u.clone() * x), &prime);
        let extracted = sign(&Key::new(HMAC_SHA256, &padded(&u)), &padded(&s));
        let expanded = sign(
            &Key::new(HMAC_SHA256, extracted.as_ref()),
            b"Caldera Derived Key\x01",
        );
        expanded.as_ref()[..16].try_into().unwrap()
    }

    fn k_times(prime: &BigUint, gx: &BigUint) -> BigUint {
        digest(&[&padded(prime), &[2]]) * gx
    }

    #[test]
    fn both_sides_come_to_the_same_key_when_the_password_is_right() {
        let pool = "us-east-1_Ab12";
        let (salt, verifier) = verifier(pool, "ann", "Correct-1");
        let secret = BigUint::from_bytes_be(&random::bytes::<32>());
        let public = generator().modpow(&secret, &prime()).to_str_radix(16);
        let (server, exchange) = exchange(&verifier, &public).unwrap();
        for (password, right) in [("Correct-1", true), ("Wrong-1", false)] {
            let key = client_key(password, &salt, &server, &secret);
            let message = [b"Ab12ann".as_slice(), b"block", b"now"].concat();
            let signature = sign(&Key::new(HMAC_SHA256, &key), &message);
            let proved = exchange.proves(pool, "ann", b"block", "now", signature.as_ref());
            assert_eq!(proved, right, "{password}");
        }
    }

    #[test]
    fn a_number_that_would_make_any_password_right_is_refused() {
        let prime = prime().to_str_radix(16);
        for bad in ["0", &prime, "not hex"] {
            assert!(exchange("2", bad).is_none(), "{bad}");
        }
    }
}
