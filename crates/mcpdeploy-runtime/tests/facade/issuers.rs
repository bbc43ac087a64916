//! Issuers as they really are: each one's own document, what it is sent, and what it answers.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use mcpdeploy_runtime::facade::{Clock, Facade, Settings};
use mcpdeploy_runtime::outbound::{Answering, Bounds, Outbound, OutboundError};
use serde_json::{Value, json};

use crate::support::{BASE, Browser, RESOURCE, Setup, authorize, error_of, json_of};
use crate::support::{location, onward_to, query_of, secrets, ticket_of};

const CALLBACK: &str = "http://127.0.0.1/cb";

/// An issuer's document at its own URL, and what its token endpoint answers next.
#[derive(Default)]
struct Issuer {
    documents: HashMap<String, Value>,
    answers: Mutex<Vec<(u16, Value)>>,
    asked: Mutex<Vec<Asked>>,
}

/// A request for tokens.
struct Asked {
    url: String,
    /// The credentials in its header.
    header: Option<String>,
    form: HashMap<String, String>,
}

impl Outbound for Issuer {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Answering<'_> {
        let url = request.uri().to_string();
        let (status, body) = match self.documents.get(&url) {
            Some(document) => (200, document.clone()),
            None if request.method() == "GET" => (404, json!({})),
            None => {
                let form = form_urlencoded::parse(request.body()).into_owned();
                let header = request.headers().get("authorization");
                let header = header.map(|value| value.to_str().unwrap().to_owned());
                let form = form.collect();
                let mut asked = self.asked.lock().unwrap();
                asked.push(Asked { url, header, form });
                self.answers.lock().unwrap().remove(0)
            }
        };
        let answer = Response::builder().status(status);
        let answer = answer.body(Bytes::from(body.to_string()));
        Box::pin(async move { answer.map_err(|_| OutboundError::Name) })
    }
}

impl Issuer {
    fn at(url: &str, document: Value) -> Self {
        Self {
            documents: HashMap::from([(url.to_owned(), document)]),
            ..Self::default()
        }
    }

    fn next(&self, status: u16, answer: Value) {
        self.answers.lock().unwrap().push((status, answer));
    }
}

fn settings(upstream: &Value, scopes: &[&str]) -> Settings {
    let scopes = scopes.iter();
    let scopes: Value = scopes
        .map(|name| json!({"name": name, "description": name}))
        .collect();
    let mut all = json!({
        "issuer": BASE,
        "resources": [{"url": RESOURCE}],
        "scopes": scopes,
        "upstream": upstream,
    });
    all["upstream"]["client_id"] = json!("ours");
    all["upstream"]["client_secret"] = json!("arn:of-the-secret");
    serde_json::from_value(all).unwrap()
}

/// A client's way through the facade before one issuer.
struct Way {
    issuer: Arc<Issuer>,
    setup: Setup,
    client: String,
}

impl Way {
    /// The facade has asked the issuer where its endpoints are.
    async fn new(issuer: Issuer, upstream: Value, scopes: &[&str]) -> Self {
        let issuer = Arc::new(issuer);
        let settings = settings(&upstream, scopes);
        let endpoints = settings.upstream.endpoints(&*issuer).await.unwrap();
        let outbound = Arc::clone(&issuer);
        let clock = Clock::new(|| 1_000_000);
        let facade = Facade::new(settings, secrets(), endpoints, outbound, clock).unwrap();
        let setup = Setup {
            facade,
            world: Arc::default(),
            now: Arc::new(AtomicU64::default()),
        };
        let client = setup.client(CALLBACK).await;
        Self {
            issuer,
            setup,
            client,
        }
    }

    /// Where the person is sent to log in, and the tokens that the client gets when the issuer sends
    /// them back with `extra` and answers `tokens`.
    async fn login(&self, extra: &str, tokens: Value) -> (String, Value) {
        let browser = Browser::new(&self.setup);
        let path = authorize(&self.client, CALLBACK, &[("scope", "")]);
        let ticket = ticket_of(&browser.get(&path).await);
        let onward = onward_to(&browser.decide(&ticket, "approve").await);
        let state = &query_of(&onward)["state"];
        let path = format!("/callback?code=theirs&state={state}{extra}");
        let back = query_of(&location(&browser.get(&path).await));
        // The challenge is the tests' own, and so is its verifier.
        self.issuer.next(200, tokens);
        let code = &back["code"];
        let answer = self.setup.trade_at(&self.client, code, CALLBACK).await;
        (onward, json_of(&answer))
    }

