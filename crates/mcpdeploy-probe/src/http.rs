//! One HTTP request and its reply, and a log of them. Knows nothing of MCP but where a stream may
//! be left: at the message that was waited for.

mod parts;

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::time::{Duration, Instant};

use mcpdeploy_login::Challenge;
use mcpdeploy_login::places::is_loopback;
use serde_json::Value;
use ureq::http::{self, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, parse_pem};

use crate::exchange::{self, Exchange};
use crate::options::{Bearer, Options, Refused, Renew, Via};
use crate::report::micros;
use crate::run::ProbeError;
use crate::sse;
use crate::unanswered::Unanswered;

pub(crate) use parts::{Content, RENAMED_CHALLENGE, Reply, Request, Token};

/// The most of a reply that is read, in bytes.
const MOST: u64 = 16 << 20;

/// How many other tokens are tried for one request: one that is renewed, and one of a new login.
const MOST_RENEWALS: usize = 2;

/// Sends requests, to one endpoint mostly, and keeps what was said.
pub(crate) struct Http {
    agent: ureq::Agent,
    endpoint: Uri,
    via: Option<Via>,
    /// All tokens that there were; the last one is sent.
    tokens: RefCell<Vec<Bearer>>,
    renew: Option<Renew>,
    timeout: Duration,
    log: RefCell<Vec<Exchange>>,
    /// Whether exchanges are kept.
    keeps: Cell<bool>,
    /// What 200 replies to messages said that they are, and to which message.
    odd_contents: RefCell<Vec<String>>,
}

impl Http {
    pub(crate) fn new(url: &str, options: &Options) -> Result<Self, ProbeError> {
        let endpoint: Uri = url
            .parse()
            .map_err(|_| ProbeError::NotAUrl(url.to_owned()))?;
        let http = matches!(endpoint.scheme_str(), Some("http" | "https"));
        if !http || endpoint.host().is_none_or(str::is_empty) {
            return Err(ProbeError::NotAUrl(url.to_owned()));
        }
        let tls = TlsConfig::builder().root_certs(roots(options)?).build();
        let made = Self {
            agent: ureq::Agent::config_builder()
                .timeout_global(Some(options.timeout))
                .http_status_as_error(false)
                // Where a server sends its clients elsewhere is told, not followed: not all do.
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(format!("{}/{}", options.client.0, options.client.1))
                .tls_config(tls)
                .build()
                .into(),
            endpoint,
            via: options.via.clone(),
            tokens: RefCell::new(options.bearer.iter().cloned().collect()),
            renew: options.renew.clone(),
            timeout: options.timeout,
            log: RefCell::default(),
            keeps: Cell::new(true),
            odd_contents: RefCell::default(),
        };
        if made.has_token() && !made.is_private(&made.connect_to(&made.endpoint)) {
            return Err(ProbeError::TokenInClear);
        }
        Ok(made)
    }

    /// Whether nobody on the way can read along.
    fn is_private(&self, url: &str) -> bool {
        let Ok(uri) = url.parse::<Uri>() else {
            return false;
        };
        uri.scheme_str() == Some("https") || uri.host().is_some_and(is_loopback)
    }

    pub(crate) fn endpoint(&self) -> &Uri {
        &self.endpoint
    }

    pub(crate) fn has_token(&self) -> bool {
        !self.tokens.borrow().is_empty()
    }

    /// What was sent and received since the last time.
    pub(crate) fn take_log(&self) -> Vec<Exchange> {
        self.log.take()
    }

    /// Whether to keep what is sent and received from now on.
    pub(crate) fn keep(&self, keeps: bool) {
        self.keeps.set(keeps);
    }

    pub(crate) fn odd_contents(&self) -> Vec<String> {
        self.odd_contents.borrow().clone()
    }

    /// Where to connect to for a URL of the endpoint's own server.
    fn connect_to(&self, url: &Uri) -> String {
        match &self.via {
            Some(via) if url.authority() == self.endpoint.authority() => {
                let path = url.path_and_query().map_or("/", |path| path.as_str());
                format!("{}{path}", via.base.trim_end_matches('/'))
            }
            Some(_) | None => url.to_string(),
        }
    }

