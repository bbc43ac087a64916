//! Encryption of what is kept: states, saved plans, journals.
//!
//! A [`Keyring`] seals and opens. It is made from what is configured: passphrases, age recipients
//! and identities, key services. What it writes is JSON, one line for a document and a line for
//! each record of a journal, so that any tool sees what it is; the format is decided in
//! `docs/adr/0010-the-seal.md`.
//!
//! This module knows no files and no stores: bytes go in, bytes come out. Nothing here reads the
//! environment; whoever does, takes the variables' names from here, because the errors tell them.

mod cipher;
mod envelope;
mod error;
mod frame;
mod journal;
mod keyring;
mod keys;
mod passphrase;
mod recipient;
mod service;
mod wrapped;

pub use cipher::DataKey;
pub use envelope::{Document, Envelope, Head, What};
pub(crate) use envelope::{RecordLine, SealedLine};
pub use error::{At, KeyringError, Refusal, SealError, Why};
pub use journal::{JournalSealer, OpenedJournal};
pub use keyring::Keyring;
pub use keys::Keys;
pub use passphrase::Passphrase;
pub use recipient::{Identity, Recipient};
pub use service::{KeyService, ServiceError};
pub use wrapped::KeyId;

/// The version of the format that this program writes.
pub const FORMAT: u32 = 1;

/// The environment variable that has the passphrase.
pub const PASSPHRASE_VARIABLE: &str = "MCPDEPLOY_PASSPHRASE";

/// The environment variable that has the age identity, or the path of a file of identities.
pub const IDENTITY_VARIABLE: &str = "MCPDEPLOY_AGE_IDENTITY";

/// The section of the configuration that says how to encrypt.
pub const SECTION: &str = "[state.encryption]";
