//! Running a function: which version, whether it may, and what is told about it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::faults::{no_function, throttled};
use super::flights::{ACCOUNT_CONCURRENCY, Flight, Full};
use super::metrics::Metered;
use super::model::{Alias, Configuration, Function};
use super::names::{LATEST, Target};
use super::runtime::{Outcome, Program, Run, RunRequest};
use super::update::is_pending;
use super::{Lambda, Ran, Refused, ServiceInvoke, permissions, runtimes};
use crate::cloud::Cloud;
use crate::seen::Seen;
use crate::wire::Fault;

/// The largest payload of an invocation that is waited for, in bytes. Source: "Lambda quotas".
pub(super) const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// What is to run.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) program: Arc<Program>,
    pub(super) metered: Metered,
    /// Whether this cloud can run it at all.
    runs: Option<String>,
    key: String,
    reserved: Option<u32>,
    /// The topic that gets an event that could not be handled.
    pub(super) dead_letter: Option<String>,
}

/// A run that has come to its end, with its answer whole.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) payload: Bytes,
    pub(super) failed: bool,
    pub(super) log_tail: Bytes,
    /// What to look at, in words for a person.
    pub(super) hint: Option<String>,
}

impl Lambda {
    /// Finds out what runs when a target is invoked now. Aliases with two versions are rolled for.
    pub(super) fn choose(&self, cloud: &Cloud, target: &Target) -> Result<Chosen, Fault> {
        let rows = self.lock();
        let function = rows.function(target)?;
        let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
        let alias = function.aliases.get(qualifier);
        let version = match alias {
            Some(alias) => roll(alias, fastrand::f64()),
            None => qualifier.to_owned(),
        };
        let now = cloud.now();
        let configuration = if version == LATEST {
            let latest = &function.latest;
            match &function.previous {
                Some(previous) if latest.is_updating(now) => previous,
                Some(_) | None => latest,
            }
        } else {
            let number = version.parse().ok();
            let found = number.and_then(|number| rows.version(function, number));
            found.ok_or_else(|| no_function(&target.arn()))?
        };
        if configuration.is_pending(now) {
            return Err(is_pending());
        }
        let resource = match &target.qualifier {
            None => function.name.clone(),
            Some(qualifier) => format!("{}:{qualifier}", function.name),
        };
        let runs = (!runtimes::runs(&configuration.runtime)).then(|| configuration.runtime.clone());
        Ok(Chosen {
            program: Arc::new(self.program(function, configuration, &version)),
            metered: Metered {
                region: function.region.clone(),
                function: function.name.clone(),
                resource,
                executed: alias.map(|_| version),
            },
            runs,
            key: function.key(),
            reserved: function.reserved,
            dead_letter: configuration.dead_letter.clone(),
        })
    }

    fn program(&self, function: &Function, from: &Configuration, version: &str) -> Program {
        Program {
            function: function.name.clone(),
            version: version.to_owned(),
            arn: function.arn(),
            region: function.region.clone(),
            revision: from.build.clone(),
            code: self.packages.unpacked(&from.package),
            architecture: from.architecture.clone(),
            handler: from.handler.clone(),
            timeout: Duration::from_secs(u64::from(from.timeout)),
            memory_mb: from.memory_mb,
            environment: from.environment.clone().unwrap_or_default(),
            role: from.role.clone(),
            log_group: from.logging.group.clone(),
        }
    }

    /// Takes a place among the runs under way.
    pub(super) fn begin(&self, cloud: &Cloud, chosen: &Chosen) -> Result<Flight, Fault> {
        if let Some(runtime) = &chosen.runs {
            return Err(Fault::absent(format!(
                "the runtime {runtime}: functions that run here bring their own (provided.al2023 \
                 or provided.al2), and {}",
                chosen.program.function
            )));
        }
        let rows = self.lock();
        let region = &chosen.program.region;
        let unreserved = || ACCOUNT_CONCURRENCY.saturating_sub(rows.reserved(region));
        let begun = self
            .flights
            .begin(&chosen.key, region, chosen.reserved, unreserved);
        drop(rows);
        begun.map_err(|full| {
            chosen.metered.throttled(cloud);
            throttled(full == Full::Reserve)
        })
    }

    /// Runs a program and waits for its whole answer.
    ///
    /// It goes on when the caller is gone, as on AWS.
    pub(super) async fn finish(
        cloud: &Cloud,
        chosen: Chosen,
        flight: Flight,
        request: RunRequest,
    ) -> Result<Finished, Fault> {
        let owner = cloud.clone();
        let task = cloud.tasks().spawn(async move {
            let began = Instant::now();
            let runtime = &owner.services().lambda.runtime;
            let run = runtime
                .run(&owner, Arc::clone(&chosen.program), request)
                .await;
            let (duration, init) = (run.duration, run.init);
            let streamed = matches!(run.outcome, Outcome::Stream { .. });
            let finished = whole(run).await;
            // How long a stream takes shows at its end only.
            let duration = if streamed { began.elapsed() } else { duration };
            chosen.landed(&owner, &flight, duration, init, &finished);
            finished
        });
        let ended = task.await;
        ended.map_err(|error| Fault::internal(format!("the run was cut short: {error}")))
    }

