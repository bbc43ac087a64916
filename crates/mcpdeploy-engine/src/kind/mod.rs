//! What a resource kind is: the trait, what its calls are given, how they fail, and the registry.
//!
//! Knows no cloud. A kind is one file in a crate of kinds; the engine meets it through [`DynKind`].

mod context;
mod erased;
mod error;
mod registry;

pub(crate) use context::covers;
pub use context::{Cx, Delta, Placement, Poll, Who};
pub use erased::{BoxFuture, DynCx, DynKind, DynObserved, InputError};
pub use error::{FaultClass, KindError, RetrySchedule};
pub use registry::{ClientSource, Registry};

use std::collections::BTreeMap;
use std::future::Future;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::address::{Address, KindName, PhysicalId};

/// Tags of a resource: the user's own and our owner tags.
pub type Tags = BTreeMap<String, String>;

/// The tags by which we know what is ours; on everything that can be tagged.
pub mod owner_tag {
    /// The deployment's name.
    pub const DEPLOYMENT: &str = "mcpdeploy:deployment";
    /// The environment's name.
    pub const ENVIRONMENT: &str = "mcpdeploy:environment";
    /// The resource's address.
    pub const ADDRESS: &str = "mcpdeploy:address";
    /// All of them.
    pub const ALL: [&str; 3] = [DEPLOYMENT, ENVIRONMENT, ADDRESS];
}

/// Whether two sets of tags name the same owner: all three owner tags are there and equal.
#[must_use]
pub fn same_owner(a: &Tags, b: &Tags) -> bool {
    owner_tag::ALL
        .iter()
        .all(|key| a.get(*key).is_some_and(|value| b.get(*key) == Some(value)))
}

/// Data that a kind takes or gives: JSON with a schema.
pub trait KindData:
    Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static
{
}

impl<T> KindData for T where
    T: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static
{
}

/// How a resource is found again when its id was never recorded, e.g. after a crash.
///
/// Two resources whose [`Identity::Name`] or [`Identity::InParent`] are equal cannot exist at the
/// same time: the planner uses this to choose the order of a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// By the name that we choose.
    Name(String),
    /// By the token given with its creation.
    ClientToken(String),
    /// By our owner tags, in a list of all.
    OwnerTag,
    /// By a key within its parent.
    InParent {
        /// The parent's id.
        parent: String,
        /// The key that is unique within it.
        key: String,
    },
}

impl Identity {
    /// Whether two resources with these identities would be in each other's way.
    #[must_use]
    pub fn clashes(&self, other: &Self) -> bool {
        match self {
            Self::Name(_) | Self::InParent { .. } => self == other,
            Self::ClientToken(_) | Self::OwnerTag => false,
        }
    }

    /// Whether it is looked for in a list, which may not show yet what was made a moment ago, while a
    /// second one could be made meanwhile.
    pub(crate) fn may_lag(&self) -> bool {
        match self {
            Self::OwnerTag | Self::InParent { .. } => true,
            Self::Name(_) | Self::ClientToken(_) => false,
        }
    }

    /// A text that only one resource of the kind can have at a time; `None` when there may be
    /// several with this identity.
    pub(crate) fn unique(&self, kind: &KindName) -> Option<String> {
        match self {
            Self::Name(name) => Some(format!("{kind}\n{name}")),
            Self::InParent { parent, key } => Some(format!("{kind}\n{parent}\n{key}")),
            Self::ClientToken(_) | Self::OwnerTag => None,
        }
    }
}

/// In which order a replacement happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceOrder {
    /// The new one is there before the old one goes.
    CreateFirst,
    /// The old one goes before the new one comes.
    DeleteFirst,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Looked up.
    Read,
    /// Brought into being and configured.
    Create,
    /// Changed in place.
    Update,
    /// Removed.
    Delete,
}

/// One thing that a principal must be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Permission {
    /// The action, e.g. `lambda:CreateFunction`.
    pub action: String,
    /// On what: an ARN, `*` where the action knows no resource.
    pub resource: String,
}

impl Permission {
    /// Allows `action` on `resource`.
    pub fn new(action: &str, resource: impl Into<String>) -> Self {
        Self {
            action: action.to_owned(),
            resource: resource.into(),
        }
    }

    /// Allows several actions on one resource.
    #[must_use]
    pub fn all(actions: &[&str], resource: &str) -> Vec<Self> {
        actions.iter().map(|a| Self::new(a, resource)).collect()
    }
}

/// A resource as the cloud has it.
#[derive(Debug, Clone)]
pub struct Observed<K: Kind> {
    /// The id to address it by.
    pub id: PhysicalId,
    /// What its inputs would have to be to give what is there.
    pub inputs: K::Inputs,
    /// Its outputs.
    pub outputs: K::Outputs,
    /// JSON pointers into `inputs` that this read did not look at: they count as unchanged.
    pub unobserved: &'static [&'static str],
}

