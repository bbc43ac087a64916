//! One running cloud: its settings, its services, its folder and its port.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use thiserror::Error;
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::running::{self, LockError, Running, Status};
use crate::seen::Seen;
use crate::server;
use crate::services::Services;
use crate::storage::{ReadError, Storage};
use crate::switches::{FaultKind, Switches};
use crate::wire::{Body, Call, Fault, ServiceId, Unreadable, full};

/// The account that everything belongs to. AWS gives no such number to anybody.
pub(crate) const ACCOUNT: &str = "000000000000";

/// How long a call that is never to be answered is kept, at most.
const HANG: Duration = Duration::from_secs(600);

/// How to start a cloud.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where what is created is kept. Without it, nothing outlives the cloud.
    pub data: Option<PathBuf>,
    /// The loopback port to listen on; without it, a free one.
    pub port: Option<u16>,
    /// What is made worse on purpose.
    pub switches: Switches,
}

/// A cloud that could not be started.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The data folder cannot be read.
    #[error("open the data folder")]
    Data(#[from] ReadError),
    /// The data folder is in use, or cannot be locked.
    #[error("take the data folder")]
    Lock(#[from] LockError),
    /// The port cannot be had.
    #[error("listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A running cloud. Clones are the same cloud.
#[derive(Debug, Clone)]
pub struct Cloud(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    running: Running,
    since: OffsetDateTime,
    data: Option<PathBuf>,
    /// Held for as long as the cloud is.
    lock: Option<File>,
    asked_to_end: CancellationToken,
    switches: Mutex<Switches>,
    /// Calls since the switches were set.
    calls: AtomicU64,
    buckets: Mutex<server::Buckets>,
    watchers: broadcast::Sender<Seen>,
    tasks: TaskTracker,
    ending: CancellationToken,
    services: Services,
    /// Dropped last: it may be a temporary folder.
    /// Its folder goes with it when it is a temporary one.
    _storage: Storage,
}

/// A call that was done or not, and is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the answer is lost on purpose")]
pub(crate) struct Lost;

impl Cloud {
    /// Starts a cloud with what its data folder holds. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the data folder cannot be read or the port cannot be had.
    pub async fn start(settings: Settings) -> Result<Self, OpenError> {
        let storage = Storage::open(settings.data.as_deref())?;
        let data = settings.data.is_some().then(|| storage.root().to_owned());
        let lock = data.as_deref().map(running::lock).transpose()?;
        let wanted = SocketAddrV4::new(Ipv4Addr::LOCALHOST, settings.port.unwrap_or(0));
        let listen = |source| OpenError::Listen {
            address: wanted.into(),
            source,
        };
        let listener = server::bind(wanted.into()).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (watchers, _) = broadcast::channel(4096);
        let cloud = Self(Arc::new(Inner {
            running: Running::new(format!("http://{address}")),
            since: OffsetDateTime::now_utc(),
            data,
            lock,
            asked_to_end: CancellationToken::new(),
            switches: Mutex::new(settings.switches),
            calls: AtomicU64::new(0),
            buckets: Mutex::default(),
            watchers,
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            services: Services::open(&storage)?,
            _storage: storage,
        }));
        server::listen(&cloud, listener);
        cloud.services().start(&cloud).await;
        Ok(cloud)
    }

    /// The address of the control plane, e.g. `http://127.0.0.1:4600`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.0.running.endpoint.clone()
    }

    /// Lets other processes find this cloud by its data folder: see [`Running::find`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn announce(&self) -> std::io::Result<()> {
        match &self.0.data {
            Some(data) => self.0.running.announce(data),
            None => Ok(()),
        }
    }

    /// Waits until somebody asks the cloud to end by its door.
    pub async fn asked_to_end(&self) {
        self.0.asked_to_end.cancelled().await;
    }

    pub(crate) fn ask_to_end(&self) {
        self.0.asked_to_end.cancel();
    }

    pub(crate) fn running(&self) -> &Running {
        &self.0.running
    }

    /// What the cloud says of itself.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: self.0.running.pid,
            endpoint: self.endpoint(),
            data: self.0.data.clone(),
            since: crate::wire::iso(self.0.since),
            switches: self.switches(),
            apis: self.services().apigateway.status(),
            functions: self.services().lambda.status(),
        }
    }

    /// Watches what passes through from now on. A slow watcher misses things; nobody waits for it.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Seen> {
        self.0.watchers.subscribe()
    }

    /// Sets the switches anew; faults count from the next call.
    pub fn switch(&self, switches: Switches) {
        *self.lock_switches() = switches;
        self.0.calls.store(0, Ordering::SeqCst);
    }

    /// Ends the cloud: no new connection is taken, functions are stopped.
    pub async fn stop(&self) {
        self.0.ending.cancel();
        self.services().stop(self).await;
        self.0.tasks.close();
        // Connections that somebody keeps open do not hold up the end.
        drop(tokio::time::timeout(Duration::from_secs(2), self.0.tasks.wait()).await);
        // Not left to the file's end: a function that is just being started may hold a copy of it.
        if let Some(lock) = &self.0.lock {
            drop(lock.unlock());
        }
    }

    /// The time by which everything is stamped.
    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    /// What is made worse at the moment.
    pub(crate) fn switches(&self) -> Switches {
        self.lock_switches().clone()
    }

    pub(crate) fn services(&self) -> &Services {
        &self.0.services
    }

    /// The tasks of this cloud, which [`Cloud::stop`] waits for.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Cancelled when the cloud ends.
    pub(crate) fn ending(&self) -> &CancellationToken {
        &self.0.ending
    }

    /// Tells those who watch. Costs nothing when nobody does.
    pub(crate) fn tell(&self, seen: impl FnOnce() -> Seen) {
        if self.0.watchers.receiver_count() > 0 {
            drop(self.0.watchers.send(seen()));
        }
    }

    /// Answers a call of a service's API, with the switches applied.
    pub(crate) async fn call(&self, request: Request<Bytes>) -> Result<Response<Body>, Lost> {
        let began = Instant::now();
        let id = uuid::Uuid::new_v4().to_string();
        let mut call = match Call::read(request, id) {
            Ok(call) => call,
            Err(unreadable) => return Ok(refuse(&unreadable)),
        };
        let switches = self.switches();
        if let Some(latency) = switches.latency {
            let time = if call.only_reads() {
                latency.read
            } else {
                latency.write
            };
            tokio::time::sleep(time).await;
        }
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = switches.faults.iter().find(|fault| fault.call == number);
        let fault = fault.map(|fault| fault.kind);
        let throttled = switches.throttle.is_some_and(|throttle| {
            let mut buckets = self
                .0
                .buckets
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            !buckets.take(call.service, throttle, Instant::now().into_std())
        });
        let answer = if throttled {
            Err(slow_down(call.service))
        } else if fault == Some(FaultKind::Fail) {
            Err(Fault::internal("this call fails on purpose (--fault)"))
        } else {
            self.services().handle(self, &mut call).await
        };
        let lost = match fault {
            Some(FaultKind::Lose) => true,
            Some(FaultKind::Hang) => {
                tokio::select! {
                    () = tokio::time::sleep(HANG) => {}
                    () = self.ending().cancelled() => {}
                }
                true
            }
            Some(FaultKind::Fail) | None => false,
        };
        let response = call.respond(answer);
        self.tell(|| Seen::Call {
            service: call.service.name().to_owned(),
            operation: call.operation.clone(),
            status: if lost { 0 } else { response.status().as_u16() },
            millis: began.elapsed().as_secs_f64() * 1000.0,
        });
        if lost { Err(Lost) } else { Ok(response) }
    }

    fn lock_switches(&self) -> std::sync::MutexGuard<'_, Switches> {
        self.0
            .switches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers what is no call of a service.
