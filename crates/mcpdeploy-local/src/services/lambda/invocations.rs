//! The operations that invoke: waited for, as an event, tried only, and streamed.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::asynchronous::Event;
use super::faults::{Violations, too_large};
use super::flights::Flight;
use super::invoke::{Chosen, Finished, LARGEST_PAYLOAD, log_result};
use super::names::Target;
use super::runtime::{Outcome, RunRequest};
use super::{Lambda, stream};
use crate::cloud::Cloud;
use crate::wire::{Call, Content, Fault, Reply, full};

/// The largest payload of an event, in bytes. Source: "Lambda quotas", 1 MB since October 2025.
const LARGEST_EVENT: usize = 1024 * 1024;

const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");

/// What [`FUNCTION_ERROR`] says. That a function reported an error itself was `Handled` with
/// runtimes of old; those that bring their own bootstrap get this for either.
const UNHANDLED: &str = "Unhandled";
const LOG_RESULT: HeaderName = HeaderName::from_static("x-amz-log-result");

/// What a caller asks for besides the payload.
#[derive(Debug)]
struct Wishes {
    kind: Kind,
    log: bool,
    client_context: Option<String>,
}

/// How a function is invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    RequestResponse,
    Event,
    DryRun,
}

impl Lambda {
    pub(super) async fn invoke(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let wishes = Wishes::read(call)?;
        // There is such a function, before anything is said about the payload.
        self.lock().function(&target)?;
        let payload = payload(call, wishes.kind)?;
        let chosen = self.choose(cloud, &target)?;
        let request = RunRequest {
            request_id: call.request_id.clone(),
            invoked_arn: target.arn(),
            payload,
            client_context: wishes.client_context,
            trace: call.header("x-amzn-trace-id").map(str::to_owned),
            log: wishes.log,
        };
        match wishes.kind {
            Kind::DryRun => Ok(Reply::empty(StatusCode::NO_CONTENT)),
            Kind::Event => {
                chosen.metered.event(cloud, false);
                Event::accept(cloud, target, request);
                Ok(Reply::empty(StatusCode::ACCEPTED))
            }
            Kind::RequestResponse => {
                let flight = self.begin(cloud, &chosen)?;
                let version = chosen.program.version.clone();
                let finished = Self::finish(cloud, chosen, flight, request).await?;
                Ok(answer(finished, &version, wishes.log))
            }
        }
    }

    /// The old asynchronous operation.
    pub(super) fn invoke_async(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let chosen = self.choose(cloud, &target)?;
        let request = RunRequest {
            request_id: call.request_id.clone(),
            invoked_arn: target.arn(),
            payload: payload(call, Kind::Event)?,
            client_context: None,
            trace: None,
            log: false,
        };
        chosen.metered.event(cloud, false);
        Event::accept(cloud, target, request);
        Ok(Reply::empty(StatusCode::ACCEPTED))
    }

