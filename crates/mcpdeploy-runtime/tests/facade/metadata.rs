//! The documents by which clients find their way.

use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{BASE, RESOURCE, Setup, endpoints, json_of, secrets, settings};

#[tokio::test]
async fn the_server_is_described_at_its_path_and_at_the_root() {
    let setup = Setup::new();
    for path in ["", "/", "/mcp", "/mcp/"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let answer = setup.get(&path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        assert_eq!(
            json_of(&answer),
            json!({
                "resource": RESOURCE,
                "authorization_servers": [BASE],
                "scopes_supported": ["mcp/read", "mcp/write"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Weather",
            })
        );
    }
    for path in ["/other", "x", "/mcp/more"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(
            setup.get(&path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn each_of_several_servers_is_described_at_its_own_path_only() {
    let mut settings = settings();
    settings["resources"] = json!([{"url": RESOURCE}, {"url": "https://mcp.example/b"}]);
    let setup = Setup::with(&settings);
    let at = |path: &str| format!("/.well-known/oauth-protected-resource{path}");
    let answer = setup.get(&at("/b")).await;
    assert_eq!(json_of(&answer)["resource"], "https://mcp.example/b");
    assert_eq!(setup.get(&at("")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_issuer_is_described_under_both_names() {
    let setup = Setup::new();
    for name in ["oauth-authorization-server", "openid-configuration"] {
        for path in ["", "/mcp"] {
            let answer = setup.get(&format!("/.well-known/{name}{path}")).await;
            assert_eq!(answer.status(), StatusCode::OK, "{name}{path}");
            let document = json_of(&answer);
            for (key, value) in [
                ("issuer", json!(BASE)),
                ("authorization_endpoint", json!(format!("{BASE}/authorize"))),
                ("token_endpoint", json!(format!("{BASE}/token"))),
                ("registration_endpoint", json!(format!("{BASE}/register"))),
                ("revocation_endpoint", json!(format!("{BASE}/revoke"))),
                ("code_challenge_methods_supported", json!(["S256"])),
                ("scopes_supported", json!(["mcp/read", "mcp/write"])),
                ("response_types_supported", json!(["code"])),
                ("client_id_metadata_document_supported", json!(true)),
                (
                    "authorization_response_iss_parameter_supported",
                    json!(true),
                ),
            ] {
                assert_eq!(document[key], value, "{key}");
            }
        }
    }
    let other = "/.well-known/oauth-authorization-server/other";
    assert_eq!(setup.get(other).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_off_is_neither_named_nor_there() {
    let mut settings = settings();
    settings["dcr"] = json!({"enabled": false});
    settings["cimd"] = json!({"enabled": false});
    settings["upstream"]["revoke"] = json!(null);
    settings["scopes"] = json!([]);
    let setup = Setup::with(&settings);
    let answer = setup.get("/.well-known/oauth-authorization-server").await;
    let document = json_of(&answer);
    assert!(document.get("registration_endpoint").is_none());
    assert!(document.get("revocation_endpoint").is_none());
    assert_eq!(document["client_id_metadata_document_supported"], false);
    // Clients that find no list at all send no scope.
    assert_eq!(document["scopes_supported"], json!([]));
    let body = json!({"redirect_uris": ["https://a.example/"]});
    assert_eq!(setup.register(&body).await.status(), StatusCode::NOT_FOUND);
    let answer = setup.post("/revoke", &[("token", "x")]).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_issuer_with_a_path_answers_below_it() {
    let mut settings = settings();
    settings["issuer"] = json!("https://mcp.example/auth");
    let setup = Setup::with(&settings);
    for path in [
        "/.well-known/oauth-authorization-server/auth",
        "/auth/.well-known/openid-configuration",
    ] {
        let document = json_of(&setup.get(path).await);
        assert_eq!(document["issuer"], "https://mcp.example/auth");
        assert_eq!(document["token_endpoint"], "https://mcp.example/auth/token");
    }
    assert_eq!(
        setup.get("/auth/token").await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(setup.get("/token").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_where_no_cookie_counts() {
    let setup = Setup::new();
    for (path, shared) in [
        ("/.well-known/oauth-protected-resource/mcp", true),
        ("/.well-known/oauth-authorization-server", true),
        ("/register", true),
        ("/token", true),
        ("/revoke", true),
        ("/authorize", false),
        ("/consent", false),
        ("/callback", false),
    ] {
        let answer = setup.ask(Method::OPTIONS, path, &[], "").await;
        let allowed = answer.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), shared, "{path}");
        assert!(
            answer
                .headers()
                .get("access-control-allow-credentials")
                .is_none()
        );
        assert_eq!(answer.status() == StatusCode::NO_CONTENT, shared, "{path}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    use std::sync::Arc;

    use mcpdeploy_runtime::facade::{Clock, Facade};
    use mcpdeploy_runtime::outbound::Https;

    for (pointer, value, said) in [
        ("/issuer", json!("https://mcp.example/"), "issuer must be"),
        ("/issuer", json!("http://mcp.example"), "issuer must be"),
        ("/issuer", json!("https://mcp.example?x"), "issuer must be"),
        ("/resources", json!([]), "no MCP server"),
        (
            "/resources/0/url",
            json!("mcp.example"),
            "is not an https URL",
        ),
        ("/scopes/0/name", json!("a b"), "no name of a scope"),
        (
            "/upstream/token",
            json!("cursor://login.example/"),
            "token endpoint",
        ),
        (
            "/upstream/token",
            json!("http://login.example/"),
            "token endpoint",
        ),
        (
            "/clients/0/redirect_uris/0",
            json!("javascript:x"),
            "redirect URI",
        ),
        ("/dcr", json!({"default_scopes": ["admin"]}), "scope admin"),
    ] {
        let mut settings = settings();
        if pointer == "/dcr" {
            settings["dcr"] = value;
        } else {
            *settings.pointer_mut(pointer).unwrap() = value;
        }
        let settings = serde_json::from_value(settings).unwrap();
        let endpoints = endpoints(&settings);
        let outbound = Arc::new(Https::default());
        let clock = Clock::new(|| 0);
        let fault = Facade::new(settings, secrets(), endpoints, outbound, clock).err();
        let fault = fault.expect(pointer).to_string();
        assert!(fault.contains(said), "{pointer}: {fault}");
    }
}
