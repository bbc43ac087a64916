//! Which of the scopes that clients ask for they get.

use serde_json::{Value, json};

use crate::support::{APP, Browser, Setup, authorize, challenge, json_of, location};
use crate::support::{onward_to, query_of, settings, ticket_of};

/// What the upstream is asked for and what the client is told it got, when it asks for `asked`; the
/// error's code when it is refused.
async fn granted(settings: &Value, asked: &str) -> Result<(String, Value), String> {
    let setup = Setup::with(settings);
    let uri = "http://127.0.0.1/cb";
    let client = setup.client(uri).await;
    let browser = Browser::new(&setup);
    let page = browser
        .get(&authorize(&client, uri, &[("scope", asked)]))
        .await;
    if page.status().is_redirection() {
        return Err(query_of(&location(&page))["error"].clone());
    }
    let onward = onward_to(&browser.decide(&ticket_of(&page), "approve").await);
    let mut query = query_of(&onward);
    setup.login("upstream-code", &challenge());
    let state = query["state"].as_str();
    let back = browser
        .get(&format!("/callback?code=upstream-code&state={state}"))
        .await;
    let code = query_of(&location(&back))["code"].clone();
    let tokens = json_of(&setup.trade_at(&client, &code, uri).await);
    let sent = query.remove("scope").unwrap_or_default();
    Ok((sent, tokens["scope"].clone()))
}

#[tokio::test]
async fn what_a_client_cannot_have_is_left_out_and_it_is_told() {
    let plain = settings();
    let mut bounded = settings();
    bounded["dcr"] = json!({"allowed_scopes": ["mcp/read"]});
    let mut offline = settings();
    let scopes = offline["scopes"].as_array_mut().unwrap();
    scopes.push(json!({"name": "offline_access", "description": "Stay logged in"}));
    offline["dcr"] = json!({"default_scopes": ["mcp/read"]});
    let mut none = settings();
    none["scopes"] = json!([]);
    let both = "mcp/read mcp/write";
    for (settings, asked, expected) in [
        (&plain, "mcp/write", Ok("mcp/write")),
        (&plain, "", Ok(both)),
        (&plain, "mcp/read offline_access", Ok("mcp/read")),
        (&plain, "mcp/read  mcp/read claudeai", Ok("mcp/read")),
        // To want a refresh token is to name no scope.
        (&plain, "offline_access", Ok(both)),
        (&plain, "claudeai", Err("invalid_scope")),
        (&plain, "MCP/read", Err("invalid_scope")),
        (&bounded, both, Ok("mcp/read")),
        (&bounded, "mcp/write", Err("invalid_scope")),
        (&bounded, "mcp/write offline_access", Err("invalid_scope")),
        // Where the issuer has it, it goes there.
        (
            &offline,
            "mcp/write offline_access",
            Ok("mcp/write offline_access"),
        ),
        (&offline, "offline_access", Ok("mcp/read offline_access")),
        (&offline, "", Ok("mcp/read")),
        (&offline, "offline_access admin", Err("invalid_scope")),
        // Where there is none at all, clients put in something of their own.
        (&none, "claudeai", Ok("")),
        (&none, "", Ok("")),
    ] {
        let found = granted(settings, asked).await;
        let expected = expected
            .map(|scope| (scope.to_owned(), json!(scope)))
            .map_err(ToOwned::to_owned);
        assert_eq!(found, expected, "{asked}");
    }
}

#[tokio::test]
async fn a_registration_has_the_scopes_that_there_are() {
    let setup = Setup::new();
    for (asked, expected) in [
        ("mcp/write offline_access", "mcp/write"),
        ("offline_access", "mcp/read mcp/write"),
        ("claudeai", "mcp/read mcp/write"),
        ("", "mcp/read mcp/write"),
    ] {
        let body = json!({"redirect_uris": [APP], "scope": asked});
        let document = json_of(&setup.register(&body).await);
        assert_eq!(document["scope"], expected, "{asked}");
    }
}
