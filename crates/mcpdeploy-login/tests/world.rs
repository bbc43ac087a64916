//! An MCP server behind a login, its authorization server, and a person with a browser.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpdeploy_login::{Browser, Client, Kept, LoginError, Options, Person, Token, Visit, Wanted};
use mcpdeploy_testkit::server::{Req, Resp, Server};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Changes the address that the browser is sent back to.
pub(crate) type Detour = fn(String) -> String;

/// Everything that takes part in a login.
pub(crate) struct World {
    pub(crate) server: Server,
    folder: tempfile::TempDir,
}

/// What the authorization server remembers.
#[derive(Default)]
struct Memory {
    challenge: Option<String>,
    issued: u32,
}

impl World {
    /// One in which everything is right, but for what the twist changes.
    pub(crate) fn new(twist: impl Fn(&Req, &mut Resp) + Send + Sync + 'static) -> Self {
        let root: Arc<OnceLock<String>> = Arc::default();
        let known = Arc::clone(&root);
        let memory = Mutex::new(Memory::default());
        let server = Server::start(move |req| {
            let mut resp = answer(req, known.get().unwrap(), &mut memory.lock().unwrap());
            twist(req, &mut resp);
            resp
        });
        root.set(server.root()).unwrap();
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn right() -> Self {
        Self::new(|_, _| {})
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.server.root())
    }

    /// A client that keeps its logins in a folder of this world.
    pub(crate) fn client(&self) -> Client {
        let options = Options {
            timeout: Duration::from_secs(20),
            ..Options::default()
        };
        Client::new(Kept::at(self.folder.path().join("kept")), &options).unwrap()
    }

    /// The file with everything that is kept.
    pub(crate) fn kept(&self) -> Value {
        let path = self.folder.path().join("kept/logins.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    pub(crate) fn login(&self, wanted: &Wanted) -> Result<Token, LoginError> {
        self.client()
            .login(&self.url(), wanted, &mut Anna::default())
    }

    /// Logs in with a browser that comes back by another address.
    pub(crate) fn detour(&self, detour: Detour) -> Result<Token, LoginError> {
        let mut anna = Anna {
            detour: Some(detour),
            ..Anna::default()
        };
        self.client().login(&self.url(), &wanted(), &mut anna)
    }
}

/// What all tests want: no browser of this machine is opened.
pub(crate) fn wanted() -> Wanted {
    Wanted {
        browser: Browser::None,
        wait: Duration::from_secs(20),
        ..Wanted::default()
    }
}

/// A person who agrees to everything.
#[derive(Default)]
pub(crate) struct Anna {
    pub(crate) detour: Option<Detour>,
    /// Types the address in instead of having the browser go there.
    pub(crate) pastes: bool,
    /// What else came back while the login waited.
    pub(crate) foreign: u32,
    pub(crate) pages: Vec<String>,
}

impl Person for Anna {
    fn visit(&mut self, visit: &Visit<'_>, pasted: Sender<String>) {
        assert!(visit.unopened.is_none());
        self.pages.push(visit.url.to_owned());
        let page = visit.url.to_owned();
        let (detour, pastes) = (self.detour.unwrap_or(|to| to), self.pastes);
        thread::spawn(move || {
            let to = get(&page).1.expect("the login page sends the browser back");
            let to = detour(to);
            if pastes {
                pasted.send("not an address".to_owned()).unwrap();
                pasted.send(format!(" {to}#frag\n")).unwrap();
            } else {
                get(&to);
            }
        });
    }

    fn foreign(&mut self) {
        self.foreign += 1;
    }
}

/// Status, `Location` and body of what is there; redirects are not followed.
pub(crate) fn get(url: &str) -> (u16, Option<String>, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(url).call().unwrap();
    let to = answer.headers().get("location");
    let to = to.map(|to| to.to_str().unwrap().to_owned());
    let body = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), to, body)
}

fn answer(req: &Req, root: &str, memory: &mut Memory) -> Resp {
    match req.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => Resp::json(
            200,
            &json!({"resource": format!("{root}/mcp"), "authorization_servers": [root]}),
        ),
        "/.well-known/oauth-authorization-server" => Resp::json(
            200,
            &json!({
                "issuer": root,
                "authorization_endpoint": format!("{root}/authorize"),
                "token_endpoint": format!("{root}/token"),
                "registration_endpoint": format!("{root}/register"),
                "revocation_endpoint": format!("{root}/revoke"),
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
                "authorization_response_iss_parameter_supported": true,
            }),
        ),
        "/register" => Resp::json(
            201,
            &json!({"client_id": "registered", "redirect_uris": req.json()["redirect_uris"]}),
        ),
        "/authorize" => {
            memory.challenge = req.get("code_challenge");
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", "good-code")
                .append_pair("state", &req.get("state").unwrap())
                .append_pair("iss", root)
                .finish();
            let to = format!("{}?{query}", req.get("redirect_uri").unwrap());
            Resp::empty(302).header("location", &to)
        }
        "/token" => token(req, memory),
        "/revoke" => Resp::empty(200),
        _ => match req.header("authorization") {
            Some(token) if token.starts_with("Bearer at-") => Resp::json(200, &json!({})),
            Some(_) | None => Resp::empty(401).header(
                "www-authenticate",
                &format!("Bearer resource_metadata=\"{root}/.well-known/oauth-protected-resource/mcp\", scope=\"use\""),
            ),
        },
    }
}

fn token(req: &Req, memory: &mut Memory) -> Resp {
    let verifier = req.get("code_verifier").unwrap_or_default();
    let proven = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let fine = match req.get("grant_type").as_deref() {
        Some("authorization_code") => {
            req.get("code").as_deref() == Some("good-code") && memory.challenge == Some(proven)
        }
        // Each is good once.
        Some("refresh_token") => req.get("refresh_token") == Some(format!("rt-{}", memory.issued)),
        Some(_) | None => false,
    };
    if !fine {
        return Resp::json(400, &json!({"error": "invalid_grant"}));
    }
    memory.issued += 1;
    Resp::json(
        200,
        &json!({
            "access_token": format!("at-{}", memory.issued),
            "refresh_token": format!("rt-{}", memory.issued),
            "token_type": "bearer",
            "expires_in": 3600,
        }),
    )
}
