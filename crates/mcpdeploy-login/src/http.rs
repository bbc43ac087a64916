//! Requests of a login: to whom they may go, how large and how late answers may be. No redirect is
//! followed: every place that is called was named by a document that was checked.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{self, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::{LoginError, shown};
use crate::places::is_loopback;
use crate::secret::Secret;

/// The most of an answer that is read, in bytes. Metadata of real servers is a few kilobytes.
const MOST: u64 = 256 << 10;

/// How requests are made.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long one request may take, with its answer.
    pub timeout: Duration,
    /// Certificates in PEM form to trust instead of Mozilla's list.
    pub ca_certificates: Option<Vec<u8>>,
    /// What servers and their logs see of this client.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            ca_certificates: None,
            user_agent: format!("mcpdeploy/{}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, if it is a JSON object.
    pub(crate) fn object(&self) -> Option<Value> {
        serde_json::from_slice::<Value>(&self.body)
            .ok()
            .filter(Value::is_object)
    }

    /// The answer in a few words.
    pub(crate) fn in_words(&self) -> String {
        let object = self.object().unwrap_or_default();
        let said = match object["error"].as_str() {
            Some(error) => crate::error::oauth(error, object["error_description"].as_str()),
            None => match self.header("location") {
                Some(location) => format!("a redirect to {}", shown(location)),
                None => shown(&String::from_utf8_lossy(&self.body)),
            },
        };
        if said.is_empty() {
            format!("HTTP {}", self.status)
        } else {
            format!("HTTP {}: {said}", self.status)
        }
    }
}

/// Sends requests.
pub(crate) struct Http {
    agent: ureq::Agent,
    timeout: Duration,
}

impl Http {
    pub(crate) fn new(options: &Options) -> Result<Self, LoginError> {
        let roots = match &options.ca_certificates {
            Some(pem) => roots(pem)?,
            None => RootCerts::WebPki,
        };
        Ok(Self {
            agent: ureq::Agent::config_builder()
                .timeout_global(Some(options.timeout))
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(&options.user_agent)
                .tls_config(TlsConfig::builder().root_certs(roots).build())
                .build()
                .into(),
            timeout: options.timeout,
        })
    }

    pub(crate) fn get(&self, url: &str) -> Result<Answer, LoginError> {
        let request = http::Request::get(url).header("accept", "application/json");
        self.send(url, request.body(String::new()))
    }

    /// Posts JSON, with more headers.
    pub(crate) fn post_json(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer, LoginError> {
        let mut request = http::Request::post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(url, request.body(body.to_string()))
    }

    /// Posts a form, with the value of `Authorization` where there is one.
    pub(crate) fn post_form(
        &self,
        url: &str,
        authorization: Option<&Secret>,
        form: &[(&str, &str)],
    ) -> Result<Answer, LoginError> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let mut request = http::Request::post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization.reveal());
        }
        self.send(url, request.body(body.finish()))
    }

    pub(crate) fn delete(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, LoginError> {
        let mut request = http::Request::delete(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(url, request.body(String::new()))
    }

    fn send(
        &self,
        url: &str,
        request: http::Result<http::Request<String>>,
    ) -> Result<Answer, LoginError> {
        let unanswered = |why: String| LoginError::Unanswered {
            url: url.to_owned(),
            why,
        };
        let request = request.map_err(|error| unanswered(error.to_string()))?;
        let sent = if request.body().is_empty() {
            self.agent.run(request.map(|_| ()))
        } else {
            self.agent.run(request)
        };
        let mut answer = sent.map_err(|error| unanswered(self.why(&error)))?;
        // A server may leave a stream open; what is needed of one is its status.
        let streams = answer
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let mut body = Vec::new();
        if !streams {
            answer
                .body_mut()
                .with_config()
                .limit(MOST)
                .reader()
                .read_to_end(&mut body)
                .map_err(|error| unanswered(self.why(&ureq::Error::from(error))))?;
        }
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the error is of another crate, whose set is open"
    )]
    fn why(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::HostNotFound => "the name does not resolve".to_owned(),
            ureq::Error::Timeout(_) => format!("nothing within {} s", self.timeout.as_secs_f64()),
            ureq::Error::BodyExceedsLimit(_) => {
                format!("it is larger than {} KiB", MOST >> 10)
            }
            other => shown(&other.to_string()),
        }
    }
}

fn roots(pem: &[u8]) -> Result<RootCerts, LoginError> {
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(LoginError::NotCertificates(error.to_string())),
        }
    }
    if certificates.is_empty() {
        return Err(LoginError::NotCertificates(
            "there is no certificate in it".to_owned(),
        ));
    }
    Ok(RootCerts::from(certificates))
}

/// To whom requests of one login may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The endpoint is somewhere else: over TLS only. So no server can send a client to what listens
    /// on its machine, or in its network without TLS.
    World,
    /// The endpoint is on this machine, so its login may be, too.
    Here,
}

impl Reach {
    /// The reach of a login to that endpoint.
    pub(crate) fn of(endpoint: &str) -> Result<Self, LoginError> {
        let uri = parsed(endpoint).ok_or_else(|| LoginError::NotAUrl(endpoint.to_owned()))?;
        match uri.scheme_str() {
            _ if uri.host().is_some_and(is_loopback) => Ok(Self::Here),
            Some("https") => Ok(Self::World),
            Some(_) | None => Err(LoginError::Unsafe {
                what: "the server",
                url: endpoint.to_owned(),
            }),
        }
    }

    /// The URL, if it may be called. `what` is there, for the sentence.
    pub(crate) fn allows<'a>(
        self,
        what: &'static str,
        url: &'a str,
    ) -> Result<&'a str, LoginError> {
        let fine = parsed(url).is_some_and(|uri| {
            let loopback = uri.host().is_some_and(is_loopback);
            match uri.scheme_str() {
                Some("https") => true,
                Some("http") => self == Self::Here && loopback,
                Some(_) | None => false,
            }
        });
        if fine {
            return Ok(url);
        }
        Err(LoginError::Unsafe {
            what,
            url: shown(url),
        })
    }
}

/// An http or https URL with a host, and without a user name or a fragment.
fn parsed(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    let named = uri.host().is_some_and(|host| !host.is_empty());
    let plain = !url.contains('#')
        && !uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'));
    (http && named && plain).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_what_listens_on_this_machine() {
        let world = Reach::of("https://a.test/mcp").unwrap();
        let here = Reach::of("http://127.0.0.1:1/mcp").unwrap();
        for (url, from_world, from_here) in [
            ("https://b.test/x", true, true),
            ("http://b.test/x", false, false),
            ("http://127.0.0.1:9/x", false, true),
            ("http://[::1]:9/x", false, true),
            ("http://169.254.169.254/latest", false, false),
            ("http://127.0.0.1@b.test/x", false, false),
            ("https://u:p@b.test/x", false, false),
            ("https://b.test/x#y", false, false),
            ("javascript:alert(1)", false, false),
            ("file:///etc/passwd", false, false),
            ("", false, false),
        ] {
            assert_eq!(world.allows("it", url).is_ok(), from_world, "{url}");
            assert_eq!(here.allows("it", url).is_ok(), from_here, "{url}");
        }
    }

    #[test]
    fn an_endpoint_is_https_or_on_this_machine() {
        assert!(matches!(
            Reach::of("http://a.test/mcp"),
            Err(LoginError::Unsafe { .. })
        ));
        for url in ["ftp://a.test/", "a.test", "https:///x"] {
            let found = Reach::of(url);
            assert!(matches!(found, Err(LoginError::NotAUrl(_))), "{url}");
        }
    }
}
