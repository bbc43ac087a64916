//! Which request is answered by what.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, Request};

use super::answer::{self, Answer, Code, Fault};
use super::assertion::{Fetched, Taken};
use super::cache::Cache;
use super::client::Client;
use super::clock::Clock;
use super::discover::Endpoints;
use super::flow::Cookies;
use super::metadata::{self, RESOURCE, path_of};
use super::page::Page;
use super::params::Params;
use super::secrets::{Held, Secrets};
use super::settings::Settings;
use super::trail::{self, Trail};
use super::validate::SettingsError;
use crate::outbound::Outbound;

/// More than any request here needs.
const LARGEST: usize = 64 * 1024;

const ISSUER: [&str; 2] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// The OAuth facade.
pub struct Facade {
    pub(super) settings: Settings,
    pub(super) outbound: Arc<dyn Outbound>,
    pub(super) clock: Clock,
    pub(super) endpoints: Endpoints,
    held: RwLock<Arc<Held>>,
    pub(super) cookies: Cookies,
    pub(super) page: Page,
    pub(super) documents: Cache<Client>,
    pub(super) key_sets: Cache<Fetched>,
    pub(super) taken: Taken,
}

impl Facade {
    /// A facade by `settings`, which reaches the upstream and documents of clients by `outbound`.
    ///
    /// # Errors
    /// With these settings nobody could log in.
    pub fn new(
        settings: Settings,
        secrets: Secrets,
        endpoints: Endpoints,
        outbound: Arc<dyn Outbound>,
        clock: Clock,
    ) -> Result<Self, SettingsError> {
        settings.validated()?;
        Ok(Self {
            held: RwLock::new(Arc::new(Held::new(secrets, &settings.issuer))),
            endpoints,
            cookies: Cookies::new(&settings.issuer),
            page: Page::new(),
            documents: Cache::default(),
            key_sets: Cache::default(),
            taken: Taken::default(),
            settings,
            outbound,
            clock,
        })
    }

    /// From now on, these are the secrets.
    pub fn renew(&self, secrets: Secrets) {
        let held = Arc::new(Held::new(secrets, &self.settings.issuer));
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Whether since the last question something came that was not sealed with the keys in use. What
    /// such a request asked for was not done.
    pub fn missed(&self) -> bool {
        self.held().sealer.missed()
    }

    pub(super) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers any request: what is wrong with it is said in the answer. The request's own host is
    /// never looked at: the facade knows its name by its settings. What may be told of the request is
    /// the [`Trail`] among the answer's extensions.
    pub async fn handle(&self, request: Request<Bytes>) -> Answer {
        let mut trail = Trail::default();
        let (head, body) = request.into_parts();
        let mut answer = match self.routed(&head, &body, &mut trail).await {
            Ok(answer) => answer,
            Err(fault) => {
                trail.fault(&fault);
                fault.answer()
            }
        };
        answer.extensions_mut().insert(trail);
        answer
    }

    async fn routed(&self, head: &Parts, body: &Bytes, trail: &mut Trail) -> Result<Answer, Fault> {
        let path = head.uri.path();
        if body.len() > LARGEST {
            return Err(Fault::new(Code::TooLarge, "the request is too large"));
        }
        if let Some(answer) = self.well_known(&head.method, path) {
            trail.path = trail::own_path(path);
            return Ok(answer);
        }
        let (method, headers) = (&head.method, &head.headers);
        let query = || Params::parse(head.uri.query().unwrap_or_default().as_bytes());
        let base = path_of(&self.settings.issuer);
        let endpoint = path.strip_prefix(base).unwrap_or_default();
        let answer = match endpoint {
            "/authorize" => match *method {
                Method::GET => self.authorize(headers, &query(), trail).await,
                Method::POST => self.authorize(headers, &form(headers, body)?, trail).await,
                _ => answer::wrong_method("GET, POST"),
            },
            "/consent" if method == Method::POST => {
                self.consent(headers, &form(headers, body)?, trail)
            }
            "/consent" => answer::wrong_method("POST"),
            "/callback" if method == Method::GET => self.callback(headers, &query(), trail),
            "/callback" => answer::wrong_method("GET"),
            "/register" if self.settings.dcr.enabled => {
                let register = async |trail: &mut Trail| self.register(headers, body, trail);
                open(method, trail, register).await
            }
            "/token" => {
                let token = async |trail: &mut Trail| {
                    let form = form(headers, body)?;
                    self.token(headers, &form, trail).await
                };
                open(method, trail, token).await
            }
            "/revoke" if self.endpoints.revoke.is_some() => {
                let revoke = async |trail: &mut Trail| {
                    let form = form(headers, body)?;
                    self.revoke(headers, &form, trail).await
                };
                open(method, trail, revoke).await
            }
            _ => return Ok(answer::not_found()),
        };
        // Only now: the paths of others are not ours to repeat.
        path.clone_into(&mut trail.path);
        Ok(answer)
    }

    fn well_known(&self, method: &Method, path: &str) -> Option<Answer> {
        // Some clients put the issuer's path before the well-known part, as OpenID Connect does.
        let base = path_of(&self.settings.issuer);
        let below = path.strip_prefix(base).unwrap_or(path);
        let found = |prefix| metadata::below(prefix, path).or(metadata::below(prefix, below));
        let of_resource = found(RESOURCE);
        let of_issuer = ISSUER.iter().find_map(|prefix| found(prefix));
        if of_resource.is_none() && of_issuer.is_none() {
            return None;
        }
        Some(metadata::served(method, || {
            of_resource.map_or_else(
                || self.issuer_metadata(of_issuer.unwrap_or_default()),
                |path| self.resource_metadata(path),
            )
        }))
    }
}

/// An endpoint that takes POST, and from pages of any origin.
async fn open(
    method: &Method,
    trail: &mut Trail,
    answer: impl AsyncFnOnce(&mut Trail) -> Result<Answer, Fault>,
) -> Answer {
    match *method {
        Method::OPTIONS => answer::preflight("POST"),
        Method::POST => answer::shared(answer(trail).await.unwrap_or_else(|fault| {
            trail.fault(&fault);
            fault.answer()
        })),
        _ => answer::shared(answer::wrong_method("POST, OPTIONS")),
    }
}

/// The request's form; what a page of another origin can send without asking may be no other type.
fn form(headers: &HeaderMap, body: &[u8]) -> Result<Params, Fault> {
    if media_type(headers) != Some("application/x-www-form-urlencoded") {
        return Err(Fault::new(
            Code::InvalidRequest,
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    Ok(Params::parse(body))
}

/// The content type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    text.split(';').next().map(str::trim)
}
