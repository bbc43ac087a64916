//! What Lambda keeps: one row a function, and one a published version.
//!
//! All that changes about a function is in its one row, so that a change is kept whole or not at all.
//! A version never changes and has a row of its own; it is there when its function's row lists it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::names::{self, LATEST};

/// A function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Function {
    /// Another one for another function of the same name: the versions' rows go by it.
    pub(super) id: String,
    pub(super) region: String,
    pub(super) name: String,
    pub(super) latest: Configuration,
    /// What is invoked while the last update of `latest` is in progress.
    pub(super) previous: Option<Box<Configuration>>,
    /// The numbers of the published versions that there are, each with its revision.
    pub(super) versions: BTreeMap<u64, String>,
    /// The last number that was given: a deleted version's is not given again.
    pub(super) last_version: u64,
    pub(super) aliases: BTreeMap<String, Alias>,
    /// The statements of the resource policies, by qualifier; [`LATEST`] is the function itself.
    pub(super) policies: BTreeMap<String, Vec<Value>>,
    pub(super) tags: BTreeMap<String, String>,
    /// Reserved concurrency.
    pub(super) reserved: Option<u32>,
    /// Provisioned concurrency, by version or alias.
    pub(super) provisioned: BTreeMap<String, Provisioned>,
    /// How asynchronous invocations are treated, by qualifier.
    pub(super) event_invoke: BTreeMap<String, EventInvoke>,
}

impl Function {
    pub(super) fn arn(&self) -> String {
        names::arn(&self.region, &self.name)
    }

    pub(super) fn key(&self) -> String {
        names::key(&self.region, &self.name)
    }

    /// The key of a published version's row.
    pub(super) fn version_key(&self, number: u64) -> String {
        format!("{}/{number:010}", self.id)
    }

    /// Whether a qualifier is that of `$LATEST`, of a version or of an alias of this function.
    pub(super) fn has(&self, qualifier: &str) -> bool {
        qualifier == LATEST || self.aliases.contains_key(qualifier) || self.has_version(qualifier)
    }

    /// Whether a text is the number of a version that there is, or [`LATEST`].
    pub(super) fn has_version(&self, version: &str) -> bool {
        version == LATEST
            || version
                .parse()
                .is_ok_and(|number: u64| self.versions.contains_key(&number))
    }

    /// The revision of what a qualifier names; nothing when it names nothing.
    pub(super) fn revision_mut(&mut self, qualifier: &str) -> Option<&mut String> {
        if qualifier == LATEST {
            return Some(&mut self.latest.revision);
        }
        if self.aliases.contains_key(qualifier) {
            return self
                .aliases
                .get_mut(qualifier)
                .map(|alias| &mut alias.revision);
        }
        self.versions.get_mut(&qualifier.parse().ok()?)
    }
}

/// Code and configuration of `$LATEST`, or of a published version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Configuration {
    pub(super) runtime: String,
    pub(super) role: String,
    pub(super) handler: String,
    pub(super) description: String,
    /// Seconds.
    pub(super) timeout: u32,
    pub(super) memory_mb: u32,
    pub(super) ephemeral_mb: u32,
    pub(super) environment: Option<BTreeMap<String, String>>,
    /// `x86_64` or `arm64`.
    pub(super) architecture: String,
    /// `Active` or `PassThrough`.
    pub(super) tracing: String,
    /// A topic that gets what could not be handled.
    pub(super) dead_letter: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) logging: Logging,
    pub(super) package: Package,
    /// Another one for other code or configuration: what is published, and what processes run.
    pub(super) build: String,
    /// Another one after every change, also of policy and tags.
    pub(super) revision: String,
    #[serde(with = "rfc3339")]
    pub(super) last_modified: OffsetDateTime,
    /// When its state turns from `Pending` to `Active`.
    #[serde(with = "rfc3339")]
    pub(super) active_at: OffsetDateTime,
    /// When its last update turns from `InProgress` to `Successful`.
    #[serde(with = "rfc3339::option")]
    pub(super) updated_at: Option<OffsetDateTime>,
}

impl Configuration {
    pub(super) fn is_pending(&self, now: OffsetDateTime) -> bool {
        now < self.active_at
    }

    pub(super) fn is_updating(&self, now: OffsetDateTime) -> bool {
        self.updated_at.is_some_and(|until| now < until)
    }
}

/// A new revision.
pub(super) fn revision() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A deployment package that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Package {
    /// The digest of the zip, in hexadecimal.
    pub(super) digest: String,
    /// The size of the zip in bytes.
    pub(super) size: u64,
}

/// Where and how a function's log is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Logging {
    /// `Text` or `JSON`.
    pub(super) format: String,
    /// Only in format `JSON`.
    pub(super) application_level: Option<String>,
    /// Only in format `JSON`.
    pub(super) system_level: Option<String>,
    pub(super) group: String,
}

/// A name for a version, or for two with a weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alias {
    /// A number or [`LATEST`].
    pub(super) version: String,
    pub(super) description: String,
    /// Another version and the share of invocations that it gets, 0 to 1.
    pub(super) additional: Option<(u64, f64)>,
    pub(super) revision: String,
}

/// Instances that are kept ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Provisioned {
    pub(super) requested: u32,
    #[serde(with = "rfc3339")]
    pub(super) last_modified: OffsetDateTime,
    #[serde(with = "rfc3339")]
    pub(super) ready_at: OffsetDateTime,
}

/// How asynchronous invocations are treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EventInvoke {
    pub(super) retries: Option<u32>,
    /// Seconds.
    pub(super) max_age: Option<u32>,
    #[serde(with = "rfc3339")]
    pub(super) last_modified: OffsetDateTime,
}
