//! The plan: a value that says everything that apply will do, and why.
//!
//! Planning is pure: the graph, the state and what was read go in, a [`Plan`] comes out. No clock,
//! no randomness, no network.

mod decide;
mod error;
mod links;
mod order;
mod planner;
mod scope;
mod steps;

pub use error::{PlanError, PlanErrors};
pub use planner::plan;
pub(crate) use scope::Scope;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::Address;
use crate::diff::Change;
use crate::event::{Finding, NodeOp};
use crate::kind::{Placement, ReplaceOrder};
use crate::record::{Record, Slot};
use crate::strict;

/// The version of the plan's format that this program writes.
pub const FORMAT: u32 = 1;

/// What is asked of the planner beyond the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanOptions {
    /// What the plan is for.
    #[serde(default)]
    pub mode: Mode,
    /// Only these and what they depend on (for destroy: and what depends on them). Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Address>,
    /// Replace these though nothing asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<Address>,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Make the cloud as the file says.
    #[default]
    Normal,
    /// Only take into the state what the cloud has.
    RefreshOnly,
    /// Remove everything.
    Destroy,
}

/// What was found out before planning: see [`crate::refresh`].
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Records that bring the state up to what was found.
    pub records: Vec<Record>,
    /// Operations left open by an earlier run, as settled.
    pub recovered: Vec<Recovered>,
    /// Resources that are not in the state but exist and are ours.
    pub adopted: Vec<Address>,
    /// Resources that were in the state and are gone from the cloud.
    pub gone: Vec<Address>,
}

/// An operation that an earlier run left open, as settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recovered {
    /// On which resource.
    pub address: Address,
    /// What was found.
    pub finding: Finding,
}

/// Everything that apply will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format.
    pub format: u32,
    /// The state's lineage.
    pub lineage: String,
    /// The serial of the state that it was made from.
    pub serial: u64,
    /// The deployment's name.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
    /// The digest of all that was wanted: file, artifacts, account.
    pub digest: String,
    /// What was asked beyond the file.
    pub options: PlanOptions,
    /// Records to take in before the first step: what was recovered and read.
    pub preamble: Vec<Record>,
    /// Operations of an earlier run that were settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovered: Vec<Recovered>,
    /// What changes and why, dependencies first.
    pub actions: Vec<PlannedAction>,
    /// What changed outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// Resources that stay as they are.
    pub unchanged: Vec<Address>,
    /// What is done, each step after those that it names.
    pub steps: Vec<Step>,
    /// Outputs of the deployment, with references in them.
    #[serde(deserialize_with = "strict::object")]
    pub outputs: Map<String, Value>,
}

impl Plan {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// When it is none, or of a newer format.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, PlanFileError> {
        /// The format is looked at first: a newer one may well have fields that we do not know.
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let Head { format } = serde_json::from_slice(bytes)?;
        if format > FORMAT {
            return Err(PlanFileError::Newer(format));
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Whether nothing in the cloud is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Whether applying it would not even touch the state.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        self.actions.is_empty() && self.steps.is_empty() && self.preamble.is_empty()
    }

    /// How many actions there are of each sort.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            unchanged: self.unchanged.len(),
            ..Counts::default()
        };
        for action in &self.actions {
            *match action.action {
                Action::Create => &mut counts.create,
                Action::Adopt => &mut counts.adopt,
                Action::Update => &mut counts.update,
                Action::Replace { .. } => &mut counts.replace,
                Action::Publish => &mut counts.publish,
                Action::Delete | Action::DeleteReplaced => &mut counts.delete,
                Action::Forget => &mut counts.forget,
            } += 1;
        }
        counts
    }
}

/// Why bytes are no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// A newer program wrote it.
    #[error("the plan has format {0}; this version of mcpdeploy knows {FORMAT} at most")]
    Newer(u32),
    /// It is no plan at all.
    #[error("this is not a plan that mcpdeploy saved")]
    Unreadable(#[from] serde_json::Error),
}

