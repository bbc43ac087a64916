//! A facade, an upstream that checks what Cognito checks, and a browser with cookies.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use mcpdeploy_runtime::facade::{Clock, Endpoints, Facade, Key, Keys, Secrets, Settings};
use mcpdeploy_runtime::outbound::{Answering, Bounds, Outbound, OutboundError, Reach};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const BASE: &str = "https://mcp.example";
pub(crate) const RESOURCE: &str = "https://mcp.example/mcp";
pub(crate) const LOGIN: &str = "https://login.example/oauth2/authorize";
pub(crate) const APP: &str = "https://app.example/cb";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rfc-7636";

pub(crate) fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

pub(crate) fn settings() -> Value {
    json!({
        "issuer": BASE,
        "resources": [{"url": RESOURCE, "name": "Weather"}],
        "scopes": [
            {"name": "mcp/read", "description": "Read the weather"},
            {"name": "mcp/write", "description": "Change the weather"},
        ],
        "upstream": {
            "issuer": "https://issuer.example",
            "authorize": LOGIN,
            "token": "https://login.example/oauth2/token",
            "revoke": "https://login.example/oauth2/revoke",
            "client_id": "ours",
            "client_secret": "arn:of-the-secret",
        },
        "clients": [{
            "client_id": "known",
            "name": "Known",
            "redirect_uris": ["https://known.example/cb", "http://127.0.0.1/cb"],
        }],
    })
}

pub(crate) fn secrets() -> Secrets {
    Secrets {
        upstream: Some("upstream-secret".into()),
        ..Secrets::of(Keys {
            current: Key::new([7; 32]),
            previous: None,
        })
    }
}

pub(crate) fn endpoints(settings: &Settings) -> Endpoints {
    Endpoints {
        authorize: settings.upstream.authorize.clone().unwrap(),
        token: settings.upstream.token.clone().unwrap(),
        revoke: settings.upstream.revoke.clone(),
        secret_in_form: false,
    }
}

/// What came to the outside, and what it answers.
#[derive(Default)]
pub(crate) struct World {
    /// Codes that were given out and not used: to their challenge.
    codes: Mutex<HashMap<String, String>>,
    pub(crate) revoked: Mutex<Vec<String>>,
    pub(crate) documents: Mutex<HashMap<String, Response<Bytes>>>,
    /// The URL of each request, and how far it might reach.
    pub(crate) asked: Mutex<Vec<(String, Reach)>>,
    /// Whether a refresh brings a new refresh token.
    pub(crate) rotates: Mutex<bool>,
    pub(crate) down: Mutex<bool>,
}

impl World {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, OutboundError> {
        if *self.down.lock().unwrap() {
            return Err(OutboundError::Timeout);
        }
        let url = request.uri().to_string();
        let form: HashMap<String, String> = form_urlencoded::parse(request.body())
            .into_owned()
            .collect();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        if let Some(document) = self.documents.lock().unwrap().get(&url) {
            return Ok(document.clone());
        }
        let ours = format!("Basic {}", STANDARD.encode("ours:upstream-secret"));
        assert_eq!(request.headers()["authorization"], ours.as_str());
        assert_eq!(field("client_id"), "", "it is in the header");
        let reply = |status: u16, body: Value| {
            Ok(Response::builder()
                .status(status)
                .body(Bytes::from(body.to_string()))
                .unwrap())
        };
        let refused = || reply(400, json!({"error": "invalid_grant"}));
        match (url.as_str(), field("grant_type").as_str()) {
            ("https://login.example/oauth2/token", "authorization_code") => {
                let challenge = self.codes.lock().unwrap().remove(&field("code"));
                let made = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
                if challenge != Some(made) || field("redirect_uri") != format!("{BASE}/callback") {
                    return refused();
                }
                reply(200, tokens("access-1", Some("upstream-refresh")))
            }
            ("https://login.example/oauth2/token", "refresh_token") => {
                if !field("refresh_token").starts_with("upstream-refresh") {
                    return refused();
                }
                let rotated = self.rotates.lock().unwrap().then_some("upstream-refresh-2");
                reply(200, tokens("access-2", rotated))
            }
            ("https://login.example/oauth2/revoke", _) => {
                self.revoked.lock().unwrap().push(field("token"));
                Ok(Response::new(Bytes::new()))
            }
            _ => Err(OutboundError::Name),
        }
    }
}

