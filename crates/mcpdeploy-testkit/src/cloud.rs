//! The fake cloud: what exists, every call that was made, and the faults that are armed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::{ClientSource, FaultClass, KindError, Placement, Tags};
use tokio::sync::Notify;

use crate::fake::FakeInputs;
use crate::fault::{Armed, At, CallOp, Fault};
use crate::weather::Weather;

/// A cloud in memory; clones are the same cloud.
#[derive(Clone, Default)]
pub struct FakeCloud(Arc<Shared>);

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    crashed: Notify,
}

/// Something that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The id that the cloud gave it; never used twice.
    pub uid: String,
    /// Its kind.
    pub kind: &'static str,
    /// The address of the resource that made it. The truth, for tests: no call tells it.
    pub address: Address,
    /// As it was asked for and changed since.
    pub inputs: FakeInputs,
    /// Counts the changes of its text.
    pub revision: u64,
}

impl Object {
    /// The id of its parent, empty when it has none.
    #[must_use]
    pub fn parent(&self) -> &str {
        self.inputs.parent.get()
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.inputs.tags
    }
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The kind that made it.
    pub kind: &'static str,
    /// Which operation.
    pub op: CallOp,
    /// On which resource.
    pub address: Address,
    /// When it began, on a clock that ticks with each beginning and end.
    pub began: u64,
    /// When it ended; `None` when it never did.
    pub ended: Option<u64>,
    /// Whether it ended well.
    pub ok: bool,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) objects: BTreeMap<String, Object>,
    next_uid: u64,
    calls: Vec<Call>,
    armed: Vec<Armed>,
    latency: Duration,
    pub(crate) weather: Weather,
    clock: u64,
    lax: bool,
    dead: bool,
}

impl World {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub(crate) fn new_uid(&mut self, kind: &str) -> String {
        self.next_uid += 1;
        let short = kind.rsplit('.').next().unwrap_or(kind);
        format!("{short}-{}", self.next_uid)
    }

    /// What an object refers to must be there, as in a real service.
    pub(crate) fn check_uses(&self, inputs: &FakeInputs) -> Result<(), KindError> {
        let parent = Some(inputs.parent.get()).filter(|parent| !parent.is_empty());
        let uses = inputs.uses.iter().map(|used| used.get());
        for used in parent.into_iter().chain(uses) {
            let Some(object) = self.objects.get(used) else {
                return Err(KindError::fatal(format!("there is no {used} to refer to")));
            };
            if !self.weather.is_visible(object) {
                let message = format!("{used} is not visible everywhere yet");
                return Err(FaultClass::Propagation.error(message));
            }
        }
        Ok(())
    }

    /// Whether something there still needs the object: unless the cloud is lax, it cannot go.
    pub(crate) fn in_use(&self, uid: &str) -> Option<&Object> {
        self.objects.values().find(|other| {
            (!self.lax && other.inputs.uses.iter().any(|used| used.get() == uid))
                || (other.parent() == uid && other.kind != crate::fake::VERSION)
        })
    }
}

impl FakeCloud {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long each call takes.
    pub fn set_latency(&self, latency: Duration) {
        self.world().latency = latency;
    }

    /// Lets a service throttle: it takes `rate` calls a second, and `burst` at once after a pause.
    /// A call that it refuses costs it nothing. A kind's service is all of its name but the last
    /// part.
    pub fn set_limit(&self, service: &'static str, rate: f64, burst: f64) {
        self.world().weather.set_limit(service, rate, burst);
    }

    /// How many calls a service has throttled.
    #[must_use]
    pub fn throttled(&self, service: &str) -> usize {
        self.world().weather.throttled(service)
    }

    /// How many calls an operation of a kind makes, one after the other; else it is one. The last
    /// does it.
    pub fn set_calls(&self, kind: &'static str, op: CallOp, calls: usize) {
        self.world().weather.calls.insert((kind, op), calls);
    }

    /// For how long after its creation an object of a kind cannot be referred to.
    pub fn set_propagation(&self, kind: &'static str, time: Duration) {
        self.world().weather.propagation.insert(kind, time);
    }

    /// For how long after its creation an object of a kind is not usable.
    pub fn set_pending(&self, kind: &'static str, time: Duration) {
        self.world().weather.pending.insert(kind, time);
    }

    /// For how long after its creation an object of a kind is not found when it is looked for by what
    /// it is; by its id it is.
    pub fn set_lag(&self, kind: &'static str, time: Duration) {
        self.world().weather.lag.insert(kind, time);
    }

    /// Lets objects go though others still refer to them.
    pub fn set_lax(&self, lax: bool) {
        self.world().lax = lax;
    }

    /// Arms a fault for the next calls that it fits.
    pub fn arm(&self, at: At, fault: Fault, times: usize) {
        self.world().armed.push(Armed { at, fault, times });
    }

