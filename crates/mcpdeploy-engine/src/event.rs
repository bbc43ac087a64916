//! What happens, for whoever watches: a closed set of events. The engine never prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::kind::{FaultClass, KindError};
use crate::record::RunInfo;

/// The version of the events' format.
pub const FORMAT: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins to apply a plan.
    RunStarted {
        /// The version of this format.
        format: u32,
        /// Who runs.
        by: RunInfo,
        /// The deployment's name.
        deployment: String,
        /// The environment's name.
        environment: String,
        /// How many steps the plan has.
        steps: usize,
    },
    /// An operation that an earlier run left open was settled.
    Recovered {
        /// On which resource.
        address: Address,
        /// What was found.
        finding: Finding,
        /// The run that left it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<RunInfo>,
    },
    /// Resources are being read.
    Reading {
        /// How many were read.
        done: usize,
        /// How many there are to read.
        total: usize,
    },
    /// Work on a resource begins.
    NodeStarted {
        /// Which.
        address: Address,
        /// What is done.
        op: NodeOp,
    },
    /// It waits for something.
    NodePhase {
        /// Which.
        address: Address,
        /// For what, e.g. "waiting until the update settles".
        phase: String,
    },
    /// A call failed and is tried again.
    NodeRetrying {
        /// Which.
        address: Address,
        /// Why.
        fault: Fault,
        /// How long until the next try, in milliseconds.
        wait_ms: u64,
    },
    /// Work on a resource ended.
    NodeFinished {
        /// Which.
        address: Address,
        /// What was done.
        op: NodeOp,
        /// How it ended.
        outcome: Outcome,
        /// How long it took, in milliseconds.
        elapsed_ms: u64,
    },
    /// The user asked to stop.
    CancelRequested {
        /// How urgently.
        level: CancelLevel,
    },
    /// The run ended.
    RunFinished {
        /// What came of it.
        summary: Summary,
    },
}

/// What is done to a resource, as shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeOp {
    /// Brought into being.
    Create,
    /// Changed in place.
    Update,
    /// Removed.
    Delete,
    /// The one that was replaced is removed.
    DeleteReplaced,
}

/// How work on a resource ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Succeeded,
    /// Badly.
    Failed(Fault),
    /// It was not begun, because this one failed.
    Skipped {
        /// The resource that failed.
        because: Address,
    },
    /// It was not begun or not ended, because the run was told to stop.
    Cancelled,
}

/// A failure, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What it means for trying again.
    pub class: FaultClass,
    /// What the service or we say.
    pub message: String,
    /// The service's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The call that failed, e.g. `lambda:CreateFunction`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// On what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What a person can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&KindError> for Fault {
    fn from(error: &KindError) -> Self {
        Self {
            class: error.class,
            message: error.message.clone(),
            code: error.code.clone(),
            operation: error.operation.clone(),
            on: error.on.clone(),
            hint: error.hint.clone(),
        }
    }
}

/// What was found of an operation that an earlier run left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The creation had happened; it is ours now.
    Adopted,
    /// The creation had not happened.
    NotCreated,
    /// An update may have happened in part; what is there decides.
    Reread,
    /// The deletion had happened.
    Deleted,
    /// The deletion had not happened.
    NotDeleted,
}

/// How urgently a run is to stop.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CancelLevel {
    /// Start nothing new, finish what is in flight, save.
    Drain,
    /// Leave what is in flight, save.
    Abandon,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Resources created (replacements among them).
    pub created: usize,
    /// Resources changed in place.
    pub updated: usize,
    /// Resources removed.
    pub deleted: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps not begun because of a failure.
    pub skipped: usize,
    /// Steps not begun or not ended because the run was told to stop.
    pub cancelled: usize,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Summary {
    /// Whether everything was done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed == 0 && self.skipped == 0 && self.cancelled == 0
    }
}

/// Takes the events of a run, in order.
pub trait Sink: Send {
    /// Something happened.
    fn event(&mut self, event: &Event);
}

impl<F: FnMut(&Event) + Send> Sink for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}
