//! Requests that got no answer: why, in words, and what can be done.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the errors are of other crates, whose sets are open"
)]

use std::io;
use std::time::Duration;

use rustls::CertificateError;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("the name {0} does not resolve")]
    NoSuchHost(String),
    #[error("nothing listens there: the connection is refused")]
    Refused,
    #[error("no answer within {}", seconds(*.0))]
    Timeout(Duration),
    #[error("the connection was closed before there was an answer")]
    Closed,
    #[error("the certificate {0}")]
    Certificate(&'static str),
    #[error("no TLS connection: {0}")]
    Tls(String),
    #[error("what answers does not speak HTTP: {0}")]
    NotHttp(String),
    #[error("no connection: {0}")]
    Other(String),
}

impl Unanswered {
    /// From the HTTP client's error. `host`: who was called; `timeout`: how long was waited.
    pub(crate) fn from_error(error: &ureq::Error, host: &str, timeout: Duration) -> Self {
        match error {
            ureq::Error::HostNotFound => Self::NoSuchHost(host.to_owned()),
            ureq::Error::Timeout(_) => Self::Timeout(timeout),
            ureq::Error::Rustls(error) => Self::from_tls(error),
            ureq::Error::Tls(text) => Self::Tls((*text).to_owned()),
            ureq::Error::Protocol(error) => Self::NotHttp(error.to_string()),
            ureq::Error::Io(error) => Self::from_io(error, host, timeout),
            other => Self::Other(other.to_string()),
        }
    }

    pub(crate) fn from_io(error: &io::Error, host: &str, timeout: Duration) -> Self {
        if let Some(inner) = error.get_ref() {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return Self::from_tls(tls);
            }
            if let Some(http) = inner.downcast_ref::<ureq::Error>() {
                return Self::from_error(http, host, timeout);
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout(timeout),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            _ if error.to_string().contains("failed to lookup address") => {
                Self::NoSuchHost(host.to_owned())
            }
            _ => Self::Other(error.to_string()),
        }
    }

    fn from_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(why) => match why {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Certificate("has expired")
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::Certificate("is not valid yet")
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    Self::Certificate("is for another name")
                }
                CertificateError::UnknownIssuer => {
                    Self::Certificate("is from an authority that is not trusted")
                }
                CertificateError::Revoked => Self::Certificate("is revoked"),
                other => Self::Tls(format!("the certificate is not valid: {other}")),
            },
            rustls::Error::InvalidMessage(_) => {
                Self::Tls("what answers there does not speak TLS".to_owned())
            }
            other => Self::Tls(other.to_string()),
        }
    }

    /// What can be done about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchHost(_) => Some(
                "look at the URL; a name that was just created takes a while until it resolves",
            ),
            Self::Refused => Some("look at the port, and whether the server runs"),
            Self::Timeout(_) => {
                Some("look at the server's logs; a longer time can be given with --timeout")
            }
            Self::Certificate(_) => Some(
                "a private authority's certificates are named in AWS_CA_BUNDLE, a file in PEM form",
            ),
            Self::Tls(_) => Some("look whether the URL has to begin with http:// there"),
            Self::NotHttp(_) => Some("look whether the URL has to begin with https:// there"),
            Self::Closed | Self::Other(_) => None,
        }
    }
}

fn seconds(duration: Duration) -> String {
    if duration.as_millis() < 1000 {
        return format!("{} ms", duration.as_millis());
    }
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_named() {
        let wait = Duration::from_millis(1500);
        let wrapped = io::Error::new(
            io::ErrorKind::InvalidData,
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
        );
        for (error, expected) in [
            (
                ureq::Error::HostNotFound,
                "the name x.test does not resolve",
            ),
            (
                ureq::Error::Io(io::ErrorKind::ConnectionRefused.into()),
                "nothing listens there: the connection is refused",
            ),
            (
                ureq::Error::Io(io::ErrorKind::TimedOut.into()),
                "no answer within 1.5 s",
            ),
            (
                ureq::Error::Io(wrapped),
                "the certificate is from an authority that is not trusted",
            ),
            (
                ureq::Error::Rustls(rustls::Error::InvalidCertificate(CertificateError::Expired)),
                "the certificate has expired",
            ),
            (
                ureq::Error::Io(io::ErrorKind::ConnectionReset.into()),
                "the connection was closed before there was an answer",
            ),
        ] {
            let said = Unanswered::from_error(&error, "x.test", wait);
            assert_eq!(said.to_string(), expected);
        }
    }
}
