//! The HTTP client below the SDK: rustls on ring, and no work before it is needed.
//!
//! The SDK's own builder loads the machine's root certificates once for every client it makes,
//! even if all of them speak plain HTTP to an emulator. This one makes a connector when the first
//! request of its scheme comes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mcpdeploy_engine::kind::KindError;

/// The HTTP client for all services.
///
/// `https` trusts the machine's roots and, on top of them, the certificates of `ca_bundle` (PEM);
/// it goes through the proxy that `HTTPS_PROXY`, `NO_PROXY` and their like name. Plain `http` is
/// for emulators and the machine's own credential endpoints and never takes a proxy.
pub(crate) fn client(ca_bundle: Option<Vec<u8>>) -> SharedHttpClient {
    SharedHttpClient::new(Client(Arc::new(Pool {
        ca_bundle,
        connectors: Mutex::default(),
    })))
}

/// Reads the file that `AWS_CA_BUNDLE` names.
pub(crate) fn read_ca_bundle(path: &str) -> Result<Vec<u8>, KindError> {
    let hint = "AWS_CA_BUNDLE must name a file of PEM certificates";
    let bytes = std::fs::read(path).map_err(|error| {
        KindError::fatal(format!("cannot read the CA bundle: {error}"))
            .on(path)
            .hint(hint)
    })?;
    // The TLS library panics at certificates that it cannot read, so they are looked at first.
    if is_pem(&bytes) {
        Ok(bytes)
    } else {
        Err(
            KindError::fatal("the CA bundle holds no readable certificate")
                .on(path)
                .hint(hint),
        )
    }
}

/// Whether there is at least one certificate and each is Base64 of an ASN.1 sequence.
fn is_pem(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1).peekable();
    blocks.peek().is_some()
        && blocks.all(|block| {
            block
                .split_once("-----END CERTIFICATE-----")
                .is_some_and(|(body, _)| {
                    let body: String = body.split_whitespace().collect();
                    BASE64_STANDARD
                        .decode(body)
                        .is_ok_and(|der| der.first() == Some(&0x30))
                })
        })
}

type Key = (bool, Option<Duration>, Option<Duration>);

struct Pool {
    ca_bundle: Option<Vec<u8>>,
    connectors: Mutex<HashMap<Key, SharedHttpConnector>>,
}

impl Pool {
    fn connector(&self, secure: bool, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        let key = (secure, settings.connect_timeout(), settings.read_timeout());
        self.connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_insert_with(|| SharedHttpConnector::new(self.make(secure, settings)))
            .clone()
    }

    fn make(&self, secure: bool, settings: &HttpConnectorSettings) -> Connector {
        let mut trust = TrustStore::empty();
        let mut proxy = ProxyConfig::disabled();
        if secure {
            trust = trust.with_native_roots(true);
            if let Some(pem) = &self.ca_bundle {
                trust = trust.with_pem_certificate(pem.as_slice());
            }
            proxy = ProxyConfig::from_env();
        }
        let builder = Connector::builder()
            .connector_settings(settings.clone())
            .proxy_config(proxy)
            .tls_provider(Provider::Rustls(CryptoMode::Ring));
        match TlsContext::builder().with_trust_store(trust).build() {
            Ok(context) => builder.tls_context(context).build(),
            // The default context trusts the machine's roots; building one cannot fail today.
            Err(_) => builder.build(),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Client(Arc<Pool>);

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(ByScheme {
            pool: self.0.clone(),
            settings: settings.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

#[derive(Debug)]
struct ByScheme {
    pool: Arc<Pool>,
    settings: HttpConnectorSettings,
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let secure = match request.uri().split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => false,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => true,
            _ => {
                let error = format!("`{}` is no http or https address", request.uri());
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        self.pool.connector(secure, &self.settings).call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_pass_for_a_bundle() {
        let block = |body: &str| {
            format!("# a comment\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        assert!(is_pem(block("MIIB\nAA==").as_bytes()));
        assert!(!is_pem((block("MIIB") + &block("not base64!")).as_bytes()));
        assert!(!is_pem(b"hello"));
        assert!(!is_pem(&[0x30, 0xff]));
    }
}
