//! Takes records into a state.

use serde_json::Value;

use super::{Instance, Pending, State};
use crate::address::{Address, PhysicalId};
use crate::record::{Intent, IntentAction, OpId, Record, Recovery, Slot};

impl State {
    /// Takes one record in. The only thing that changes a state.
    ///
    /// # Errors
    /// When the record does not fit what came before it: the journal is not this state's.
    pub fn fold(&mut self, record: &Record) -> Result<(), FoldError> {
        match record {
            Record::Begun(_) | Record::Ended { .. } => {}
            Record::Named { deployment } => self.deployment.clone_from(deployment),
            Record::Intent(intent) => {
                let fresh = self
                    .pending
                    .insert(
                        intent.op,
                        Pending {
                            intent: intent.clone(),
                            created: None,
                        },
                    )
                    .is_none();
                if !fresh {
                    return Err(FoldError::OpTwice(intent.op));
                }
            }
            Record::Created { op, id } => self.created(*op, id)?,
            Record::Done { op, outputs } => self.done(*op, outputs.as_ref())?,
            Record::Failed { op, settled } => self.failed(*op, *settled)?,
            Record::Recovered { op, outcome } => self.recovered(*op, outcome)?,
            Record::Applied { address, instance } => match instance {
                Some(instance) => {
                    self.resources.entry(address.clone()).or_default().current =
                        Some(instance.clone());
                }
                None => self.remove(address, Slot::Current),
            },
            Record::Observed {
                address,
                slot,
                inputs,
                outputs,
            } => {
                let instance = self.instance_mut(address, *slot)?;
                instance.observed = (*inputs != instance.inputs).then(|| inputs.clone());
                instance.outputs = outputs.clone();
            }
            Record::Gone { address, slot } | Record::Forgotten { address, slot } => {
                self.remove(address, *slot);
                // With it goes what was still to be found out about it.
                self.pending.retain(|_, pending| {
                    pending.intent.address != *address || pending.slot() != Some(*slot)
                });
            }
            Record::Moved { from, to } => {
                if let Some(state) = self.resources.remove(from) {
                    self.resources.insert(to.clone(), state);
                }
                let renamed = |list: &mut Vec<Address>| {
                    for address in list.iter_mut().filter(|a| *a == from) {
                        *address = to.clone();
                    }
                    list.sort();
                };
                for Pending { intent, .. } in self.pending.values_mut() {
                    if intent.address == *from {
                        intent.address = to.clone();
                    }
                    renamed(&mut intent.depends_on);
                }
                for resource in self.resources.values_mut() {
                    let all = resource
                        .current
                        .iter_mut()
                        .chain(resource.deposed.values_mut())
                        .chain(&mut resource.history);
                    for instance in all {
                        renamed(&mut instance.depends_on);
                    }
                }
            }
            Record::Rewired {
                address,
                depends_on,
                protect,
                retain,
            } => {
                let instance = self.instance_mut(address, Slot::Current)?;
                instance.depends_on.clone_from(depends_on);
                instance.protect = *protect;
                instance.retain = *retain;
            }
            Record::Outputs { outputs } => self.outputs.clone_from(outputs),
        }
        Ok(())
    }

    fn instance_mut(&mut self, address: &Address, slot: Slot) -> Result<&mut Instance, FoldError> {
        self.resources
            .get_mut(address)
            .and_then(|resource| resource.instance_mut(slot))
            .ok_or_else(|| FoldError::NoInstance(address.clone()))
    }

    fn remove(&mut self, address: &Address, slot: Slot) {
        if let Some(resource) = self.resources.get_mut(address) {
            resource.take(slot);
            // The history goes with the last one: a kind that keeps its replaced ones (versions)
            // loses them with its parent.
            if resource.is_empty() {
                self.resources.remove(address);
            }
        }
    }

    /// The new instance takes its place; one that it replaces steps aside.
    fn put_new(&mut self, intent: &Intent, instance: Instance) {
        let resource = self.resources.entry(intent.address.clone()).or_default();
        if let Some(old) = resource.current.take()
            && old.id != instance.id
        {
            match intent.action {
                IntentAction::Create { keeps: true, .. } => resource.history.push(old),
                IntentAction::Create {
                    deposes: Some(key), ..
                } => {
                    // What was kept was of the same parent as the one that goes.
                    resource.history.clear();
                    resource.deposed.insert(key, old);
                }
                // A predecessor that was to be gone by now: it must not be lost.
                IntentAction::Create { .. } | IntentAction::Update | IntentAction::Delete(_) => {
                    let key = resource.free_key();
                    resource.deposed.insert(key, old);
                }
            }
        }
        resource.history.retain(|kept| kept.id != instance.id);
        resource.current = Some(instance);
    }

