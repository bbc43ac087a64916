//! Why something cannot be sealed or opened.

use std::fmt;

use super::{FORMAT, IDENTITY_VARIABLE, KeyId, PASSPHRASE_VARIABLE, SECTION, ServiceError, What};

/// A place in what is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// In what.
    pub what: What,
    /// The line of a journal, from 1.
    pub line: Option<usize>,
}

impl At {
    pub(super) fn start(what: What) -> Self {
        let line = match what {
            What::State | What::Plan => None,
            What::Journal => Some(1),
        };
        Self { what, line }
    }

    pub(super) fn line(number: usize) -> Self {
        Self {
            what: What::Journal,
            line: Some(number),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the encrypted {}", self.what)?;
        self.line.map_or(Ok(()), |line| write!(f, ", line {line},"))
    }
}

/// Why something cannot be sealed or opened. None of it tells a secret or the content.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It is sealed, and there are no keys at all.
    #[error(
        "the {what} is encrypted and no key is given; it opens with {}",
        list(keys)
    )]
    NoKeys {
        /// What is sealed.
        what: What,
        /// What it opens with.
        keys: Vec<KeyId>,
    },
    /// It is sealed, and none of the keys opens it.
    #[error("no key that is given opens the encrypted {what}: {}", list(refusals))]
    Refused {
        /// What is sealed.
        what: What,
        /// What it opens with, and why that did not.
        refusals: Vec<Refusal>,
        /// What a service said, when one was asked.
        source: Option<ServiceError>,
    },
    /// It is not sealed, and only sealed ones are taken.
    #[error("the {0} is not encrypted, but encryption is asked for")]
    NotSealed(What),
    /// It is not what was written; no key is needed to see that.
    #[error("{0} is damaged")]
    Damaged(At),
    /// The key is right and the content is not: no accident, for the checksum is right as well.
    #[error("{0} is not what was sealed: it was altered, or put together from others")]
    Altered(At),
    /// A newer program wrote it.
    #[error(
        "the encrypted {what} has format {found}; this version of mcpdeploy knows {FORMAT} at most"
    )]
    Newer {
        /// What is sealed.
        what: What,
        /// Its format.
        found: u32,
    },
    /// It is something else.
    #[error("this is an encrypted {found}, not a {expected}")]
    Other {
        /// What was looked for.
        expected: What,
        /// What it is.
        found: What,
    },
    /// A service did not wrap the data key, so nothing was sealed.
    #[error("{key} did not encrypt the data key")]
    Wrap {
        /// The service's key.
        key: KeyId,
        /// What it said.
        source: ServiceError,
    },
}

impl SealError {
    /// What a person can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NoKeys { keys, .. } => keys.iter().map(missing).collect(),
            Self::Refused { refusals, .. } => refusals
                .iter()
                .filter(|refusal| matches!(refusal.why, Why::NotGiven))
                .map(|refusal| missing(&refusal.key))
                .chain([format!(
                    "when the keys were changed, name the old ones under `fallback` in `{SECTION}` of deploy.toml"
                )])
                .collect(),
            Self::NotSealed(_) => vec![format!(
                "to take it over and encrypt it from now on, set `fallback.plain = true` in `{SECTION}` of deploy.toml"
            )],
            Self::Newer { .. } => vec!["use the version of mcpdeploy that wrote it, or a newer one".to_owned()],
            Self::Damaged(_) | Self::Altered(_) => {
                vec!["take it from a backup; nothing was written over it".to_owned()]
            }
            Self::Other { .. } | Self::Wrap { .. } => Vec::new(),
        }
    }
}

fn missing(key: &KeyId) -> String {
    match key {
        KeyId::Passphrase => format!(
            "set `passphrase = true` in `{SECTION}` of deploy.toml and the passphrase in {PASSPHRASE_VARIABLE}"
        ),
        KeyId::Age { recipient } => format!(
            "set {IDENTITY_VARIABLE} to the identity of {recipient} or to the path of its file, and the recipient in `recipients` in `{SECTION}` of deploy.toml"
        ),
        KeyId::Service { service, key } => {
            format!("set the {service} key {key} in `{SECTION}` of deploy.toml")
        }
    }
}

/// A key that a document opens with, and why it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The key.
    pub key: KeyId,
    /// Why not.
    pub why: Why,
}

/// Why a key did not open a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is not given.
    NotGiven,
    /// What is given is another one.
    Wrong,
    /// It is given, and what it wrapped is not in order.
    Unreadable,
    /// The service refused, or could not be reached.
    Failed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::NotGiven => "is not given",
            Why::Wrong => "is not the one that is given",
            Why::Unreadable => "is given, but its entry is not in order",
            Why::Failed => "could not be used",
        };
        write!(f, "{} {why}", self.key)
    }
}

/// Why keys make no keyring. None of it tells a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No recipient of age.
    #[error("an age recipient is `age1` and 58 more characters")]
    Recipient,
    /// A secret where a public key belongs, e.g. in a file that others see.
    #[error(
        "this is a secret key of age where a recipient belongs; replace that key, for it was written down"
    )]
    SecretForRecipient,
    /// No identity of age.
    #[error("line {line} of the age identities is no identity: that begins with AGE-SECRET-KEY-1")]
    Identity {
        /// The line, from 1.
        line: usize,
    },
    /// No identity in what should have some.
    #[error("there is no age identity in it")]
    NoIdentity,
    /// A passphrase that can be tried out.
    #[error("the passphrase has {length} characters; it takes {least} at least")]
    ShortPassphrase {
        /// Its length.
        length: usize,
        /// What it takes.
        least: usize,
    },
    /// Nothing to seal with.
    #[error("there is nothing to encrypt with: no passphrase, no age recipient, no key service")]
    NothingSeals,
    /// What is sealed could not be opened again.
    #[error("what is encrypted could not be read again: none of the age identities given belongs to a recipient ({})", list(.0))]
    NothingOpens(Vec<KeyId>),
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(T::to_string).collect();
    if texts.is_empty() {
        return "nothing".to_owned();
    }
    texts.join("; ")
}
