//! Dynamic client registration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    APP, Setup, VERIFIER, authorize, encoded, error_of, json_of, settings, text_of,
};

#[tokio::test]
async fn a_client_gets_an_id_that_stands_for_what_it_said() {
    let setup = Setup::new();
    let answer = setup
        .register(&json!({
            "client_name": "An app",
            "redirect_uris": ["http://127.0.0.1:1/cb", "cursor://a/cb", "https://a.example/cb"],
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "mcp/write admin",
            "logo_uri": "https://a.example/logo.png",
        }))
        .await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let document = json_of(&answer);
    for (key, value) in [
        ("client_id_issued_at", json!(1_000_000)),
        ("client_name", json!("An app")),
        ("application_type", json!("native")),
        ("token_endpoint_auth_method", json!("none")),
        // The scope that does not exist was left out.
        ("scope", json!("mcp/write")),
    ] {
        assert_eq!(document[key], value, "{key}");
    }
    assert!(document.get("client_secret").is_none());
    assert!(document.get("client_secret_expires_at").is_none());
}

#[tokio::test]
async fn what_cannot_be_registered_is_refused_by_the_rfcs_codes() {
    let setup = Setup::new();
    let uri = "invalid_redirect_uri";
    let metadata = "invalid_client_metadata";
    let eleven = vec!["https://a.example/"; 11];
    let long = format!("https://a.example/{}", "a".repeat(900));
    for (body, error) in [
        (json!({}), uri),
        (json!({"redirect_uris": []}), uri),
        (json!({"redirect_uris": eleven}), uri),
        (json!({"redirect_uris": [long, long, long]}), uri),
        (json!({"redirect_uris": ["http://a.example/cb"]}), uri),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), uri),
        (json!({"redirect_uris": ["https://a.example/#x"]}), uri),
        (json!({"redirect_uris": [APP, "data:text/html,x"]}), uri),
        (json!({"redirect_uris": ["http://localhost:1/*"]}), uri),
        (json!({"redirect_uris": ["http://localhost:*/cb"]}), uri),
        (json!({"redirect_uris": ["https://*.a.example/cb"]}), uri),
        (json!({"redirect_uris": ["cursor://*"]}), uri),
        (
            json!({"redirect_uris": ["http://192.168.0.1/"], "application_type": "native"}),
            uri,
        ),
        (
            json!({"redirect_uris": ["cursor://a", "javascript:x"], "application_type": "web"}),
            uri,
        ),
        (
            json!({"redirect_uris": [APP], "grant_types": ["implicit"]}),
            metadata,
        ),
        (
            json!({"redirect_uris": [APP], "response_types": ["token"]}),
            metadata,
        ),
        (
            json!({"redirect_uris": [APP], "token_endpoint_auth_method": "tls"}),
            metadata,
        ),
        (json!({"redirect_uris": APP}), metadata),
        (json!([]), metadata),
    ] {
        let answer = setup.register(&body).await;
        assert_eq!(error_of(&answer), (400, error.to_owned()), "{body}");
    }
    let text = [("content-type", "text/plain")];
    let answer = setup.ask(Method::POST, "/register", &text, "{}").await;
    assert_eq!(error_of(&answer), (400, metadata.to_owned()));
}

#[tokio::test]
async fn only_clients_at_allowed_places_register() {
    let mut settings = settings();
    settings["dcr"] =
        json!({"redirect_patterns": ["https://*.example/cb", "http://localhost:*/*"]});
    let setup = Setup::with(&settings);
    for (uri, allowed) in [
        ("https://app.example/cb", true),
        ("http://localhost:33418/cb", true),
        ("https://app.example/other", false),
        ("https://app.elsewhere/cb", false),
        ("https://evil/.example/cb", false),
    ] {
        let answer = setup.register(&json!({"redirect_uris": [uri]})).await;
        assert_eq!(answer.status() == StatusCode::CREATED, allowed, "{uri}");
    }
}

#[tokio::test]
async fn a_client_known_to_keep_no_secret_gets_none() {
    let mut settings = settings();
    settings["dcr"] = json!({"public_client_patterns": ["claude"]});
    let setup = Setup::with(&settings);
    for (name, said, method) in [
        ("Claude Desktop", None, "none"),
        ("Other", None, "client_secret_basic"),
        // A client that says how it authenticates will do so, or fails.
        ("Claude", Some("client_secret_post"), "client_secret_post"),
        ("Claude", Some("client_secret_basic"), "client_secret_basic"),
        ("Other", Some("none"), "none"),
    ] {
        let mut body = json!({"client_name": name, "redirect_uris": [APP]});
        if let Some(said) = said {
            body["token_endpoint_auth_method"] = json!(said);
        }
        let document = json_of(&setup.register(&body).await);
        assert_eq!(document["token_endpoint_auth_method"], method, "{body}");
        assert_eq!(document.get("client_secret").is_none(), method == "none");
    }
}