    /// Whether a document that the server names may be fetched: over TLS, from where the server itself
    /// is, or from this machine when the server is on it, too. So no server can send a client to what
    /// listens on its machine.
    pub(crate) fn may_fetch(&self, url: &str) -> bool {
        let Ok(uri) = url.parse::<Uri>() else {
            return false;
        };
        match uri.scheme_str() {
            Some("https") => true,
            Some("http") => {
                let here = |uri: &Uri| uri.host().is_some_and(is_loopback);
                let same = uri.scheme() == self.endpoint.scheme()
                    && uri.authority() == self.endpoint.authority();
                same || here(&uri) && here(&self.endpoint)
            }
            Some(_) | None => false,
        }
    }

    /// Sends the request and reads the reply. Where the token is refused, another one is tried, if
    /// one can be had.
    pub(crate) fn send(&self, request: &Request) -> Result<Reply, Unanswered> {
        let mut result = self.send_once(request);
        for _ in 0..MOST_RENEWALS {
            let Ok(reply) = &result else { break };
            let Some(bearer) = self.renewed(request, reply) else {
                break;
            };
            self.tokens.borrow_mut().push(bearer);
            result = self.send_once(request);
        }
        result
    }

    /// Another token in the place of the one that the reply refuses.
    fn renewed(&self, request: &Request, reply: &Reply) -> Option<Bearer> {
        let renew = self.renew.as_ref()?;
        let challenge = reply.challenge();
        let wants_more = || {
            challenge
                .and_then(Challenge::bearer)
                .is_some_and(|challenge| challenge.wants_more())
        };
        let refused = match reply.status {
            401 => true,
            403 => wants_more(),
            _ => false,
        };
        let ours = request.token == Token::Given && request.url.is_none() && self.has_token();
        (refused && ours).then(|| {
            renew.call(&Refused {
                status: reply.status,
                challenge,
            })
        })?
    }

    fn send_once(&self, request: &Request) -> Result<Reply, Unanswered> {
        let begun = Instant::now();
        let (url, result) = self.exchange(request, begun);
        if self.keeps.get() {
            let tokens = self.tokens.borrow();
            let secrets: Vec<&str> = tokens.iter().map(Bearer::secret).collect();
            let kept = |body: &str| exchange::kept(body, &secrets);
            let mut exchange = Exchange {
                request: format!("{} {url}", request.method),
                sent_headers: exchange::masked(&request.headers),
                sent: kept(request.body.as_deref().unwrap_or_default()),
                status: None,
                received_headers: Vec::new(),
                received: String::new(),
                duration_us: micros(begun.elapsed()),
            };
            match &result {
                Ok(reply) => {
                    exchange.status = Some(reply.status);
                    exchange.received_headers = exchange::masked(&reply.headers);
                    exchange.received = kept(&reply.body);
                }
                Err(unanswered) => exchange.received = unanswered.to_string(),
            }
            self.log.borrow_mut().push(exchange);
        }
        if let (Some(_), Ok(reply)) = (&request.awaits, &result) {
            self.note_content(request, reply);
        }
        result
    }

    fn note_content(&self, request: &Request, reply: &Reply) {
        let said = match reply.content() {
            Content::Json | Content::EventStream => return,
            Content::Other(kind) => format!("`{kind}`"),
            Content::Unsaid => "no Content-Type".to_owned(),
        };
        if reply.status == 200 {
            let method = serde_json::from_str::<Value>(request.body.as_deref().unwrap_or_default())
                .ok()
                .and_then(|body| body["method"].as_str().map(str::to_owned))
                .unwrap_or_else(|| "a request".to_owned());
            let mut odd = self.odd_contents.borrow_mut();
            let line = format!("{method} is answered with {said}");
            if !odd.contains(&line) {
                odd.push(line);
            }
        }
    }

