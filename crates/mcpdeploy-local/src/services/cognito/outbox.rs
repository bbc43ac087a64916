//! Messages to users. No mail is sent: they are lines of a file, for whoever runs the cloud to read.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::model::User;
use crate::storage::StorageError;
use crate::wire::iso;

/// The file.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    /// One line at a time.
    writing: Mutex<()>,
}

/// What a message brings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message<'a> {
    /// A code to type in.
    Code(&'a str),
    /// A password for the first sign-in.
    Invitation(&'a str),
}

impl Outbox {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            writing: Mutex::default(),
        }
    }

    /// Writes a message to the attribute of a user that it would go to.
    pub(super) fn send(
        &self,
        user: &User,
        attribute: &str,
        message: Message<'_>,
        now: OffsetDateTime,
    ) -> Result<(), StorageError> {
        let to = user.attribute(attribute).unwrap_or_default();
        let (what, text) = match message {
            Message::Code(code) => ("code", code),
            Message::Invitation(password) => ("temporary_password", password),
        };
        let line = json!({
            "at": iso(now),
            "pool": user.pool,
            "username": user.username,
            "to": to,
            what: text,
        });
        self.append(&line)
            .map_err(|source| StorageError::new(&self.path, source))?;
        match message {
            Message::Code(code) => tracing::info!(
                pool = user.pool,
                username = user.username,
                code,
                "a code for a user: no mail is sent"
            ),
            Message::Invitation(_) => tracing::info!(
                pool = user.pool,
                username = user.username,
                outbox = %self.path.display(),
                "an invitation for a user: no mail is sent"
            ),
        }
        Ok(())
    }

    fn append(&self, line: &Value) -> io::Result<()> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let mut file = options.open(&self.path)?;
        file.write_all(format!("{line}\n").as_bytes())
    }
}

/// Which attribute a code goes to and how it is named in answers.
pub(super) fn delivery(attribute: &str, to: &str) -> Value {
    let (medium, shown) = match to.split_once('@') {
        Some((name, host)) => {
            let first = |text: &str| text.chars().take(1).collect::<String>();
            ("EMAIL", format!("{}***@{}***", first(name), first(host)))
        }
        None => {
            let last: String = to
                .chars()
                .skip(to.chars().count().saturating_sub(4))
                .collect();
            ("SMS", format!("+*******{last}"))
        }
    };
    json!({"Destination": shown, "DeliveryMedium": medium, "AttributeName": attribute})
}
