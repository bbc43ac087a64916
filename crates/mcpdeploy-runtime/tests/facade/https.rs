//! The real client over loopback: what it connects to, and what it does not.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use mcpdeploy_runtime::outbound::{
    Bounds, Https, Outbound as _, OutboundError, Reach, Resolve, Resolved,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const NAME: &str = "issuer.test";

fn bounds(reach: Reach) -> Bounds {
    Bounds {
        reach,
        timeout: Duration::from_secs(60),
        bytes: 1000,
    }
}

/// Answers every name with the same addresses, and counts how often it is asked.
struct Names(Vec<SocketAddr>, Arc<AtomicUsize>);

impl Names {
    fn new(addresses: &[SocketAddr]) -> Self {
        Self(addresses.to_vec(), Arc::default())
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolved<'a> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(self.0.clone()) })
    }
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

/// A server that answers one request with `answer`, and the authority that vouches for it.
async fn server(answer: String) -> (SocketAddr, RootCertStore, impl Future<Output = String>) {
    let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return String::new();
        };
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        // The client may hang up when the answer is too long for it.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        String::from_utf8(request[..read].to_vec()).unwrap()
    };
    (address, roots, serving)
}

fn answer(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn an_answer_comes_over_tls_from_the_address_that_was_checked() {
    let (address, roots, serving) = server(answer("200 OK", "", "hello")).await;
    let names = Names::new(&[address]);
    let asked = Arc::clone(&names.1);
    let client = Https::new(names, roots);
    let url = format!("https://{NAME}:1/a?b=c");
    let (response, request) =
        tokio::join!(client.send(get(&url), bounds(Reach::Configured)), serving);
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), "hello");
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: issuer.test:1\r\n"), "{request}");
    // A name that is asked for twice can answer differently the second time.
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let location = "location: http://169.254.169.254/\r\n";
    let (address, roots, serving) = server(answer("302 Found", location, "")).await;
    let client = Https::new(Names::new(&[address]), roots);
    let url = format!("https://{NAME}/");
    let (response, _) = tokio::join!(client.send(get(&url), bounds(Reach::Configured)), serving);
    assert_eq!(response.unwrap().status(), StatusCode::FOUND);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_cut_off() {
    for body in [1000, 1001] {
        let (address, roots, serving) = server(answer("200 OK", "", &"a".repeat(body))).await;
        let client = Https::new(Names::new(&[address]), roots);
        let url = format!("https://{NAME}/");
        let (response, _) =
            tokio::join!(client.send(get(&url), bounds(Reach::Configured)), serving);
        match response {
            Ok(response) => assert_eq!((response.body().len(), body), (1000, 1000)),
            Err(fault) => {
                assert!(matches!(fault, OutboundError::Size), "{fault}");
                assert_eq!(body, 1001);
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_or_of_another_name_is_refused() {
    for (trusted, name) in [(false, NAME), (true, "other.test")] {
        let (address, roots, serving) = server(answer("200 OK", "", "hello")).await;
        let roots = if trusted {
            roots
        } else {
            RootCertStore::empty()
        };
        let client = Https::new(Names::new(&[address]), roots);
        let url = format!("https://{name}/");
        let (response, request) =
            tokio::join!(client.send(get(&url), bounds(Reach::Configured)), serving);
        let fault = response.unwrap_err();
        assert!(matches!(fault, OutboundError::Connection(_)), "{fault}");
        assert_eq!(request, "");
    }
}

#[tokio::test]
async fn a_name_with_a_private_address_is_not_connected_to() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let local = listener.local_addr().unwrap();
    let public: SocketAddr = "1.1.1.1:443".parse().unwrap();
    let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", local.port())
        .parse()
        .unwrap();
    for addresses in [
        &[local][..],
        &[mapped],
        &[public, local],
        &[local, public],
        &["169.254.169.254:443".parse().unwrap()],
        &["[fd00:ec2::254]:443".parse().unwrap()],
        &["10.0.0.1:443".parse().unwrap()],
    ] {
        let client = Https::new(Names::new(addresses), RootCertStore::empty());
        let fault = client
            .send(get("https://app.example/c"), bounds(Reach::Public))
            .await
            .unwrap_err();
        assert!(
            matches!(fault, OutboundError::Address),
            "{addresses:?}: {fault}"
        );
    }
    let accepted = listener.accept().unwrap_err();
    assert_eq!(accepted.kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_like_any_other() {
    let client = Https::default();
    for url in [
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/",
        "https://10.0.0.1/",
        // Other ways to write 127.0.0.1, which resolvers understand.
        "https://2130706433/",
        "https://0x7f.1/",
    ] {
        let fault = client
            .send(get(url), bounds(Reach::Public))
            .await
            .unwrap_err();
        assert!(
            matches!(fault, OutboundError::Address | OutboundError::Name),
            "{url}: {fault}"
        );
    }
}

#[tokio::test]
async fn plain_http_is_for_this_machine_only() {
    let private: SocketAddr = "10.0.0.1:80".parse().unwrap();
    let client = Https::new(Names::new(&[private]), RootCertStore::empty());
    let url = "http://app.example/";
    let fault = client
        .send(get(url), bounds(Reach::Public))
        .await
        .unwrap_err();
    assert!(matches!(fault, OutboundError::Url), "{fault}");
    let fault = client
        .send(get(url), bounds(Reach::Configured))
        .await
        .unwrap_err();
    assert!(matches!(fault, OutboundError::Address), "{fault}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let read = stream.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /x "));
        let text = answer("200 OK", "", "here");
        stream.write_all(text.as_bytes()).await.unwrap();
    };
    let client = Https::default();
    let (response, ()) = tokio::join!(client.send(get(&url), bounds(Reach::Configured)), serving);
    assert_eq!(response.unwrap().body(), "here");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = Https::new(Names::new(&[address]), RootCertStore::empty());
    let short = Bounds {
        timeout: Duration::from_millis(20),
        ..bounds(Reach::Configured)
    };
    let url = format!("https://{NAME}/");
    let fault = client.send(get(&url), short).await.unwrap_err();
    assert!(matches!(fault, OutboundError::Timeout), "{fault}");
}
