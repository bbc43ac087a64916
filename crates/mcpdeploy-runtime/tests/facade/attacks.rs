//! What an attacker tries, each refused.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mcpdeploy_runtime::facade::{Clock, Facade, Settings};
use mcpdeploy_runtime::outbound::{Https, Resolve, Resolved};
use rustls::RootCertStore;
use serde_json::json;

use crate::support::{
    APP, BASE, Browser, LOGIN, Setup, assert_stays, authorize, challenge, endpoints, error_of,
    location, onward_to, query_of, secrets, settings, text_of, ticket_of,
};

#[tokio::test]
async fn an_attackers_redirect_uri_is_never_gone_to() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    for uri in [
        "https://evil.example/cb",
        "https://app.example/cb/../evil",
        "https://app.example/cb?x=1",
        "https://app.example.evil.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example/CB",
        "http://app.example/cb",
        "https://app.example:444/cb",
        "http://127.0.0.1:1/cb",
        "javascript:alert(1)",
        "",
    ] {
        assert_stays(&setup.get(&authorize(&client, uri, &[])).await, 400);
        // Not with an error either: that is how an open redirect is made.
        let wrong = authorize(&client, uri, &[("response_type", "bad")]);
        assert_stays(&setup.get(&wrong).await, 400);
    }
}

#[tokio::test]
async fn an_unknown_client_is_told_to_nobody_but_the_person() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let changed = format!("{}A", &client[..client.len() - 1]);
    let changed = if changed == client {
        format!("{client}A")
    } else {
        changed
    };
    for id in ["nobody", "", &changed] {
        assert_stays(&setup.get(&authorize(id, APP, &[])).await, 400);
    }
    setup.later(365 * 86_400);
    assert_stays(&setup.get(&authorize(&client, APP, &[])).await, 400);
}

#[tokio::test]
async fn a_site_that_registered_itself_is_no_open_redirect() {
    let setup = Setup::new();
    let client = setup.client("https://evil.example/phish").await;
    for changes in [("response_type", "bad"), ("prompt", "none")] {
        let wrong = authorize(&client, "https://evil.example/phish", &[changes]);
        let answer = setup.get(&wrong).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(answer.headers().get("location").is_none());
        assert!(!text_of(&answer).contains("http-equiv"));
        assert!(text_of(&answer).contains("Go back to evil.example"));
    }
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let path = authorize(&client, APP, &[]);
    for name in ["redirect_uri", "client_id", "state"] {
        assert_stays(&setup.get(&format!("{path}&{name}=x")).await, 400);
    }
}

#[tokio::test]
async fn a_state_is_good_once_in_one_browser_for_a_while() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let state = browser.state(&client, APP).await;
    let path = format!("/callback?code=c&state={state}");

    // The login of an attacker, put into the victim's browser.
    assert_stays(&Browser::new(&setup).get(&path).await, 400);
    let victim = Browser::new(&setup);
    victim.state(&client, APP).await;
    assert_stays(&victim.get(&path).await, 400);

    // Tampered with.
    for at in [0, state.len() / 2, state.len() - 1] {
        let mut changed = state.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let path = format!("/callback?code=c&state={changed}");
        assert_stays(&browser.get(&path).await, 400);
    }

    assert!(query_of(&location(&browser.get(&path).await)).contains_key("code"));
    // Replayed.
    assert_stays(&browser.get(&path).await, 400);

    // Too late.
    let state = Browser::new(&setup).state(&client, APP).await;
    setup.later(15 * 60);
    let path = format!("/callback?code=c&state={state}");
    assert_stays(&browser.get(&path).await, 400);
    assert_stays(&browser.get("/callback?code=c").await, 400);
}

#[tokio::test]
async fn sealed_values_are_not_taken_for_one_another() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let ticket = browser.ticket(&client, APP).await;
    let state = query_of(&onward_to(&browser.decide(&ticket, "approve").await))["state"].clone();
    // A ticket is what the person has not agreed to yet: as a state it would spare the question.
    let path = format!("/callback?code=c&state={ticket}");
    assert_stays(&browser.get(&path).await, 400);
    assert_stays(&browser.decide(&state, "approve").await, 400);
    for not_a_code in [&ticket, &state, &client] {
        let answer = setup.trade(&client, not_a_code).await;
        assert_eq!(error_of(&answer), (400, "invalid_grant".to_owned()));
    }
    assert_stays(&setup.get(&authorize(&state, APP, &[])).await, 400);
}

