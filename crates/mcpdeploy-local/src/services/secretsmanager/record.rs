//! What is kept of a secret.

use std::fmt;

use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::{At, password};
use crate::cloud::ACCOUNT;
use crate::wire;

/// The label of the version that is given out.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The label of the one that had it before.
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
/// The label of the one that a rotation makes.
pub(super) const PENDING: &str = "AWSPENDING";

/// How many deprecated versions are kept. AWS keeps at most about a hundred versions.
const DEPRECATED: usize = 100;

/// A secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) tags: Vec<Tag>,
    /// The resource policy.
    pub(super) policy: Option<String>,
    pub(super) rotation: Option<Rotation>,
    /// Oldest first.
    pub(super) versions: Vec<Version>,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    #[serde(with = "rfc3339")]
    pub(super) changed: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    pub(super) accessed: Option<OffsetDateTime>,
    /// When its deletion was asked for.
    #[serde(with = "rfc3339::option")]
    pub(super) deleted: Option<OffsetDateTime>,
    /// When it will be gone.
    #[serde(with = "rfc3339::option")]
    pub(super) ends: Option<OffsetDateTime>,
}

/// A tag as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

/// How a secret is rotated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rotation {
    pub(super) enabled: bool,
    /// The function's ARN.
    pub(super) function: String,
    pub(super) rules: Value,
    #[serde(with = "rfc3339::option")]
    pub(super) rotated: Option<OffsetDateTime>,
}

/// A version of a secret's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// The token of the request that made it.
    pub(super) id: String,
    pub(super) stages: Vec<String>,
    /// None while a rotation has made the version, but not yet its value.
    pub(super) content: Option<Content>,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
}

/// A secret value. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    Text(String),
    /// In Base64.
    Binary(String),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Binary(_) => "Binary(…)",
        })
    }
}

impl Secret {
    /// A secret without a value.
    pub(super) fn new(at: &At, name: String) -> Result<Self, crate::wire::Fault> {
        let ending = password::pick(&SystemRandom::new(), &password::alphanumeric(), 6)?;
        Ok(Self {
            arn: format!(
                "arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{name}-{ending}",
                at.region
            ),
            name,
            description: None,
            kms_key_id: None,
            tags: Vec::new(),
            policy: None,
            rotation: None,
            versions: Vec::new(),
            created: at.now,
            changed: at.now,
            accessed: None,
            deleted: None,
            ends: None,
        })
    }

    /// Whether this is its ARN, with or without the six random characters.
    pub(super) fn has_arn(&self, id: &str) -> bool {
        self.arn == id
            || self
                .arn
                .strip_prefix(id)
                .is_some_and(|rest| rest.len() == 7 && rest.starts_with('-'))
    }

    pub(super) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// The version that has a label.
    pub(super) fn staged(&self, stage: &str) -> Option<&Version> {
        let has = |version: &&Version| version.stages.iter().any(|s| s == stage);
        self.versions.iter().find(has)
    }

    /// Gives a version a label, which any other version loses. With `AWSCURRENT`, the version that
    /// had it gets `AWSPREVIOUS`.
    pub(super) fn label(&mut self, id: &str, stage: &str) {
        let before = self.staged(stage).map(|version| version.id.clone());
        if before.as_deref() == Some(id) {
            return;
        }
        for version in &mut self.versions {
            version.stages.retain(|s| s != stage);
            if version.id == id {
                version.stages.push(stage.to_owned());
            }
        }
        if let (CURRENT, Some(before)) = (stage, before) {
            if let Some(version) = self.versions.iter_mut().find(|v| v.id == id) {
                version.stages.retain(|s| s != PREVIOUS);
            }
            self.label(&before, PREVIOUS);
        }
    }

    /// Drops the oldest versions without labels when there are too many.
    pub(super) fn prune(&mut self) {
        let deprecated = |version: &Version| version.stages.is_empty();
        let mut too_many = self.versions.iter().filter(|v| deprecated(v)).count();
        self.versions.retain(|version| {
            let drop = too_many > DEPRECATED && deprecated(version);
            too_many -= usize::from(drop);
            !drop
        });
    }

    /// What `DescribeSecret` and `ListSecrets` have in common.
    pub(super) fn summary(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let mut set = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
        set("ARN", json!(self.arn));
        set("Name", json!(self.name));
        set("Description", json!(self.description));
        set("KmsKeyId", json!(self.kms_key_id));
        set("CreatedDate", wire::time(self.created));
        set("LastChangedDate", wire::time(self.changed));
        set("LastAccessedDate", json!(self.accessed.map(wire::time)));
        set("DeletedDate", json!(self.deleted.map(wire::time)));
        set("Tags", json!(self.tags));
        if let Some(rotation) = &self.rotation {
            set("RotationEnabled", json!(rotation.enabled));
            set("RotationLambdaARN", json!(rotation.function));
            set("RotationRules", rotation.rules.clone());
            set("LastRotatedDate", json!(rotation.rotated.map(wire::time)));
            set("NextRotationDate", json!(rotation.next().map(wire::time)));
        }
        out
    }

    /// The labels of each version that has any.
    pub(super) fn stages(&self) -> Option<Value> {
        let labelled = self.versions.iter().filter(|v| !v.stages.is_empty());
        let stages: Map<String, Value> = labelled
            .map(|version| (version.id.clone(), json!(version.stages)))
            .collect();
        (!stages.is_empty()).then_some(Value::Object(stages))
    }
}

impl Rotation {
    /// When the next rotation would be due, by the days of its rules.
    fn next(&self) -> Option<OffsetDateTime> {
        let days = self.rules.get("AutomaticallyAfterDays")?.as_i64()?;
        let due = self.rotated?.checked_add(time::Duration::days(days))?;
        self.enabled.then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        let at = At {
            region: "us-east-1".to_owned(),
            now: OffsetDateTime::UNIX_EPOCH,
        };
        let mut secret = Secret::new(&at, "a".to_owned()).unwrap();
        for id in ["1", "2", "3"] {
            secret.versions.push(Version {
                id: id.to_owned(),
                stages: Vec::new(),
                content: Some(Content::Text("hunter2".to_owned())),
                created: at.now,
            });
        }
        secret
    }

    fn stages(secret: &Secret) -> String {
        secret.stages().unwrap_or_default().to_string()
    }

    #[test]
    fn the_current_label_leaves_the_previous_one_behind() {
        let mut secret = secret();
        assert_eq!(secret.stages(), None);
        secret.label("1", CURRENT);
        assert_eq!(stages(&secret), r#"{"1":["AWSCURRENT"]}"#);
        secret.label("2", CURRENT);
        assert_eq!(
            stages(&secret),
            r#"{"1":["AWSPREVIOUS"],"2":["AWSCURRENT"]}"#
        );
        secret.label("3", CURRENT);
        assert_eq!(
            stages(&secret),
            r#"{"2":["AWSPREVIOUS"],"3":["AWSCURRENT"]}"#
        );
        // And back again.
        secret.label("2", CURRENT);
        assert_eq!(
            stages(&secret),
            r#"{"2":["AWSCURRENT"],"3":["AWSPREVIOUS"]}"#
        );
    }

    #[test]
    fn a_value_is_not_shown() {
        assert!(!format!("{:?}", secret()).contains("hunter2"));
    }

    #[test]
    fn an_arn_without_its_ending_is_enough() {
        let secret = secret();
        let partial = "arn:aws:secretsmanager:us-east-1:000000000000:secret:a";
        assert!(secret.has_arn(partial));
        assert!(secret.has_arn(&secret.arn));
        assert!(!secret.has_arn(&partial[..partial.len() - 1]));
    }
}
