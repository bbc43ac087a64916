//! The loopback port: control plane, HTTP APIs, sign-in pages and the cloud's own doors, by path.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::cloud::{Cloud, Lost};
use crate::switches::Throttle;
use crate::wire::{Body, ServiceId, full};

/// The largest body of a call: a package of 50 MB in base64, and some more.
const LARGEST: usize = 300 * 1024 * 1024;

/// How many connections may wait to be taken. Beyond it (std's and tokio's listeners have 128) a
/// client is heard a second later or, when it says nothing, never.
const BACKLOG: u32 = 1024;

/// Takes an IPv4 port; a free one for 0. Needs a tokio runtime.
///
/// # Errors
/// When it cannot be had.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // The port of a cloud that has just ended can be taken at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Takes connections until the cloud ends.
pub(crate) fn listen(cloud: &Cloud, listener: TcpListener) {
    let owner = cloud.clone();
    serve(cloud, listener, move |request| {
        let cloud = owner.clone();
        async move { answer(&cloud, request).await }
    });
}

/// Serves every connection of a listener by `answer`, until the cloud ends.
///
/// An answer of [`Lost`] ends its connection without a word.
pub(crate) fn serve<F, R>(cloud: &Cloud, listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<Body>, Lost>> + Send + 'static,
{
    serve_until(cloud, listener, cloud.ending().clone(), answer);
}

/// Serves every connection of a listener by `answer`, until `closed` is cancelled or the cloud ends.
pub(crate) fn serve_until<F, R>(
    cloud: &Cloud,
    listener: TcpListener,
    closed: CancellationToken,
    answer: F,
) where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<Body>, Lost>> + Send + 'static,
{
    let owner = cloud.clone();
    cloud.tasks().spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = owner.ending().cancelled() => return,
                () = closed.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => connection(&owner, &closed, stream, answer.clone()),
                // Too many open files, or a connection that was gone again: others go on.
                Err(error) => {
                    tracing::warn!(%error, "no connection could be taken");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    });
}

fn connection<F, R>(cloud: &Cloud, closed: &CancellationToken, stream: TcpStream, answer: F)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<Body>, Lost>> + Send + 'static,
{
    // Small answers go out at once.
    drop(stream.set_nodelay(true));
    let (ending, closed) = (cloud.ending().clone(), closed.clone());
    cloud.tasks().spawn(async move {
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::pin!(connection);
        let over = async {
            tokio::select! {
                () = ending.cancelled() => {}
                () = closed.cancelled() => {}
            }
        };
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                }
            }
            () = over => {
                connection.as_mut().graceful_shutdown();
                drop(connection.await);
            }
        }
    });
}

async fn answer(cloud: &Cloud, request: Request<Incoming>) -> Result<Response<Body>, Lost> {
    if let Some(door) = cloud.services().door(&request) {
        return Ok(cloud.services().open_door(cloud, door, request).await);
    }
    let (parts, body) = request.into_parts();
    match collect(body, LARGEST).await {
        Ok(body) => cloud.call(Request::from_parts(parts, body)).await,
        Err(_) => Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "too large\n")),
    }
}

/// The whole body, when it is not larger than `limit` bytes.
pub(crate) async fn collect(body: Incoming, limit: usize) -> io::Result<Bytes> {
    let whole = Limited::new(body, limit).collect().await;
    Ok(whole.map_err(io::Error::other)?.to_bytes())
}

/// A short answer in plain text.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    response
}

/// Token buckets, one a service.
#[derive(Debug, Default)]
pub(crate) struct Buckets(HashMap<ServiceId, (f64, Option<Instant>)>);

impl Buckets {
    /// Takes a token, when there is one.
    pub(crate) fn take(&mut self, service: ServiceId, throttle: Throttle, now: Instant) -> bool {
        let (tokens, last) = self.0.entry(service).or_insert((throttle.burst, None));
        if let Some(last) = last {
            let since = now.saturating_duration_since(*last).as_secs_f64();
            *tokens = (*tokens + since * throttle.rate).min(throttle.burst);
        }
        *last = Some(now);
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream as StdStream};

    use super::*;

    /// By when a lost client shows as one.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn many_clients_may_wait_to_be_taken() {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        // They say nothing, so one that is not known stays so.
        let clients: Vec<StdStream> = (0..400)
            .map(|_| StdStream::connect_timeout(&address, PATIENCE).unwrap())
            .collect();
        for _ in &clients {
            let taken = tokio::time::timeout(PATIENCE, listener.accept()).await;
            taken.unwrap().unwrap();
        }
    }

    #[test]
    fn a_bucket_refills() {
        let throttle = Throttle {
            rate: 2.0,
            burst: 2.0,
        };
        let mut buckets = Buckets::default();
        let start = Instant::now();
        let mut take = |millis| {
            let now = start + Duration::from_millis(millis);
            buckets.take(ServiceId::Lambda, throttle, now)
        };
        assert!(take(0));
        assert!(take(0));
        assert!(!take(0));
        assert!(take(500));
        assert!(!take(600));
        assert!(take(1100));
    }
}
