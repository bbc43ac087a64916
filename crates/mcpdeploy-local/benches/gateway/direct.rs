//! The same handler as a server of its own: what there is without gateway and function.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use crate::function;

/// The server; it ends with this value.
#[derive(Debug)]
pub(crate) struct Direct {
    /// Host and port.
    pub(crate) host: String,
    _runtime: Runtime,
}

impl Direct {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let host = listener.local_addr()?.to_string();
        let tasks = TaskTracker::new();
        tasks.spawn_on(accept(listener, tasks.clone()), runtime.handle());
        Ok(Self {
            host,
            _runtime: runtime,
        })
    }
}

async fn accept(listener: TcpListener, tasks: TaskTracker) {
    let runs = Arc::new(AtomicU64::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        drop(stream.set_nodelay(true));
        let runs = runs.clone();
        let service = service_fn(move |request| {
            let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
            async move { Ok::<_, Infallible>(answer(request, run).await) }
        });
        tasks.spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

async fn answer(request: Request<Incoming>, run: u64) -> Response<Full<Bytes>> {
    let body = request.into_body().collect().await;
    let began = Instant::now();
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = Response::new(Full::default());
    match function::answer(&body, began, run) {
        Ok(body) => *response.body_mut() = body.into(),
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}