fn refuse(unreadable: &Unreadable) -> Response<Body> {
    let (status, text) = match unreadable {
        Unreadable::NoService => (
            http::StatusCode::FORBIDDEN,
            "this is the embedded cloud of mcpdeploy: requests of its services are signed, as every AWS SDK does\n"
                .to_owned(),
        ),
        Unreadable::UnknownService(name) => (
            http::StatusCode::NOT_IMPLEMENTED,
            format!("the embedded cloud has no service `{name}`\n"),
        ),
        Unreadable::Body(service) => (
            http::StatusCode::BAD_REQUEST,
            format!("the body of this call of {} does not read\n", service.name()),
        ),
    };
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    response
}

/// What a service says to one call too many. (Sources: the services' error lists; the query
/// services answer `Throttling` with status 400.)
fn slow_down(service: ServiceId) -> Fault {
    let (status, code) = match service {
        ServiceId::Lambda | ServiceId::ApiGatewayV2 => (429, "TooManyRequestsException"),
        ServiceId::CognitoIdp => (400, "TooManyRequestsException"),
        ServiceId::Iam | ServiceId::Sns | ServiceId::Sts => (400, "Throttling"),
        ServiceId::S3 => (503, "SlowDown"),
        ServiceId::CloudWatch
        | ServiceId::DynamoDb
        | ServiceId::Kms
        | ServiceId::Logs
        | ServiceId::SecretsManager
        | ServiceId::Ssm => (400, "ThrottlingException"),
    };
    let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::TOO_MANY_REQUESTS);
    Fault::new(status, code, "Rate exceeded")
}