    async fn refresh(&self, token: &Value, status: u16, answer: Value) -> Response<Bytes> {
        self.issuer.next(status, answer);
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client.as_str()),
            ("refresh_token", token.as_str().unwrap()),
        ];
        self.setup.post("/token", &form).await
    }

    /// The last request for tokens.
    fn asked(&self) -> Asked {
        self.issuer.asked.lock().unwrap().pop().unwrap()
    }
}

/// `Basic ours:upstream-secret`
const BASIC: &str = "Basic b3Vyczp1cHN0cmVhbS1zZWNyZXQ=";

/// Its issuers end with a slash; it wants `audience`, gives no refresh token unasked, names no scope
/// when it gives all, and refuses with 403.
#[tokio::test]
async fn auth0() {
    let issuer = Issuer::at(
        "https://example.eu.auth0.com/.well-known/openid-configuration",
        json!({
            "issuer": "https://example.eu.auth0.com/",
            "authorization_endpoint": "https://example.eu.auth0.com/authorize",
            "token_endpoint": "https://example.eu.auth0.com/oauth/token",
            "device_authorization_endpoint": "https://example.eu.auth0.com/oauth/device/code",
            "userinfo_endpoint": "https://example.eu.auth0.com/userinfo",
            "mfa_challenge_endpoint": "https://example.eu.auth0.com/mfa/challenge",
            "jwks_uri": "https://example.eu.auth0.com/.well-known/jwks.json",
            "registration_endpoint": "https://example.eu.auth0.com/oidc/register",
            "revocation_endpoint": "https://example.eu.auth0.com/oauth/revoke",
            "scopes_supported": ["openid", "profile", "offline_access", "name", "email"],
            "response_types_supported": ["code", "token", "id_token"],
            "code_challenge_methods_supported": ["S256", "plain"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "request_uri_parameter_supported": false,
            "end_session_endpoint": "https://example.eu.auth0.com/oidc/logout",
        }),
    );
    let upstream = json!({
        "issuer": "https://example.eu.auth0.com/",
        "audience": "audience",
        "identifier": "https://api.example.com",
    });
    let scopes = ["openid", "notes:read", "offline_access"];
    let way = Way::new(issuer, upstream, &scopes).await;
    let bare = json!({"access_token": "a.b.c", "expires_in": 86400, "token_type": "Bearer"});
    let back = "&iss=https%3A%2F%2Fexample.eu.auth0.com%2F";
    let (onward, tokens) = way.login(back, bare.clone()).await;
    assert!(onward.starts_with("https://example.eu.auth0.com/authorize?"));
    let sent = query_of(&onward);
    assert_eq!(sent["audience"], "https://api.example.com");
    assert_eq!(sent["scope"], "openid notes:read offline_access");
    assert!(!sent.contains_key("resource"));
    let expected = json!({
        "access_token": "a.b.c",
        "token_type": "Bearer",
        "expires_in": 86400,
        "scope": "openid notes:read offline_access",
    });
    assert_eq!(tokens, expected, "there is no refresh token");
    let Asked { url, header, form } = way.asked();
    assert_eq!(url, "https://example.eu.auth0.com/oauth/token");
    assert_eq!(header.as_deref(), Some(BASIC));
    assert!(!form.contains_key("client_id") && !form.contains_key("audience"));

    let mut whole = bare.clone();
    whole["refresh_token"] = json!("v1.first");
    let (_, tokens) = way.login(back, whole).await;
    // It gives no other one unless rotation is on.
    let again = way.refresh(&tokens["refresh_token"], 200, bare).await;
    let again = json_of(&again)["refresh_token"].clone();
    let refusal = json!({
        "error": "invalid_grant",
        "error_description": "Unknown or invalid refresh token.",
    });
    let refused = way.refresh(&again, 403, refusal).await;
    assert_eq!(way.asked().form["refresh_token"], "v1.first");
    assert_eq!(error_of(&refused), (400, "invalid_grant".to_owned()));
    let second_factor = json!({"error": "mfa_required", "mfa_token": "x"});
    let refused = way.refresh(&again, 403, second_factor).await;
    assert_eq!(error_of(&refused), (400, "invalid_grant".to_owned()));
}

/// It refuses `resource`, cannot revoke, and refuses in its own words when a policy wants more.
#[tokio::test]
async fn entra() {
    let tenant = "11111111-2222-3333-4444-555555555555";
    let base = format!("https://login.microsoftonline.com/{tenant}");
    let issuer = Issuer::at(
        &format!("{base}/v2.0/.well-known/openid-configuration"),
        json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/v2.0"),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "http_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        }),
    );
    let upstream = json!({"issuer": format!("{base}/v2.0"), "audience": "none"});
    let scopes = ["openid", "api://ours/Notes.Read", "offline_access"];
    let way = Way::new(issuer, upstream, &scopes).await;
    let answer = json!({
        "token_type": "Bearer",
        "scope": "api://ours/Notes.Read",
        "expires_in": 3599,
        "ext_expires_in": 3599,
        "access_token": "a.b.c",
        "refresh_token": "0.first",
        "id_token": "i.d.t",
    });
    let (onward, tokens) = way.login("&session_state=x", answer.clone()).await;
    assert!(onward.starts_with(&format!("{base}/oauth2/v2.0/authorize?")));
    let sent = query_of(&onward);
    assert!(!sent.contains_key("resource") && !sent.contains_key("audience"));
    assert_eq!(sent["scope"], "openid api://ours/Notes.Read offline_access");
    assert_eq!(tokens["scope"], "api://ours/Notes.Read");
    assert_eq!(tokens["expires_in"], 3599);
    assert!(tokens.get("id_token").is_none());
    let metadata = way.setup.get("/.well-known/oauth-authorization-server");
    let metadata = json_of(&metadata.await);
    assert!(metadata.get("revocation_endpoint").is_none());
    assert!(!way.asked().form.contains_key("resource"));

    let again = way.refresh(&tokens["refresh_token"], 200, answer).await;
    assert!(!way.asked().form.contains_key("scope"));
    let refusal = json!({
        "error": "interaction_required",
        "error_description": "AADSTS50076: Due to a configuration change made by your administrator, …",
        "error_codes": [50076],
        "timestamp": "2026-11-20 10:00:00Z",
        "trace_id": "x",
        "correlation_id": "y",
        "suberror": "basic_action",
    });
    let token = &json_of(&again)["refresh_token"];
    let refused = way.refresh(token, 400, refusal).await;
    assert_eq!(error_of(&refused), (400, "invalid_grant".to_owned()));
}

