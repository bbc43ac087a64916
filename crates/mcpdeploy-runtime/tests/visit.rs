//! A browser and a client, over one function that is the facade.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::elsewhere::{Elsewhere, KEY_ARN, SECRET_ARN};
use crate::lambda::{Answer, Function, event};

pub(crate) const BASE: &str = "https://mcp.example.com";
pub(crate) const APP: &str = "https://app.example/cb";
const VERIFIER: &str = "canary-verifier-that-is-long-enough-for-the-rfc";

pub(crate) fn settings(elsewhere: &Elsewhere) -> Value {
    json!({
        "issuer": BASE,
        "resources": [{"url": format!("{BASE}/mcp")}],
        "scopes": [{"name": format!("{BASE}/mcp/read"), "description": "Read"}],
        "upstream": {
            "issuer": format!("{}/pool", elsewhere.url),
            "client_id": "ours",
            "client_secret": SECRET_ARN,
        },
    })
}

pub(crate) fn start(elsewhere: &Elsewhere, settings: &Value, more: &[(&str, &str)]) -> Function {
    let settings = settings.to_string();
    let mut variables = vec![
        ("MCPDEPLOY_FACADE", settings.as_str()),
        ("MCPDEPLOY_FACADE_KEY", KEY_ARN),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret-access-key"),
        ("AWS_SESSION_TOKEN", "canary-session-token"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", elsewhere.url.as_str()),
    ];
    variables.extend(more);
    Function::start("facade", &variables)
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

pub(crate) fn query_of(url: &str) -> HashMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.into_owned().collect()
}

pub(crate) fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    rest.1.split_once(after).unwrap().0
}

/// A browser and a client, over one function.
pub(crate) struct Visit<'f> {
    pub(crate) function: &'f mut Function,
    pub(crate) elsewhere: Arc<Elsewhere>,
    pub(crate) cookies: HashMap<String, String>,
}

impl Visit<'_> {
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        kind: &str,
        body: Option<&str>,
    ) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let mut event = event(method, target, &[("content-type", kind)], body);
        event["cookies"] = json!(cookies);
        let answer = self.function.ask(&event);
        for cookie in answer.0["cookies"].as_array().into_iter().flatten() {
            let pair = cookie.as_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "", None)
    }

    pub(crate) fn post(&mut self, target: &str, form: &[(&str, &str)]) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        self.send("POST", target, kind, Some(&encoded(form)))
    }

    pub(crate) fn register(&mut self) -> String {
        let metadata = json!({
            "client_name": "An app",
            "redirect_uris": [APP],
            "token_endpoint_auth_method": "none",
        });
        let kind = "application/json";
        let answer = self.send("POST", "/register", kind, Some(&metadata.to_string()));
        assert_eq!(answer.status(), 201, "{answer:?}");
        answer.json()["client_id"].as_str().unwrap().to_owned()
    }

    /// The consent page's ticket.
    pub(crate) fn asked(&mut self, client: &str) -> String {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let query = encoded(&[
            ("client_id", client),
            ("redirect_uri", APP),
            ("response_type", "code"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "canary-clients-state"),
        ]);
        let page = self.get(&format!("/authorize?{query}"));
        assert_eq!(page.status(), 200, "{page:?}");
        between(page.text(), "name=\"ticket\" value=\"", "\"").to_owned()
    }

    /// The client's code, after the person agreed and logged in.
    pub(crate) fn code(&mut self, client: &str) -> String {
        let ticket = self.asked(client);
        let page = self.post("/consent", &[("ticket", &ticket), ("decision", "approve")]);
        let onward = between(page.text(), "content=\"0;url=", "\"").replace("&amp;", "&");
        assert!(onward.starts_with(&format!("{}/oauth2/authorize?", self.elsewhere.url)));
        let asked = query_of(&onward);
        assert_eq!(asked["redirect_uri"], format!("{BASE}/callback"));
        let mut codes = self.elsewhere.codes.lock().unwrap();
        codes.insert("canary-code".to_owned(), asked["code_challenge"].clone());
        drop(codes);
        let state = asked["state"].as_str();
        let query = encoded(&[("code", "canary-code"), ("state", state)]);
        let back = self.get(&format!("/callback?{query}"));
        assert_eq!(back.status(), 302, "{back:?}");
        let location = back.0["headers"]["location"].as_str().unwrap();
        assert!(location.starts_with(APP));
        query_of(location)["code"].clone()
    }

    pub(crate) fn trade(&mut self, client: &str, code: &str) -> Answer {
        self.post(
            "/token",
            &[
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", code),
                ("redirect_uri", APP),
                ("code_verifier", VERIFIER),
            ],
        )
    }
}
