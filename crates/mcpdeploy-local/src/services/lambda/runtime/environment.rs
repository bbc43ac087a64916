//! The life of an execution environment: its start, its runs, the time between them, its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::api::{Api, Event};
use super::failure::Failure;
use super::hints::{self, Facts};
use super::instance::{Instance, Signal};
use super::invocation::Answer;
use super::log::{Log, Report};
use super::pool::{Job, Next, Pool};
use super::process::Process;
use super::variables::variables;
use super::{Run, Shared};
use crate::cloud::Cloud;

/// How often a process at work is looked at; longer when there are many.
const TICK: Duration = Duration::from_millis(20);

/// How many processes are looked at each [`TICK`], at most.
const LOOKS: usize = 64;

/// A start that takes longer waits for something else than the processor, and lets others begin.
const LONG_START: Duration = Duration::from_millis(500);

/// An execution environment.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) cloud: Cloud,
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Arc<Pool>,
    pub(super) log: Log,
    /// Tells it from the others of its pool.
    id: u64,
}

/// A start that failed.
#[derive(Debug)]
struct Failed {
    failure: Failure,
    hint: Option<String>,
}

/// Carries out a start that the pool asked for, and what follows from it.
pub(super) async fn live(cloud: Cloud, shared: Arc<Shared>, pool: Arc<Pool>) {
    static IDS: AtomicU64 = AtomicU64::new(0);
    let permit = tokio::select! {
        permit = shared.starts.clone().acquire_owned() => permit,
        () = shared.stopped(&cloud) => return,
    };
    let Ok(permit) = permit else { return };
    if !pool.start_is_needed() {
        return;
    }
    let mut environment = Environment {
        log: Log::new(cloud.clone(), pool.program.clone()),
        cloud: cloud.clone(),
        shared: shared.clone(),
        pool: pool.clone(),
        id: IDS.fetch_add(1, Ordering::Relaxed),
    };
    let alive = environment.live(permit).await;
    environment.log.flush();
    let stopped = shared.stopping.is_cancelled() || cloud.ending().is_cancelled();
    if alive && pool.ended() && !stopped {
        shared.start(&cloud, pool);
    }
}

impl Shared {
    pub(super) async fn stopped(&self, cloud: &Cloud) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = cloud.ending().cancelled() => {}
        }
    }

    pub(super) fn ticks(&self) -> Interval {
        let many = u32::try_from(self.environments.len() / LOOKS).unwrap_or(u32::MAX);
        let every = TICK.saturating_mul(many.saturating_add(1));
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }
}

impl Environment {
    /// Whether it was ever counted as alive.
    async fn live(&mut self, permit: OwnedSemaphorePermit) -> bool {
        self.log.init_start();
        let began = Instant::now();
        let limit = self.shared.limits.init;
        let started = self.initialize(limit, Some(permit)).await;
        let took = began.elapsed();
        let failed = match started {
            Ok(instance) => {
                self.pool.started();
                let hint = hints::strange(self.pool.bootstrap());
                self.serve(instance, None, Some(took), hint).await;
                return true;
            }
            Err(failed) => failed,
        };
        if let Failure::Machine(_) = &failed.failure {
            for job in self.pool.start_impossible() {
                let id = &job.request.request_id;
                let run = Run::failed(&failed.failure, id, failed.hint.clone());
                drop(job.reply.send(run));
            }
            return false;
        }
        self.pool.started();
        if failed.failure == Failure::Stopped {
            return true;
        }
        let took = if let Failure::InitTimedOut(limit) = failed.failure {
            limit
        } else {
            took
        };
        self.log.init_report(took, "init", &failed.failure);
        match self.pool.take() {
            Some(job) => self.try_again(job, failed.hint).await,
            // Its request was taken by another.
            None => {
                if let Some(hint) = &failed.hint {
                    self.log.hint(hint);
                }
            }
        }
        true
    }

