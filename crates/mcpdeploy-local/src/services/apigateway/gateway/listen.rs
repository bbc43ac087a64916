//! The port of an API, and the API as requests see it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, PoisonError, RwLock};

use http::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::function_authorizer::Decisions;
use super::serving::Serving;
use super::throttle::Buckets;
use crate::cloud::Cloud;
use crate::server;

/// An API as requests see it. A change of the API swaps what it serves; requests under way finish
/// with what they began with.
#[derive(Debug)]
pub(in super::super) struct Live {
    pub(super) id: String,
    pub(super) region: String,
    serving: RwLock<Arc<Serving>>,
    pub(super) buckets: Buckets,
    pub(super) decisions: Decisions,
    closed: CancellationToken,
}

impl Live {
    pub(super) fn new(id: &str, region: &str, serving: Serving) -> Self {
        Self {
            id: id.to_owned(),
            region: region.to_owned(),
            serving: RwLock::new(Arc::new(serving)),
            buckets: Buckets::default(),
            decisions: Decisions::default(),
            closed: CancellationToken::new(),
        }
    }

    /// An API that nobody has asked yet.
    pub(in super::super) fn of(api: &super::super::model::Api) -> Arc<Self> {
        let id = &api.settings.api_id;
        Arc::new(Self::new(id, &api.region, Serving::new(api)))
    }

    /// What it serves from now on.
    pub(in super::super) fn serve(&self, api: &super::super::model::Api) {
        let serving = Arc::new(Serving::new(api));
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = serving;
        self.decisions.forget();
    }

    pub(super) fn serving(&self) -> Arc<Serving> {
        let serving = self.serving.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&serving)
    }

    /// Takes connections until the API is closed or the cloud ends.
    pub(in super::super) fn listen(self: &Arc<Self>, cloud: &Cloud, listener: Listener) {
        let live = Arc::clone(self);
        let closed = self.closed.clone();
        let owner = cloud.clone();
        let answer = move |request: Request<Incoming>| {
            let (cloud, live) = (owner.clone(), Arc::clone(&live));
            async move { Ok(super::answer(&cloud, &live, "", request).await) }
        };
        server::serve_until(cloud, listener.0, closed, answer);
    }

    /// Closes the port.
    pub(in super::super) fn close(&self) {
        self.closed.cancel();
    }
}

/// A loopback port that is taken, and not served yet.
#[derive(Debug)]
pub(in super::super) struct Listener(TcpListener);

impl Listener {
    /// Takes a port; a free one for 0. Needs a tokio runtime.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(in super::super) fn bind(port: u16) -> io::Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, port);
        Ok(Self(server::bind(address.into())?))
    }

    /// Which port it is.
    pub(in super::super) fn port(&self) -> io::Result<u16> {
        Ok(self.0.local_addr()?.port())
    }
}
