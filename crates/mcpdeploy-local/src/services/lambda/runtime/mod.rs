//! The data plane of Lambda: processes that run a function's code and speak the Runtime API.
//!
//! It knows a frozen [`Program`] and requests for it. It must not know functions, aliases or
//! policies: who may run what is decided before.
//!
//! One process is one execution environment and runs one request at a time.
//!
//! | module | owns |
//! |---|---|
//! | `pool` | which environment takes which request |
//! | `environment` | the life of an environment: start, runs, idleness, end |
//! | `invocation` | one run |
//! | `instance` | a process and its Runtime API together |
//! | `api`, `state`, `streaming` | the Runtime API of one process |
//! | `process`, `memory`, `variables` | the process itself: its group, its memory, its variables |
//! | `bootstrap`, `elf` | what a package's executable is, before it is run |
//! | `failure`, `hints` | what went wrong, in Lambda's words and in ours |
//! | `log` | what goes to CloudWatch Logs |
//! | `leftovers` | processes that a killed cloud left behind |
//!
//! Where this is not as on AWS: processes see this machine's files (the code is not at `/var/task`,
//! `/tmp` is shared, the C library is the host's); an idle process is not frozen; what a process
//! does after its answer holds the answer up for at most [`Limits::grace`]; a process that failed is
//! replaced by a new environment, with a log stream and a reported start of its own; there are no
//! extensions, layers or SnapStart. Memory is limited where there is `/proc`.

mod api;
mod bootstrap;
mod elf;
mod environment;
mod failure;
mod family;
mod hints;
mod instance;
mod invocation;
mod leftovers;
mod log;
mod memory;
mod pool;
mod process;
mod state;
mod streaming;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use failure::Failure;
use leftovers::Ledger;
use pool::{Job, Pool};

/// What runs: one version of a function, frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// The function's name.
    pub(crate) function: String,
    /// `$LATEST` or the version's number.
    pub(crate) version: String,
    /// The function's ARN without a qualifier.
    pub(crate) arn: String,
    pub(crate) region: String,
    /// Changes with code or configuration: processes of another revision are not used again.
    pub(crate) revision: String,
    /// The folder of the unpacked code, read-only: `/var/task`.
    pub(crate) code: PathBuf,
    /// `x86_64` or `arm64`.
    pub(crate) architecture: String,
    pub(crate) handler: String,
    pub(crate) timeout: Duration,
    pub(crate) memory_mb: u32,
    /// The function's own variables.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) role: String,
    pub(crate) log_group: String,
}

/// One run that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct RunRequest {
    pub(crate) request_id: String,
    /// As it was invoked: with the alias or version, if any.
    pub(crate) invoked_arn: String,
    pub(crate) payload: Bytes,
    /// The client context, decoded from base64.
    pub(crate) client_context: Option<String>,
    pub(crate) trace: Option<String>,
    /// Whether the caller wants the end of the log, for which the answer waits for the run's end.
    pub(crate) log: bool,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    /// Until the answer, or until it began when it streams.
    pub(crate) duration: Duration,
    /// How long the process took to start, when it was a cold start.
    pub(crate) init: Option<Duration>,
    /// The end of the run's log, at most 4 KB, as `LogResult` has it.
    pub(crate) log_tail: Bytes,
    /// What to look at, in words for a person: the cause of a failure, or, of a cold start, what
    /// would not run on AWS.
    pub(crate) hint: Option<String>,
}

/// What came out of a run.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The function's answer.
    Payload(Bytes),
    /// The function's answer as it comes, when it streams: chunks, and an error in the middle.
    Stream {
        chunks: tokio::sync::mpsc::Receiver<Result<Bytes, StreamError>>,
    },
    /// An error object: the function's, or of a function that came to no end of its own.
    Error(Bytes),
}

