//! What is kept of a parameter.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::At;
use crate::wire;

/// The key of parameters whose caller names none.
pub(super) const OWN_KEY: &str = "alias/aws/ssm";

/// A parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) tags: Vec<Tag>,
    /// Oldest first; there is always one.
    pub(super) versions: Vec<Version>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Type {
    String,
    StringList,
    SecureString,
}

impl Type {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// How much room a value has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tier {
    #[default]
    Standard,
    Advanced,
}

/// A tag as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

/// A version of a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) value: Hidden,
    pub(super) description: Option<String>,
    pub(super) key: Option<String>,
    pub(super) tier: Tier,
    #[serde(with = "rfc3339")]
    pub(super) at: OffsetDateTime,
}

/// A value. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hidden(pub(super) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Parameter {
    /// The version that is given out.
    pub(super) fn last(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// As `GetParameter` tells it. What is not to be decrypted is told as something that cannot be
    /// read: the embedded cloud keeps no ciphertext.
    pub(super) fn told(&self, at: &At, version: &Version, decrypted: bool) -> Value {
        let value = match self.kind {
            Type::SecureString if !decrypted => {
                let digest = Sha256::digest(format!("{}\n{}", version.number, version.value.0));
                BASE64_STANDARD.encode(digest)
            }
            Type::String | Type::StringList | Type::SecureString => version.value.0.clone(),
        };
        json!({
            "Name": self.name,
            "ARN": at.arn(&self.name),
            "Type": self.kind.as_str(),
            "Value": value,
            "Version": version.number,
            "LastModifiedDate": wire::time(version.at),
            "DataType": "text",
        })
    }

    /// As `DescribeParameters` tells it: without the value.
    pub(super) fn described(&self, at: &At, version: &Version) -> Value {
        json!({
            "Name": self.name,
            "ARN": at.arn(&self.name),
            "Type": self.kind.as_str(),
            "KeyId": version.key,
            "Description": version.description,
            "Version": version.number,
            "Tier": version.tier,
            "Policies": [],
            "LastModifiedDate": wire::time(version.at),
            "DataType": "text",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_shown() {
        let parameter = Parameter {
            name: "/a".to_owned(),
            kind: Type::SecureString,
            tags: Vec::new(),
            versions: vec![Version {
                number: 1,
                value: Hidden("hunter2".to_owned()),
                description: None,
                key: None,
                tier: Tier::Standard,
                at: OffsetDateTime::UNIX_EPOCH,
            }],
        };
        assert!(!format!("{parameter:?}").contains("hunter2"));
        let at = At {
            region: "us-east-1".to_owned(),
            now: OffsetDateTime::UNIX_EPOCH,
        };
        let version = parameter.last().unwrap();
        assert!(
            !parameter
                .described(&at, version)
                .to_string()
                .contains("hunter2")
        );
        assert!(
            !parameter
                .told(&at, version, false)
                .to_string()
                .contains("hunter2")
        );
        assert_eq!(parameter.told(&at, version, true)["Value"], "hunter2");
    }
}