/// Custom authorization servers have a path; some of its errors have a form of their own.
#[tokio::test]
async fn okta() {
    let base = "https://example.okta.com/oauth2/default";
    let issuer = Issuer::at(
        &format!("{base}/.well-known/openid-configuration"),
        json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/v1/authorize"),
            "token_endpoint": format!("{base}/v1/token"),
            "userinfo_endpoint": format!("{base}/v1/userinfo"),
            "registration_endpoint": "https://example.okta.com/oauth2/v1/clients",
            "jwks_uri": format!("{base}/v1/keys"),
            "response_types_supported": ["code", "id_token", "code id_token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access", "device_sso"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
            "code_challenge_methods_supported": ["S256"],
            "introspection_endpoint": format!("{base}/v1/introspect"),
            "revocation_endpoint": format!("{base}/v1/revoke"),
            "end_session_endpoint": format!("{base}/v1/logout"),
            "request_parameter_supported": true,
        }),
    );
    let upstream = json!({"issuer": base, "audience": "none"});
    let way = Way::new(issuer, upstream, &["openid", "notes.read"]).await;
    let answer = json!({
        "token_type": "Bearer",
        "expires_in": 3600,
        "access_token": "a.b.c",
        "scope": "notes.read openid",
        "refresh_token": "first",
        "id_token": "i.d.t",
    });
    let (onward, tokens) = way.login("", answer).await;
    assert!(onward.starts_with(&format!("{base}/v1/authorize?")));
    let sent = query_of(&onward);
    assert!(!sent.contains_key("resource") && !sent.contains_key("audience"));
    assert_eq!(tokens["scope"], "notes.read openid");
    let refusal = json!({
        "errorCode": "invalid_client",
        "errorSummary": "Invalid value for 'client_id' parameter.",
        "errorLink": "invalid_client",
        "errorId": "oae1",
        "errorCauses": [],
    });
    let refused = way.refresh(&tokens["refresh_token"], 401, refusal).await;
    // That we are no client there is not the client's fault, and it keeps its token.
    assert_eq!(error_of(&refused), (502, "server_error".to_owned()));
    let said = &json_of(&refused)["error_description"];
    assert_eq!(said, "the issuer answered 401 invalid_client");
}

