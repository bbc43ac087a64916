//! The one owner of state and journal during a run.

mod begin;
mod lanes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use self::lanes::Lanes;
use super::schedule::{Schedule, StepId};
use super::worker::{Failure, Message, Work};
use super::{ApplyError, ApplyOptions, abandons};
use crate::address::{Address, PhysicalId};
use crate::cancel::Cancel;
use crate::claims::Claims;
use crate::event::{CancelLevel, Event, Fault, NodeOp, Outcome, Sink, Summary};
use crate::journal::Journal;
use crate::kind::{DynKind, KindError, Registry};
use crate::plan::{Plan, Step, StepOp};
use crate::record::{OpId, Record, Slot};
use crate::state::{Instance, State};

pub(super) struct Coordinator<'a> {
    plan: &'a Plan,
    state: &'a mut State,
    journal: &'a mut Journal,
    kinds: HashMap<&'a str, Arc<dyn DynKind>>,
    /// The services that the steps call.
    lanes: Lanes,
    /// For steps at work.
    slots: Arc<Semaphore>,
    cancel: Cancel,
    sink: &'a mut dyn Sink,
    schedule: Schedule,
    /// Nothing is open when a run begins, so its operations are numbered from 0.
    next_op: u64,
    running: HashMap<StepId, Running>,
    /// Which objects are whose; workers look into it.
    claims: Arc<Mutex<Claims>>,
    /// Steps that are certain not to be begun.
    dead: Vec<bool>,
    workers: JoinSet<()>,
    to: mpsc::UnboundedSender<Message>,
    inbox: mpsc::UnboundedReceiver<Message>,
    /// What is to happen once the journal is durable.
    after_sync: Vec<AfterSync>,
    pub(super) summary: Summary,
}

struct Running {
    op: OpId,
    serial_key: Option<String>,
    started: Instant,
}

enum AfterSync {
    Start(Box<Work>),
    Release(oneshot::Sender<()>),
    Emit(Event),
}

