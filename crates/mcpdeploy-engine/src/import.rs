//! Takes a resource that exists under management: a plan without steps, whose one record puts it
//! into the state. What differs from the file, the next plan shows.

use serde_json::{Map, json};

use crate::address::{Address, PhysicalId};
use crate::event::Fault;
use crate::graph::Graph;
use crate::kind::{DynCx, KindError, Registry};
use crate::pace::Access;
use crate::plan::{FORMAT, Plan, PlanOptions};
use crate::record::Record;
use crate::retry::retry;
use crate::state::{Instance, State};
use crate::value::{self, Lookup};

/// Reads the resource and plans to take it in.
///
/// # Errors
/// When the file does not want it, the state has it already, or it is not there.
pub async fn plan(
    graph: &Graph,
    state: &State,
    registry: &Registry,
    address: &Address,
    id: PhysicalId,
) -> Result<Plan, ImportError> {
    let node = graph
        .get(address)
        .ok_or_else(|| ImportError::NotWanted(address.clone()))?;
    if state.current(address).is_some() {
        return Err(ImportError::Managed(address.clone()));
    }
    let resource = &node.resource;
    let resolved = value::resolve(&resource.inputs, &mut |reference| {
        state
            .current(&reference.address)
            .and_then(|instance| instance.outputs.pointer(&reference.pointer))
            .map_or(Lookup::Unknown, |value| Lookup::Known(value.clone()))
    });
    let inputs = resolved
        .ok()
        .filter(|inputs| !value::has_unknown(inputs))
        .and_then(|inputs| node.kind.normalize(inputs).ok())
        .ok_or_else(|| ImportError::Open {
            address: address.clone(),
        })?;
    debug_assert!(
        registry.get(node.kind.name()).is_some(),
        "the graph has only known kinds"
    );

    let quiet = |_: &str| ();
    let access = Access::alone(address.kind(), &resource.placement);
    let cx = DynCx::new(address, &resource.placement, &quiet).paced(&access);
    let read = || node.kind.read(&cx, Some(&id), &inputs, &[]);
    let found = retry(&access, &|_, _| (), read)
        .await
        .map_err(ImportError::Read)?
        .ok_or_else(|| ImportError::Absent {
            address: address.clone(),
            id: id.clone(),
        })?;
    let mut there = found.inputs;
    if found.unobserved.contains(&"/tags")
        && let Some(slot) = there.pointer_mut("/tags")
        && let Some(tags) = retry(&access, &|_, _| (), || {
            node.kind.read_tags(&cx, &found.id, &inputs)
        })
        .await
        .map_err(ImportError::Read)?
    {
        *slot = json!(tags);
    }
    // Two addresses for one object would delete it twice and lose it once.
    let other = state.resources.iter().find(|(other, resource)| {
        other.kind() == address.kind() && resource.ids().any(|id| *id == found.id)
    });
    if let Some((other, _)) = other {
        return Err(ImportError::Managed(other.clone()));
    }
    let instance = Instance {
        id: found.id,
        observed: Some(there),
        inputs,
        outputs: found.outputs,
        depends_on: graph.dependencies(address),
        placement: resource.placement.clone(),
        protect: resource.lifecycle.protect,
        retain: resource.lifecycle.retain,
        incomplete: false,
    };
    Ok(Plan {
        format: FORMAT,
        lineage: state.lineage.clone(),
        serial: state.serial,
        deployment: state.deployment.clone(),
        environment: state.environment.clone(),
        digest: graph.digest(),
        options: PlanOptions::default(),
        preamble: vec![Record::Applied {
            address: address.clone(),
            instance: Some(instance),
        }],
        recovered: Vec::new(),
        actions: Vec::new(),
        drift: Vec::new(),
        unchanged: Vec::new(),
        steps: Vec::new(),
        outputs: Map::clone(&state.outputs),
    })
}

/// Why a resource cannot be taken under management.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file does not have it.
    #[error("{0} is not in the file")]
    NotWanted(Address),
    /// The state has it.
    #[error("{0} is managed already")]
    Managed(Address),
    /// There is none with that id.
    #[error("there is no {} with the id {id}", address.kind())]
    Absent {
        /// As what it was to be managed.
        address: Address,
        /// The id that was looked for.
        id: PhysicalId,
    },
    /// It refers to resources that do not exist yet.
    #[error("{address} refers to resources that are not there yet")]
    Open {
        /// Which.
        address: Address,
    },
    /// The read failed.
    #[error("failed to read it: {}", Fault::from(.0).message)]
    Read(KindError),
}
