//! A kind with its types erased: JSON in, JSON out.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ClientSource, Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission,
    Placement, ReplaceOrder, Tags, Who,
};
use crate::address::{Address, PhysicalId};
use crate::pace::Access;

/// A future on the heap, as trait objects need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An input that a kind does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    /// The JSON pointer of the mistake within the inputs; empty for the whole.
    pub pointer: String,
    /// What is wrong, as a sentence fragment.
    pub message: String,
}

/// A resource as the cloud has it, erased. See [`super::Observed`].
#[derive(Debug, Clone, PartialEq)]
pub struct DynObserved {
    /// The id to address it by.
    pub id: PhysicalId,
    /// The inputs that would give what is there.
    pub inputs: Value,
    /// Its outputs.
    pub outputs: Value,
    /// JSON pointers into `inputs` that were not looked at.
    pub unobserved: &'static [&'static str],
}

impl<K: Kind> From<Observed<K>> for DynObserved {
    fn from(observed: Observed<K>) -> Self {
        Self {
            id: observed.id,
            inputs: to_value(&observed.inputs),
            outputs: to_value(&observed.outputs),
            unobserved: observed.unobserved,
        }
    }
}

/// The surroundings of an erased operation.
pub struct DynCx<'a> {
    pub(crate) address: &'a Address,
    pub(crate) placement: &'a Placement,
    pub(crate) phase: &'a (dyn Fn(&str) + Send + Sync),
    access: Option<&'a Access>,
}

/// A kind as the engine sees it. Implemented for every [`Kind`]; see there for the meaning of each.
#[expect(
    missing_docs,
    reason = "each method is documented at its namesake in Kind"
)]
pub trait DynKind: Send + Sync {
    fn name(&self) -> &'static str;
    fn replace_on(&self) -> &'static [&'static str];
    fn replace_order(&self) -> ReplaceOrder;
    fn volatile(&self) -> &'static [(&'static str, &'static str)];
    fn taggable(&self) -> bool;
    fn keep_replaced(&self) -> bool;
    fn pure(&self) -> bool;
    fn read_together_at_most(&self) -> usize;
    fn typical_ms(&self) -> u32;
    fn input_schema(&self) -> Value;
    fn output_schema(&self) -> Value;
    /// The names of its outputs; `None` when any name is one.
    fn output_names(&self) -> Option<&[String]>;
    /// Checks types and values and fills in defaults. References and unknowns stay.
    ///
    /// # Errors
    /// Where and why the inputs are not what the kind takes.
    fn normalize(&self, inputs: Value) -> Result<Value, InputError>;
    /// `None` when the inputs that it needs are not known yet.
    fn identity(&self, inputs: &Value) -> Option<Identity>;
    fn serial_key(&self, inputs: &Value) -> Option<String>;
    fn predict(&self, address: &Address, inputs: &Value) -> Option<Value>;
    fn permissions(&self, op: Op, inputs: &Value, placement: &Placement) -> Vec<Permission>;

    fn read<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: Option<&'a PhysicalId>,
        inputs: &'a Value,
        others: &'a [PhysicalId],
    ) -> BoxFuture<'a, Result<Option<DynObserved>, KindError>>;
    fn read_together<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        who: &'a [Who<'a, Value>],
    ) -> BoxFuture<'a, Result<Vec<Option<DynObserved>>, KindError>>;
    fn read_tags<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        inputs: &'a Value,
    ) -> BoxFuture<'a, Result<Option<Tags>, KindError>>;
    fn create<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        want: &'a Value,
    ) -> BoxFuture<'a, Result<(PhysicalId, Option<Value>), KindError>>;
    fn configure<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        want: &'a Value,
        delta: Delta<'a>,
    ) -> BoxFuture<'a, Result<(), KindError>>;
    fn settle<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        want: &'a Value,
        so_far: Option<Value>,
    ) -> BoxFuture<'a, Result<Value, KindError>>;
    fn delete<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        had: &'a Value,
    ) -> BoxFuture<'a, Result<(), KindError>>;
}

pub(super) struct Erased<K: Kind, S> {
    pub(super) source: Arc<S>,
    pub(super) kind: PhantomData<fn() -> K>,
    /// Made when first asked for: a schema takes a while and most are never asked for.
    pub(super) output_names: OnceLock<Option<Vec<String>>>,
}

fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, InputError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path().iter() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => {
                    crate::value::push_pointer(&mut pointer, &index.to_string());
                }
                serde_path_to_error::Segment::Map { key } => {
                    crate::value::push_pointer(&mut pointer, key);
                }
                serde_path_to_error::Segment::Enum { .. }
                | serde_path_to_error::Segment::Unknown => {}
            }
        }
        InputError {
            pointer,
            message: error.inner().to_string(),
        }
    })
}

/// Reads what the engine itself has checked or written before. Kinds count on it that nothing in it
/// is open any more; a state that others have written may be otherwise.
fn reread<T: DeserializeOwned>(value: &Value, what: &str) -> Result<T, KindError> {
    if crate::value::has_open(value) {
        return Err(KindError::fatal(format!(
            "{what} in the state have references in them instead of values"
        ))
        .hint("the state was not written by mcpdeploy; remove the resource from the state and import it"));
    }
    parse(value).map_err(|error| {
        KindError::fatal(format!(
            "{what} in the state do not fit this version's kind: {} at `{}`",
            error.message, error.pointer
        ))
        .hint("the state was written by another version of mcpdeploy; use that version, or remove the resource from the state and import it")
    })
}

fn to_value<T: Serialize>(data: &T) -> Value {
    serde_json::to_value(data).unwrap_or_else(|error| {
        // Kinds' data are plain structs with string keys; anything else is our own bug.
        panic!("a kind's data cannot be written as JSON: {error}")
    })
}

impl<'a> DynCx<'a> {
    /// The surroundings of an operation on `address`; `phase` is told what is being waited for.
    #[must_use]
    pub fn new(
        address: &'a Address,
        placement: &'a Placement,
        phase: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Self {
        Self {
            address,
            placement,
            phase,
            access: None,
        }
    }

    /// Each question of a poll waits for its turn.
    pub(crate) fn paced(mut self, access: &'a Access) -> Self {
        self.access = Some(access);
        self
    }
}

impl<K: Kind, S: ClientSource<K::Clients>> Erased<K, S> {
    fn with<'a>(&self, cx: &'a DynCx<'a>, clients: &'a K::Clients) -> Cx<'a, K::Clients> {
        Cx {
            clients,
            address: cx.address,
            placement: cx.placement,
            phase: cx.phase,
            access: cx.access,
        }
    }
}

