//! Passwords: what a pool asks of them, and how they are kept.

use std::num::NonZeroU32;

use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

use super::model::{PasswordHash, PasswordPolicy, Secret, User};
use super::{random, srp};
use crate::cloud::Cloud;
use crate::wire::Fault;

/// Some ten milliseconds of work for who checks one password, years for who tries them all.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999);
/// The longest password. Source: "Adding user pool password requirements".
const LONGEST: usize = 256;
/// What counts as a symbol. Source: the same. A space counts inside of a password.
const SYMBOLS: &str = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-";

/// How an operation begins to say that a password does not do: they differ.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wording {
    AdminCreate,
    SignUp,
    Other,
}

/// Whether a password is as a pool wants it.
pub(super) fn check(policy: PasswordPolicy, password: &str, wording: Wording) -> Result<(), Fault> {
    let Some(misfit) = misfit(policy, password) else {
        return Ok(());
    };
    let begin = match wording {
        Wording::AdminCreate => "Password did not conform with password policy",
        Wording::SignUp => "Password did not conform with policy",
        Wording::Other => "Password does not conform to policy",
    };
    Err(Fault::bad(
        "InvalidPasswordException",
        format!("{begin}: {misfit}"),
    ))
}

fn misfit(policy: PasswordPolicy, password: &str) -> Option<&'static str> {
    let has = |is: fn(char) -> bool| password.chars().any(is);
    let inside = password.trim();
    let symbol = has(|letter| SYMBOLS.contains(letter)) || inside.contains(' ');
    if password.chars().count() < policy.minimum_length {
        return Some("Password not long enough");
    }
    if password.chars().count() > LONGEST {
        return Some("Password too long");
    }
    if inside.len() != password.len() {
        return Some("Password must not have leading or trailing spaces");
    }
    if policy.require_lowercase && !has(|letter| letter.is_ascii_lowercase()) {
        return Some("Password must have lowercase characters");
    }
    if policy.require_uppercase && !has(|letter| letter.is_ascii_uppercase()) {
        return Some("Password must have uppercase characters");
    }
    if policy.require_numbers && !has(|letter| letter.is_ascii_digit()) {
        return Some("Password must have numeric characters");
    }
    if policy.require_symbols && !symbol {
        return Some("Password must have symbol characters");
    }
    None
}

/// A password that fits every policy, for users who are given none.
pub(super) fn temporary(policy: PasswordPolicy) -> String {
    let rest = policy.minimum_length.saturating_sub(4).max(8);
    format!("{}aA1!", random::alphanumeric(rest))
}

/// Makes the hash of a user's password, off the async threads.
pub(super) async fn hash(
    cloud: &Cloud,
    pool: &str,
    username: &str,
    password: &str,
) -> Result<PasswordHash, Fault> {
    let (pool, username) = (pool.to_owned(), username.to_owned());
    let password = password.to_owned();
    let work = move || {
        let salt = random::bytes::<16>();
        let mut derived = [0; 32];
        pbkdf2::derive(
            PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            password.as_bytes(),
            &mut derived,
        );
        let (srp_salt, verifier) = srp::verifier(&pool, &username, &password);
        PasswordHash {
            salt: Secret(hex::encode(salt)),
            rounds: ROUNDS,
            hash: Secret(hex::encode(derived)),
            srp_salt: Secret(srp_salt),
            srp_verifier: Secret(verifier),
        }
    };
    let hash = cloud.tasks().spawn_blocking(work).await;
    hash.map_err(|_| Fault::internal("hashing a password failed"))
}

/// Whether this is the user's password. As slow for users who do not exist or have no password, so
/// that nobody can tell them apart by the time it takes.
pub(super) async fn is(cloud: &Cloud, user: Option<&User>, password: &str) -> Result<bool, Fault> {
    let hash = user.and_then(|user| user.password.clone());
    let password = password.to_owned();
    let work = move || {
        let decode = |secret: &Secret| hex::decode(&secret.0).unwrap_or_default();
        let (salt, rounds, wanted) = match &hash {
            Some(hash) => (decode(&hash.salt), hash.rounds, decode(&hash.hash)),
            None => (vec![0; 16], ROUNDS, vec![0; 32]),
        };
        let same = pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            rounds,
            &salt,
            password.as_bytes(),
            &wanted,
        );
        same.is_ok() && hash.is_some()
    };
    let same = cloud.tasks().spawn_blocking(work).await;
    same.map_err(|_| Fault::internal("checking a password failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_asks() {
        let policy = PasswordPolicy {
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_symbols: true,
            ..PasswordPolicy::default()
        };
        for (password, wanted) in [
            ("Sh0rt!", Some("Password not long enough")),
            (
                "UPPER-CASE-1",
                Some("Password must have lowercase characters"),
            ),
            (
                "lower-case-1",
                Some("Password must have uppercase characters"),
            ),
            (
                "No-numbers-here",
                Some("Password must have numeric characters"),
            ),
            ("NoSymbols123", Some("Password must have symbol characters")),
            ("With a space 1", None),
            ("Correct-Horse-1", None),
        ] {
            assert_eq!(misfit(policy, password), wanted, "{password}");
        }
        assert_eq!(misfit(policy, &temporary(policy)), None);
        let fault = check(policy, "x", Wording::SignUp).unwrap_err();
        assert_eq!(
            fault.message,
            "Password did not conform with policy: Password not long enough"
        );
    }
}
