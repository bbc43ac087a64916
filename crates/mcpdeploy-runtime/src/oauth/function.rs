//! The facade, served.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;
use thiserror::Error;
use tokio::time::{timeout, timeout_at};

use super::safe::{Safe, SafeError};
use crate::aws::{Aws, AwsError};
use crate::bridge::{give_up, refusal};
use crate::facade::{self, Clock, DiscoveryError, Facade, Signpost, Told, Trail};
use crate::lambda::{Call, Serve};
use crate::link::{Body, whole};
use crate::log::{Level, Log, in_full};
use crate::outbound::{Https, Outbound};
use crate::settings::{self, Environment, SettingsError};

const SETTINGS: &str = "MCPDEPLOY_FACADE";
const KEY: &str = "MCPDEPLOY_FACADE_KEY";

/// For how many seconds secrets count as fresh, and how many pass at least between two tries to read
/// them, whoever sends us what we cannot open.
const FRESH: u64 = 300;
const BETWEEN: u64 = 30;

/// How long a person waits for secrets that are there already.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no facade.
#[derive(Debug, Error)]
pub enum StartError {
    /// A variable is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The settings are not what settings are.
    #[error("failed to read {SETTINGS}")]
    Unreadable(#[from] serde_json::Error),
    /// With these settings nobody could log in.
    #[error("failed to work with {SETTINGS}")]
    Facade(#[from] facade::SettingsError),
    /// Lambda's own variables are not there.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A secret cannot be read.
    #[error(transparent)]
    Safe(#[from] SafeError),
    /// The upstream's endpoints are not known.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
}

/// The facade as what answers invocations.
pub struct Function {
    service: Service,
    streams: bool,
    log: Log,
}

/// What answers.
enum Service {
    /// The facade, at which clients log in.
    Facade(Box<Login>),
    /// What names the issuer at which they do.
    Signpost(Signpost),
}

/// The facade, and where its secrets are.
struct Login {
    facade: Facade,
    safe: Safe,
    clock: Clock,
    /// When the secrets were read, or when that was tried last.
    read: AtomicU64,
    log: Log,
}

impl Function {
    /// Reads settings and secrets, and asks the upstream where its endpoints are if it has to.
    ///
    /// # Errors
    /// Something of that is missing or wrong.
    pub async fn start(environment: &Environment, log: &Log) -> Result<Self, StartError> {
        let outbound = Arc::new(Https::default());
        Self::with(environment, log, outbound, Clock::system()).await
    }

    async fn with(
        environment: &Environment,
        log: &Log,
        outbound: Arc<dyn Outbound>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let streams = settings::streams(environment)?;
        let needed = |name| environment.get(name).ok_or(SettingsError::Missing(name));
        let settings = match Told::read(needed(SETTINGS)?)? {
            Told::Facade(settings) => *settings,
            Told::Signpost(directions) => {
                return Ok(Self {
                    service: Service::Signpost(Signpost::new(directions)?),
                    streams,
                    log: log.clone(),
                });
            }
        };
        let aws = Aws::from_environment(environment, Arc::clone(&outbound))?;
        let safe = Safe::new(aws, needed(KEY)?, &settings);
        let secrets = async { safe.open().await.map_err(StartError::from) };
        let endpoints = async {
            let found = settings.upstream.endpoints(&*outbound).await;
            found.map_err(StartError::from)
        };
        let (secrets, endpoints) = tokio::try_join!(secrets, endpoints)?;
        let facade = Facade::new(settings, secrets, endpoints, outbound, clock.clone())?;
        let login = Login {
            facade,
            safe,
            read: AtomicU64::new(clock.now()),
            clock,
            log: log.clone(),
        };
        Ok(Self {
            service: Service::Facade(Box::new(login)),
            streams,
            log: log.clone(),
        })
    }

    /// The line of a request in the log.
    fn tell(&self, method: &Method, answer: &Response<Body>) {
        let status = answer.status();
        let trail = answer.extensions().get::<Trail>().cloned();
        let trail = trail.unwrap_or_default();
        let level = if status.is_server_error() {
            Level::Error
        } else if trail.error.is_some() {
            Level::Warn
        } else {
            Level::Info
        };
        let path = Some(trail.path.as_str()).filter(|path| !path.is_empty());
        let path = path.unwrap_or("(another path)");
        let message = format!("{method} {path} {}", status.as_u16());
        let told = Line {
            method: method.as_str(),
            status: status.as_u16(),
            trail,
        };
        self.log.event(level, &message, &told);
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        match &self.service {
            Service::Facade(login) => login.answer(request).await,
            Service::Signpost(signpost) => signpost.handle(&request),
        }
    }
}

impl Login {
    /// Reads the secrets anew when they are `seconds` old. When that fails, those that are there go
    /// on counting.
    async fn renew(&self, seconds: u64) -> bool {
        let now = self.clock.now();
        let read = self.read.load(Ordering::Relaxed);
        if now < read.saturating_add(seconds) {
            return false;
        }
        self.read.store(now, Ordering::Relaxed);
        let why = match timeout(PATIENCE, self.safe.open()).await {
            Ok(Ok(secrets)) => {
                self.facade.renew(secrets);
                return true;
            }
            Ok(Err(error)) => in_full(&error),
            Err(_) => "it took too long".to_owned(),
        };
        let why = format!("the secrets in use stay as they are: {why}");
        self.log.line(Level::Warn, &why);
        false
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.renew(FRESH).await;
        let answer = self.facade.handle(request.clone()).await;
        // Another environment may have sealed it, with a key that we do not know yet. A request of
        // which something did not open has changed nothing.
        if self.facade.missed() && self.renew(BETWEEN).await {
            return self.facade.handle(request).await;
        }
        answer
    }
}

/// What the log says of a request.
#[derive(Serialize)]
struct Line<'a> {
    method: &'a str,
    status: u16,
    #[serde(flatten)]
    trail: Trail,
}

impl Serve for Function {
    async fn serve(&self, call: &Call, request: Request<Bytes>) -> Response<Body> {
        let method = request.method().clone();
        let answer = match timeout_at(give_up(call), self.answer(request)).await {
            Ok(answer) => answer.map(whole),
            Err(_) => refusal(StatusCode::GATEWAY_TIMEOUT, "the login took too long"),
        };
        self.tell(&method, &answer);
        answer
    }

    fn streams(&self) -> bool {
        self.streams
    }

    async fn stop(&self) {}
}

#[cfg(test)]
mod tests;
