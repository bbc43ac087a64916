//! One run in a process that waits for it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::api::{Event, Invocation};
use super::environment::Environment;
use super::failure::Failure;
use super::instance::{Instance, Signal};
use super::log::Report;
use super::pool::Job;
use super::{Outcome, Run, RunRequest, StreamError};
use crate::cloud::Cloud;

/// How long an answer that broke off waits for the end of its process, which would be the reason.
const BROKEN: Duration = Duration::from_millis(200);

/// A run under way.
#[derive(Debug)]
struct Course {
    request_id: String,
    began: Instant,
    /// When it is cut.
    until: Instant,
    /// Of the cold start that this is the first run after.
    init: Option<Duration>,
    hint: Option<String>,
    /// Whether the answer waits for the whole log.
    log: bool,
    /// None when the caller has got its answer.
    reply: Option<oneshot::Sender<Run>>,
    /// What the process answered.
    outcome: Option<Outcome>,
    /// How long that took.
    answered: Option<Duration>,
    /// By which a stream that is not at its end gets an error.
    stream: Option<mpsc::Sender<Result<Bytes, StreamError>>>,
    /// An answer broke off.
    broken: bool,
    /// What was wrong with the answer.
    fault: Option<Failure>,
}

/// How a run left its environment.
#[derive(Debug)]
pub(super) struct End {
    /// Whether the process is there for another.
    pub(super) goes_on: bool,
    /// What its caller still waits for.
    pub(super) answer: Option<Answer>,
}

/// An answer, and who waits for it.
#[derive(Debug)]
pub(super) struct Answer {
    reply: oneshot::Sender<Run>,
    run: Run,
}

impl Answer {
    pub(super) fn send(self) {
        // When nobody waits any more, the run was for its effects.
        drop(self.reply.send(self.run));
    }
}

impl Environment {
    /// Runs a request that began to count at `began`.
    pub(super) async fn invoke(
        &mut self,
        instance: &mut Instance,
        job: Job,
        began: Instant,
        init: Option<Duration>,
        hint: Option<String>,
    ) -> End {
        let until = began + self.pool.program.timeout;
        let request_id = job.request.request_id.clone();
        let log = job.request.log;
        let invocation = Arc::new(invocation(&self.cloud, job.request, until));
        let mut course = Course {
            request_id,
            began,
            until,
            init,
            hint,
            log,
            reply: Some(job.reply),
            outcome: None,
            answered: None,
            stream: None,
            broken: false,
            fault: None,
        };
        self.log.start(&course.request_id);
        instance.api.begin(&course.request_id);
        instance.offer(&invocation);
        let failure = self.follow(instance, &invocation, &mut course).await;
        self.conclude(instance, course, failure).await
    }

    /// Follows a run to its end: none when the process asks for the next.
    async fn follow(
        &mut self,
        instance: &mut Instance,
        invocation: &Arc<Invocation>,
        course: &mut Course,
    ) -> Option<Failure> {
        let mut late = pin!(sleep_until(course.until));
        let mut ticks = self.shared.ticks();
        loop {
            let signal = instance.signal(self, late.as_mut(), Some(&mut ticks)).await;
            let answered = match signal {
                Signal::Asked(Event::Next(poller)) => {
                    instance.polls(poller);
                    if course.answered.is_some() {
                        return None;
                    }
                    instance.offer(invocation);
                    false
                }
                Signal::Asked(Event::Response(payload)) => course.take(Outcome::Payload(payload)),
                Signal::Asked(Event::Error(payload)) => course.take(Outcome::Error(payload)),
                Signal::Asked(Event::TooLarge) => course.refuse(Failure::TooLarge),
                Signal::Asked(Event::ResponseMode) => course.refuse(Failure::ResponseMode),
                Signal::Asked(Event::Stream(stream)) => {
                    course.stream = Some(stream.end);
                    course.outcome = Some(Outcome::Stream {
                        chunks: stream.chunks,
                    });
                    let tail = self.log.take_tail();
                    course.answer(tail).into_iter().for_each(Answer::send);
                    false
                }
                Signal::Asked(Event::Sent) => {
                    course.stream = None;
                    course.answered = Some(course.began.elapsed());
                    true
                }
                Signal::Asked(Event::Broken) => {
                    course.broken = true;
                    late.as_mut()
                        .reset((Instant::now() + BROKEN).min(course.until));
                    false
                }
                Signal::Asked(Event::InitError { .. }) | Signal::Wrote => false,
                Signal::Tick => {
                    if instance.over_limit(&self.pool.program) {
                        return Some(Failure::OutOfMemory);
                    }
                    if self.log.has_waiting() {
                        self.log.flush();
                    }
                    false
                }
                Signal::Ended(ending) => return Some(Failure::Exited(ending)),
                Signal::Stopped => return Some(Failure::Stopped),
                Signal::Late if Instant::now() >= course.until => {
                    return Some(Failure::TimedOut(self.pool.program.timeout));
                }
                // The process lives, and did not finish its answer.
                Signal::Late if course.broken => {
                    course.broken = false;
                    self.end_stream(course, &Failure::Truncated);
                    course.refuse(Failure::Truncated)
                }
                // It does something after its answer, which the caller does not wait for.
                Signal::Late => {
                    let tail = self.log.take_tail();
                    course.answer(tail).into_iter().for_each(Answer::send);
                    late.as_mut().reset(course.until);
                    false
                }
            };
            if answered && !course.log {
                let grace = Instant::now() + self.shared.limits.grace;
                late.as_mut().reset(grace.min(course.until));
            }
        }
    }

