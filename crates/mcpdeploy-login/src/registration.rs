//! How an authorization server knows this client: registered by hand, by the URL of a document, or
//! by asking it (RFC 7591). What was registered is bound to that server.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::documents::ServerDocument;
use crate::error::{LoginError, oauth, shown};
use crate::http::Http;
use crate::kept::now;
use crate::secret::Secret;

/// A client as an authorization server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<Secret>,
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    /// The port that the registered redirect URI has: servers compare it, though for loopback
    /// addresses they should not (RFC 8252, 7.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// When the secret runs out, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<u64>,
}

/// How a client became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Somebody registered it by hand.
    ByHand,
    /// Its id is the URL of a document.
    Document,
    /// It asked.
    Dynamic,
}

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// Not at all: it can keep no secret, and PKCE protects its codes.
    None,
    ClientSecretBasic,
    ClientSecretPost,
}

impl Method {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "client_secret_basic" => Some(Self::ClientSecretBasic),
            "client_secret_post" => Some(Self::ClientSecretPost),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }

    /// The first of these that the server knows.
    fn choose(server: &ServerDocument, wanted: &[Self]) -> Result<Self, LoginError> {
        let known = server.methods();
        let found = wanted.iter().find(|method| known.contains(&method.name()));
        found
            .copied()
            .ok_or_else(|| LoginError::CannotAuthenticate {
                issuer: server.issuer.clone(),
                methods: known.into_iter().map(shown).collect(),
            })
    }

    fn for_secret(server: &ServerDocument, secret: Option<&Secret>) -> Result<Self, LoginError> {
        match secret {
            Some(_) => Self::choose(
                server,
                &[Self::ClientSecretBasic, Self::ClientSecretPost, Self::None],
            ),
            None => Ok(Self::None),
        }
    }
}

impl Registration {
    /// A client that somebody registered by hand.
    pub(crate) fn by_hand(
        server: &ServerDocument,
        id: &str,
        secret: Option<Secret>,
    ) -> Result<Self, LoginError> {
        Ok(Self {
            client_id: id.to_owned(),
            method: Method::for_secret(server, secret.as_ref())?,
            client_secret: secret,
            origin: Origin::ByHand,
            port: None,
            expires_at: None,
        })
    }

    /// A client whose id is the URL of its document.
    pub(crate) fn document(url: &str) -> Self {
        Self {
            client_id: url.to_owned(),
            client_secret: None,
            method: Method::None,
            origin: Origin::Document,
            port: None,
            expires_at: None,
        }
    }

    /// Whether it can still be used, with a redirect to that port.
    pub(crate) fn serves(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port) && self.expires_at.is_none_or(|end| end > now())
    }
}

/// Whether the URL can be a client's id (OAuth Client ID Metadata Document, 3).
pub(crate) fn is_document_url(url: &str) -> bool {
    let path = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(host, _)| !host.is_empty() && !host.contains('@'))
        .map(|(_, path)| path);
    path.is_some_and(|path| !path.is_empty() && !path.contains('#'))
}

#[derive(Deserialize)]
struct Answered {
    client_id: String,
    client_secret: Option<Secret>,
    client_secret_expires_at: Option<u64>,
    token_endpoint_auth_method: Option<String>,
}

/// Asks to be registered, with a redirect to that port.
pub(crate) fn register(
    http: &Http,
    server: &ServerDocument,
    redirect_uri: &str,
    port: u16,
) -> Result<Registration, LoginError> {
    let Some(url) = &server.registration_endpoint else {
        return Err(LoginError::CannotRegister(server.issuer.clone()));
    };
    let asked = Method::choose(
        server,
        &[
            Method::None,
            Method::ClientSecretBasic,
            Method::ClientSecretPost,
        ],
    )?;
    let answer = http.post_json(
        url,
        &[("accept", "application/json")],
        &json!({
            "client_name": "mcpdeploy",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": asked.name(),
            // Without it, OpenID providers take it for a web site, which may have no loopback address.
            "application_type": "native",
        }),
    )?;
    let refused = |why: String| LoginError::NotRegistered {
        issuer: server.issuer.clone(),
        why,
    };
    let document = answer.object().unwrap_or_default();
    if !matches!(answer.status, 200 | 201) {
        return Err(refused(match document["error"].as_str() {
            Some(error) => oauth(error, document["error_description"].as_str()),
            None => answer.in_words(),
        }));
    }
    let answered: Answered = serde_json::from_value(document)
        .map_err(|error| refused(format!("its answer is no registration: {error}")))?;
    let secret = answered.client_secret;
    let method = match answered.token_endpoint_auth_method.as_deref() {
        Some(name) => Method::parse(name).ok_or_else(|| LoginError::CannotAuthenticate {
            issuer: server.issuer.clone(),
            methods: vec![shown(name)],
        })?,
        None if secret.is_none() => Method::None,
        // RFC 7591, 2: what it is when neither document says anything.
        None if server.token_endpoint_auth_methods_supported.is_none() => Method::ClientSecretBasic,
        None => asked,
    };
    Ok(Registration {
        client_id: answered.client_id,
        method,
        client_secret: secret,
        origin: Origin::Dynamic,
        port: Some(port),
        // 0 is for ever.
        expires_at: answered.client_secret_expires_at.filter(|end| *end > 0),
    })
}

#[cfg(test)]
mod tests {
    use super::is_document_url;

    #[test]
    fn a_document_is_at_an_https_url_with_a_path() {
        for (url, fine) in [
            ("https://a.test/client.json", true),
            ("https://a.test", false),
            ("https://a.test/", false),
            ("https:///x", false),
            ("https://u@a.test/x", false),
            ("https://a.test/x#y", false),
            ("http://a.test/client.json", false),
        ] {
            assert_eq!(is_document_url(url), fine, "{url}");
        }
    }
}
