//! The journal's records: what is about to happen, what happened.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::{Address, PhysicalId};
use crate::kind::{Identity, Placement};
use crate::state::Instance;
use crate::strict;

/// The number of an operation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct OpId(pub u64);

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of the instances under an address.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The one that others refer to.
    Current,
    /// A replaced one that is to be deleted.
    Deposed(u64),
}

/// Who runs, for messages to whoever comes after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The run's id.
    pub run: String,
    /// When it began (RFC 3339).
    pub at: String,
    /// Its process.
    pub pid: u32,
    /// Its host.
    pub host: String,
    /// What it does, e.g. `apply`.
    pub command: String,
}

/// An operation, announced before its call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// The operation's number.
    pub op: OpId,
    /// On what.
    pub address: Address,
    /// What is to happen.
    pub action: IntentAction,
    /// How it is found if its id is never recorded; fixed before the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The inputs, resolved; of a delete, those of what goes.
    #[serde(deserialize_with = "strict::value")]
    pub inputs: Value,
    /// What it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Address>,
    /// Where it lives.
    #[serde(default, skip_serializing_if = "Placement::is_empty")]
    pub placement: Placement,
    /// Never deleted or replaced from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Only forgotten when removed from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
}

/// What is to happen to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentAction {
    /// It comes into being.
    Create {
        /// The key under which the one that it replaces steps aside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deposes: Option<u64>,
        /// The one that it replaces is kept in the history.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keeps: bool,
    },
    /// It changes in place.
    Update,
    /// It goes.
    Delete(Slot),
}

/// What became of an operation whose end was not recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// The resource is there, as read.
    Present {
        /// Its id.
        id: PhysicalId,
        /// What its inputs would have to be.
        inputs: Value,
        /// Its outputs.
        outputs: Value,
    },
    /// It is not there.
    Absent,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A run begins, on the state of this lineage and serial.
    Begun(Begun),
    /// The deployment is called so from now on.
    Named {
        /// The new name.
        deployment: String,
    },
    /// An operation is about to be called.
    Intent(Intent),
    /// The creating call returned this id.
    Created {
        /// The operation.
        op: OpId,
        /// The id.
        id: PhysicalId,
    },
    /// An operation ended well.
    Done {
        /// The operation.
        op: OpId,
        /// The outputs; `None` for a delete.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outputs: Option<Value>,
    },
    /// An operation failed.
    Failed {
        /// The operation.
        op: OpId,
        /// Whether it is certain that a creation did not happen.
        settled: bool,
    },
    /// An operation of an earlier run was looked into.
    Recovered {
        /// The operation.
        op: OpId,
        /// What was found.
        outcome: Recovery,
    },
    /// A resource of a kind that calls nothing came, changed or (`None`) went: all in one.
    Applied {
        /// Which.
        address: Address,
        /// As it is now.
        instance: Option<Instance>,
    },
    /// A read showed this.
    Observed {
        /// Of what.
        address: Address,
        /// Which instance of it.
        slot: Slot,
        /// What its inputs would have to be.
        inputs: Value,
        /// Its outputs.
        outputs: Value,
    },
    /// A read showed that it is not there any more.
    Gone {
        /// What.
        address: Address,
        /// Which instance of it.
        slot: Slot,
    },
    /// It is no longer ours to manage; it stays in the cloud.
    Forgotten {
        /// What.
        address: Address,
        /// Which instance of it.
        slot: Slot,
    },
    /// It has another address now.
    Moved {
        /// The old one.
        from: Address,
        /// The new one.
        to: Address,
    },
    /// Its edges or its treatment changed, nothing in the cloud.
    Rewired {
        /// What.
        address: Address,
        /// What it depends on now.
        depends_on: Vec<Address>,
        /// Never deleted or replaced.
        protect: bool,
        /// Only forgotten when removed.
        retain: bool,
    },
    /// The deployment's outputs.
    Outputs {
        /// By name.
        outputs: Map<String, Value>,
    },
    /// The run ended in an orderly way, well or not.
    Ended {
        /// Whether all went well.
        ok: bool,
    },
}

/// The head of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Begun {
    /// The version of the journal's format.
    pub format: u32,
    /// The state's lineage.
    pub lineage: String,
    /// The serial of the state that the records are to be folded into.
    pub serial: u64,
    /// The deployment's name.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
    /// Who runs.
    pub by: RunInfo,
}