/// How many actions of each sort a plan has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "named after the actions")]
pub struct Counts {
    pub create: usize,
    pub adopt: usize,
    pub update: usize,
    pub replace: usize,
    pub publish: usize,
    pub delete: usize,
    pub forget: usize,
    pub unchanged: usize,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedAction {
    /// Which.
    pub address: Address,
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The properties that differ; all of them for a creation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Where the resource is written, e.g. `deploy.toml:41`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It comes into being.
    Create,
    /// It exists, is ours by its tags, and comes under management.
    Adopt,
    /// It changes in place.
    Update,
    /// A new one takes its place.
    Replace {
        /// In which order.
        order: ReplaceOrder,
    },
    /// A new one takes its place and the old one is kept, as with published versions.
    Publish,
    /// It goes.
    Delete,
    /// What an earlier replacement left behind goes.
    DeleteReplaced,
    /// It stays in the cloud and leaves the state.
    Forget,
}

/// Why a resource changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is in the file and not in the state.
    New,
    /// It is in the state and no longer in the cloud.
    Gone,
    /// It is in the cloud with our tags and not in the state.
    Owned,
    /// These properties changed in the file.
    Changed {
        /// JSON pointers into the inputs.
        pointers: Vec<String>,
    },
    /// These properties were changed outside.
    Drifted {
        /// JSON pointers into the inputs.
        pointers: Vec<String>,
    },
    /// These properties changed and cannot change in place.
    CannotUpdate {
        /// JSON pointers into the inputs.
        pointers: Vec<String>,
    },
    /// Something that it refers to is replaced or changes.
    DependencyChanges {
        /// What it refers to.
        dependency: Address,
        /// JSON pointers into the inputs that hold the references.
        pointers: Vec<String>,
    },
    /// Its region or account changed.
    Relocated,
    /// A change of it was interrupted.
    Incomplete,
    /// The user asked for it (`--replace`).
    Requested,
    /// It is no longer in the file.
    NotWanted,
    /// Everything goes.
    Destroy,
    /// An earlier run replaced it and did not come to delete it.
    Replaced,
}

/// A resource that was changed outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Which.
    pub address: Address,
    /// What differs from what was last asked: `before` is what was asked, `after` what is there.
    /// Empty when it is gone altogether.
    pub changes: Vec<Change>,
}

/// One thing that apply does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// On what.
    pub address: Address,
    /// What.
    pub op: StepOp,
    /// The steps (by their place in the plan) that must have ended well before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
    /// How long it usually takes, in milliseconds.
    pub typical_ms: u32,
}

impl Step {
    /// What is done, as shown.
    #[must_use]
    pub fn node_op(&self) -> NodeOp {
        match &self.op {
            StepOp::Create { .. } => NodeOp::Create,
            StepOp::Update { .. } => NodeOp::Update,
            StepOp::Delete {
                slot: Slot::Current,
            } => NodeOp::Delete,
            StepOp::Delete {
                slot: Slot::Deposed(_),
            } => NodeOp::DeleteReplaced,
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOp {
    /// Brings the resource into being.
    Create {
        /// As it is wanted.
        wanted: Wanted,
        /// The key under which the one that it replaces steps aside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deposes: Option<u64>,
        /// The one that it replaces is kept.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keeps: bool,
    },
    /// Changes it in place.
    Update {
        /// As it is wanted.
        wanted: Wanted,
    },
    /// Removes it.
    Delete {
        /// Which instance.
        slot: Slot,
    },
}

/// A resource as a step is to make it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The inputs, with references in them.
    #[serde(deserialize_with = "strict::value")]
    pub inputs: Value,
    /// What it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
    /// Where it lives.
    #[serde(default, skip_serializing_if = "Placement::is_empty")]
    pub placement: Placement,
    /// Never deleted or replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Only forgotten when removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// JSON pointers whose differences do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_changes: Vec<String>,
}
