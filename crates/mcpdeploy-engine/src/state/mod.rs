//! What we know to exist: the state of one deployment in one environment.
//!
//! Only [`State::fold`] changes it: live, in recovery and in tests.

mod fold;

pub use fold::FoldError;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::{Address, PhysicalId};
use crate::kind::Placement;
use crate::record::{Intent, IntentAction, OpId, Slot};
use crate::strict;

/// The version of the state's format that this program writes.
pub const FORMAT: u32 = 1;

/// The state of a deployment in an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The version of this file's format.
    pub format: u32,
    /// Made once with the state; two states with different lineages have nothing to do with each
    /// other.
    pub lineage: String,
    /// Counts the saved changes.
    pub serial: u64,
    /// The deployment's name.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
    /// The resources by address.
    #[serde(deserialize_with = "strict::map")]
    pub resources: BTreeMap<Address, ResourceState>,
    /// Operations whose outcome is not known: the next run settles them first.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "strict::map"
    )]
    pub pending: BTreeMap<OpId, Pending>,
    /// The outputs of the deployment after the last apply.
    #[serde(
        default,
        skip_serializing_if = "Map::is_empty",
        deserialize_with = "strict::object"
    )]
    pub outputs: Map<String, Value>,
}

/// All that exists under one address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceState {
    /// The one that others refer to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Instance>,
    /// Replaced ones that are still to be deleted, by key.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "strict::map"
    )]
    pub deposed: BTreeMap<u64, Instance>,
    /// Replaced ones that are kept, e.g. published versions; the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Instance>,
}

impl ResourceState {
    /// The instance in a slot.
    #[must_use]
    pub fn instance(&self, slot: Slot) -> Option<&Instance> {
        match slot {
            Slot::Current => self.current.as_ref(),
            Slot::Deposed(key) => self.deposed.get(&key),
        }
    }

    fn instance_mut(&mut self, slot: Slot) -> Option<&mut Instance> {
        match slot {
            Slot::Current => self.current.as_mut(),
            Slot::Deposed(key) => self.deposed.get_mut(&key),
        }
    }

    fn take(&mut self, slot: Slot) -> Option<Instance> {
        match slot {
            Slot::Current => self.current.take(),
            Slot::Deposed(key) => self.deposed.remove(&key),
        }
    }

    fn is_empty(&self) -> bool {
        self.current.is_none() && self.deposed.is_empty()
    }

    /// A key for the next one that steps aside.
    pub(crate) fn free_key(&self) -> u64 {
        let last = self.deposed.keys().next_back();
        let next = last.map_or(Some(0), |key| key.checked_add(1));
        next.or_else(|| (0..).find(|key| !self.deposed.contains_key(key)))
            .unwrap_or_default()
    }

    /// The ids of everything under this address.
    pub fn ids(&self) -> impl Iterator<Item = &PhysicalId> {
        self.instances().map(|instance| &instance.id)
    }

    /// Everything under this address.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.current
            .iter()
            .chain(self.deposed.values())
            .chain(&self.history)
    }
}

/// One thing that exists in the cloud.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// The id by which the cloud knows it.
    pub id: PhysicalId,
    /// The inputs that were asked for, resolved.
    #[serde(deserialize_with = "strict::value")]
    pub inputs: Value,
    /// The inputs that the cloud showed at the last read, where they differ from what was asked.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "strict::option"
    )]
    pub observed: Option<Value>,
    /// Its outputs.
    #[serde(
        default,
        skip_serializing_if = "Value::is_null",
        deserialize_with = "strict::value"
    )]
    pub outputs: Value,
    /// What it depended on when it was last changed: deletes are ordered by this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
    /// Where it lives.
    #[serde(default, skip_serializing_if = "Placement::is_empty")]
    pub placement: Placement,
    /// Never deleted or replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Only forgotten when it is removed from the file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// A change of it began and is not known to have ended well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

impl Instance {
    /// What the cloud has, as far as we know.
    #[must_use]
    pub fn there(&self) -> &Value {
        self.observed.as_ref().unwrap_or(&self.inputs)
    }

    fn from_intent(intent: &Intent, id: PhysicalId) -> Self {
        Self {
            id,
            inputs: intent.inputs.clone(),
            observed: None,
            outputs: Value::Null,
            depends_on: intent.depends_on.clone(),
            placement: intent.placement.clone(),
            protect: intent.protect,
            retain: intent.retain,
            incomplete: true,
        }
    }
}

/// An operation that was announced and whose outcome is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// What was announced.
    pub intent: Intent,
    /// The id that a creation gave, once it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<PhysicalId>,
}

impl Pending {
    /// The recorded instance that it is about; a creation whose id was not recorded has none.
    fn slot(&self) -> Option<Slot> {
        match self.intent.action {
            IntentAction::Create { .. } => self.created.as_ref().map(|_| Slot::Current),
            IntentAction::Update => Some(Slot::Current),
            IntentAction::Delete(slot) => Some(slot),
        }
    }
}

impl State {
    /// An empty state of a new lineage.
    #[must_use]
    pub fn new(deployment: &str, environment: &str) -> Self {
        Self {
            format: FORMAT,
            lineage: uuid::Uuid::new_v4().to_string(),
            serial: 0,
            deployment: deployment.to_owned(),
            environment: environment.to_owned(),
            resources: BTreeMap::new(),
            pending: BTreeMap::new(),
            outputs: Map::new(),
        }
    }

    /// The current instance at an address.
    #[must_use]
    pub fn current(&self, address: &Address) -> Option<&Instance> {
        self.resources.get(address)?.current.as_ref()
    }

    /// Whether nothing exists and nothing is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.pending.is_empty()
    }
}
