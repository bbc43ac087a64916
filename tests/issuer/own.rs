//! An OpenID Connect issuer on loopback: discovery, keys, a login page at which everybody is logged
//! in, and a token endpoint that is strict.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use mcpdeploy_testkit::server::{Req, Resp, Server};
use ring::digest;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};

use super::{AUDIENCE, CLIENT};

/// The name of the key that there is.
pub(super) const KEY_ID: &str = "today";
/// The client's secret.
pub(super) const SECRET: &str = "cNryOfTheIssuer4T";

/// A pair of keys.
pub(super) struct Key(RsaKeyPair);

impl Key {
    pub(super) fn new() -> Self {
        let key = rsa::RsaPrivateKey::new(&mut OsRng, 2048).expect("a key can be made");
        let der = key.to_pkcs1_der().expect("a key has a form");
        Self(RsaKeyPair::from_der(der.as_bytes()).expect("a key that ring takes"))
    }

    /// The public half, as it is sent around.
    pub(super) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// Signs with RS256, whatever the header says.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let mut signature = vec![0; self.0.public().modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .expect("it signs");
        format!("{text}.{}", encode(&signature))
    }
}

/// What a signature is made of.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "tokens are good from now on, as the gateway's clock has it"
)]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("it is later than 1970").as_secs()).expect("and not that late")
}

/// What somebody agreed to.
struct Grant {
    client: String,
    challenge: String,
    redirect_uri: String,
    /// What tokens of it are good for.
    good_for: GoodFor,
}

/// What a token is good for.
#[derive(Clone)]
struct GoodFor {
    /// The resource that was asked for.
    audience: String,
    scope: String,
}

/// The issuer's books.
struct Books {
    key: Key,
    codes: Mutex<HashMap<String, Grant>>,
    /// Refresh tokens, whose they are, and what they are good for; each is good once.
    refreshes: Mutex<HashMap<String, (String, GoodFor)>>,
    /// Clients that registered themselves, with their redirect URI; none can where there is no list.
    registered: Option<Mutex<HashMap<String, String>>>,
}

/// The issuer; it ends with the value.
pub(super) struct Issuer {
    server: Server,
    books: Arc<Books>,
}

impl Issuer {
    /// One that knows one client, with a secret.
    pub(super) fn new() -> Self {
        Self::start(None)
    }

    /// One with which clients register themselves, without a secret.
    pub(super) fn registering() -> Self {
        Self::start(Some(Mutex::default()))
    }

    fn start(registered: Option<Mutex<HashMap<String, String>>>) -> Self {
        let books = Arc::new(Books {
            key: Key::new(),
            codes: Mutex::default(),
            refreshes: Mutex::default(),
            registered,
        });
        let root: Arc<OnceLock<String>> = Arc::default();
        let (known, kept) = (Arc::clone(&root), Arc::clone(&books));
        let server = Server::start(move |req| kept.answer(req, known.get().expect("it started")));
        root.set(server.root()).expect("it starts once");
        Self { server, books }
    }

    pub(super) fn url(&self) -> String {
        self.server.root()
    }

    pub(super) fn key(&self) -> &Key {
        &self.books.key
    }

    /// The claims of a good token with these scopes.
    pub(super) fn claims(&self, scope: &str) -> Value {
        claims(&self.url(), AUDIENCE, scope)
    }

    /// A token with these claims.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.key()
            .sign(&json!({"alg": "RS256", "kid": KEY_ID}), claims)
    }

    /// A good token with these scopes.
    pub(super) fn token(&self, scope: &str) -> String {
        self.sign(&self.claims(scope))
    }

    /// The grants for which it was asked for tokens, in order.
    pub(super) fn grants(&self) -> Vec<String> {
        let seen = self.server.seen("/token");
        seen.iter()
            .map(|req| req.get("grant_type").unwrap_or_default())
            .collect()
    }

    /// The requests to its login page.
    pub(super) fn logins(&self) -> Vec<Req> {
        self.server.seen("/authorize")
    }
}

fn claims(issuer: &str, audience: &str, scope: &str) -> Value {
    json!({
        "iss": issuer,
        "aud": audience,
        "sub": "ada",
        "scope": scope,
        "iat": now() - 10,
        "exp": now() + 600,
    })
}

