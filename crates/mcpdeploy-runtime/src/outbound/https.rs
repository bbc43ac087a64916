//! The real thing: hyper over rustls on ring, trusting Mozilla's authorities.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::{Answering, Bounds, Outbound, OutboundError, Reach};

/// Addresses to come.
pub type Resolved<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Finds the addresses of a host.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, which may be an address itself, at `port`.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolved<'a>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolved<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Sends requests over https. A connection carries one request: those here are rare, and a
/// connection kept over a freeze of the function would be dead.
pub struct Https {
    tls: TlsConnector,
    resolver: Box<dyn Resolve>,
}

impl Default for Https {
    fn default() -> Self {
        Self::new(SystemResolver, RootCertStore::empty())
    }
}

impl Https {
    /// With a resolver of one's own, trusting `more` beside Mozilla's authorities.
    pub fn new(resolver: impl Resolve + 'static, more: RootCertStore) -> Self {
        let mut roots = more;
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            tls: TlsConnector::from(Arc::new(config)),
            resolver: Box::new(resolver),
        }
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, OutboundError> {
        let uri = request.uri().clone();
        let authority = uri.authority().ok_or(OutboundError::Url)?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = authority
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let host = authority.host().trim_matches(['[', ']']);
        let addresses = self.addresses(host, port, secure, bounds.reach).await?;
        let stream = TcpStream::connect(addresses.as_slice())
            .await
            .map_err(broken)?;
        let request = relative(request, &uri, authority)?;
        if !secure {
            return talk(stream, request, bounds.bytes).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| OutboundError::Url)?;
        let stream = self.tls.connect(name, stream).await.map_err(broken)?;
        talk(stream, request, bounds.bytes).await
    }

    /// Where to connect: what is checked here is what is connected to, not what a second question
    /// to the DNS would answer.
    async fn addresses(
        &self,
        host: &str,
        port: u16,
        secure: bool,
        reach: Reach,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        if !secure && reach == Reach::Public {
            return Err(OutboundError::Url);
        }
        let addresses = self
            .resolver
            .resolve(host, port)
            .await
            .map_err(|_| OutboundError::Name)?;
        if addresses.is_empty() {
            return Err(OutboundError::Name);
        }
        let allowed = |address: &SocketAddr| match reach {
            Reach::Public => is_public(address.ip()),
            Reach::Configured => secure || address.ip().is_loopback(),
        };
        // One bad address condemns all: a name that has both is not an accident.
        if addresses.iter().all(allowed) {
            Ok(addresses)
        } else {
            Err(OutboundError::Address)
        }
    }
}

impl Outbound for Https {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Answering<'_> {
        Box::pin(async move {
            tokio::time::timeout(bounds.timeout, self.exchange(request, bounds))
                .await
                .unwrap_or(Err(OutboundError::Timeout))
        })
    }
}

/// The request as it goes over a connection to its host: the path alone, and the host as a header.
fn relative(
    mut request: Request<Bytes>,
    uri: &Uri,
    authority: &Authority,
) -> Result<Request<Full<Bytes>>, OutboundError> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| OutboundError::Url)?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| OutboundError::Url)?;
    request.headers_mut().insert(HOST, host);
    Ok(request.map(Full::new))
}

async fn talk<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Response<Bytes>, OutboundError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, most).collect().await.map_err(|fault| {
            if fault.is::<LengthLimitError>() {
                OutboundError::Size
            } else {
                OutboundError::Connection(fault)
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    // The connection moves only while it is polled. When it ends first, the rest of the answer is
    // already with us, or the exchange fails by itself.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        biased;
        answered = &mut exchange => return answered,
        _ = connection => {}
    }
    exchange.await
}

fn broken(fault: impl std::error::Error + Send + Sync + 'static) -> OutboundError {
    OutboundError::Connection(Box::new(fault))
}
