//! The documents by which clients find their way: RFC 9728 of the servers, RFC 8414 of the issuer.

use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::keyset::Algorithm;
use super::route::Facade;
use super::settings::{Resource, Scope};

/// Short, so that a changed deployment is found again.
const KEPT: &str = "public, max-age=300";

/// Where the documents of servers are.
pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// What of `path` comes after `prefix`, if it is below it: the path of what is described there.
pub(super) fn below<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_end_matches('/'))
}

/// The answer to a request for a document, which pages of any origin may read.
pub(super) fn served(method: &Method, document: impl FnOnce() -> Answer) -> Answer {
    match *method {
        Method::OPTIONS => answer::preflight("GET"),
        Method::GET | Method::HEAD => answer::shared(document()),
        _ => answer::shared(answer::wrong_method("GET, HEAD, OPTIONS")),
    }
}

/// The document of the server at `path`, for which `issuer` gives the tokens; with no path, of the
/// only one there is.
pub(super) fn of_resource(
    resources: &[Resource],
    path: &str,
    issuer: &str,
    scopes: &[Scope],
) -> Answer {
    let resource = match resources {
        [only] if path.is_empty() => Some(only),
        several => several.iter().find(|each| path_of(&each.url) == path),
    };
    let Some(resource) = resource else {
        return answer::not_found();
    };
    let mut document = json!({
        "resource": resource.url,
        "authorization_servers": [issuer],
        "scopes_supported": names(scopes),
        "bearer_methods_supported": ["header"],
    });
    if let Some(name) = &resource.name {
        document["resource_name"] = json!(name);
    }
    kept(&document)
}

fn names(scopes: &[Scope]) -> Vec<&str> {
    scopes.iter().map(|scope| scope.name.as_str()).collect()
}

impl Facade {
    /// The document of the server at `path`.
    pub(super) fn resource_metadata(&self, path: &str) -> Answer {
        let settings = &self.settings;
        of_resource(
            &settings.resources,
            path,
            &settings.issuer,
            &settings.scopes,
        )
    }

    /// The issuer's document: at its own path, and where clients that know only a server look.
    pub(super) fn issuer_metadata(&self, path: &str) -> Answer {
        let of_a_server = self
            .settings
            .resources
            .iter()
            .any(|resource| path_of(&resource.url) == path);
        if !path.is_empty() && path != path_of(&self.settings.issuer) && !of_a_server {
            return answer::not_found();
        }
        kept(&self.describe_issuer())
    }

    fn describe_issuer(&self) -> Value {
        let issuer = &self.settings.issuer;
        let mut methods = vec!["none", "client_secret_basic", "client_secret_post"];
        if self.settings.cimd.enabled {
            methods.push("private_key_jwt");
        }
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "scopes_supported": self.scope_names(),
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": self.settings.cimd.enabled,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        });
        if self.settings.cimd.enabled {
            document["token_endpoint_auth_signing_alg_values_supported"] = json!(Algorithm::NAMES);
        }
        if self.settings.dcr.enabled {
            document["registration_endpoint"] = json!(format!("{issuer}/register"));
        }
        if self.endpoints.revoke.is_some() {
            document["revocation_endpoint"] = json!(format!("{issuer}/revoke"));
            document["revocation_endpoint_auth_methods_supported"] = json!(methods);
            if self.settings.cimd.enabled {
                document["revocation_endpoint_auth_signing_alg_values_supported"] =
                    json!(Algorithm::NAMES);
            }
        }
        document
    }

    pub(super) fn scope_names(&self) -> Vec<&str> {
        names(&self.settings.scopes)
    }
}

/// The path of an absolute URL, without a slash at its end.
pub(super) fn path_of(url: &str) -> &str {
    let after = url.split_once("://").map_or("", |(_, after)| after);
    let path = after.find('/').map_or("", |at| &after[at..]);
    path.split('?')
        .next()
        .unwrap_or_default()
        .trim_end_matches('/')
}

fn kept(document: &Value) -> Answer {
    let mut answer = answer::json_answer(StatusCode::OK, document);
    answer::set(&mut answer, CACHE_CONTROL, KEPT);
    answer.headers_mut().remove(http::header::PRAGMA);
    answer
}
