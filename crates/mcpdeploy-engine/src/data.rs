//! `mcpdeploy.data`: a resource that calls nothing. Its inputs come back as outputs, with a stable
//! `id`; any change of `triggers` replaces it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::address::{Address, PhysicalId};
use crate::digest::Digest;
use crate::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};

/// The kind.
pub struct Data;

/// Any inputs at all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct DataInputs {
    /// Replaces the resource, and so everything that refers to its `id`, when it changes.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub triggers: Value,
    /// Handed on as outputs of the same names.
    #[serde(flatten)]
    pub values: Map<String, Value>,
}

/// The inputs, and an id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DataOutputs {
    /// Stays the same until `triggers` change.
    pub id: Value,
    /// The inputs.
    #[serde(flatten)]
    pub values: Map<String, Value>,
}

impl Kind for Data {
    const NAME: &'static str = "mcpdeploy.data";
    const REPLACE_ON: &'static [&'static str] = &["/triggers"];
    const PURE: bool = true;
    const TYPICAL_MS: u32 = 1;
    type Clients = ();
    type Inputs = DataInputs;
    type Outputs = DataOutputs;

    fn identity(_: &DataInputs) -> Identity {
        Identity::OwnerTag
    }

    fn validate(inputs: &DataInputs) -> Result<(), (String, String)> {
        if inputs.values.contains_key("id") {
            return Err((
                "/id".to_owned(),
                "`id` is given by mcpdeploy; choose another name".to_owned(),
            ));
        }
        Ok(())
    }

    fn permissions(_: Op, _: &DataInputs, _: &Placement) -> Vec<Permission> {
        Vec::new()
    }

    fn predict(address: &Address, inputs: &DataInputs) -> Option<DataOutputs> {
        let id = if crate::value::has_unknown(&inputs.triggers) {
            json!({ crate::value::UNKNOWN: format!("{address}#/id") })
        } else {
            let mut digest = Digest::new();
            digest.add(&json!([address, inputs.triggers]));
            let mut id = digest.finish();
            id.truncate(16);
            Value::String(id)
        };
        Some(DataOutputs {
            id,
            values: inputs.values.clone(),
        })
    }

    async fn read(
        cx: &Cx<'_, ()>,
        who: Who<'_, DataInputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        Ok(who.id.and_then(|id| {
            Some(Observed {
                id: id.clone(),
                inputs: who.inputs.clone(),
                outputs: Self::predict(cx.address, who.inputs)?,
                unobserved: &[],
            })
        }))
    }

    async fn create(cx: &Cx<'_, ()>, want: &DataInputs) -> Result<Created<Self>, KindError> {
        Ok(Created {
            id: PhysicalId::new(cx.address.as_str()),
            outputs: Self::predict(cx.address, want),
        })
    }

    async fn configure(
        _: &Cx<'_, ()>,
        _: &PhysicalId,
        _: &DataInputs,
        _: &Delta<'_>,
    ) -> Result<(), KindError> {
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, ()>,
        _: &PhysicalId,
        want: &DataInputs,
        _: Option<DataOutputs>,
    ) -> Result<DataOutputs, KindError> {
        Self::predict(cx.address, want).ok_or_else(|| KindError::fatal("no outputs"))
    }

    async fn delete(_: &Cx<'_, ()>, _: &PhysicalId, _: &DataInputs) -> Result<(), KindError> {
        Ok(())
    }
}
