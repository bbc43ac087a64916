//! One HTTP/1.1 connection on the machine itself, kept alive.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Any error, of a body that is passed on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body that is there, or that is still coming.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is there.
#[must_use]
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Servers close connections that nobody uses, the quickest after 2 s, and while an environment is
/// frozen nobody notices: an older one is not tried.
const IDLE: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum LinkError {
    /// Nobody listens.
    #[error("failed to connect to {to}")]
    Connect {
        /// Whom.
        to: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The exchange broke off.
    #[error("failed to get an answer from {to}")]
    Exchange {
        /// From whom.
        to: SocketAddr,
        /// Why.
        #[source]
        source: hyper::Error,
    },
}

/// A connection that is made when it is needed. It is for one exchange at a time: the next one begins
/// when the answer was read, or ends it.
#[derive(Debug)]
pub struct Link {
    to: SocketAddr,
    /// Whether it is kept however long nobody used it: the Runtime API does so itself.
    patient: bool,
    kept: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    sender: SendRequest<Body>,
    used: Instant,
    /// Moves the bytes; it ends with the connection.
    _driver: JoinSet<()>,
}

impl Link {
    /// A link to a server that may close connections that are idle.
    #[must_use]
    pub fn new(to: SocketAddr) -> Self {
        Self {
            to,
            patient: false,
            kept: Mutex::new(None),
        }
    }

    /// A link to a server that keeps its connections.
    #[must_use]
    pub fn patient(to: SocketAddr) -> Self {
        Self {
            patient: true,
            ..Self::new(to)
        }
    }

    /// Where it leads.
    #[must_use]
    pub fn to(&self) -> SocketAddr {
        self.to
    }

    /// Sends a request; the answer's body may still be coming. A request that was not sent because
    /// the connection had ended goes out once more, on a new one.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, LinkError> {
        let kept = self.kept.lock().await.take();
        let mut request = request;
        if let Some(mut open) = kept.filter(|open| self.patient || open.used.elapsed() < IDLE)
            && open.sender.ready().await.is_ok()
        {
            match open.sender.try_send_request(request).await {
                Ok(response) => return Ok(self.keep(open, response).await),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(self.broken(error.into_error())),
                },
            }
        }
        let mut open = self.open().await?;
        match open.sender.send_request(request).await {
            Ok(response) => Ok(self.keep(open, response).await),
            Err(error) => Err(self.broken(error)),
        }
    }

    async fn keep(&self, open: Open, response: Response<Incoming>) -> Response<Incoming> {
        let open = Open {
            used: Instant::now(),
            ..open
        };
        *self.kept.lock().await = Some(open);
        response
    }

    fn broken(&self, source: hyper::Error) -> LinkError {
        LinkError::Exchange {
            to: self.to,
            source,
        }
    }

    async fn open(&self) -> Result<Open, LinkError> {
        let connect = |source| LinkError::Connect {
            to: self.to,
            source,
        };
        let stream = TcpStream::connect(self.to).await.map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        let (sender, connection) = http1::Builder::new()
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| self.broken(source))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What goes wrong with the connection, the request on it hears.
            let _ = connection.await;
        });
        Ok(Open {
            sender,
            used: Instant::now(),
            _driver: driver,
        })
    }
}