/// Cursor was seen with all of these at once, calling itself a web client.
#[tokio::test]
async fn a_client_is_of_the_type_that_its_redirect_uris_are_of() {
    let setup = Setup::new();
    let app = "cursor://anysphere.cursor-mcp/oauth/callback";
    let site = "https://www.cursor.com/agents/mcp/oauth/callback";
    let loopback = "http://localhost:8787/callback";
    for (uris, said, registered) in [
        (json!([app, site, loopback]), "web", "native"),
        (json!([app]), "web", "native"),
        (json!([loopback]), "web", "native"),
        (json!([site]), "web", "web"),
        (json!([site]), "native", "native"),
        (json!([site]), "browser", "web"),
        (json!([app]), "", "native"),
    ] {
        let body = json!({
            "redirect_uris": uris,
            "application_type": said,
            "token_endpoint_auth_method": "none",
        });
        let answer = setup.register(&body).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{body}");
        let document = json_of(&answer);
        assert_eq!(document["application_type"], registered, "{body}");
        assert_eq!(document["redirect_uris"], uris);
        // And it is let back to each of them.
        let client = document["client_id"].as_str().unwrap();
        for uri in uris.as_array().unwrap() {
            let path = authorize(client, uri.as_str().unwrap(), &[]);
            let page = setup.get(&path).await;
            assert_eq!(page.status(), StatusCode::OK, "{uri}");
        }
    }
}

#[tokio::test]
async fn registered_clients_ask_for_what_they_may_and_get_the_default() {
    let mut settings = settings();
    settings["dcr"] = json!({"allowed_scopes": ["mcp/read"], "default_scopes": ["mcp/read"]});
    let setup = Setup::with(&settings);
    let client = setup.client(APP).await;
    let page = setup.get(&authorize(&client, APP, &[("scope", "")])).await;
    assert!(text_of(&page).contains("Read the weather"));
    assert!(!text_of(&page).contains("Change the weather"));
    let page = setup
        .get(&authorize(&client, APP, &[("scope", "mcp/write")]))
        .await;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    // One that asks for all that the metadata name gets what it may have.
    let both = authorize(&client, APP, &[("scope", "mcp/read mcp/write")]);
    let page = text_of(&setup.get(&both).await);
    assert!(page.contains("Read the weather") && !page.contains("Change the weather"));
    // A client that is vouched for may ask for everything.
    let path = authorize("known", "https://known.example/cb", &[("scope", "")]);
    assert!(text_of(&setup.get(&path).await).contains("Change the weather"));
}

async fn confidential(setup: &Setup) -> (String, String) {
    let answer = setup.register(&json!({"redirect_uris": [APP]})).await;
    let document: Value = json_of(&answer);
    assert_eq!(
        document["client_secret_expires_at"],
        1_000_000 + 365 * 86_400
    );
    let text = |key: &str| document[key].as_str().unwrap().to_owned();
    (text("client_id"), text("client_secret"))
}

#[tokio::test]
async fn a_client_with_a_secret_needs_it() {
    let setup = Setup::new();
    let (client, secret) = confidential(&setup).await;
    let code = setup.code(&client, APP).await;
    let basic =
        |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let form = |more: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", APP),
            ("code_verifier", VERIFIER),
        ];
        form.extend(more);
        encoded(&form)
    };
    let ask = async |authorization: Option<String>, body: String| {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("authorization", value)),
        );
        setup.ask(Method::POST, "/token", &headers, body).await
    };
    let id = client.as_str();
    for (authorization, body, error) in [
        (None, form(&[("client_id", id)]), (401, "invalid_client")),
        (None, form(&[]), (401, "invalid_client")),
        (
            None,
            form(&[("client_id", id), ("client_secret", "x")]),
            (401, "invalid_client"),
        ),
        (Some(basic(id, "x")), form(&[]), (401, "invalid_client")),
        (Some(basic(id, "")), form(&[]), (401, "invalid_client")),
        (
            Some("Bearer x".to_owned()),
            form(&[]),
            (401, "invalid_client"),
        ),
        (
            Some("Basic !".to_owned()),
            form(&[]),
            (401, "invalid_client"),
        ),
        (
            Some(basic(id, &secret)),
            form(&[("client_secret", "x")]),
            (400, "invalid_request"),
        ),
        (
            Some(basic(id, &secret)),
            form(&[("client_id", "known")]),
            (400, "invalid_request"),
        ),
        (
            Some(basic("known", &secret)),
            form(&[]),
            (401, "invalid_client"),
        ),
    ] {
        let answer = ask(authorization.clone(), body.clone()).await;
        let expected = (error.0, error.1.to_owned());
        assert_eq!(error_of(&answer), expected, "{authorization:?} {body}");
        assert_eq!(
            answer.headers().contains_key("www-authenticate"),
            error.0 == 401
        );
    }
    let answer = ask(Some(basic(id, &secret)), form(&[])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    // The code is used up; that the secret is taken in the form too shows in another error.
    let answer = ask(None, form(&[("client_id", id), ("client_secret", &secret)])).await;
    assert_eq!(error_of(&answer), (400, "invalid_grant".to_owned()));
}
