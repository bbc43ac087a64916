//! Settings that cannot work are refused before the first request, not in the middle of a login.

use super::settings::{Directions, Resource, Scope, Settings};
use super::uri::{BadUri, Reaches, Redirect};

/// Why settings cannot work.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The issuer is not a base URL.
    #[error("issuer must be an https URL without a slash at its end, a query or a fragment")]
    Issuer,
    /// The issuer that clients are sent to is not an https URL.
    #[error("authorization_server is not an https URL")]
    AuthorizationServer,
    /// No MCP server is named.
    #[error("resources names no MCP server")]
    NoResource,
    /// A resource is not an https URL.
    #[error("the resource {0} is not an https URL")]
    Resource(String),
    /// A scope's name has characters that scopes cannot have.
    #[error("{0:?} is no name of a scope")]
    Scope(String),
    /// A scope of `dcr` is not among `scopes`.
    #[error("dcr names the scope {0}, which scopes does not have")]
    UnknownScope(String),
    /// The upstream, or an endpoint of it, is not an https URL.
    #[error("the upstream's {0} is not an https URL")]
    Upstream(&'static str),
    /// A known client's redirect URI cannot be one.
    #[error("the redirect URI {uri} of the client {client} {why}")]
    Redirect {
        /// The client.
        client: String,
        /// Its URI.
        uri: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Settings {
    /// Whether they can work.
    pub(super) fn validated(&self) -> Result<(), SettingsError> {
        if !is_url(&self.issuer) || self.issuer.ends_with('/') || self.issuer.contains('?') {
            return Err(SettingsError::Issuer);
        }
        servers(&self.resources, &self.scopes)?;
        let unknown = self
            .dcr
            .default_scopes
            .iter()
            .chain(&self.dcr.allowed_scopes)
            .find(|name| !self.scopes.iter().any(|scope| scope.name == **name));
        if let Some(name) = unknown {
            return Err(SettingsError::UnknownScope(name.clone()));
        }
        let endpoints = [
            ("issuer", Some(&self.upstream.issuer)),
            ("authorize endpoint", self.upstream.authorize.as_ref()),
            ("token endpoint", self.upstream.token.as_ref()),
            ("revocation endpoint", self.upstream.revoke.as_ref()),
        ];
        for (name, url) in endpoints {
            if url.is_some_and(|url| !is_url(url)) {
                return Err(SettingsError::Upstream(name));
            }
        }
        for client in &self.clients {
            for uri in &client.redirect_uris {
                Redirect::parse(uri).map_err(|why: BadUri| SettingsError::Redirect {
                    client: client.client_id.clone(),
                    uri: uri.clone(),
                    why: why.to_string(),
                })?;
            }
        }
        Ok(())
    }
}

impl Directions {
    /// Whether anybody finds the way with them.
    pub(super) fn validated(&self) -> Result<(), SettingsError> {
        if !is_url(&self.authorization_server) {
            return Err(SettingsError::AuthorizationServer);
        }
        servers(&self.resources, &self.scopes)
    }
}

/// Whether these servers and scopes can be.
fn servers(resources: &[Resource], scopes: &[Scope]) -> Result<(), SettingsError> {
    if resources.is_empty() {
        return Err(SettingsError::NoResource);
    }
    if let Some(resource) = resources.iter().find(|each| !is_url(&each.url)) {
        return Err(SettingsError::Resource(resource.url.clone()));
    }
    if let Some(scope) = scopes.iter().find(|scope| !is_scope(&scope.name)) {
        return Err(SettingsError::Scope(scope.name.clone()));
    }
    Ok(())
}

/// https, or http on this machine, which is the embedded cloud.
pub(super) fn is_url(text: &str) -> bool {
    let absolute = Redirect::parse(text).is_ok_and(|url| match url.reaches {
        Reaches::Web | Reaches::Loopback => true,
        Reaches::App => false,
    });
    // Requests are made of them, by a stricter parser.
    absolute && text.parse::<http::Uri>().is_ok()
}

/// RFC 6749, section 3.3.
fn is_scope(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