    fn created(&mut self, op: OpId, id: &PhysicalId) -> Result<(), FoldError> {
        let pending = self.pending.get_mut(&op).ok_or(FoldError::NoOp(op))?;
        pending.created = Some(id.clone());
        let intent = pending.intent.clone();
        let instance = Instance::from_intent(&intent, id.clone());
        self.put_new(&intent, instance);
        Ok(())
    }

    fn done(&mut self, op: OpId, outputs: Option<&Value>) -> Result<(), FoldError> {
        let Pending { intent, .. } = self.pending.remove(&op).ok_or(FoldError::NoOp(op))?;
        match intent.action {
            IntentAction::Create { .. } | IntentAction::Update => {
                let instance = self.instance_mut(&intent.address, Slot::Current)?;
                let id = instance.id.clone();
                *instance = Instance {
                    outputs: outputs.cloned().unwrap_or(Value::Null),
                    incomplete: false,
                    ..Instance::from_intent(&intent, id)
                };
            }
            IntentAction::Delete(slot) => self.remove(&intent.address, slot),
        }
        Ok(())
    }

    fn failed(&mut self, op: OpId, settled: bool) -> Result<(), FoldError> {
        let pending = self.pending.get(&op).ok_or(FoldError::NoOp(op))?;
        let recorded = match pending.intent.action {
            IntentAction::Create { .. } => pending.created.is_some(),
            IntentAction::Update | IntentAction::Delete(_) => true,
        };
        if !settled && !recorded {
            return Ok(()); // It stays pending: whether it happened, the next run finds out.
        }
        if let Some(Pending { intent, .. }) = self.pending.remove(&op)
            && matches!(intent.action, IntentAction::Update)
        {
            self.instance_mut(&intent.address, Slot::Current)?
                .incomplete = true;
        }
        Ok(())
    }

    fn recovered(&mut self, op: OpId, outcome: &Recovery) -> Result<(), FoldError> {
        let Pending { intent, created } = self.pending.remove(&op).ok_or(FoldError::NoOp(op))?;
        match (&intent.action, outcome) {
            (
                IntentAction::Create { .. },
                Recovery::Present {
                    id,
                    inputs,
                    outputs,
                },
            ) => {
                let instance = Instance {
                    observed: Some(inputs.clone()),
                    outputs: outputs.clone(),
                    ..Instance::from_intent(&intent, id.clone())
                };
                self.put_new(&intent, instance);
            }
            (IntentAction::Create { .. }, Recovery::Absent) => {
                if created.is_some() {
                    self.remove(&intent.address, Slot::Current);
                }
            }
            (
                IntentAction::Update,
                Recovery::Present {
                    inputs, outputs, ..
                },
            ) => {
                let instance = self.instance_mut(&intent.address, Slot::Current)?;
                instance.observed = Some(inputs.clone());
                instance.outputs = outputs.clone();
                instance.incomplete = true;
            }
            (IntentAction::Update, Recovery::Absent) => {
                self.remove(&intent.address, Slot::Current);
            }
            (IntentAction::Delete(_), Recovery::Present { .. }) => {}
            (IntentAction::Delete(slot), Recovery::Absent) => self.remove(&intent.address, *slot),
        }
        Ok(())
    }
}

/// A record that does not fit the state before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The operation was never announced.
    #[error("operation {0} ends without having been announced")]
    NoOp(OpId),
    /// An operation's number is used twice.
    #[error("operation {0} is announced twice")]
    OpTwice(OpId),
    /// An operation of an earlier run is not settled.
    #[error("operation {0} of an earlier run is still open")]
    Open(OpId),
    /// A step comes before one that it waits for.
    #[error("the step on {0} comes before one that it waits for")]
    Order(Address),
    /// It is about something that the state does not have.
    #[error("a record is about {0}, which the state does not have")]
    NoInstance(Address),
}