impl<'a> Coordinator<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        state: &'a mut State,
        journal: &'a mut Journal,
        registry: &Registry,
        options: &ApplyOptions,
        cancel: Cancel,
        sink: &'a mut dyn Sink,
    ) -> Result<Self, ApplyError> {
        let mut kinds = HashMap::new();
        for step in &plan.steps {
            let name = step.address.kind().as_str();
            if !kinds.contains_key(name) {
                let kind = registry
                    .get(name)
                    .ok_or_else(|| ApplyError::NoKind(name.to_owned()))?;
                kinds.insert(name, Arc::clone(kind));
            }
        }
        let (lanes, of_steps) = Lanes::new(plan, state, &options.pace);
        let schedule = Schedule::new(&plan.steps, of_steps);
        let (to, inbox) = mpsc::unbounded_channel();
        Ok(Self {
            next_op: 0,
            claims: Arc::new(Mutex::new(Claims::of(state))),
            plan,
            state,
            journal,
            kinds,
            slots: Arc::new(Semaphore::new(options.parallelism.max(1))),
            cancel,
            sink,
            schedule,
            lanes,
            running: HashMap::new(),
            dead: vec![false; plan.steps.len()],
            workers: JoinSet::new(),
            to,
            inbox,
            after_sync: Vec::new(),
            summary: Summary::default(),
        })
    }

    /// Works until nothing is left that can be done.
    pub(super) async fn run(&mut self) -> Result<(), ApplyError> {
        loop {
            self.lanes.look();
            self.dispatch()?;
            self.sync()?;
            let goes_on = self.cancel.level().is_none() && self.schedule.ready_lanes().count() > 0;
            if self.running.is_empty() && !goes_on {
                break;
            }
            let opens_in = if goes_on && self.slots.available_permits() > 0 {
                self.opens_in()
            } else {
                None
            };
            if opens_in == Some(Duration::ZERO) {
                // Steps that call nothing have made others ready. Messages are not kept waiting.
                self.drain_inbox()?;
                continue;
            }
            tokio::select! {
                biased;
                level = self.cancel.changed() => {
                    if let Some(level) = level {
                        self.sink.event(&Event::CancelRequested { level });
                    }
                    if abandons(level) {
                        break;
                    }
                }
                message = self.inbox.recv() => {
                    if let Some(message) = message {
                        self.take(message)?;
                    }
                    self.drain_inbox()?;
                    self.sync()?;
                }
                Some(ended) = self.workers.join_next() => Self::reap(ended),
                () = self.lanes.moved(opens_in) => {}
            }
            while let Some(ended) = self.workers.try_join_next() {
                Self::reap(ended);
            }
        }
        self.workers.abort_all();
        // What was told in time is recorded, so that the next run need not find it out.
        self.drain_inbox()?;
        self.sync()?;
        self.cancel_rest();
        Ok(())
    }

    /// A worker tells its end before it ends; only a bug of a kind ends it otherwise.
    fn reap(ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    fn drain_inbox(&mut self) -> Result<(), ApplyError> {
        while let Ok(message) = self.inbox.try_recv() {
            self.take(message)?;
        }
        Ok(())
    }

    /// How long until a service can be called for a step that is ready; `None` while all of them
    /// have a queue.
    fn opens_in(&self) -> Option<Duration> {
        let ready = self.schedule.ready_lanes();
        ready
            .filter_map(|lane| self.lanes.get(lane).opens_in())
            .min()
    }

    /// Begins what can begin. The calls start when their intents are durable.
    fn dispatch(&mut self) -> Result<(), ApplyError> {
        // Steps that call nothing do not count against the parallelism, but a batch of them is
        // bounded so that records reach the disk in between.
        let mut batch = 0;
        while self.cancel.level().is_none() && batch < 256 {
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                break;
            };
            let open = |lane| self.lanes.get(lane).is_open();
            let Some(id) = self.schedule.pop(open) else {
                break;
            };
            if self.dead[id as usize] {
                self.schedule.give_up(id);
                continue;
            }
            batch += 1;
            self.begin(id, slot)?;
        }
        Ok(())
    }

    fn instance(&self, address: &Address, slot: Slot) -> Option<&Instance> {
        self.state.resources.get(address)?.instance(slot)
    }

    /// Into the journal and into the state. Durable at the next sync.
    fn record(&mut self, record: &Record) -> Result<(), ApplyError> {
        self.journal.append(record);
        self.state.fold(record)?;
        Ok(())
    }

    /// Makes what was recorded durable, then does what waited for that.
    fn sync(&mut self) -> Result<(), ApplyError> {
        if let Err(error) = self.journal.sync() {
            // Nothing that is not recorded may go on: the calls in flight are cut off, and the
            // next run finds their intents.
            self.workers.abort_all();
            return Err(error.into());
        }
        for after in std::mem::take(&mut self.after_sync) {
            match after {
                AfterSync::Start(work) => {
                    self.workers.spawn(work.run());
                }
                // A worker that is gone does not wait.
                AfterSync::Release(durable) => {
                    let _ = durable.send(());
                }
                AfterSync::Emit(event) => self.sink.event(&event),
            }
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<(), ApplyError> {
        match message {
            Message::Phase(id, phase) => {
                let address = self.plan.steps[id as usize].address.clone();
                self.sink.event(&Event::NodePhase { address, phase });
            }
            Message::Retrying(id, fault, wait) => {
                let address = self.plan.steps[id as usize].address.clone();
                self.sink.event(&Event::NodeRetrying {
                    address,
                    fault,
                    wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                });
            }
            Message::Created(id, physical, durable) => {
                if let Some(running) = self.running.get(&id) {
                    let op = running.op;
                    self.claim(id, &physical);
                    self.record(&Record::Created { op, id: physical })?;
                    self.after_sync.push(AfterSync::Release(durable));
                }
            }
            Message::Ended(id, result) => {
                let Some(running) = self.running.remove(&id) else {
                    return Ok(());
                };
                if let Some(key) = &running.serial_key {
                    self.schedule.free_key(key);
                }
                let op = running.op;
                match result {
                    Ok(outputs) => {
                        self.release(id);
                        self.record(&Record::Done { op, outputs })?;
                        self.finish_well(id, running.started);
                    }
                    Err(Failure { error, settled }) => {
                        self.record(&Record::Failed { op, settled })?;
                        self.finish_failed(id, &error, running.started);
                    }
                }
            }
        }
        Ok(())
    }

    /// The step's new object is its resource's.
    fn claim(&self, id: StepId, physical: &PhysicalId) {
        let step = &self.plan.steps[id as usize];
        if let StepOp::Create { wanted, .. } = &step.op {
            let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
            claims.add(step.address.kind(), &wanted.placement, physical);
        }
    }

    /// What a step has deleted is nobody's any more.
    fn release(&self, id: StepId) {
        let step = &self.plan.steps[id as usize];
        if let StepOp::Delete { slot } = &step.op
            && let Some(gone) = self.instance(&step.address, *slot)
        {
            let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
            claims.remove(step.address.kind(), &gone.placement, &gone.id);
        }
    }

    fn emit_start(&mut self, step: &Step) {
        let event = Event::NodeStarted {
            address: step.address.clone(),
            op: step.node_op(),
        };
        self.after_sync.push(AfterSync::Emit(event));
    }

    fn emit_end(&mut self, id: StepId, outcome: Outcome, elapsed: Duration) {
        let step = &self.plan.steps[id as usize];
        let event = Event::NodeFinished {
            address: step.address.clone(),
            op: step.node_op(),
            outcome,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        self.after_sync.push(AfterSync::Emit(event));
    }

    fn finish_well(&mut self, id: StepId, started: Instant) {
        *match self.plan.steps[id as usize].node_op() {
            NodeOp::Create => &mut self.summary.created,
            NodeOp::Update => &mut self.summary.updated,
            NodeOp::Delete | NodeOp::DeleteReplaced => &mut self.summary.deleted,
        } += 1;
        self.emit_end(id, Outcome::Succeeded, started.elapsed());
        self.schedule.done(id);
    }

    fn finish_failed(&mut self, id: StepId, error: &KindError, started: Instant) {
        self.summary.failed += 1;
        self.emit_end(id, Outcome::Failed(Fault::from(error)), started.elapsed());
        let because = self.plan.steps[id as usize].address.clone();
        for skipped in self.schedule.bury(id, &mut self.dead) {
            self.summary.skipped += 1;
            let outcome = Outcome::Skipped {
                because: because.clone(),
            };
            self.emit_end(skipped, outcome, Duration::ZERO);
        }
    }

    /// Says of everything that was not done that it was cancelled.
    fn cancel_rest(&mut self) {
        let in_flight: Vec<StepId> = self.running.keys().copied().collect();
        let mut rest: Vec<StepId> = (0..)
            .zip(&self.dead)
            .filter(|(id, dead)| !**dead && !self.schedule.is_done(*id))
            .map(|(id, _)| id)
            .collect();
        rest.sort_unstable();
        debug_assert!(
            self.cancel.level() >= Some(CancelLevel::Drain)
                || rest.is_empty() && in_flight.is_empty(),
            "steps were left though nobody asked to stop: {rest:?}"
        );
        self.summary.cancelled += rest.len();
        for id in rest {
            let started = self.running.get(&id).map(|running| running.started);
            let elapsed = started.map_or(Duration::ZERO, |at| at.elapsed());
            self.emit_end(id, Outcome::Cancelled, elapsed);
        }
        for after in std::mem::take(&mut self.after_sync) {
            if let AfterSync::Emit(event) = after {
                self.sink.event(&event);
            }
        }
    }
}