#[tokio::test]
async fn consent_is_taken_from_its_own_page_in_its_own_browser() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let ticket = browser.ticket(&client, APP).await;

    // The attacker's own ticket, sent from the victim's browser.
    let victim = Browser::new(&setup);
    assert_stays(&victim.decide(&ticket, "approve").await, 403);
    victim.ticket(&client, APP).await;
    assert_stays(&victim.decide(&ticket, "approve").await, 403);
    assert!(
        !victim
            .cookies
            .lock()
            .unwrap()
            .contains_key("__Host-mcp-consent")
    );

    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", BASE), ("sec-fetch-site", "cross-site")],
        &[("origin", BASE), ("sec-fetch-site", "same-site")],
    ] {
        assert_stays(&browser.decide_from(&ticket, "approve", headers).await, 403);
    }
    assert_stays(&browser.decide("", "approve").await, 400);
    assert_stays(&browser.decide(&ticket, "maybe").await, 400);
    let query = format!("/consent?ticket={ticket}&decision=approve");
    assert_eq!(
        browser.get(&query).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    setup.later(15 * 60);
    assert_stays(&browser.decide(&ticket, "approve").await, 400);
}

#[tokio::test]
async fn a_consent_cookie_of_ones_own_making_counts_for_nothing() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    for value in ["x", &client] {
        browser.keep("__Host-mcp-consent", value);
        let page = browser.get(&authorize(&client, APP, &[])).await;
        assert_eq!(page.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let state = browser.state(&client, APP).await;
    let path = format!("/callback?code=c&iss=https://evil.example&state={state}");
    let back = query_of(&location(&browser.get(&path).await));
    assert_eq!(back["error"], "server_error");
    assert!(!back.contains_key("code"));
}

#[tokio::test]
async fn a_foreign_code_is_refused() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let thief = setup.client(APP).await;
    let code = setup.code(&client, APP).await;
    let refused = (400, "invalid_grant".to_owned());
    assert_eq!(error_of(&setup.trade(&thief, &code).await), refused);
    assert_eq!(
        error_of(&setup.trade(&client, "upstream-code").await),
        refused
    );
    let elsewhere = setup
        .trade_at(&client, &code, "https://evil.example/cb")
        .await;
    assert_eq!(error_of(&elsewhere), refused);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &client),
        ("code", &code),
        ("redirect_uri", APP),
        (
            "code_verifier",
            "another-verifier-that-is-long-enough-for-it",
        ),
    ];
    assert_eq!(error_of(&setup.post("/token", &form).await), refused);
    // Nothing of that reached the upstream, where it would have used the code up.
    assert!(setup.world.asked.lock().unwrap().is_empty());
    assert_eq!(setup.trade(&client, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_good_once_and_for_a_while() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let code = setup.code(&client, APP).await;
    assert_eq!(setup.trade(&client, &code).await.status(), StatusCode::OK);
    let refused = (400, "invalid_grant".to_owned());
    assert_eq!(error_of(&setup.trade(&client, &code).await), refused);

    let late = setup.code(&client, APP).await;
    setup.later(5 * 60);
    assert_eq!(error_of(&setup.trade(&client, &late).await), refused);
}

#[tokio::test]
async fn another_deployment_with_the_same_key_is_another() {
    let setup = Setup::new();
    let mut settings = settings();
    settings["issuer"] = json!("https://other.example");
    let other = Setup::with(&settings);
    let client = other.client(APP).await;
    assert_stays(&setup.get(&authorize(&client, APP, &[])).await, 400);
}

#[tokio::test]
async fn a_token_request_is_a_form_of_bounded_size() {
    let setup = Setup::new();
    let json = [("content-type", "application/json")];
    let answer = setup.ask(Method::POST, "/token", &json, "{}").await;
    assert_eq!(error_of(&answer), (400, "invalid_request".to_owned()));
    let large = "a".repeat(64 * 1024 + 1);
    let answer = setup.ask(Method::POST, "/token", &[], large).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let answer = setup.get("/token?grant_type=authorization_code").await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_app_that_calls_itself_something_does_not_write_our_page() {
    let setup = Setup::new();
    let answer = setup
        .register(&json!({
            "client_name": "\"><script>alert(1)</script>\u{202e}",
            "redirect_uris": [APP],
        }))
        .await;
    let client = crate::support::json_of(&answer)["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = text_of(&setup.get(&authorize(&client, APP, &[])).await);
    assert!(
        !page.contains("<script") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(page.contains("&quot;&gt;&lt;script&gt;"));
}

/// A resolver under an attacker's control.
struct Points(std::net::SocketAddr);

impl Resolve for Points {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolved<'a> {
        Box::pin(async { Ok(vec![self.0]) })
    }
}

#[tokio::test]
async fn a_document_at_the_metadata_service_is_not_fetched() {
    // The real client: by its address, by other ways to write it, and by a name that resolves to it.
    // That it is not followed there by a redirect is among the tests of documents.
    let inside = "169.254.169.254:443".parse().unwrap();
    for (outbound, url) in [
        (
            Https::default(),
            "https://169.254.169.254/latest/meta-data/",
        ),
        (Https::default(), "https://[fd00:ec2::254]/latest"),
        (Https::default(), "https://[::ffff:169.254.169.254]/latest"),
        (
            Https::new(Points(inside), RootCertStore::empty()),
            "https://app.example/client.json",
        ),
    ] {
        let settings: Settings = serde_json::from_value(settings()).unwrap();
        let endpoints = endpoints(&settings);
        let clock = Clock::system();
        let facade =
            Facade::new(settings, secrets(), endpoints, Arc::new(outbound), clock).unwrap();
        let request = Request::get(authorize(url, APP, &[])).body(Bytes::new());
        let answer = facade.handle(request.unwrap()).await;
        assert_stays(&answer, 400);
        let why = "has an address that may not be asked";
        assert!(text_of(&answer).contains(why), "{}", text_of(&answer));
    }
}

#[tokio::test]
async fn pkce_cannot_be_talked_down() {
    let setup = Setup::new();
    let plain = [("code_challenge_method", "plain")];
    let unsaid = [("code_challenge_method", "")];
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    for changes in [&plain[..], &unsaid, &none, &[("code_challenge", "short")]] {
        let path = authorize("known", "https://known.example/cb", changes);
        let back = query_of(&location(&setup.get(&path).await));
        assert_eq!(back["error"], "invalid_request");
        assert!(!back.contains_key("code"));
    }
    let client = setup.client(APP).await;
    let code = setup.code(&client, APP).await;
    let challenge = challenge();
    for verifier in [None, Some(""), Some(challenge.as_str())] {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", client.as_str()),
            ("code", code.as_str()),
            ("redirect_uri", APP),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let answer = setup.post("/token", &form).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(setup.trade(&client, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn no_page_can_be_framed_or_run_anything() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let asked = browser.get(&authorize(&client, APP, &[])).await;
    let onward = browser.decide(&ticket_of(&asked), "approve").await;
    let fault = setup.get("/authorize").await;
    let stranger = setup
        .get(&authorize(&client, APP, &[("scope", "admin")]))
        .await;
    let back = setup.get("/callback").await;
    for page in [asked, onward, fault, stranger, back] {
        let headers = page.headers();
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        assert!(!text_of(&page).contains("<script"));
    }
}

#[tokio::test]
async fn a_yes_to_one_client_is_none_to_another() {
    let setup = Setup::new();
    let trusted = setup.client(APP).await;
    let browser = Browser::new(&setup);
    browser.state(&trusted, APP).await;
    // Remembered for the one that was asked about, and for nobody who only says the same of itself.
    let again = browser.get(&authorize(&trusted, APP, &[])).await;
    assert!(location(&again).starts_with(LOGIN));
    let other = setup.client(APP).await;
    for client in [other.as_str(), "known"] {
        let uri = if client == "known" {
            "https://known.example/cb"
        } else {
            APP
        };
        let asked = browser.get(&authorize(client, uri, &[])).await;
        assert_eq!(asked.status(), StatusCode::OK);
        assert!(text_of(&asked).contains("name=\"ticket\""));
    }
}