    /// Starts a process until it asks for its first run, which may take so long.
    async fn initialize(
        &mut self,
        limit: Duration,
        mut permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Instance, Failed> {
        let began = Instant::now();
        let mut instance = match self.start().await {
            Ok(instance) => instance,
            Err(failure) => return Err(self.failed(failure, None)),
        };
        let mut late = std::pin::pin!(sleep_until(began + limit));
        let mut ticks = self.shared.ticks();
        let failure = loop {
            let signal = instance.signal(self, late.as_mut(), Some(&mut ticks));
            match signal.await {
                Signal::Asked(Event::Next(poller)) => {
                    instance.polls(poller);
                    instance.memory.sample();
                    return Ok(instance);
                }
                Signal::Asked(Event::InitError { kind, payload }) => {
                    break Failure::Reported { kind, payload };
                }
                // The API takes no answers before there is a run.
                Signal::Asked(
                    Event::Response(_)
                    | Event::Stream(_)
                    | Event::Sent
                    | Event::Broken
                    | Event::Error(_)
                    | Event::TooLarge
                    | Event::ResponseMode,
                )
                | Signal::Wrote => {}
                Signal::Tick => {
                    if began.elapsed() > LONG_START {
                        permit = None;
                    }
                    if instance.over_limit(&self.pool.program) {
                        break Failure::OutOfMemory;
                    }
                    self.log.flush();
                }
                Signal::Ended(ending) => break Failure::Exited(ending),
                Signal::Late => break Failure::InitTimedOut(limit),
                Signal::Stopped => break Failure::Stopped,
            }
        };
        drop(permit);
        instance.end(&mut self.log).await;
        Err(self.failed(failure, instance.api.mistake().as_deref()))
    }

    async fn start(&mut self) -> Result<Instance, Failure> {
        let bootstrap = self.pool.bootstrap();
        if let Some(refused) = &bootstrap.refused {
            return Err(refused.clone());
        }
        let program = &self.pool.program;
        let machine = |error: &dyn std::error::Error| Failure::Machine(error.to_string());
        let api = Api::open(&self.cloud)
            .await
            .map_err(|error| machine(&error))?;
        // The session has the function's name, as on AWS.
        let sts = &self.cloud.services().sts;
        let credentials = sts
            .credentials_for(&self.cloud, &program.role, &program.function)
            .map_err(|error| machine(&error))?;
        let variables = variables(
            program,
            &self.cloud.endpoint(),
            &api.address().to_string(),
            self.log.stream(),
            &credentials,
        );
        let process = Process::start(&bootstrap.path, &program.code, &variables).await;
        let process = process.map_err(|error| not_executed(&error))?;
        let entry = process
            .id()
            .and_then(|pid| self.shared.ledger.remember(pid));
        Ok(Instance::new(api, process, entry))
    }

    fn failed(&self, failure: Failure, mistake: Option<&str>) -> Failed {
        let hint = self.hint(&failure, true, mistake);
        Failed { failure, hint }
    }

    pub(super) fn hint(
        &self,
        failure: &Failure,
        starting: bool,
        mistake: Option<&str>,
    ) -> Option<String> {
        let facts = Facts {
            program: &self.pool.program,
            bootstrap: self.pool.bootstrap(),
            starting,
            mistake,
            log: &self.log.recent(),
        };
        hints::hint(failure, &facts)
    }

    /// A start that failed is tried once more as part of the run, as on AWS.
    async fn try_again(&mut self, job: Job, first_hint: Option<String>) {
        let began = Instant::now();
        let timeout = self.pool.program.timeout;
        let failed = match self.initialize(timeout, None).await {
            Ok(instance) => {
                let first = Some((job, began));
                self.serve(instance, first, None, first_hint).await;
                return;
            }
            Err(failed) => failed,
        };
        let (failure, duration) = if let Failure::InitTimedOut(timeout) = failed.failure {
            (Failure::TimedOut(timeout), timeout)
        } else {
            (failed.failure, began.elapsed())
        };
        let id = &job.request.request_id;
        self.log.init_report(duration, "invoke", &failure);
        self.log.start(id);
        let report = Report {
            duration,
            init: None,
            memory_mb: 1,
            failure: Some(&failure),
        };
        self.log.end(id, &report);
        if let Some(hint) = &failed.hint {
            self.log.hint(hint);
        }
        self.log.flush();
        let run = Run {
            duration,
            log_tail: self.log.take_tail(),
            ..Run::failed(&failure, id, failed.hint)
        };
        drop(job.reply.send(run));
    }

    /// Runs what comes until there is a reason to end. `first` is a run that has begun already;
    /// the first run reports the start that took `init`, and the hint.
    async fn serve(
        &mut self,
        mut instance: Instance,
        mut first: Option<(Job, Instant)>,
        mut init: Option<Duration>,
        mut hint: Option<String>,
    ) {
        let mut answer = None;
        loop {
            let (job, began) = match first.take() {
                Some(first) => first,
                None => match self.next_job(&mut instance, answer.take()).await {
                    Some(job) => (job, Instant::now()),
                    None => break,
                },
            };
            let end = self
                .invoke(&mut instance, job, began, init.take(), hint.take())
                .await;
            answer = end.answer;
            if !end.goes_on {
                answer.into_iter().for_each(Answer::send);
                return;
            }
        }
        instance.end(&mut self.log).await;
    }

    /// Waits for something to run; none when it is time to end. The answer of the run before goes
    /// out when this environment can be found idle, so that a caller's next request finds it.
    async fn next_job(&mut self, instance: &mut Instance, answer: Option<Answer>) -> Option<Job> {
        let next = self.pool.next(self.id);
        answer.into_iter().for_each(Answer::send);
        // The caller does not wait for what is written.
        self.log.flush();
        let mut job = match next {
            Next::Job(job) => return Some(job),
            Next::Idle(job) => job,
            Next::End => return None,
        };
        let until = Instant::now() + self.shared.limits.idle;
        let mut late = std::pin::pin!(sleep_until(until));
        loop {
            let signal = tokio::select! {
                biased;
                job = &mut job => return job.ok(),
                signal = instance.signal(self, late.as_mut(), None) => signal,
            };
            match signal {
                Signal::Asked(Event::Next(poller)) => instance.polls(poller),
                Signal::Wrote => self.log.flush(),
                Signal::Late => {
                    if self.pool.no_longer_idle(self.id) {
                        return None;
                    }
                    return job.await.ok();
                }
                Signal::Ended(_) => {
                    if !self.pool.no_longer_idle(self.id)
                        && let Ok(job) = job.await
                    {
                        self.pool.put_back(job);
                    }
                    return None;
                }
                Signal::Stopped => return None,
                Signal::Tick
                | Signal::Asked(
                    Event::InitError { .. }
                    | Event::Response(_)
                    | Event::Stream(_)
                    | Event::Sent
                    | Event::Broken
                    | Event::Error(_)
                    | Event::TooLarge
                    | Event::ResponseMode,
                ) => {}
            }
        }
    }
}

/// The system's refusal to execute a program, in Go's words; or, when there is no room for another
/// process, this machine's failure and not the program's.
fn not_executed(error: &io::Error) -> Failure {
    Failure::Exec(match Errno::from_io_error(error) {
        Some(Errno::NOENT) => "no such file or directory",
        Some(Errno::ACCESS) => "permission denied",
        Some(Errno::PERM) => "operation not permitted",
        Some(Errno::NOEXEC) => "exec format error",
        Some(Errno::TOOBIG) => "argument list too long",
        Some(Errno::TXTBSY) => "text file busy",
        Some(Errno::NOTDIR) => "not a directory",
        Some(Errno::LOOP) => "too many levels of symbolic links",
        Some(Errno::INVAL) => "invalid argument",
        Some(_) | None => return Failure::Machine(error.to_string()),
    })
}