fn random() -> String {
    let mut bytes = [0; 24];
    OsRng.fill_bytes(&mut bytes);
    encode(&bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Books {
    fn answer(&self, req: &Req, root: &str) -> Resp {
        match (req.method.as_str(), req.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => {
                let mut document = json!({
                    "issuer": root,
                    "authorization_endpoint": format!("{root}/authorize"),
                    "token_endpoint": format!("{root}/token"),
                    "jwks_uri": format!("{root}/keys"),
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                });
                if self.registered.is_some() {
                    document["registration_endpoint"] = json!(format!("{root}/register"));
                    document["code_challenge_methods_supported"] = json!(["S256"]);
                    document["token_endpoint_auth_methods_supported"] = json!(["none"]);
                }
                Resp::json(200, &document)
            }
            ("POST", "/register") => self.register(req),
            ("GET", "/keys") => Resp::json(200, &self.keys()),
            ("GET", "/authorize") => self.authorize(req, root),
            ("POST", "/token") => match self.token(req, root) {
                Ok(tokens) => Resp::json(200, &tokens),
                Err(error) => Resp::json(400, &json!({"error": error})),
            },
            _ => Resp::empty(404),
        }
    }

    fn keys(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.key.0.public());
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
            "n": encode(&public.n), "e": encode(&public.e),
        }]})
    }

    /// Takes in a public client.
    fn register(&self, req: &Req) -> Resp {
        let asked = req.json();
        let (Some(registered), Some(redirect_uri)) =
            (&self.registered, asked["redirect_uris"][0].as_str())
        else {
            return Resp::json(400, &json!({"error": "invalid_client_metadata"}));
        };
        let id = random();
        lock(registered).insert(id.clone(), redirect_uri.to_owned());
        let mut answer = asked.clone();
        answer["client_id"] = json!(id);
        Resp::json(201, &answer)
    }

    /// Whether the client is known, and may be sent back to there.
    fn knows(&self, client: &str, redirect_uri: &str) -> bool {
        match &self.registered {
            None => client == CLIENT,
            Some(registered) => lock(registered)
                .get(client)
                .is_some_and(|known| known == redirect_uri),
        }
    }

    /// The client that asks for tokens, if it is who it says.
    fn client(&self, req: &Req) -> Option<String> {
        let basic = BASE64_STANDARD.encode(format!("{CLIENT}:{SECRET}"));
        match &self.registered {
            None => (req.header("authorization")? == format!("Basic {basic}"))
                .then(|| CLIENT.to_owned()),
            Some(registered) => req
                .get("client_id")
                .filter(|id| lock(registered).contains_key(id)),
        }
    }

    /// Logs in whoever comes, for a client that is known.
    fn authorize(&self, req: &Req, root: &str) -> Resp {
        let get = |name: &str| req.get(name).unwrap_or_default();
        let right = self.knows(&get("client_id"), &get("redirect_uri"))
            && get("response_type") == "code"
            && get("code_challenge_method") == "S256"
            && !get("code_challenge").is_empty();
        if !right {
            return Resp::json(400, &json!({"error": "invalid_request"}));
        }
        let code = random();
        let location = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &get("state"))
            .append_pair("iss", root)
            .finish();
        let location = format!("{}?{location}", get("redirect_uri"));
        let grant = Grant {
            client: get("client_id"),
            challenge: get("code_challenge"),
            redirect_uri: get("redirect_uri"),
            good_for: GoodFor {
                audience: get("resource"),
                scope: get("scope"),
            },
        };
        lock(&self.codes).insert(code, grant);
        Resp::empty(302).header("location", &location)
    }

    fn token(&self, req: &Req, root: &str) -> Result<Value, &'static str> {
        let get = |name: &str| req.get(name).unwrap_or_default();
        let client = self.client(req).ok_or("invalid_client")?;
        let good_for = match get("grant_type").as_str() {
            "authorization_code" => {
                let grant = lock(&self.codes).remove(&get("code"));
                let grant = grant.ok_or("invalid_grant")?;
                let hash = digest::digest(&digest::SHA256, get("code_verifier").as_bytes());
                if client != grant.client
                    || encode(hash.as_ref()) != grant.challenge
                    || get("redirect_uri") != grant.redirect_uri
                {
                    return Err("invalid_grant");
                }
                grant.good_for
            }
            "refresh_token" => {
                let token = get("refresh_token");
                let (of, good_for) = lock(&self.refreshes)
                    .remove(&token)
                    .ok_or("invalid_grant")?;
                if of != client {
                    return Err("invalid_grant");
                }
                good_for
            }
            _ => return Err("unsupported_grant_type"),
        };
        let refresh = random();
        lock(&self.refreshes).insert(refresh.clone(), (client, good_for.clone()));
        let GoodFor { audience, scope } = good_for;
        let header = json!({"alg": "RS256", "kid": KEY_ID});
        Ok(json!({
            "access_token": self.key.sign(&header, &claims(root, &audience, &scope)),
            "token_type": "Bearer",
            // Less than it is good for, and less than clients wait before they renew one.
            "expires_in": 30,
            "refresh_token": refresh,
            "scope": scope,
        }))
    }
}