    pub(super) async fn invoke_streaming(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let wishes = Wishes::read(call)?;
        self.lock().function(&target)?;
        let payload = payload(call, wishes.kind)?;
        let chosen = self.choose(cloud, &target)?;
        if wishes.kind == Kind::DryRun {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        let flight = self.begin(cloud, &chosen)?;
        let version = chosen.program.version.clone();
        let request = RunRequest {
            request_id: call.request_id.clone(),
            invoked_arn: target.arn(),
            payload,
            client_context: wishes.client_context,
            trace: call.header("x-amzn-trace-id").map(str::to_owned),
            // A stream is answered before there is a log.
            log: false,
        };
        let (sender, receiver) = mpsc::channel(16);
        let owner = cloud.clone();
        cloud.tasks().spawn(async move {
            pass_on(&owner, chosen, flight, request, wishes.log, sender).await;
        });
        let content = Content::Raw(stream::body(receiver));
        let event_stream = HeaderValue::from_static("application/vnd.amazon.eventstream");
        let reply = Reply::with_status(StatusCode::OK, content).header(CONTENT_TYPE, event_stream);
        Ok(with_version(reply, &version))
    }
}

impl Wishes {
    fn read(call: &Call) -> Result<Self, Fault> {
        let mut violations = Violations::default();
        let kind = match call.header("x-amz-invocation-type") {
            None | Some("RequestResponse") => Kind::RequestResponse,
            Some("Event") => Kind::Event,
            Some("DryRun") => Kind::DryRun,
            Some(other) => {
                let all = ["Event", "RequestResponse", "DryRun"];
                violations.one_of(other, "invocationType", &all);
                Kind::DryRun
            }
        };
        let log = call.header("x-amz-log-type");
        violations.one_of(log.unwrap_or("None"), "logType", &["None", "Tail"]);
        violations.check()?;
        if call.header("x-amz-tenant-id").is_some() {
            return Err(Fault::absent("tenant isolation of functions"));
        }
        if call.header("x-amz-durable-execution-name").is_some() {
            return Err(Fault::absent("durable functions"));
        }
        let client_context = call.header("x-amz-client-context").map(|text| {
            let bytes = BASE64_STANDARD.decode(text).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or_else(|| {
                content("Client context must be a valid Base64-encoded JSON object.")
            })
        });
        Ok(Self {
            kind,
            log: log == Some("Tail"),
            client_context: client_context.transpose()?,
        })
    }
}

/// The payload of a call; nothing is an empty object.
fn payload(call: &Call, kind: Kind) -> Result<Bytes, Fault> {
    let (limit, name) = match kind {
        Kind::Event => (LARGEST_EVENT, "Event"),
        Kind::RequestResponse | Kind::DryRun => (LARGEST_PAYLOAD, "RequestResponse"),
    };
    let size = call.body.len();
    if size > limit {
        return Err(too_large(
            "RequestTooLargeException",
            format!(
                "{size} byte payload is too large for the {name} invocation type (limit {limit} bytes)"
            ),
        ));
    }
    if call.body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<IgnoredAny>(&call.body) {
        Ok(_) => Ok(call.body.clone()),
        Err(error) => Err(content(format!(
            "Could not parse request body into json: Could not parse payload into json: {error}"
        ))),
    }
}

fn content(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidRequestContentException", message).field("Type", "User")
}

fn with_version(reply: Reply, version: &str) -> Reply {
    match HeaderValue::from_str(version) {
        Ok(version) => reply.header(EXECUTED_VERSION, version),
        Err(_) => reply,
    }
}

fn answer(finished: Finished, version: &str, log: bool) -> Reply {
    let json = HeaderValue::from_static("application/json");
    let content = Content::Raw(full(finished.payload));
    let mut reply = Reply::with_status(StatusCode::OK, content).header(CONTENT_TYPE, json);
    if finished.failed {
        reply = reply.header(FUNCTION_ERROR, HeaderValue::from_static(UNHANDLED));
    }
    if log && let Ok(tail) = HeaderValue::from_str(&log_result(&finished.log_tail)) {
        reply = reply.header(LOG_RESULT, tail);
    }
    with_version(reply, version)
}

/// Runs a program and passes its answer on as it comes. A reader who is gone does not end the run.
async fn pass_on(
    cloud: &Cloud,
    chosen: Chosen,
    flight: Flight,
    request: RunRequest,
    log: bool,
    to: mpsc::Sender<Bytes>,
) {
    let began = Instant::now();
    let runtime = &cloud.services().lambda.runtime;
    let run = runtime
        .run(cloud, Arc::clone(&chosen.program), request)
        .await;
    let mut duration = run.duration;
    let mut finished = Finished {
        payload: Bytes::new(),
        failed: false,
        log_tail: run.log_tail,
        hint: run.hint,
    };
    let mut error = None;
    match run.outcome {
        Outcome::Payload(payload) => drop(to.send(stream::chunk(&payload)).await),
        Outcome::Error(payload) => {
            finished.failed = true;
            let details = String::from_utf8_lossy(&payload).into_owned();
            error = Some((UNHANDLED.to_owned(), details));
            finished.payload = payload;
        }
        Outcome::Stream { mut chunks } => {
            while let Some(chunk) = chunks.recv().await {
                match chunk {
                    Ok(bytes) => drop(to.send(stream::chunk(&bytes)).await),
                    Err(failed) => {
                        finished.failed = true;
                        finished.payload = Bytes::from(failed.body.clone());
                        error = Some((failed.kind, failed.body));
                    }
                }
            }
            duration = began.elapsed();
        }
    }
    let error = error
        .as_ref()
        .map(|(code, text)| (code.as_str(), text.as_str()));
    let tail = log.then(|| log_result(&finished.log_tail));
    drop(to.send(stream::complete(error, tail.as_deref())).await);
    chosen.landed(cloud, &flight, duration, run.init, &finished);
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn call(headers: &[(&str, &str)], body: &[u8]) -> Call {
        let mut request = Request::post("/2015-03-31/functions/f/invocations").header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/lambda/aws4_request",
        );
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        Call::read(request, "id".to_owned()).unwrap()
    }

    #[test]
    fn payloads_are_json_and_not_too_large() {
        let of = |body: &[u8], kind| payload(&call(&[], body), kind);
        assert_eq!(of(b"", Kind::RequestResponse).unwrap(), "{}");
        assert_eq!(of(b"[1]", Kind::RequestResponse).unwrap(), "[1]");
        let fault = of(b"no json", Kind::RequestResponse).unwrap_err();
        assert_eq!(fault.code, "InvalidRequestContentException");
        assert!(
            fault
                .message
                .starts_with("Could not parse request body into json")
        );
        let large = vec![b' '; LARGEST_EVENT + 1];
        let fault = of(&large, Kind::Event).unwrap_err();
        assert_eq!(fault.code, "RequestTooLargeException");
        assert_eq!(fault.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn wishes_come_in_headers() {
        let wishes = Wishes::read(&call(&[("x-amz-invocation-type", "Event")], b"")).unwrap();
        assert!(wishes.kind == Kind::Event && !wishes.log);
        let wishes = Wishes::read(&call(
            &[("x-amz-log-type", "Tail"), ("x-amz-client-context", "e30=")],
            b"",
        ));
        let wishes = wishes.unwrap();
        assert!(wishes.log);
        assert_eq!(wishes.client_context.as_deref(), Some("{}"));
        for bad in [
            ("x-amz-invocation-type", "Later"),
            ("x-amz-client-context", "?"),
        ] {
            assert!(Wishes::read(&call(&[bad], b"")).is_err());
        }
    }
}
