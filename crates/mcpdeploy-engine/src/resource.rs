//! A resource as it is wanted: what a stack or a file's `[[resources]]` say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::Address;
use crate::kind::{Placement, Tags};

/// A wanted resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// What it is called in this deployment.
    pub address: Address,
    /// Its inputs, with references in them.
    pub inputs: Value,
    /// Dependencies that no reference shows.
    pub depends_on: Vec<Address>,
    /// How it is treated.
    pub lifecycle: Lifecycle,
    /// Where it lives.
    pub placement: Placement,
    /// Where it is written, e.g. `deploy.toml:41`, for messages.
    pub origin: Option<String>,
}

impl Resource {
    /// A resource with nothing but inputs.
    pub fn new(address: Address, inputs: Value) -> Self {
        Self {
            address,
            inputs,
            depends_on: Vec::new(),
            lifecycle: Lifecycle::default(),
            placement: Placement::default(),
            origin: None,
        }
    }
}

/// How a resource is treated over its life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lifecycle {
    /// Never deleted or replaced: a plan that would is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// When it is removed from the file it stays in the cloud and is only forgotten.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// JSON pointers into the inputs whose differences do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore_changes: Vec<String>,
    /// The order of a replacement; `None` leaves it to the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_before_destroy: Option<bool>,
}

/// All that is wanted.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The deployment's name.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
    /// The resources, in the order in which they are written.
    pub resources: Vec<Resource>,
    /// Outputs of the deployment: names to values with references in them.
    pub outputs: Map<String, Value>,
    /// Resources that have another address now: (from, to).
    pub moved: Vec<(Address, Address)>,
}

/// The tags of inputs, empty where there are none.
#[must_use]
pub fn tags_of(inputs: &Value) -> Tags {
    let Some(Value::Object(tags)) = inputs.get("tags") else {
        return Tags::new();
    };
    tags.iter()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
