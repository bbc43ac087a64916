//! The two metadata documents: of a protected resource (RFC 9728), and of an authorization server
//! (RFC 8414). What is not read here is not needed to log in.

use serde::Deserialize;

/// What a protected resource says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ResourceDocument {
    pub(crate) resource: String,
    #[serde(default)]
    pub(crate) authorization_servers: Vec<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Option<Vec<String>>,
}

/// What an authorization server says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ServerDocument {
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    #[serde(default)]
    pub(crate) registration_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) revocation_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) client_id_metadata_document_supported: bool,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

impl ServerDocument {
    /// How clients may prove themselves at the token endpoint.
    pub(crate) fn methods(&self) -> Vec<&str> {
        match &self.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().map(String::as_str).collect(),
            // RFC 8414, 2: what it is when the document is silent. Servers that are silent know
            // public clients all the same, or PKCE would be for nothing.
            None => vec!["client_secret_basic", "none"],
        }
    }
}
