//! Logins as they should go.

use http::StatusCode;
use serde_json::json;

use crate::support::{
    APP, BASE, Browser, LOGIN, RESOURCE, Setup, authorize, challenge, error_of, json_of, location,
    onward_to, query_of, settings, text_of, ticket_of,
};

#[tokio::test]
async fn a_client_that_registered_gets_its_tokens() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let ticket = browser.ticket(&client, APP).await;
    let upstream = onward_to(&browser.decide(&ticket, "approve").await);
    assert!(upstream.starts_with(&format!("{LOGIN}?")));
    let asked = query_of(&upstream);
    for (name, value) in [
        ("client_id", "ours"),
        ("redirect_uri", "https://mcp.example/callback"),
        ("scope", "mcp/read"),
        ("resource", RESOURCE),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }

    setup.login("c", &challenge());
    let back = browser
        .get(&format!(
            "/callback?code=c&iss=https://issuer.example&state={}",
            asked["state"]
        ))
        .await;
    let back = location(&back);
    assert!(back.starts_with(&format!("{APP}?")));
    let back = query_of(&back);
    assert_eq!(back["state"], "the client's");
    assert_eq!(back["iss"], BASE);

    let answer = setup.trade(&client, &back["code"]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let tokens = json_of(&answer);
    assert_eq!(tokens["access_token"], "access-1");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "mcp/read");
    assert!(tokens.get("id_token").is_none());
    // The upstream's own refresh token would work without us, and for any client.
    assert_ne!(tokens["refresh_token"], "upstream-refresh");
}