fn tokens(access: &str, refresh: Option<&str>) -> Value {
    let mut body = json!({
        "access_token": access,
        "id_token": "not for clients",
        "token_type": "Bearer",
        "expires_in": 3600,
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    body
}

struct Seen(Arc<World>);

impl Outbound for Seen {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Answering<'_> {
        let asked = (request.uri().to_string(), bounds.reach);
        self.0.asked.lock().unwrap().push(asked);
        let answer = self.0.answer(&request);
        Box::pin(async move { answer })
    }
}

/// A facade before a world, at a time that can be moved.
pub(crate) struct Setup {
    pub(crate) facade: Facade,
    pub(crate) world: Arc<World>,
    pub(crate) now: Arc<AtomicU64>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::with(&settings())
    }

    pub(crate) fn with(settings: &Value) -> Self {
        let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
        let world = Arc::new(World::default());
        let now = Arc::new(AtomicU64::new(1_000_000));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || time.load(Ordering::Relaxed));
        let outbound = Arc::new(Seen(Arc::clone(&world)));
        let endpoints = endpoints(&settings);
        let facade = Facade::new(settings, secrets(), endpoints, outbound, clock).unwrap();
        Self { facade, world, now }
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.facade.handle(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Bytes> {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(crate) async fn register(&self, metadata: &Value) -> Response<Bytes> {
        let json = [("content-type", "application/json")];
        self.ask(Method::POST, "/register", &json, metadata.to_string())
            .await
    }

    /// The id of a public client that registered this redirect URI.
    pub(crate) async fn client(&self, redirect_uri: &str) -> String {
        let answer = self
            .register(&json!({
                "client_name": "An <App>",
                "redirect_uris": [redirect_uri],
                "token_endpoint_auth_method": "none",
            }))
            .await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        json_of(&answer)["client_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response<Bytes> {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.ask(Method::POST, path, &kind, encoded(form)).await
    }

    /// What an issuer does when the person has logged in: a code for this challenge.
    pub(crate) fn login(&self, code: &str, challenge: &str) {
        let mut codes = self.world.codes.lock().unwrap();
        codes.insert(code.to_owned(), challenge.to_owned());
    }

    /// The whole way to the client's code, in a browser of its own.
    pub(crate) async fn code(&self, client: &str, redirect_uri: &str) -> String {
        let browser = Browser::new(self);
        let state = browser.state(client, redirect_uri).await;
        self.login("upstream-code", &challenge());
        let back = browser
            .get(&format!("/callback?code=upstream-code&state={state}"))
            .await;
        query_of(&location(&back))["code"].clone()
    }

    pub(crate) async fn trade(&self, client: &str, code: &str) -> Response<Bytes> {
        self.trade_at(client, code, APP).await
    }

    pub(crate) async fn trade_at(&self, client: &str, code: &str, uri: &str) -> Response<Bytes> {
        self.post(
            "/token",
            &[
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", code),
                ("redirect_uri", uri),
                ("code_verifier", VERIFIER),
                ("resource", RESOURCE),
            ],
        )
        .await
    }
}

/// Cookies, and a facade to send them to.
pub(crate) struct Browser<'s> {
    setup: &'s Setup,
    pub(crate) cookies: Mutex<HashMap<String, String>>,
}

impl<'s> Browser<'s> {
    pub(crate) fn new(setup: &'s Setup) -> Self {
        Self {
            setup,
            cookies: Mutex::default(),
        }
    }

    pub(crate) fn keep(&self, cookie: &str, value: &str) {
        let mut cookies = self.cookies.lock().unwrap();
        cookies.insert(cookie.to_owned(), value.to_owned());
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Bytes> {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Sends the consent page's form, as browsers do.
    pub(crate) async fn decide(&self, ticket: &str, decision: &str) -> Response<Bytes> {
        let headers = [("origin", BASE), ("sec-fetch-site", "same-origin")];
        self.decide_from(ticket, decision, &headers).await
    }

    pub(crate) async fn decide_from(
        &self,
        ticket: &str,
        decision: &str,
        headers: &[(&str, &str)],
    ) -> Response<Bytes> {
        let form = encoded(&[("ticket", ticket), ("decision", decision)]);
        self.send(Method::POST, "/consent", headers, form).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Response<Bytes> {
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut all = headers.to_vec();
        all.push(("cookie", &cookies));
        all.push(("content-type", "application/x-www-form-urlencoded"));
        let answer = self.setup.ask(method, path, &all, body).await;
        for header in answer.headers().get_all("set-cookie") {
            let text = header.to_str().unwrap();
            let (pair, attributes) = text.split_once(';').unwrap();
            for needed in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
                assert!(attributes.contains(needed), "{text}");
            }
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{text}");
            let mut kept = self.cookies.lock().unwrap();
            if attributes.contains("Max-Age=0") {
                kept.remove(name);
            } else {
                kept.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// The ticket in the consent page that this client's request shows.
    pub(crate) async fn ticket(&self, client: &str, redirect_uri: &str) -> String {
        let page = self.get(&authorize(client, redirect_uri, &[])).await;
        assert_eq!(page.status(), StatusCode::OK, "{}", text_of(&page));
        ticket_of(&page)
    }

    /// The state at the upstream after the person has agreed.
    pub(crate) async fn state(&self, client: &str, redirect_uri: &str) -> String {
        let ticket = self.ticket(client, redirect_uri).await;
        let onward = self.decide(&ticket, "approve").await;
        query_of(&onward_to(&onward))["state"].clone()
    }
}

pub(crate) fn encoded(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

/// The path of a request for authorization, with `changes` (an empty value takes it away).
pub(crate) fn authorize(client: &str, redirect_uri: &str, changes: &[(&str, &str)]) -> String {
    let challenge = challenge();
    let mut fields = vec![
        ("client_id", client),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "the client's"),
        ("scope", "mcp/read"),
        ("resource", RESOURCE),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        if !value.is_empty() {
            fields.push((name, value));
        }
    }
    format!("/authorize?{}", encoded(&fields))
}

pub(crate) fn ticket_of(page: &Response<Bytes>) -> String {
    between(&text_of(page), "name=\"ticket\" value=\"", "\"")
}

/// Where a page takes the person without asking.
pub(crate) fn onward_to(page: &Response<Bytes>) -> String {
    assert_eq!(page.status(), StatusCode::OK, "{}", text_of(page));
    between(&text_of(page), "content=\"0;url=", "\"").replace("&amp;", "&")
}

pub(crate) fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"))
        .1;
    rest.split_once(after).unwrap().0.to_owned()
}

pub(crate) fn text_of(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).unwrap()
}

pub(crate) fn json_of(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|_| panic!("{}", text_of(answer)))
}

pub(crate) fn error_of(answer: &Response<Bytes>) -> (u16, String) {
    let error = json_of(answer)["error"].as_str().unwrap().to_owned();
    (answer.status().as_u16(), error)
}

pub(crate) fn location(answer: &Response<Bytes>) -> String {
    assert_eq!(answer.status(), StatusCode::FOUND, "{}", text_of(answer));
    answer.headers()["location"].to_str().unwrap().to_owned()
}

pub(crate) fn query_of(url: &str) -> HashMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// That a person was shown a page, and that nothing leads away from it.
pub(crate) fn assert_stays(answer: &Response<Bytes>, status: u16) {
    assert_eq!(answer.status().as_u16(), status, "{}", text_of(answer));
    assert!(answer.headers().get("location").is_none());
    let text = text_of(answer);
    assert!(
        !text.contains("http-equiv") && !text.contains("<a "),
        "{text}"
    );
}