/// An error in the middle of a stream: from the function's trailers, or because its process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamError {
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// The processes that there are.
#[derive(Debug)]
pub(crate) struct Runtime(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pools: Mutex<HashMap<PoolKey, Arc<Pool>>>,
    /// Starts at the same time. More of them would only take each other's processor.
    starts: Arc<Semaphore>,
    ledger: Arc<Ledger>,
    limits: Limits,
    environments: TaskTracker,
    stopping: CancellationToken,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PoolKey {
    arn: String,
    version: String,
    revision: String,
}

/// Times that are not the function's own.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How long a start may take; then it is tried again as part of the run. As on AWS.
    init: Duration,
    /// How long a process is kept without anything to do.
    idle: Duration,
    /// How long an answer is held back for the process to be ready again. Then the run's log is
    /// whole, and the next request finds the process idle. Most are ready at once.
    grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            grace: Duration::from_millis(50),
        }
    }
}

impl Runtime {
    /// Ends what an earlier cloud on this folder left running.
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Self::with_limits(storage, Limits::default())
    }

    fn with_limits(storage: &Storage, limits: Limits) -> Result<Self, ReadError> {
        // A process takes four file descriptors, and the usual soft limit is 1024 in all.
        let files = getrlimit(Resource::Nofile);
        let raised = rustix::process::Rlimit {
            current: files.maximum,
            ..files
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self(Arc::new(Shared {
            pools: Mutex::default(),
            starts: Arc::new(Semaphore::new(2 * cores)),
            ledger: Arc::new(Ledger::open(storage)?),
            limits,
            environments: TaskTracker::new(),
            stopping: CancellationToken::new(),
        })))
    }

    /// Runs a program once: in a warm process, or in a new one. The run goes on when nobody waits
    /// for it any more.
    pub(crate) async fn run(
        &self,
        cloud: &Cloud,
        program: Arc<Program>,
        request: RunRequest,
    ) -> Run {
        let request_id = request.request_id.clone();
        if !cfg!(target_os = "linux") {
            let failure = Failure::Exec("exec format error");
            return Run::failed(&failure, &request_id, Some(hints::not_linux()));
        }
        let (reply, answer) = oneshot::channel();
        let pool = self.0.pool(program);
        if pool.offer(Job { request, reply }) {
            self.0.start(cloud, pool);
        }
        match answer.await {
            Ok(run) => run,
            Err(_) => Run::failed(&Failure::Stopped, &request_id, None),
        }
    }

    /// How many processes a function has, busy and idle, of all its versions.
    pub(crate) fn processes(&self, region: &str, function: &str) -> usize {
        let pools = self.0.lock();
        let of_it = pools
            .values()
            .filter(|pool| pool.program.region == region && pool.program.function == function);
        of_it.map(|pool| pool.alive()).sum()
    }

    /// Lets the processes of a function end, or those of one of its versions: those at work after
    /// their run, and after those that wait for them. Whoever runs the program again gets new ones.
    pub(crate) fn retire(&self, arn: &str, version: Option<&str>) {
        let retired: Vec<_> = self
            .0
            .lock()
            .extract_if(|key, _| {
                key.arn == arn && version.is_none_or(|version| key.version == version)
            })
            .collect();
        for (_, pool) in retired {
            pool.retire();
        }
    }

    /// Ends all processes, and what they run. Nothing is run afterwards.
    pub(crate) async fn stop(&self) {
        self.0.stopping.cancel();
        let pools = std::mem::take(&mut *self.0.lock());
        for pool in pools.values() {
            pool.close();
        }
        self.0.environments.close();
        self.0.environments.wait().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<PoolKey, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool(&self, program: Arc<Program>) -> Arc<Pool> {
        let key = PoolKey {
            arn: program.arn.clone(),
            version: program.version.clone(),
            revision: program.revision.clone(),
        };
        let mut pools = self.lock();
        let pool = pools
            .entry(key)
            .or_insert_with(|| Arc::new(Pool::new(program)));
        if self.stopping.is_cancelled() {
            pool.close();
        }
        pool.clone()
    }

    /// Begins a start.
    fn start(self: &Arc<Self>, cloud: &Cloud, pool: Arc<Pool>) {
        let life = environment::live(cloud.clone(), self.clone(), pool);
        let life = self.environments.track_future(life);
        cloud.tasks().spawn(life);
    }
}

impl Run {
    fn failed(failure: &Failure, request_id: &str, hint: Option<String>) -> Self {
        Self {
            outcome: Outcome::Error(failure.payload(request_id)),
            duration: Duration::ZERO,
            init: None,
            log_tail: Bytes::new(),
            hint,
        }
    }
}