#[tokio::test]
async fn a_command_line_client_is_returned_to_at_any_port() {
    let setup = Setup::new();
    let client = setup.client("http://127.0.0.1/cb").await;
    let asked = "http://127.0.0.1:53124/cb";
    let code = setup.code(&client, asked).await;
    let answer = setup.trade_at(&client, &code, asked).await;
    assert_eq!(json_of(&answer)["access_token"], "access-1");
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_it_returns() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let page = browser.get(&authorize(&client, APP, &[])).await;
    let text = text_of(&page);
    for part in [
        "An &lt;App&gt;",
        "app.example",
        "Weather",
        "Read the weather",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Change the weather"));
    assert!(!text.contains("<App>") && !text.contains("<script"));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "style-src 'sha256-",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn a_scope_is_told_by_what_it_allows_and_by_its_own_name() {
    let mut settings = settings();
    settings["scopes"] = json!([
        {"name": format!("{RESOURCE}/read"), "description": "Read the weather"},
        {"name": "openid", "description": "Know who you are"},
    ]);
    let setup = Setup::with(&settings);
    let client = setup.client(APP).await;
    let page = setup.get(&authorize(&client, APP, &[("scope", "")])).await;
    for part in [
        "Read the weather <small>read</small>",
        "Know who you are <small>openid</small>",
    ] {
        assert!(text_of(&page).contains(part), "{}", text_of(&page));
    }
    // Requests and tokens carry the whole name.
    let whole = format!("{RESOURCE}/read");
    let browser = Browser::new(&setup);
    let page = browser
        .get(&authorize(&client, APP, &[("scope", &whole)]))
        .await;
    let onward = browser.decide(&ticket_of(&page), "approve").await;
    assert_eq!(query_of(&onward_to(&onward))["scope"], whole);
}

#[tokio::test]
async fn the_issuer_is_told_whom_the_token_is_for_in_its_own_words() {
    let api = "https://api.example";
    for (audience, identifier, expected) in [
        ("resource", None, Some(("resource", RESOURCE))),
        ("audience", None, Some(("audience", RESOURCE))),
        ("audience", Some(api), Some(("audience", api))),
        ("none", Some(api), None),
    ] {
        let mut settings = settings();
        settings["upstream"]["audience"] = json!(audience);
        settings["upstream"]["identifier"] = json!(identifier);
        let setup = Setup::with(&settings);
        let client = setup.client(APP).await;
        let browser = Browser::new(&setup);
        let ticket = browser.ticket(&client, APP).await;
        let asked = query_of(&onward_to(&browser.decide(&ticket, "approve").await));
        for name in ["resource", "audience"] {
            let value = expected.filter(|(expected, _)| *expected == name);
            let value = value.map(|(_, value)| value.to_owned());
            assert_eq!(asked.get(name), value.as_ref(), "{audience} {name}");
        }
    }
}

#[tokio::test]
async fn a_no_is_told_to_the_client() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let ticket = browser.ticket(&client, APP).await;
    let back = query_of(&onward_to(&browser.decide(&ticket, "deny").await));
    assert_eq!(back["error"], "access_denied");
    assert_eq!(back["state"], "the client's");
    assert_eq!(back["iss"], BASE);
    assert!(browser.cookies.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_the_upstream_refuses_is_told_to_the_client() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    for (error, told) in [
        ("access_denied", "access_denied"),
        ("unauthorized_client", "server_error"),
    ] {
        let browser = Browser::new(&setup);
        let state = browser.state(&client, APP).await;
        let back = browser
            .get(&format!("/callback?error={error}&state={state}"))
            .await;
        let back = query_of(&location(&back));
        assert_eq!(back["error"], told);
        assert_eq!(back["iss"], BASE);
        assert!(!back.contains_key("code"));
    }
}

#[tokio::test]
async fn a_yes_is_remembered_for_the_same_and_nothing_more() {
    let mut settings = settings();
    settings["dcr"]["allowed_scopes"] = json!(["mcp/read", "mcp/write"]);
    let setup = Setup::with(&settings);
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    browser.state(&client, APP).await;

    let again = browser.get(&authorize(&client, APP, &[])).await;
    assert!(location(&again).starts_with(LOGIN));
    let silent = authorize(&client, APP, &[("prompt", "none")]);
    assert_eq!(
        query_of(&location(&browser.get(&silent).await))["prompt"],
        "none"
    );

    // Another client, even one at the same place; more scopes; a client that wants the question.
    let other = setup.client(APP).await;
    for path in [
        authorize(&other, APP, &[]),
        authorize(&client, APP, &[("scope", "mcp/read mcp/write")]),
        authorize(&client, APP, &[("prompt", "consent")]),
    ] {
        assert_eq!(browser.get(&path).await.status(), StatusCode::OK, "{path}");
    }
    // Another browser, and this one when the time is over.
    let fresh = Browser::new(&setup)
        .get(&authorize(&client, APP, &[]))
        .await;
    assert_eq!(fresh.status(), StatusCode::OK);
    setup.later(30 * 86_400);
    let late = browser.get(&authorize(&client, APP, &[])).await;
    assert_eq!(late.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_yes_to_a_program_on_the_machine_is_not_remembered() {
    let setup = Setup::new();
    for uri in ["http://127.0.0.1:1/cb", "cursor://app/cb"] {
        let client = setup.client(uri).await;
        let browser = Browser::new(&setup);
        browser.state(&client, uri).await;
        let again = browser.get(&authorize(&client, uri, &[])).await;
        assert_eq!(again.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn two_tabs_do_not_disturb_each_other() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let browser = Browser::new(&setup);
    let first = browser.state(&client, APP).await;
    let second = location(&browser.get(&authorize(&client, APP, &[])).await);
    for state in [query_of(&second)["state"].clone(), first] {
        let back = browser
            .get(&format!("/callback?code=c&state={state}"))
            .await;
        assert!(query_of(&location(&back)).contains_key("code"));
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_to_a_client_that_is_vouched_for() {
    let setup = Setup::new();
    let uri = "https://known.example/cb";
    for (changes, error) in [
        (
            &[("response_type", "token")][..],
            "unsupported_response_type",
        ),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("scope", "admin")], "invalid_scope"),
        (
            &[("resource", "https://other.example/mcp")],
            "invalid_target",
        ),
        (&[("request", "x")], "request_not_supported"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("prompt", "none")], "consent_required"),
        (&[("prompt", "none login")], "invalid_request"),
    ] {
        let answer = setup.get(&authorize("known", uri, changes)).await;
        let back = location(&answer);
        assert!(back.starts_with(&format!("{uri}?")), "{back}");
        let back = query_of(&back);
        assert_eq!(back["error"], error, "{changes:?}");
        assert_eq!(back["state"], "the client's");
        assert_eq!(back["iss"], BASE);
    }
}

#[tokio::test]
async fn of_several_servers_the_one_that_is_named_is_meant() {
    let mut settings = settings();
    settings["resources"] = json!([{"url": RESOURCE}, {"url": "https://mcp.example/b"}]);
    let setup = Setup::with(&settings);
    let uri = "http://127.0.0.1:9/cb";
    let unnamed = setup
        .get(&authorize("known", uri, &[("resource", "")]))
        .await;
    assert_eq!(query_of(&location(&unnamed))["error"], "invalid_target");
    // A code for the one is none for the other.
    let code = setup.code("known", uri).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "known"),
        ("code", &code),
        ("redirect_uri", uri),
        ("code_verifier", crate::support::VERIFIER),
        ("resource", "https://mcp.example/b"),
    ];
    let answer = setup.post("/token", &form).await;
    assert_eq!(error_of(&answer), (400, "invalid_target".to_owned()));
}

/// Browsers keep no `Secure` cookie of plain http, which only the embedded cloud is.
#[tokio::test]
async fn on_loopback_cookies_do_without_https() {
    let mut settings = settings();
    settings["issuer"] = json!("http://127.0.0.1:8080");
    let setup = Setup::with(&settings);
    let page = setup
        .get(&authorize("known", "http://127.0.0.1:1/cb", &[]))
        .await;
    let cookie = page.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("mcp-flow-"), "{cookie}");
    assert!(!cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn the_page_warns_of_what_it_cannot_know() {
    let setup = Setup::new();
    let local = "http://127.0.0.1:1/cb";
    let web = setup.client(APP).await;
    for (client, uri, said) in [
        (web.as_str(), APP, Some("nobody has checked it")),
        ("known", local, Some("Any program on this computer")),
        ("known", "https://known.example/cb", None),
    ] {
        let text = text_of(&setup.get(&authorize(client, uri, &[])).await);
        assert_eq!(text.contains("class=\"warn\""), said.is_some(), "{uri}");
        assert!(text.contains(said.unwrap_or_default()), "{text}");
    }
}