    /// Takes all faults away and brings a crashed client back to life.
    pub fn disarm(&self) {
        let mut world = self.world();
        world.armed.clear();
        world.dead = false;
    }

    /// The client is dead from now on: no call ends any more.
    pub(crate) fn die_now(&self) {
        self.world().dead = true;
    }

    /// Whatever call comes next kills the client before it happens.
    pub(crate) fn die_at_next_call(&self) {
        let next = At::Number(self.call_count());
        self.arm(next, Fault::CrashBefore, 1);
    }

    /// Waits until a fault has killed the client. From then on no call ends any more.
    pub async fn crashed(&self) {
        self.0.crashed.notified().await;
    }

    /// All calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// How many calls there were so far.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.world().calls.len()
    }

    /// Everything that exists, by id.
    #[must_use]
    pub fn objects(&self) -> Vec<Object> {
        self.world().objects.values().cloned().collect()
    }

    /// What exists for an address, the oldest first; kept versions among it.
    #[must_use]
    pub fn of(&self, address: &Address) -> Vec<Object> {
        let mut found: Vec<Object> = self
            .objects()
            .into_iter()
            .filter(|object| object.address == *address)
            .collect();
        found.sort_by_key(|object| {
            let number = object.uid.rsplit('-').next();
            number.and_then(|n| n.parse::<u64>().ok())
        });
        found
    }

    /// Somebody changes an object behind our back.
    pub fn tamper(&self, uid: &str, change: impl FnOnce(&mut FakeInputs)) {
        if let Some(object) = self.world().objects.get_mut(uid) {
            change(&mut object.inputs);
        }
    }

    /// Somebody removes an object, and what is in it, behind our back.
    pub fn vanish(&self, uid: &str) {
        let mut world = self.world();
        world.objects.remove(uid);
        world.objects.retain(|_, object| object.parent() != uid);
    }

    /// Somebody makes an object that is not ours.
    pub fn plant(&self, kind: &'static str, address: &Address, inputs: FakeInputs) -> String {
        let mut world = self.world();
        let uid = world.new_uid(kind);
        let object = Object {
            uid: uid.clone(),
            kind,
            address: address.clone(),
            inputs,
            revision: 1,
        };
        world.weather.born(&uid);
        world.objects.insert(uid.clone(), object);
        uid
    }

    /// Makes the calls of an operation.
    pub(crate) async fn call<T>(
        &self,
        kind: &'static str,
        op: CallOp,
        address: &Address,
        act: impl FnOnce(&mut World) -> Result<T, KindError>,
    ) -> Result<T, KindError> {
        let calls = self.world().weather.calls.get(&(kind, op)).copied();
        for _ in 1..calls.unwrap_or(1) {
            self.one_call(kind, op, address, |_| Ok(())).await?;
        }
        self.one_call(kind, op, address, act).await
    }

    /// Makes one call: counts it, lets a fault strike, takes its time, does it.
    async fn one_call<T>(
        &self,
        kind: &'static str,
        op: CallOp,
        address: &Address,
        act: impl FnOnce(&mut World) -> Result<T, KindError>,
    ) -> Result<T, KindError> {
        let (number, fault, latency) = {
            let mut world = self.world();
            let number = world.calls.len();
            if world.dead {
                (number, Some(Fault::Hang), Duration::ZERO)
            } else {
                let began = world.tick();
                world.calls.push(Call {
                    kind,
                    op,
                    address: address.clone(),
                    began,
                    ended: None,
                    ok: false,
                });
                let armed = world
                    .armed
                    .iter_mut()
                    .find(|armed| armed.times > 0 && armed.at.is(number, kind, op, address));
                let fault = armed.map(|armed| {
                    armed.times -= 1;
                    armed.fault
                });
                let throttled = Fault::Fail(FaultClass::Throttled);
                let fault = fault.or((!world.weather.takes(kind)).then_some(throttled));
                (number, fault, world.latency)
            }
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let result = match fault {
            None => act(&mut self.world()),
            Some(Fault::Fail(class)) => Err(class.error("an injected fault")),
            Some(Fault::LoseAnswer) => {
                // Whatever it would have answered, nobody hears it.
                let _ = act(&mut self.world());
                Err(FaultClass::Transient.error("the answer was lost"))
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                let _ = act(&mut self.world());
                self.die().await
            }
        };
        let mut world = self.world();
        let now = world.tick();
        if let Some(call) = world.calls.get_mut(number) {
            call.ended = Some(now);
            call.ok = result.is_ok();
        }
        result
    }

    async fn die<T>(&self) -> T {
        self.world().dead = true;
        self.0.crashed.notify_one();
        std::future::pending().await
    }
}

impl ClientSource<FakeCloud> for FakeCloud {
    fn clients(&self, _: &Placement) -> Result<Arc<FakeCloud>, KindError> {
        Ok(Arc::new(self.clone()))
    }
}
