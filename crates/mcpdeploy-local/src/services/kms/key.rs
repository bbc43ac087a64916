//! A key: what is kept of it, and finding it.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::serde::rfc3339;
use uuid::Uuid;

use super::{At, State, crypt};
use crate::cloud::ACCOUNT;
use crate::wire::{self, Fault};

/// A symmetric key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: Uuid,
    pub(super) region: String,
    pub(super) description: String,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    pub(super) state: KeyState,
    /// Whether it is one that a service manages.
    pub(super) managed: bool,
    pub(super) tags: Vec<Tag>,
    pub(super) policy: String,
    pub(super) rotation: Option<Rotation>,
    pub(super) material: Material,
}

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum KeyState {
    Enabled,
    Disabled,
    /// It is gone then.
    PendingDeletion(#[serde(with = "rfc3339")] OffsetDateTime),
}

/// A tag as this API writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) tag_key: String,
    pub(super) tag_value: String,
}

/// Yearly rotation, which is noted and does not happen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rotation {
    #[serde(with = "rfc3339")]
    pub(super) since: OffsetDateTime,
    pub(super) days: u16,
}

/// The 32 bytes that make a key. Their `Debug` does not show them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Material(pub(super) [u8; 32]);

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material(…)")
    }
}

impl From<Material> for String {
    fn from(material: Material) -> Self {
        BASE64_STANDARD.encode(material.0)
    }
}

impl TryFrom<String> for Material {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64_STANDARD.decode(text).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a key has 32 bytes in Base64")
    }
}

impl Key {
    /// A fresh key.
    pub(super) fn new(at: &At, description: String, managed: bool) -> Result<Self, Fault> {
        let mut material = [0; 32];
        crypt::fill(&mut material)?;
        let policy = json!({
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [{
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")},
                "Action": "kms:*",
                "Resource": "*",
            }],
        });
        Ok(Self {
            id: Uuid::new_v4(),
            region: at.region.clone(),
            description,
            created: at.now,
            state: KeyState::Enabled,
            managed,
            tags: Vec::new(),
            policy: policy.to_string(),
            rotation: None,
            material: Material(material),
        })
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{ACCOUNT}:key/{}", self.region, self.id)
    }

    pub(super) fn row(&self) -> String {
        format!("{}/{}", self.region, self.id)
    }

    pub(super) fn metadata(&self) -> Value {
        let (state, deletion) = match self.state {
            KeyState::Enabled => ("Enabled", None),
            KeyState::Disabled => ("Disabled", None),
            KeyState::PendingDeletion(at) => ("PendingDeletion", Some(wire::time(at))),
        };
        json!({
            "AWSAccountId": ACCOUNT,
            "KeyId": self.id,
            "Arn": self.arn(),
            "CreationDate": wire::time(self.created),
            "Enabled": self.state == KeyState::Enabled,
            "Description": self.description,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": state,
            "DeletionDate": deletion,
            "Origin": "AWS_KMS",
            "KeyManager": if self.managed { "AWS" } else { "CUSTOMER" },
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": false,
        })
    }

    /// Whether it can be used, and what is wrong otherwise.
    pub(super) fn check_usable(&self) -> Result<(), Fault> {
        match self.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(Fault::bad(
                "DisabledException",
                format!("{} is disabled.", self.arn()),
            )),
            KeyState::PendingDeletion(_) => Err(self.pending()),
        }
    }

    /// The fault for changes of a key that is to be deleted.
    pub(super) fn check_stays(&self) -> Result<(), Fault> {
        match self.state {
            KeyState::Enabled | KeyState::Disabled => Ok(()),
            KeyState::PendingDeletion(_) => Err(self.pending()),
        }
    }

    fn pending(&self) -> Fault {
        Fault::bad(
            "KMSInvalidStateException",
            format!("{} is pending deletion.", self.arn()),
        )
    }
}

impl State {
    /// Removes the keys whose time has come, with their aliases.
    pub(super) fn forget(&mut self, at: &At) -> Result<(), Fault> {
        let due = |key: &Key| matches!(key.state, KeyState::PendingDeletion(end) if end <= at.now);
        let gone: Vec<(String, uuid::Uuid)> = self
            .keys
            .iter()
            .filter(|(_, key)| due(key))
            .map(|(row, key)| (row.to_owned(), key.id))
            .collect();
        for (row, id) in gone {
            let aliases = self.aliases.iter().filter(|(_, alias)| alias.key == id);
            let aliases = aliases.map(|(row, _)| (row.to_owned(), None)).collect();
            self.aliases.write(aliases)?;
            self.keys.remove(&row)?;
        }
        Ok(())
    }

    /// A key by its id, its ARN, an alias or an alias's ARN.
    pub(super) fn key(&mut self, at: &At, name: &str) -> Result<Key, Fault> {
        let account = format!("arn:aws:kms:{}:{ACCOUNT}:", at.region);
        let short = name.strip_prefix(&account).unwrap_or(name);
        if short.starts_with("alias/") {
            return self.key_of_alias(at, short);
        }
        let id = match short.strip_prefix("key/").unwrap_or(short).parse::<Uuid>() {
            Ok(id) if !short.starts_with("arn:") => id,
            Ok(_) | Err(_) => {
                return Err(Fault::bad(
                    "NotFoundException",
                    format!("Invalid keyId '{name}'"),
                ));
            }
        };
        let found = self.keys.get(&format!("{}/{id}", at.region)).cloned();
        found.ok_or_else(|| {
            Fault::bad(
                "NotFoundException",
                format!("Key '{account}key/{id}' does not exist"),
            )
        })
    }
}