    /// Invokes a function for another service, which must have been given permission.
    pub(super) async fn serve(
        &self,
        cloud: &Cloud,
        invoke: ServiceInvoke<'_>,
    ) -> Result<Ran, Refused> {
        let missing = || Refused::NotFound(invoke.function.to_owned());
        let target = Target::of_arn(invoke.function).ok_or_else(missing)?;
        let allowed = {
            let rows = self.lock();
            let function = rows.functions.get(&target.key()).ok_or_else(missing)?;
            let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
            if !function.has(qualifier) {
                return Err(missing());
            }
            let statements = function.policies.get(qualifier);
            permissions::allows(statements, invoke.principal, invoke.source_arn)
        };
        if !allowed {
            return Err(Refused::Forbidden);
        }
        if invoke.payload.len() > LARGEST_PAYLOAD {
            return Err(Refused::Invalid(format!(
                "Request must be smaller than {LARGEST_PAYLOAD} bytes for the InvokeFunction operation"
            )));
        }
        let refused = |fault: Fault| match fault.code.as_str() {
            "ResourceNotFoundException" => missing(),
            "TooManyRequestsException" => Refused::Throttled,
            _ => Refused::Invalid(fault.message),
        };
        let chosen = self.choose(cloud, &target).map_err(refused)?;
        let flight = self.begin(cloud, &chosen).map_err(refused)?;
        let request = RunRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            invoked_arn: target.arn(),
            payload: invoke.payload,
            client_context: None,
            trace: invoke.trace.map(str::to_owned),
            log: false,
        };
        let finished = Self::finish(cloud, chosen, flight, request)
            .await
            .map_err(refused)?;
        Ok(Ran {
            payload: finished.payload,
            failed: finished.failed,
        })
    }
}

impl Chosen {
    /// Tells CloudWatch and those who watch how a run ended.
    pub(super) fn landed(
        &self,
        cloud: &Cloud,
        flight: &Flight,
        duration: Duration,
        init: Option<Duration>,
        finished: &Finished,
    ) {
        let failed = finished.failed;
        self.metered.ran(cloud, failed, duration, flight.concurrent);
        cloud.tell(|| {
            let error = failed.then(|| told(&finished.payload));
            Seen::Invocation {
                function: self.program.function.clone(),
                version: self.program.version.clone(),
                millis: duration.as_secs_f64() * 1000.0,
                init_millis: init.map(|init| init.as_secs_f64() * 1000.0),
                error,
                hint: finished.hint.clone(),
            }
        });
    }
}

/// The version that an alias leads to; `roll` is a number from 0 to 1.
fn roll(alias: &Alias, roll: f64) -> String {
    match alias.additional {
        Some((version, weight)) if roll < weight => version.to_string(),
        Some(_) | None => alias.version.clone(),
    }
}

/// Waits for the whole answer of a run.
async fn whole(run: Run) -> Finished {
    let (payload, failed) = match run.outcome {
        Outcome::Payload(payload) => (payload, false),
        Outcome::Error(payload) => (payload, true),
        Outcome::Stream { mut chunks } => {
            let mut all = BytesMut::new();
            let mut failed = false;
            while let Some(chunk) = chunks.recv().await {
                match chunk {
                    Ok(bytes) => all.extend_from_slice(&bytes),
                    Err(error) => {
                        all.clear();
                        all.extend_from_slice(error.body.as_bytes());
                        failed = true;
                    }
                }
            }
            (all.freeze(), failed)
        }
    };
    Finished {
        payload,
        failed,
        log_tail: run.log_tail,
        hint: run.hint,
    }
}

/// The end of a log as `LogResult` has it.
pub(super) fn log_result(tail: &[u8]) -> String {
    BASE64_STANDARD.encode(tail)
}

/// An error object as one line: its type and its message.
fn told(payload: &[u8]) -> String {
    let error: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
    match (error["errorType"].as_str(), error["errorMessage"].as_str()) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::from_utf8_lossy(payload).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_below_the_weight_leads_to_the_additional_version() {
        let mut alias = Alias {
            version: "1".to_owned(),
            description: String::new(),
            additional: Some((2, 0.1)),
            revision: String::new(),
        };
        assert_eq!(roll(&alias, 0.05), "2");
        assert_eq!(roll(&alias, 0.1), "1");
        assert_eq!(roll(&alias, 0.99), "1");
        alias.additional = Some((2, 1.0));
        assert_eq!(roll(&alias, 0.999), "2");
        alias.additional = Some((2, 0.0));
        assert_eq!(roll(&alias, 0.0), "1");
    }

    #[test]
    fn an_error_object_is_told_in_one_line() {
        let error = br#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#;
        assert_eq!(told(error), "Runtime.ExitError: exit status 1");
        assert_eq!(told(br#"{"errorMessage":"x"}"#), "x");
        assert_eq!(told(b"what?"), "what?");
    }
}
