//! What is kept of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::serde::rfc3339;
use time::{Duration, OffsetDateTime};

use super::super::keys::KeySchema;
use super::super::value::{Item, Value};
use super::super::{At, validation};
use crate::cloud::ACCOUNT;
use crate::wire::Fault;

/// A table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) region: String,
    /// One of its own for every table that there ever was.
    pub(crate) id: String,
    #[serde(with = "rfc3339")]
    pub(super) created: OffsetDateTime,
    pub(crate) key: KeySchema,
    /// The types of the keys' attributes, by name.
    pub(super) definitions: BTreeMap<String, String>,
    pub(crate) indexes: Vec<Index>,
    pub(super) billing: Billing,
    pub(super) stream: Option<Stream>,
    pub(super) encryption: Option<Encryption>,
    pub(super) class: Option<String>,
    pub(super) protected: bool,
    pub(super) tags: Vec<Tag>,
    /// The attribute of its items' time to live.
    pub(crate) ttl: Option<String>,
    pub(super) recovery: Option<Recovery>,
    pub(super) change: Option<Change>,
}

/// A secondary index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) kind: IndexKind,
    pub(crate) key: KeySchema,
    pub(crate) projection: Projection,
    pub(super) throughput: Option<Throughput>,
    pub(super) change: Option<Change>,
}

/// Which items an index has side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IndexKind {
    /// Those of one hash key of the table.
    Local,
    /// Those of one hash key of its own.
    Global,
}

/// What of an item an index has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Projection {
    All,
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

/// How reads and writes are paid.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Billing {
    /// By request, since then.
    Request(#[serde(with = "rfc3339")] OffsetDateTime),
    Provisioned(Throughput),
}

/// Provisioned capacity, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Throughput {
    pub(super) read_capacity_units: u64,
    pub(super) write_capacity_units: u64,
}

/// The last stream of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) label: String,
    /// E.g. `NEW_IMAGE`; none when it was switched off.
    pub(super) view: Option<String>,
}

/// Encryption by a key of KMS.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Encryption {
    pub(super) key: String,
}

/// Point-in-time recovery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recovery {
    #[serde(with = "rfc3339")]
    pub(super) since: OffsetDateTime,
    pub(super) days: u8,
}

/// A tag as the API writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

/// Something that takes its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) phase: Phase,
    #[serde(with = "rfc3339")]
    pub(super) until: OffsetDateTime,
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Creating,
    Updating,
    Deleting,
}

/// The state of a table or index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Updating,
    Deleting,
    Active,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Active => "ACTIVE",
        }
    }

    pub(super) fn of(change: Option<&Change>, now: OffsetDateTime) -> Self {
        match change.filter(|change| change.until > now) {
            None => Self::Active,
            Some(change) => match change.phase {
                Phase::Creating => Self::Creating,
                Phase::Updating => Self::Updating,
                Phase::Deleting => Self::Deleting,
            },
        }
    }
}

impl Change {
    /// A change that begins now.
    pub(super) fn new(at: &At, phase: Phase) -> Self {
        let pending = Duration::try_from(at.pending).unwrap_or(Duration::ZERO);
        Self {
            phase,
            until: at.now.saturating_add(pending),
        }
    }
}

impl Table {
    pub(crate) fn status(&self, now: OffsetDateTime) -> Status {
        Status::of(self.change.as_ref(), now)
    }

    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:aws:dynamodb:{}:{ACCOUNT}:table/{}",
            self.region, self.name
        )
    }

    /// The row of the item with this key, which must be one of this table.
    pub(crate) fn item_row(&self, key: &Item) -> String {
        let sortable = self.key.sortable(key).unwrap_or_default();
        format!("{}/{sortable}", self.id)
    }

    /// An index that can be read.
    pub(crate) fn index(&self, name: &str) -> Result<&Index, Fault> {
        self.indexes
            .iter()
            .find(|index| index.name == name)
            .ok_or_else(|| {
                validation(format!(
                    "The table does not have the specified index: {name}"
                ))
            })
    }

    /// Checks an item that is to be kept.
    pub(crate) fn check_item(&self, item: &Item) -> Result<(), Fault> {
        self.key.check_item(item)?;
        for index in &self.indexes {
            index.key.check_index(&index.name, item)?;
        }
        Ok(())
    }

    /// Forgets the types of attributes that are in no key any more.
    pub(super) fn drop_unused_definitions(&mut self) {
        let keys = std::iter::once(&self.key).chain(self.indexes.iter().map(|index| &index.key));
        let keys: Vec<&KeySchema> = keys.collect();
        self.definitions
            .retain(|name, _| keys.iter().any(|key| key.has(name)));
    }
}

impl Index {
    /// Whether it has this attribute of an item.
    pub(crate) fn projects(&self, table: &Table, name: &str) -> bool {
        match &self.projection {
            Projection::All => true,
            Projection::KeysOnly => table.key.has(name) || self.key.has(name),
            Projection::Include(names) => {
                table.key.has(name) || self.key.has(name) || names.iter().any(|n| n == name)
            }
        }
    }

    /// What it has of an item.
    pub(crate) fn project(&self, table: &Table, item: &Item) -> Item {
        let has = |(name, _): &(&String, &Value)| self.projects(table, name);
        let parts = item.iter().filter(has);
        parts
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}