    /// Writes the end of a run.
    async fn conclude(
        &mut self,
        instance: &mut Instance,
        mut course: Course,
        failure: Option<Failure>,
    ) -> End {
        let mut memory_mb = instance.memory.peak_mb().max(1);
        match &failure {
            Some(failure) => {
                instance.end(&mut self.log).await;
                self.end_stream(&mut course, failure);
                if *failure == Failure::OutOfMemory {
                    memory_mb = u64::from(self.pool.program.memory_mb);
                }
            }
            None => instance.process.drain(&mut self.log),
        }
        let cause = failure.as_ref().or(course.fault.as_ref());
        if let Some(cause) = cause {
            let mistake = instance.api.mistake();
            let hint = self.hint(cause, false, mistake.as_deref());
            course.hint = hint.or(course.hint);
        }
        let duration = match &failure {
            Some(Failure::TimedOut(timeout)) => *timeout,
            Some(_) | None => course.began.elapsed(),
        };
        let report = Report {
            duration,
            init: course.init,
            memory_mb,
            failure: failure.as_ref(),
        };
        self.log.end(&course.request_id, &report);
        if let Some(hint) = &course.hint {
            self.log.hint(hint);
        }
        if failure.is_some() {
            self.log.flush();
        }
        let tail = self.log.take_tail();
        if let Some(failure) = &failure
            && course.outcome.is_none()
        {
            course.outcome = Some(Outcome::Error(failure.payload(&course.request_id)));
            course.answered = Some(duration);
        }
        End {
            goes_on: failure.is_none(),
            answer: course.answer(tail),
        }
    }

    /// Ends a stream that is not at its end with an error. Its reader may be slow: nobody waits.
    fn end_stream(&self, course: &mut Course, failure: &Failure) {
        let Some(stream) = course.stream.take() else {
            return;
        };
        let payload = failure.payload(&course.request_id);
        let error = StreamError {
            kind: failure.kind().to_owned(),
            body: String::from_utf8_lossy(&payload).into_owned(),
        };
        self.cloud.tasks().spawn(async move {
            drop(stream.send(Err(error)).await);
        });
    }
}

impl Course {
    /// Takes an answer; when there is one already, the first one holds. Returns true.
    fn take(&mut self, outcome: Outcome) -> bool {
        self.answered = Some(self.began.elapsed());
        if self.outcome.is_none() && self.reply.is_some() {
            self.outcome = Some(outcome);
        }
        true
    }

    /// Puts an error in place of an answer that cannot be taken. Returns true.
    fn refuse(&mut self, failure: Failure) -> bool {
        let payload = failure.payload(&self.request_id);
        self.fault = Some(failure);
        self.take(Outcome::Error(payload))
    }

    /// What there is for the caller, once.
    fn answer(&mut self, log_tail: Bytes) -> Option<Answer> {
        let outcome = self.outcome.take()?;
        let reply = self.reply.take()?;
        let run = Run {
            outcome,
            duration: self.answered.unwrap_or_else(|| self.began.elapsed()),
            init: self.init,
            log_tail,
            hint: self.hint.clone(),
        };
        Some(Answer { reply, run })
    }
}

/// A request as the process gets it. What no header can hold is left out.
fn invocation(cloud: &Cloud, request: RunRequest, until: Instant) -> Invocation {
    let left = until.saturating_duration_since(Instant::now());
    let deadline = (cloud.now() + left).unix_timestamp_nanos() / 1_000_000;
    let mut headers = HeaderMap::with_capacity(8);
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("lambda-runtime-aws-request-id", &request.request_id);
    set("lambda-runtime-deadline-ms", &deadline.to_string());
    set("lambda-runtime-invoked-function-arn", &request.invoked_arn);
    let trace = request.trace.unwrap_or_else(|| trace(cloud));
    set("lambda-runtime-trace-id", &trace);
    if let Some(context) = &request.client_context {
        set("lambda-runtime-client-context", context);
    }
    set(CONTENT_TYPE.as_str(), "application/json");
    Invocation {
        payload: request.payload,
        headers,
    }
}

/// A new trace, which nobody samples.
fn trace(cloud: &Cloud) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let parent = uuid::Uuid::new_v4().simple().to_string();
    format!(
        "Root=1-{:08x}-{};Parent={};Sampled=0",
        cloud.now().unix_timestamp(),
        id.get(..24).unwrap_or_default(),
        parent.get(..16).unwrap_or_default()
    )
}