/// It says who it is in its answer, and gives another refresh token each time.
#[tokio::test]
async fn keycloak() {
    let base = "https://sso.example.com/realms/staff";
    let endpoint = |name: &str| format!("{base}/protocol/openid-connect/{name}");
    let issuer = Issuer::at(
        &format!("{base}/.well-known/openid-configuration"),
        json!({
            "issuer": base,
            "authorization_endpoint": endpoint("auth"),
            "token_endpoint": endpoint("token"),
            "introspection_endpoint": endpoint("token/introspect"),
            "userinfo_endpoint": endpoint("userinfo"),
            "end_session_endpoint": endpoint("logout"),
            "jwks_uri": endpoint("certs"),
            "check_session_iframe": endpoint("login-status-iframe.html"),
            "registration_endpoint": format!("{base}/clients-registrations/openid-connect"),
            "token_endpoint_auth_methods_supported":
                ["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt"],
            "scopes_supported": ["openid", "offline_access", "profile", "email", "web-origins", "acr"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "require_pushed_authorization_requests": false,
            "mtls_endpoint_aliases": {"token_endpoint": endpoint("token")},
            "revocation_endpoint": endpoint("revoke"),
            "authorization_response_iss_parameter_supported": true,
        }),
    );
    let way = Way::new(issuer, json!({"issuer": base}), &["openid", "notes"]).await;
    let answer = |refresh: &str| {
        json!({
            "access_token": "a.b.c",
            "expires_in": 300,
            "refresh_expires_in": 1800,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "id_token": "i.d.t",
            "not-before-policy": 0,
            "session_state": "s",
            "scope": "openid notes",
        })
    };
    let back = "&session_state=s&iss=https%3A%2F%2Fsso.example.com%2Frealms%2Fstaff";
    let (onward, tokens) = way.login(back, answer("first")).await;
    assert!(onward.starts_with(&format!("{}?", endpoint("auth"))));
    assert_eq!(query_of(&onward)["resource"], RESOURCE);
    let mut token = tokens["refresh_token"].clone();
    for (sent, next) in [("first", "second"), ("second", "third")] {
        let again = way.refresh(&token, 200, answer(next)).await;
        assert_eq!(way.asked().form["refresh_token"], sent);
        token = json_of(&again)["refresh_token"].clone();
    }
    let refusal = json!({"error": "invalid_grant", "error_description": "Token is not active"});
    let refused = way.refresh(&token, 400, refusal).await;
    assert_eq!(error_of(&refused), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_secret_goes_where_the_issuer_takes_it() {
    let base = "https://issuer.example";
    let issuer = Issuer::at(
        &format!("{base}/.well-known/openid-configuration"),
        json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }),
    );
    let way = Way::new(issuer, json!({"issuer": base}), &["notes"]).await;
    // Entra's older endpoints write the seconds as a text.
    let answer = json!({"access_token": "a.b.c", "token_type": "Bearer", "expires_in": "3599"});
    let (_, tokens) = way.login("", answer).await;
    assert_eq!(tokens["expires_in"], 3599);
    let Asked { header, form, .. } = way.asked();
    assert_eq!(header, None);
    assert_eq!(form["client_id"], "ours");
    assert_eq!(form["client_secret"], "upstream-secret");
}

/// Who is called otherwise than its document says is told what to write.
#[tokio::test]
async fn a_document_of_another_issuer_says_whose_it_is() {
    let document = |issuer: &str| {
        json!({
            "issuer": issuer,
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token",
        })
    };
    for (said, found) in [
        (
            "https://example.eu.auth0.com",
            "https://example.eu.auth0.com/",
        ),
        (
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0",
        ),
        (
            "https://login.microsoftonline.com/example.onmicrosoft.com/v2.0",
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
        ),
    ] {
        let url = format!("{said}/.well-known/openid-configuration");
        let issuer = Issuer::at(&url, document(found));
        let settings = settings(&json!({"issuer": said}), &[]);
        let fault = settings.upstream.endpoints(&issuer).await.unwrap_err();
        let expected = format!("{url} is that of another issuer, which calls itself {found}");
        assert_eq!(fault.to_string(), expected);
    }
}