impl<K: Kind, S: ClientSource<K::Clients>> DynKind for Erased<K, S> {
    fn name(&self) -> &'static str {
        K::NAME
    }
    fn replace_on(&self) -> &'static [&'static str] {
        K::REPLACE_ON
    }
    fn replace_order(&self) -> ReplaceOrder {
        K::REPLACE_ORDER
    }
    fn volatile(&self) -> &'static [(&'static str, &'static str)] {
        K::VOLATILE
    }
    fn taggable(&self) -> bool {
        K::TAGGABLE
    }
    fn keep_replaced(&self) -> bool {
        K::KEEP_REPLACED
    }
    fn pure(&self) -> bool {
        K::PURE
    }
    fn read_together_at_most(&self) -> usize {
        K::READ_TOGETHER
    }
    fn typical_ms(&self) -> u32 {
        K::TYPICAL_MS
    }
    fn input_schema(&self) -> Value {
        schemars::schema_for!(K::Inputs).to_value()
    }
    fn output_schema(&self) -> Value {
        schemars::schema_for!(K::Outputs).to_value()
    }

    fn output_names(&self) -> Option<&[String]> {
        self.output_names
            .get_or_init(|| {
                let schema = self.output_schema();
                let open = schema.get("additionalProperties") != Some(&Value::Bool(false))
                    && schema.get("additionalProperties").is_some();
                let properties = schema.get("properties")?.as_object()?;
                (!open).then(|| properties.keys().cloned().collect())
            })
            .as_deref()
    }

    fn normalize(&self, inputs: Value) -> Result<Value, InputError> {
        let typed: K::Inputs = parse(&inputs)?;
        K::validate(&typed).map_err(|(pointer, message)| InputError { pointer, message })?;
        Ok(to_value(&typed))
    }

    fn identity(&self, inputs: &Value) -> Option<Identity> {
        let of = |inputs: &Value| parse(inputs).ok().map(|inputs| K::identity(&inputs));
        if !crate::value::has_open(inputs) {
            return of(inputs);
        }
        // An identity that comes out the same whatever stands in for the unknown does not depend
        // on it. Where the kind takes no such text, nothing can be said.
        let one = of(&crate::value::fill_open(inputs, "unknown-1"))?;
        let other = of(&crate::value::fill_open(inputs, "unknown-2"))?;
        (one == other).then_some(one)
    }

    fn serial_key(&self, inputs: &Value) -> Option<String> {
        parse(inputs).ok().and_then(|inputs| K::serial_key(&inputs))
    }

    fn predict(&self, address: &Address, inputs: &Value) -> Option<Value> {
        let inputs: K::Inputs = parse(inputs).ok()?;
        K::predict(address, &inputs).as_ref().map(to_value)
    }

    fn permissions(&self, op: Op, inputs: &Value, placement: &Placement) -> Vec<Permission> {
        parse(inputs)
            .map(|inputs| K::permissions(op, &inputs, placement))
            .unwrap_or_default()
    }

    fn read<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: Option<&'a PhysicalId>,
        inputs: &'a Value,
        others: &'a [PhysicalId],
    ) -> BoxFuture<'a, Result<Option<DynObserved>, KindError>> {
        Box::pin(async move {
            let inputs: K::Inputs = reread(inputs, "the inputs")?;
            let clients = self.source.clients(cx.placement)?;
            let who = Who {
                id,
                inputs: &inputs,
                others,
            };
            let observed = match K::read(&self.with(cx, &clients), who).await {
                Ok(observed) => observed,
                Err(error) if error.class == super::FaultClass::Gone => None,
                Err(error) => return Err(error),
            };
            Ok(observed.map(DynObserved::from))
        })
    }

    fn read_together<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        who: &'a [Who<'a, Value>],
    ) -> BoxFuture<'a, Result<Vec<Option<DynObserved>>, KindError>> {
        Box::pin(async move {
            let inputs = who.iter().map(|who| reread(who.inputs, "the inputs"));
            let inputs: Vec<K::Inputs> = inputs.collect::<Result<_, _>>()?;
            let clients = self.source.clients(cx.placement)?;
            let typed: Vec<Who<'_, K::Inputs>> = who
                .iter()
                .zip(&inputs)
                .map(|(who, inputs)| Who {
                    id: who.id,
                    inputs,
                    others: who.others,
                })
                .collect();
            let found = K::read_together(&self.with(cx, &clients), &typed).await?;
            assert_eq!(found.len(), who.len(), "an answer for each");
            let found = found.into_iter();
            Ok(found.map(|found| found.map(DynObserved::from)).collect())
        })
    }

    fn read_tags<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        inputs: &'a Value,
    ) -> BoxFuture<'a, Result<Option<Tags>, KindError>> {
        Box::pin(async move {
            let inputs: K::Inputs = reread(inputs, "the inputs")?;
            let clients = self.source.clients(cx.placement)?;
            K::read_tags(&self.with(cx, &clients), id, &inputs).await
        })
    }

    fn create<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        want: &'a Value,
    ) -> BoxFuture<'a, Result<(PhysicalId, Option<Value>), KindError>> {
        Box::pin(async move {
            let want: K::Inputs = reread(want, "the inputs")?;
            let clients = self.source.clients(cx.placement)?;
            let Created { id, outputs } = K::create(&self.with(cx, &clients), &want).await?;
            Ok((id, outputs.as_ref().map(to_value)))
        })
    }

    fn configure<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        want: &'a Value,
        delta: Delta<'a>,
    ) -> BoxFuture<'a, Result<(), KindError>> {
        Box::pin(async move {
            let want: K::Inputs = reread(want, "the inputs")?;
            let clients = self.source.clients(cx.placement)?;
            K::configure(&self.with(cx, &clients), id, &want, &delta).await
        })
    }

    fn settle<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        want: &'a Value,
        so_far: Option<Value>,
    ) -> BoxFuture<'a, Result<Value, KindError>> {
        Box::pin(async move {
            let want: K::Inputs = reread(want, "the inputs")?;
            let clients = self.source.clients(cx.placement)?;
            // Outputs of an older shape are not worth failing for: the kind asks again.
            let so_far = so_far.as_ref().and_then(|outputs| parse(outputs).ok());
            let outputs = K::settle(&self.with(cx, &clients), id, &want, so_far).await?;
            Ok(to_value(&outputs))
        })
    }

    fn delete<'a>(
        &'a self,
        cx: &'a DynCx<'a>,
        id: &'a PhysicalId,
        had: &'a Value,
    ) -> BoxFuture<'a, Result<(), KindError>> {
        Box::pin(async move {
            let had: K::Inputs = reread(had, "the inputs")?;
            let clients = self.source.clients(cx.placement)?;
            match K::delete(&self.with(cx, &clients), id, &had).await {
                Err(error) if error.class == super::FaultClass::Gone => Ok(()),
                other => other,
            }
        })
    }
}
