//! The wire between the SDK and an emulator: counts and records calls, and breaks.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use mcpdeploy_engine::kind::BoxFuture;
use mcpdeploy_testkit::Fault;
use mcpdeploy_testkit::check_kind::{Calls, Operation};
use tokio::sync::Notify;

/// A wire; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: SharedHttpClient,
    seen: Mutex<Seen>,
    killed: Notify,
}

#[derive(Debug, Default)]
struct Seen {
    count: usize,
    operations: Vec<Operation>,
    armed: Option<(usize, Fault)>,
    /// The process is dead: no call goes out or comes back any more.
    dead: bool,
}

impl Wire {
    /// A wire over a client that breaks nothing.
    pub(crate) fn over(inner: SharedHttpClient) -> Self {
        Self(Arc::new(Shared {
            inner,
            seen: Mutex::default(),
            killed: Notify::default(),
        }))
    }

    /// The client that calls over this wire.
    pub(crate) fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Client(self.clone()))
    }

    /// Takes down which operation is called.
    pub(crate) fn note(&self, service: &str, operation: &str) {
        let call = (service.to_owned(), operation.to_owned());
        self.seen().operations.push(call);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and tells what strikes it.
    fn next(&self) -> Option<Fault> {
        let mut seen = self.seen();
        let number = seen.count;
        seen.count += 1;
        if seen.dead {
            return Some(Fault::Hang);
        }
        let (_, fault) = seen.armed.filter(|(at, _)| *at == number)?;
        Some(fault)
    }

    fn die(&self) {
        self.seen().dead = true;
        self.0.killed.notify_one();
    }
}

/// A client that breaks nothing.
pub(crate) fn plain() -> SharedHttpClient {
    Builder::new().build_http()
}

impl Calls for Wire {
    fn reset(&self) {
        *self.seen() = Seen::default();
    }

    fn count(&self) -> usize {
        self.seen().count
    }

    fn recorded(&self) -> Vec<Operation> {
        self.seen().operations.clone()
    }

    fn fail(&self, number: usize, fault: Fault) {
        self.seen().armed = Some((number, fault));
    }

    fn killed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.killed.notified())
    }
}

#[derive(Debug)]
struct Client(Wire);

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            wire: self.0.clone(),
            inner: self.0.0.inner.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct Connector {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(fault) = self.wire.next() else {
            return self.inner.call(request);
        };
        match fault {
            Fault::Fail(_) => HttpConnectorFuture::ready(Err(reset())),
            Fault::LoseAnswer => {
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    // Whatever it says, nobody hears it.
                    let _ = answer.await;
                    Err(reset())
                })
            }
            Fault::Hang => HttpConnectorFuture::new(std::future::pending()),
            Fault::CrashBefore => {
                self.wire.die();
                HttpConnectorFuture::new(std::future::pending())
            }
            Fault::CrashAfter => {
                let answer = self.inner.call(request);
                let wire = self.wire.clone();
                HttpConnectorFuture::new(async move {
                    let _ = answer.await;
                    wire.die();
                    std::future::pending().await
                })
            }
        }
    }
}

fn reset() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}
