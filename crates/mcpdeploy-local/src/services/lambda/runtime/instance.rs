//! A running process with its Runtime API, and what happens to it.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::{Interval, Sleep};

use super::Program;
use super::api::{Api, Event, Invocation};
use super::environment::Environment;
use super::failure::Ending;
use super::leftovers::Entry;
use super::log::Log;
use super::memory::Memory;
use super::process::{Process, ProcessEvent};

/// A process that runs, with its Runtime API. Ended when it is dropped.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) api: Api,
    pub(super) process: Process,
    pub(super) memory: Memory,
    /// Where the next run goes.
    poller: Option<oneshot::Sender<Arc<Invocation>>>,
    /// By which the next cloud would end it.
    _entry: Option<Entry>,
}

/// What happens to a running process.
#[derive(Debug)]
pub(super) enum Signal {
    Asked(Event),
    Wrote,
    Ended(Ending),
    /// The time that was given is over.
    Late,
    Tick,
    /// The cloud ends.
    Stopped,
}

impl Instance {
    pub(super) fn new(api: Api, process: Process, entry: Option<Entry>) -> Self {
        Self {
            memory: Memory::of(process.id().unwrap_or_default()),
            api,
            process,
            poller: None,
            _entry: entry,
        }
    }

    /// Waits for the next thing that happens to it; what it writes goes to the log. May be dropped
    /// and called again.
    pub(super) async fn signal(
        &mut self,
        environment: &mut Environment,
        late: Pin<&mut Sleep>,
        ticks: Option<&mut Interval>,
    ) -> Signal {
        let Environment {
            cloud, shared, log, ..
        } = environment;
        let tick = async {
            match ticks {
                Some(ticks) => ticks.tick().await,
                None => std::future::pending().await,
            }
        };
        // What it asked comes before anything else that happened meanwhile; what it writes comes
        // last, for it may never stop.
        tokio::select! {
            biased;
            event = self.api.event() => Signal::Asked(event),
            () = late => Signal::Late,
            () = shared.stopped(cloud) => Signal::Stopped,
            _ = tick => Signal::Tick,
            event = self.process.event() => match event {
                ProcessEvent::Wrote(bytes) => {
                    log.output(bytes);
                    Signal::Wrote
                }
                ProcessEvent::Ended(ending) => {
                    self.process.drain(log);
                    self.api.try_event().map_or(Signal::Ended(ending), Signal::Asked)
                }
            },
        }
    }

    /// Gives the process a run, when it waits for one. It may be gone from where it waited: then it
    /// asks again.
    pub(super) fn offer(&mut self, invocation: &Arc<Invocation>) {
        if let Some(poller) = self.poller.take() {
            drop(poller.send(invocation.clone()));
        }
    }

    /// The process asks for the next run, or again for this one.
    pub(super) fn polls(&mut self, poller: oneshot::Sender<Arc<Invocation>>) {
        self.poller = Some(poller);
    }

    /// Whether it uses more memory than the function has.
    pub(super) fn over_limit(&mut self, program: &Program) -> bool {
        self.memory.sample() > u64::from(program.memory_mb) * 1024 * 1024
    }

    /// Ends the process and all that it started; what it wrote before goes to the log.
    pub(super) async fn end(&mut self, log: &mut Log) {
        self.process.end().await;
        self.process.drain(log);
        log.last_output();
    }
}