    fn exchange(&self, request: &Request, begun: Instant) -> (String, Result<Reply, Unanswered>) {
        let uri = match &request.url {
            Some(url) => url.parse::<Uri>(),
            None => Ok(self.endpoint.clone()),
        };
        let uri = match uri {
            Ok(uri) => uri,
            Err(error) => {
                let url = request.url.clone().unwrap_or_default();
                return (url, Err(Unanswered::Other(error.to_string())));
            }
        };
        let own = uri.authority() == self.endpoint.authority();
        let mut builder = http::Request::builder()
            .method(request.method.clone())
            .uri(self.connect_to(&uri));
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if own && let Some(host) = self.via.as_ref().and_then(|via| via.host.as_ref()) {
            builder = builder.header("host", host);
        }
        // The token is for the endpoint's server and nobody else.
        let tokens = self.tokens.borrow();
        let token = match request.token {
            Token::Given if own => tokens.last().map(Bearer::secret),
            Token::Forged => Some("mcpdeploy.made-up.token"),
            Token::Given | Token::None => None,
        };
        if let Some(token) = token {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        let host = uri.host().unwrap_or_default();
        let sent = match &request.body {
            Some(body) => builder
                .body(body.clone())
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
            None => builder
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
        };
        let reply = match sent {
            Ok(reply) => self.read(reply, request, host, begun),
            Err(error) => Err(Unanswered::from_error(&error, host, self.timeout)),
        };
        (uri.to_string(), reply)
    }

    fn read(
        &self,
        mut reply: http::Response<ureq::Body>,
        request: &Request,
        host: &str,
        begun: Instant,
    ) -> Result<Reply, Unanswered> {
        let headers: Vec<(String, String)> = reply
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), value)
            })
            .collect();
        let mut made = Reply {
            status: reply.status().as_u16(),
            headers,
            body: String::new(),
            took: Duration::ZERO,
        };
        let streams = made.content() == Content::EventStream;
        if !(streams && request.only_head) {
            let mut reader = reply.body_mut().with_config().limit(MOST).reader();
            let mut bytes = Vec::new();
            let mut chunk = [0; 8192];
            loop {
                match reader.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(read) => bytes.extend_from_slice(&chunk[..read]),
                    Err(error) => return Err(Unanswered::from_io(&error, host, self.timeout)),
                }
                // A stream may go on for ever: it is left at the message that was waited for.
                if streams && let Some(id) = &request.awaits {
                    let text = String::from_utf8_lossy(&bytes);
                    if sse::data(&text).iter().any(|data| has_id(data, id)) {
                        break;
                    }
                }
            }
            made.body = String::from_utf8_lossy(&bytes).into_owned();
        }
        made.took = begun.elapsed();
        Ok(made)
    }
}

fn has_id(data: &str, id: &Value) -> bool {
    serde_json::from_str::<Value>(data)
        .is_ok_and(|message| message.get("id") == Some(id) && message.get("method").is_none())
}

fn roots(options: &Options) -> Result<RootCerts, ProbeError> {
    let Some(pem) = &options.ca_certificates else {
        return Ok(RootCerts::WebPki);
    };
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(ProbeError::NotCertificates(error.to_string())),
        }
    }
    if certificates.is_empty() {
        return Err(ProbeError::NotCertificates(
            "there is no certificate in it".to_owned(),
        ));
    }
    Ok(RootCerts::from(certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_fetched_over_tls_or_from_where_the_server_is() {
        let here = Http::new("http://127.0.0.1:8080/mcp", &Options::default()).unwrap();
        let there = Http::new("https://api.test/mcp", &Options::default()).unwrap();
        for (url, from_here, from_there) in [
            ("https://login.test/x", true, true),
            ("http://127.0.0.1:8080/.well-known/x", true, false),
            ("http://localhost:9090/.well-known/x", true, false),
            ("http://api.test/x", false, false),
            ("http://169.254.169.254/latest", false, false),
            ("file:///etc/passwd", false, false),
            ("nonsense", false, false),
        ] {
            assert_eq!(here.may_fetch(url), from_here, "{url}");
            assert_eq!(there.may_fetch(url), from_there, "{url}");
        }
    }

    #[test]
    fn another_way_keeps_the_path_and_sends_the_host() {
        let options = Options {
            via: Some(Via {
                base: "http://127.0.0.1:4566/prefix/".to_owned(),
                host: Some("api.test".to_owned()),
            }),
            ..Options::default()
        };
        let http = Http::new("https://api.test/mcp?x=1", &options).unwrap();
        let to = |url: &str| http.connect_to(&url.parse().unwrap());
        assert_eq!(
            to("https://api.test/mcp?x=1"),
            "http://127.0.0.1:4566/prefix/mcp?x=1"
        );
        assert_eq!(to("https://other.test/a"), "https://other.test/a");
    }

    #[test]
    fn a_token_is_not_sent_where_others_read_along() {
        let options = Options {
            bearer: Some(Bearer::new("t").unwrap()),
            ..Options::default()
        };
        for (url, fine) in [
            ("https://api.test/mcp", true),
            ("http://localhost:1/mcp", true),
            ("http://[::1]:1/mcp", true),
            ("http://api.test/mcp", false),
        ] {
            assert_eq!(Http::new(url, &options).is_ok(), fine, "{url}");
        }
        assert!(matches!(
            Http::new("ftp://api.test/mcp", &Options::default()),
            Err(ProbeError::NotAUrl(_))
        ));
    }
}
