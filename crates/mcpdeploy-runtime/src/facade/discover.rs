//! Where the upstream's endpoints are: as the settings say, or as the issuer's own document does.

use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use serde::Deserialize;

use super::settings::Upstream;
use super::validate::is_url;
use crate::outbound::{Bounds, Outbound, OutboundError, Reach};

/// It is asked while the function starts, which may take 10 s as a whole.
const BOUNDS: Bounds = Bounds {
    reach: Reach::Configured,
    timeout: Duration::from_secs(4),
    bytes: 64 * 1024,
};

/// The upstream's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoints {
    /// Where people log in.
    #[serde(rename = "authorization_endpoint")]
    pub authorize: String,
    /// Where codes become tokens.
    #[serde(rename = "token_endpoint")]
    pub token: String,
    /// Where refresh tokens are revoked, when it can.
    #[serde(rename = "revocation_endpoint")]
    pub revoke: Option<String>,
    /// Whether our client's secret goes into the form, for the issuer takes it nowhere else.
    #[serde(skip)]
    pub secret_in_form: bool,
}

/// Why the upstream's endpoints are not known.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The document cannot be fetched.
    #[error("failed to fetch {url}")]
    Fetch {
        /// The document's URL.
        url: String,
        /// Why not.
        source: OutboundError,
    },
    /// It is answered with something else than a document.
    #[error("{url} was answered with {status}")]
    Status {
        /// The document's URL.
        url: String,
        /// The answer's status.
        status: StatusCode,
    },
    /// It is another issuer's.
    #[error("{url} is that of another issuer, which calls itself {found}")]
    Issuer {
        /// The document's URL.
        url: String,
        /// Whose it is.
        found: String,
    },
    /// It is not what OpenID Connect says it is.
    #[error("{url} {why}")]
    Content {
        /// The document's URL.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    #[serde(flatten)]
    endpoints: Endpoints,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Document {
    /// Whether a secret is taken in the form only. What is not said is that the header will do (RFC
    /// 8414, section 2).
    fn secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        let takes = |name: &str| methods.is_some_and(|all| all.iter().any(|each| each == name));
        takes("client_secret_post") && !takes("client_secret_basic")
    }
}

/// Longer than any issuer's name.
const LONGEST: usize = 200;

impl Upstream {
    /// Its endpoints: those of the settings, or what its issuer says of them, asked once.
    ///
    /// # Errors
    /// The issuer's document cannot be fetched, or is not the issuer's.
    pub async fn endpoints(&self, outbound: &dyn Outbound) -> Result<Endpoints, DiscoveryError> {
        if let (Some(authorize), Some(token)) = (&self.authorize, &self.token) {
            return Ok(Endpoints {
                authorize: authorize.clone(),
                token: token.clone(),
                revoke: self.revoke.clone(),
                secret_in_form: false,
            });
        }
        // Auth0's issuers end with a slash.
        let issuer = self.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let content = |why| DiscoveryError::Content {
            url: url.clone(),
            why,
        };
        let request = Request::get(&url)
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| content("is not a URL"))?;
        let response = match outbound.send(request, BOUNDS).await {
            Ok(response) => response,
            Err(source) => return Err(DiscoveryError::Fetch { url, source }),
        };
        if response.status() != StatusCode::OK {
            let status = response.status();
            return Err(DiscoveryError::Status { url, status });
        }
        let document: Document = serde_json::from_slice(response.body())
            .map_err(|_| content("is not the metadata of an issuer"))?;
        // OpenID Connect Discovery, 4.3: or anybody's document would do. Entra's of a tenant by name
        // or of all tenants at once is that of another one, too.
        if document.issuer != self.issuer {
            let found = document.issuer.chars().take(LONGEST).collect();
            return Err(DiscoveryError::Issuer { url, found });
        }
        let secret_in_form = document.secret_in_form();
        let mut endpoints = document.endpoints;
        endpoints.secret_in_form = secret_in_form;
        // What the settings do say counts.
        let given = |said: &Option<String>, found: String| said.clone().unwrap_or(found);
        endpoints.authorize = given(&self.authorize, endpoints.authorize);
        endpoints.token = given(&self.token, endpoints.token);
        endpoints.revoke = self.revoke.clone().or(endpoints.revoke);
        let all = [&endpoints.authorize, &endpoints.token];
        if all
            .into_iter()
            .chain(&endpoints.revoke)
            .all(|url| is_url(url))
        {
            Ok(endpoints)
        } else {
            Err(content("names an endpoint that is not an https URL"))
        }
    }
}
