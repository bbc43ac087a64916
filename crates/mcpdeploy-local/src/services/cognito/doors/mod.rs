//! The doors of user pools: key sets and discovery below the issuer, pages and OAuth endpoints below
//! the domain.
//!
//! A domain is at `<endpoint>/_cognito/<domain>/…`, and at `<domain>.auth.<region>.amazoncognito.com`
//! for those who make that name lead here.

mod ask;
mod authorize;
mod discovery;
mod html;
mod login;
mod logout;
mod people;
mod token;
mod userinfo;
mod visit;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use self::visit::Visit;
use super::Cognito;
use super::model::Domain;
use crate::cloud::Cloud;
use crate::server::{collect, plain};
use crate::wire::Body;

/// The largest form that is taken.
const LARGEST: usize = 256 * 1024;
/// What stands before a domain in a path.
const DOMAINS: &str = "/_cognito/";
/// What stands after a prefix domain and a region in a host.
const HOSTS: &str = ".amazoncognito.com";

/// What a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A document of a pool.
    Pool { id: String, document: String },
    /// A page or an endpoint of a domain.
    Domain {
        name: String,
        /// What stands before the paths of the domain: empty, or `/_cognito/<domain>`.
        prefix: String,
        path: String,
    },
}

impl Place {
    fn find(host: &str, path: &str) -> Option<Self> {
        let bare = host.split(':').next().unwrap_or_default();
        if let Some((name, rest)) = bare.split_once('.')
            && rest.starts_with("auth.")
            && rest.ends_with(HOSTS)
        {
            return Some(Self::Domain {
                name: name.to_owned(),
                prefix: String::new(),
                path: path.to_owned(),
            });
        }
        if let Some(rest) = path.strip_prefix(DOMAINS) {
            let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
            return Some(Self::Domain {
                name: percent_decode_str(name).decode_utf8_lossy().into_owned(),
                prefix: format!("{DOMAINS}{name}"),
                path: format!("/{rest}"),
            });
        }
        let (id, rest) = path.strip_prefix('/')?.split_once('/')?;
        let document = rest.strip_prefix(".well-known/")?;
        let (region, unique) = id.split_once('_')?;
        let fits = !unique.is_empty()
            && unique.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && region.split('-').count() >= 3;
        fits.then(|| Self::Pool {
            id: id.to_owned(),
            document: document.to_owned(),
        })
    }
}

/// Whether a request on the port belongs to a user pool.
pub(crate) fn is_door(host: &str, path: &str) -> bool {
    Place::find(host, path).is_some()
}

/// Whether a host, with its port or without, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(bare, "localhost" | "127.0.0.1" | "::1")
}

/// Where the cloud is for who asks: as they call it themselves, when that is this machine.
pub(super) fn base(cloud: &Cloud, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) if is_loopback(host) => format!("http://{host}"),
        Some(_) | None => cloud.endpoint(),
    }
}

impl Cognito {
    /// Answers a request for a page, a token or a key set.
    pub(crate) async fn page(&self, cloud: &Cloud, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        match collect(body, LARGEST).await {
            Ok(body) => {
                self.open_door(cloud, Request::from_parts(parts, body))
                    .await
            }
            Err(_) => plain(StatusCode::PAYLOAD_TOO_LARGE, "too large\n"),
        }
    }

    async fn open_door(&self, cloud: &Cloud, request: Request<Bytes>) -> Response<Body> {
        let host = request
            .headers()
            .get(HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.unwrap_or_default().to_owned();
        match Place::find(&host, request.uri().path()) {
            Some(Place::Pool { id, document }) => {
                let base = base(cloud, request.headers());
                self.document(cloud, &base, &id, &document).await
            }
            Some(Place::Domain { name, prefix, path }) => {
                let domain = self.state().domains.get(&name).cloned();
                let Some(domain) = domain else {
                    return plain(
                        StatusCode::NOT_FOUND,
                        format!("no user pool has the domain {name}\n"),
                    );
                };
                let visit = Visit::new(cloud, request, prefix);
                self.visit(cloud, &domain, &visit, &path).await
            }
            None => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    async fn visit(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
        path: &str,
    ) -> Response<Body> {
        let get = visit.method == Method::GET || visit.method == Method::HEAD;
        let post = visit.method == Method::POST;
        match path {
            "/oauth2/token" | "/oauth2/revoke" | "/oauth2/userInfo"
                if visit.method == Method::OPTIONS =>
            {
                visit::preflight()
            }
            "/oauth2/token" if post => self.token(cloud, domain, visit).await,
            "/oauth2/revoke" if post => self.revoke_door(cloud, domain, visit),
            "/oauth2/userInfo" if get || post => self.user_info(cloud, domain, visit).await,
            "/oauth2/authorize" if get => self.authorize(cloud, domain, visit).await,
            "/login" if get => self.login_page(cloud, domain, visit).await,
            "/login" if post => self.login(cloud, domain, visit).await,
            "/changePassword" if post => self.change_temporary(cloud, domain, visit).await,
            "/mfa" if post => self.second_factor(cloud, domain, visit).await,
            "/mfaSetup" if post => self.set_up_factor(cloud, domain, visit).await,
            "/signup" if get => self.sign_up_page(domain, visit),
            "/signup" if post => self.sign_up_form(cloud, domain, visit).await,
            "/confirmUser" if post => self.confirm_form(cloud, domain, visit),
            "/resendcode" if post => self.resend_form(cloud, domain, visit),
            "/forgotPassword" if get => self.forgot_page(domain, visit),
            "/forgotPassword" if post => self.forgot_form(cloud, domain, visit),
            "/confirmForgotPassword" if post => self.reset_form(cloud, domain, visit).await,
            "/logout" if get => self.logout(domain, visit),
            "/error" if get => html::error(visit.query("error").unwrap_or_default()),
            "/oauth2/token"
            | "/oauth2/revoke"
            | "/oauth2/userInfo"
            | "/oauth2/authorize"
            | "/login"
            | "/changePassword"
            | "/mfa"
            | "/mfaSetup"
            | "/signup"
            | "/confirmUser"
            | "/resendcode"
            | "/forgotPassword"
            | "/confirmForgotPassword"
            | "/logout"
            | "/error" => plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n"),
            "/oauth2/idpresponse" | "/saml2/idpresponse" | "/saml2/logout" => {
                html::absent("The embedded cloud has no sign-in by other identity providers yet.")
            }
            _ => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_user_pool() {
        let local = "127.0.0.1:4600";
        for (host, path, wanted) in [
            (local, "/us-east-1_Ab12/.well-known/jwks.json", true),
            (
                "cognito-idp.us-east-1.amazonaws.com",
                "/us-gov-west-1_x/.well-known/jwks.json",
                true,
            ),
            (local, "/_cognito/my-app/login", true),
            (local, "/_cognito/my-app", true),
            (
                "my-app.auth.us-east-1.amazoncognito.com:4600",
                "/login",
                true,
            ),
            (local, "/bucket/.well-known/jwks.json", false),
            (local, "/us-east-1_Ab12/other", false),
            (local, "/", false),
        ] {
            assert_eq!(is_door(host, path), wanted, "{host}{path}");
        }
    }

    #[test]
    fn this_machine() {
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example.com",
            "127.0.0.1.nip.io:80",
            "example.com",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
