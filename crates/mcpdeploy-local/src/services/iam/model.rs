//! What IAM keeps, and how it looks from outside.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::cloud::ACCOUNT;
use crate::wire::time;

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) id: String,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    pub(super) trust: String,
    /// The trust policy before the last change, and when that was: others still go by it for a while.
    pub(super) trust_before: Option<Before>,
    pub(super) description: Option<String>,
    /// Seconds.
    pub(super) max_session: u32,
    pub(super) boundary: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// Policies written into it, by name.
    pub(super) inline: BTreeMap<String, String>,
    /// The ARNs of the policies attached to it.
    pub(super) attached: BTreeSet<String>,
}

/// What a trust policy was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) trust: String,
    #[serde(with = "rfc3339")]
    pub(super) until: OffsetDateTime,
}

/// A customer's managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) description: Option<String>,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "rfc3339")]
    pub(super) updated: OffsetDateTime,
    /// By number: `v1` is 1.
    pub(super) versions: BTreeMap<u32, PolicyVersion>,
    pub(super) default: u32,
    pub(super) last: u32,
    pub(super) tags: BTreeMap<String, String>,
}

/// A version of a customer's managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PolicyVersion {
    pub(super) document: String,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) id: String,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    pub(super) tags: BTreeMap<String, String>,
    /// By id.
    pub(super) keys: BTreeMap<String, AccessKey>,
}

/// An access key of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AccessKey {
    pub(super) active: bool,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
}

impl Role {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:iam::{ACCOUNT}:role{}{}", self.path, self.name)
    }

    /// As lists have it: without tags and boundary.
    pub(super) fn listed(&self) -> Value {
        json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn(),
            "CreateDate": time(self.created),
            "AssumeRolePolicyDocument": encoded(&self.trust),
            "Description": self.description,
            "MaxSessionDuration": self.max_session,
        })
    }

    pub(super) fn told(&self) -> Value {
        let mut told = self.listed();
        if let Some(arn) = &self.boundary {
            told["PermissionsBoundary"] = json!({
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": arn,
            });
        }
        if !self.tags.is_empty() {
            told["Tags"] = tags(&self.tags);
        }
        told["RoleLastUsed"] = json!({});
        told
    }
}

impl Policy {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:iam::{ACCOUNT}:policy{}{}", self.path, self.name)
    }

    pub(super) fn told(&self, attachments: usize, boundaries: usize) -> Value {
        json!({
            "PolicyName": self.name,
            "PolicyId": self.id,
            "Arn": self.arn(),
            "Path": self.path,
            "DefaultVersionId": format!("v{}", self.default),
            "AttachmentCount": attachments,
            "PermissionsBoundaryUsageCount": boundaries,
            "IsAttachable": true,
            "Description": self.description,
            "CreateDate": time(self.created),
            "UpdateDate": time(self.updated),
        })
    }

    /// A version, with its document when it is asked for.
    pub(super) fn version(&self, number: u32, document: bool) -> Option<Value> {
        let version = self.versions.get(&number)?;
        Some(json!({
            "Document": document.then(|| encoded(&version.document)),
            "VersionId": format!("v{number}"),
            "IsDefaultVersion": number == self.default,
            "CreateDate": time(version.created),
        }))
    }
}

impl User {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:iam::{ACCOUNT}:user{}{}", self.path, self.name)
    }

    pub(super) fn told(&self) -> Value {
        let tags = (!self.tags.is_empty()).then(|| tags(&self.tags));
        json!({
            "Path": self.path,
            "UserName": self.name,
            "UserId": self.id,
            "Arn": self.arn(),
            "CreateDate": time(self.created),
            "Tags": tags,
        })
    }
}

/// Tags as a list.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Value {
    let list = tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }));
    Value::Array(list.collect())
}

/// A document as answers have it: percent-encoded.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, UNRESERVED).to_string()
}

/// A new id: a prefix that says of what, and 17 letters and digits.
pub(super) fn id(prefix: &str) -> String {
    random(prefix, 17)
}

/// A prefix and so many letters and digits of base 32.
pub(crate) fn random(prefix: &str, count: usize) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // Two uuids have more random bits than any id here needs.
    let bits = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    let letters = bits
        .iter()
        .flat_map(|uuid| uuid.into_bytes())
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
    format!("{prefix}{}", letters.take(count).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_percent_encoded() {
        assert_eq!(
            encoded(r#"{"a": "b:*"}"#),
            "%7B%22a%22%3A%20%22b%3A%2A%22%7D"
        );
    }

    #[test]
    fn ids_have_their_prefix_and_length() {
        let id = id("AROA");
        assert!(id.starts_with("AROA") && id.len() == 21);
    }
}
