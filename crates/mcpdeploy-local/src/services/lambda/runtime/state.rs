//! The states that a runtime goes through, as its process asks and says things.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tokio::sync::mpsc;

use super::api::Event;

/// Where a runtime is. The names are those of Lambda's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Started,
    InitError,
    Ready,
    Running,
    InvocationResponse,
    InvocationErrorResponse,
    ResponseSent,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::InitError => "InitError",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InvocationResponse => "InvocationResponse",
            Self::InvocationErrorResponse => "InvocationErrorResponse",
            Self::ResponseSent => "RuntimeResponseSentState",
        }
    }

    fn may_become(self, next: Self) -> bool {
        match next {
            Self::Ready => matches!(
                self,
                Self::Started | Self::Ready | Self::Running | Self::ResponseSent
            ),
            Self::InitError => self == Self::Started,
            Self::InvocationResponse | Self::InvocationErrorResponse => self == Self::Running,
            // These are not asked for by a process.
            Self::Started | Self::Running | Self::ResponseSent => true,
        }
    }
}

/// The state of one runtime, and who hears what it says.
#[derive(Debug)]
pub(super) struct Machine {
    inner: Mutex<Inner>,
    events: mpsc::Sender<Event>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// The request id of the run.
    current: Option<String>,
    /// The first thing it asked that is not in the API, in words.
    mistake: Option<String>,
}

impl Machine {
    /// Of a process that has just been started; what it asks goes to `events`.
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: State::Started,
                current: None,
                mistake: None,
            }),
            events,
        }
    }

    /// Begins a run: answers with this id are taken.
    pub(super) fn begin(&self, request_id: &str) {
        let mut inner = self.lock();
        inner.state = State::Running;
        inner.current = Some(request_id.to_owned());
    }

    /// The first thing the process asked that is not in the API, in words.
    pub(super) fn mistake(&self) -> Option<String> {
        self.lock().mistake.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on what the process asks.
    pub(super) async fn tell(&self, event: Event) {
        // Nobody hears it when the process is being ended.
        drop(self.events.send(event).await);
    }

    /// Keeps a mistake, when it is the first.
    pub(super) fn note(&self, mistake: impl FnOnce() -> String) {
        let mut inner = self.lock();
        if inner.mistake.is_none() {
            inner.mistake = Some(mistake());
        }
    }

    /// Goes to the next state, or says why not.
    pub(super) fn become_state(&self, next: State) -> Result<(), Answer> {
        let mut inner = self.lock();
        if !inner.state.may_become(next) {
            let message = format!(
                "State transition from {} to {} failed for runtime. Error: State transition is not allowed",
                inner.state.name(),
                next.name()
            );
            return Err(error(
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                &message,
            ));
        }
        // A runtime that asks again in the middle of a run gets the same run again.
        if !(inner.state == State::Running && next == State::Ready) {
            inner.state = next;
        }
        Ok(())
    }

    /// Goes to the next state with an answer of the run `id`.
    pub(super) fn answer_state(&self, id: &str, next: State) -> Result<(), Answer> {
        if self.lock().current.as_deref() != Some(id) {
            return Err(error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestID",
                "Invalid request ID",
            ));
        }
        self.become_state(next)
    }

    /// The answer is there, whole or not.
    pub(super) fn sent(&self) {
        self.lock().state = State::ResponseSent;
    }
}

/// What the process is told.
pub(super) type Answer = Response<Full<Bytes>>;

pub(super) fn answer(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn error(status: StatusCode, kind: &str, message: &str) -> Answer {
    let body = json!({ "errorMessage": message, "errorType": kind });
    answer(status, body.to_string())
}

pub(super) fn accepted() -> Answer {
    answer(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n")
}