/// A kind of resource: how to find, create, change and remove one.
///
/// The contract, checked for every kind by the testkit's `check_kind`:
/// - create, then plan: no difference;
/// - every operation may run twice; `delete` of what is absent is fine;
/// - each call may fail once, before it happens or after (its answer lost), and a second run converges;
/// - the calls made are a subset of what [`Kind::permissions`] declares.
///
/// The engine retries: a kind makes its calls once and returns the classified error. All
/// operations but `create` are idempotent and are run again as a whole when a retryable error
/// comes; `create` makes the one call that brings the resource into being, and is repeated only
/// after a read has shown that it did not happen.
pub trait Kind: Sized + Send + Sync + 'static {
    /// The kind's name, e.g. `aws.lambda.function`.
    const NAME: &'static str;
    /// JSON pointers into the inputs whose change forces a replacement.
    const REPLACE_ON: &'static [&'static str];
    /// The order of a replacement, where names allow it.
    const REPLACE_ORDER: ReplaceOrder = ReplaceOrder::CreateFirst;
    /// Outputs that become unknown when an input changes in place: (input pointer, output pointer).
    /// An empty input pointer stands for any input.
    const VOLATILE: &'static [(&'static str, &'static str)] = &[];
    /// Whether `inputs.tags` takes tags (and so our owner tags).
    const TAGGABLE: bool = false;
    /// A replaced one stays (a published function version): it goes into the history instead of
    /// being deleted.
    const KEEP_REPLACED: bool = false;
    /// It calls nothing: no intent need be recorded, nothing is to be refreshed.
    const PURE: bool = false;
    /// How many are looked up with one [`Kind::read_together`], where the service has a list for
    /// that: they need the same clients and nothing else in common.
    const READ_TOGETHER: usize = 1;
    /// How long creating one usually takes, in milliseconds: weighs the longest path.
    const TYPICAL_MS: u32 = 300;

    /// What its calls are made with.
    type Clients: Send + Sync + 'static;
    /// What one can ask for.
    type Inputs: KindData;
    /// What others can refer to.
    type Outputs: KindData;

    /// How to find it again. Only asked when the inputs it needs are known.
    fn identity(inputs: &Self::Inputs) -> Identity;

    /// Resources with the same key change one at a time (e.g. the id of the API they belong to).
    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        let _ = inputs;
        None
    }

    /// Finds what is impossible in inputs that are well typed; unknown values count as fine.
    ///
    /// # Errors
    /// The JSON pointer of the mistake and a sentence about it.
    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let _ = inputs;
        Ok(())
    }

    /// The outputs as they will be, where they follow from address and inputs alone; what is
    /// unknown in the inputs may be unknown in them. Asked for kinds that are [`Kind::PURE`].
    fn predict(address: &Address, inputs: &Self::Inputs) -> Option<Self::Outputs> {
        let _ = (address, inputs);
        None
    }

    /// What the caller must be allowed to do for `op`.
    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission>;

    /// Looks the resource up, by id when there is one, else by its identity.
    /// `None` only when the service says that it is not there.
    fn read(
        cx: &Cx<'_, Self::Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> impl Future<Output = Result<Option<Observed<Self>>, KindError>> + Send;

    /// [`Kind::read`] for several: an answer for each, in their order. `cx` has the first one's
    /// address. Only asked for kinds that have more than one [`Kind::READ_TOGETHER`].
    fn read_together(
        cx: &Cx<'_, Self::Clients>,
        who: &[Who<'_, Self::Inputs>],
    ) -> impl Future<Output = Result<Vec<Option<Observed<Self>>>, KindError>> + Send {
        async move {
            let mut found = Vec::with_capacity(who.len());
            for who in who {
                found.push(Self::read(cx, *who).await?);
            }
            Ok(found)
        }
    }

    /// Its tags, for kinds whose `read` does not see them. Asked only to find out whose it is.
    fn read_tags(
        cx: &Cx<'_, Self::Clients>,
        id: &PhysicalId,
        inputs: &Self::Inputs,
    ) -> impl Future<Output = Result<Option<Tags>, KindError>> + Send {
        let _ = (cx, id, inputs);
        async { Ok(None) }
    }

    /// Makes the ONE call that brings it into being. Outputs that its answer already tells are
    /// handed on to [`Kind::settle`].
    fn create(
        cx: &Cx<'_, Self::Clients>,
        want: &Self::Inputs,
    ) -> impl Future<Output = Result<Created<Self>, KindError>> + Send;

    /// Sets what `create` could not, or what `delta` says differs: idempotent puts.
    fn configure(
        cx: &Cx<'_, Self::Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> impl Future<Output = Result<(), KindError>> + Send;

    /// Waits until it is usable and tells its outputs. `so_far`: those from `create`, or those
    /// recorded before an update; a kind with nothing to wait for returns them.
    fn settle(
        cx: &Cx<'_, Self::Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> impl Future<Output = Result<Self::Outputs, KindError>> + Send;

    /// Removes it; that it is absent is fine. Returns when its name is free again.
    fn delete(
        cx: &Cx<'_, Self::Clients>,
        id: &PhysicalId,
        had: &Self::Inputs,
    ) -> impl Future<Output = Result<(), KindError>> + Send;
}

/// What `create` tells.
#[derive(Debug, Clone)]
pub struct Created<K: Kind> {
    /// The id to address it by from now on.
    pub id: PhysicalId,
    /// The outputs, where the answer already has all of them.
    pub outputs: Option<K::Outputs>,
}

impl<K: Kind> Created<K> {
    /// Only the id is known.
    pub fn id(id: impl Into<String>) -> Self {
        Self {
            id: PhysicalId::new(id),
            outputs: None,
        }
    }

    /// The answer told all outputs.
    pub fn with(id: impl Into<String>, outputs: K::Outputs) -> Self {
        Self {
            id: PhysicalId::new(id),
            outputs: Some(outputs),
        }
    }
}
