//! Begins a step: resolves its inputs, announces it, hands it to a worker.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::super::ApplyError;
use super::super::schedule::StepId;
use super::super::worker::{Task, Work};
use super::{AfterSync, Coordinator, Running};
use crate::address::PhysicalId;
use crate::diff;
use crate::event::NodeOp;
use crate::kind::{DynKind, KindError};
use crate::pace::Access;
use crate::plan::{Plan, Step, StepOp, Wanted};
use crate::record::{Intent, IntentAction, OpId, Record, Slot};
use crate::state::Instance;
use crate::value::{self, Lookup};

impl<'a> Coordinator<'a> {
    /// `slot`: its place among the steps at work; given back when no worker takes it.
    pub(super) fn begin(
        &mut self,
        id: StepId,
        slot: OwnedSemaphorePermit,
    ) -> Result<(), ApplyError> {
        let plan: &'a Plan = self.plan;
        let step = &plan.steps[id as usize];
        let kind = Arc::clone(&self.kinds[step.address.kind().as_str()]);
        let prepared = match &step.op {
            StepOp::Create { wanted, .. } | StepOp::Update { wanted } => {
                match self.resolve(step, wanted, &*kind) {
                    Ok(want) => Prepared::Make(wanted, want),
                    Err(error) => {
                        self.schedule.give_up(id);
                        self.emit_start(step);
                        self.finish_failed(id, &error, Instant::now());
                        return Ok(());
                    }
                }
            }
            StepOp::Delete { slot } => match self.instance(&step.address, *slot) {
                Some(instance) => Prepared::Remove(Box::new(instance.clone()), *slot),
                // It went by itself, e.g. while an earlier step failed.
                None => {
                    self.schedule.give_up(id);
                    self.schedule.done(id);
                    return Ok(());
                }
            },
        };
        if kind.pure() {
            return self.apply_pure(id, step, &*kind, prepared);
        }
        let serial_key = match &prepared {
            Prepared::Make(_, want) => kind.serial_key(want),
            Prepared::Remove(instance, _) => kind.serial_key(&instance.inputs),
        };
        if let Some(key) = &serial_key
            && !self.schedule.take_key(id, key)
        {
            return Ok(());
        }
        let lane = self.lanes.get(self.schedule.lane(id)).clone();
        let op = OpId(self.next_op);
        self.next_op += 1;
        let (intent, task) = self.announce(op, step, &*kind, prepared);
        let placement = intent.placement.clone();
        self.record(&Record::Intent(intent))?;
        self.running.insert(
            id,
            Running {
                op,
                serial_key,
                started: Instant::now(),
            },
        );
        self.emit_start(step);
        self.after_sync.push(AfterSync::Start(Box::new(Work {
            step: id,
            address: step.address.clone(),
            kind,
            access: Access::new(lane, slot),
            placement,
            task,
            to: self.to.clone(),
        })));
        Ok(())
    }

    /// The announcement of an operation, and the work that is announced.
    fn announce(
        &self,
        op: OpId,
        step: &Step,
        kind: &dyn DynKind,
        prepared: Prepared<'_>,
    ) -> (Intent, Task) {
        match prepared {
            Prepared::Make(wanted, want) => {
                let intent = |action| Intent {
                    op,
                    address: step.address.clone(),
                    action,
                    identity: kind.identity(&want),
                    inputs: want.clone(),
                    depends_on: wanted.depends_on.clone(),
                    placement: wanted.placement.clone(),
                    protect: wanted.protect,
                    retain: wanted.retain,
                };
                let resource = self.state.resources.get(&step.address);
                match (&step.op, resource.and_then(|r| r.current.as_ref())) {
                    (StepOp::Update { .. }, Some(instance)) => {
                        let mut want = want.clone();
                        diff::keep_ignored(&mut want, instance.there(), &wanted.ignore_changes);
                        let changes = diff::diff(&want, &instance.inputs, instance.there());
                        let task = Task::Update {
                            id: instance.id.clone(),
                            changed: diff::pointers(&changes),
                            outputs: Some(instance.outputs.clone()).filter(|o| !o.is_null()),
                            want,
                        };
                        (intent(IntentAction::Update), task)
                    }
                    // An update without anything to update has failed before it came here.
                    (op, _) => {
                        let (deposes, keeps) = match op {
                            StepOp::Create { deposes, keeps, .. } => (*deposes, *keeps),
                            StepOp::Update { .. } | StepOp::Delete { .. } => (None, false),
                        };
                        let action = IntentAction::Create { deposes, keeps };
                        let want = want.clone();
                        let claims = Arc::clone(&self.claims);
                        (intent(action), Task::Create { want, claims })
                    }
                }
            }
            Prepared::Remove(instance, slot) => {
                let instance = *instance;
                let intent = Intent {
                    op,
                    address: step.address.clone(),
                    action: IntentAction::Delete(slot),
                    identity: None,
                    inputs: instance.inputs.clone(),
                    depends_on: instance.depends_on,
                    placement: instance.placement,
                    protect: instance.protect,
                    retain: instance.retain,
                };
                let task = Task::Delete {
                    id: instance.id,
                    had: instance.inputs,
                };
                (intent, task)
            }
        }
    }

    /// A step of a kind that calls nothing: one record says it all.
    fn apply_pure(
        &mut self,
        id: StepId,
        step: &Step,
        kind: &dyn DynKind,
        prepared: Prepared<'_>,
    ) -> Result<(), ApplyError> {
        let started = Instant::now();
        self.emit_start(step);
        let instance = match prepared {
            Prepared::Remove(..) => None,
            Prepared::Make(wanted, want) => {
                let Some(outputs) = kind.predict(&step.address, &want) else {
                    let error = KindError::fatal(
                        "the kind says that it calls nothing, and does not tell its outputs",
                    );
                    self.finish_failed(id, &error, started);
                    return Ok(());
                };
                Some(Instance {
                    id: PhysicalId::new(step.address.as_str()),
                    inputs: want,
                    observed: None,
                    outputs,
                    depends_on: wanted.depends_on.clone(),
                    placement: wanted.placement.clone(),
                    protect: wanted.protect,
                    retain: wanted.retain,
                    incomplete: false,
                })
            }
        };
        self.record(&Record::Applied {
            address: step.address.clone(),
            instance,
        })?;
        self.finish_well(id, started);
        Ok(())
    }

    fn resolve(
        &self,
        step: &Step,
        wanted: &Wanted,
        kind: &dyn DynKind,
    ) -> Result<Value, KindError> {
        if step.node_op() == NodeOp::Update && self.instance(&step.address, Slot::Current).is_none()
        {
            return Err(KindError::fatal(
                "the plan changes it, and the state does not have it",
            ));
        }
        let resolved = value::resolve(&wanted.inputs, &mut |reference| {
            let instance = self.instance(&reference.address, Slot::Current);
            match instance.map(|instance| instance.outputs.pointer(&reference.pointer)) {
                Some(Some(value)) => Lookup::Known(value.clone()),
                Some(None) => Lookup::Missing,
                None => Lookup::Unknown,
            }
        })
        .map_err(|error| KindError::fatal(error.to_string()))?;
        if value::has_unknown(&resolved) {
            return Err(KindError::fatal(
                "something that it refers to is not there; plan again without --target",
            ));
        }
        kind.normalize(resolved).map_err(|error| {
            KindError::fatal(format!(
                "with the values that are known now, {} (at `{}`)",
                error.message, error.pointer
            ))
        })
    }
}

enum Prepared<'a> {
    /// As wanted, and its inputs resolved.
    Make(&'a Wanted, Value),
    Remove(Box<Instance>, Slot),
}
