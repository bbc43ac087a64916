//! Where the issuer registers clients itself: they are told who that is, and nothing else is here.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use mcpdeploy_runtime::facade::{Signpost, Told, Trail};
use serde_json::{Value, json};

use crate::support::{RESOURCE, json_of};

const ISSUER: &str = "https://example.eu.auth0.com/";

fn directions() -> Value {
    json!({
        "authorization_server": ISSUER,
        "resources": [{"url": RESOURCE, "name": "Weather"}],
        "scopes": [
            {"name": "openid", "description": "Know who you are"},
            {"name": "weather:read", "description": "Read the weather"},
        ],
    })
}

fn signpost(directions: &Value) -> Result<Signpost, String> {
    match Told::read(&directions.to_string()) {
        Ok(Told::Signpost(directions)) => Signpost::new(directions).map_err(|why| why.to_string()),
        Ok(Told::Facade(_)) => Err("that is a facade".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}

fn ask(method: Method, path: &str) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(path).body(());
    signpost(&directions()).unwrap().handle(&request.unwrap())
}

#[test]
fn it_names_the_issuer_to_the_letter() {
    for path in ["", "/", "/mcp", "/mcp/"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let answer = ask(Method::GET, &path);
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        assert_eq!(
            json_of(&answer),
            json!({
                "resource": RESOURCE,
                "authorization_servers": [ISSUER],
                "scopes_supported": ["openid", "weather:read"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Weather",
            })
        );
        assert_eq!(answer.extensions().get::<Trail>().unwrap().path, path);
    }
    let path = "/.well-known/oauth-protected-resource/mcp";
    assert_eq!(ask(Method::OPTIONS, path).status(), StatusCode::NO_CONTENT);
    let wrong = ask(Method::POST, path);
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
}

/// An issuer's document here would be another issuer's: clients that ask for it first go on.
#[test]
fn nothing_else_is_there() {
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resourcex",
        "/authorize?client_id=known&redirect_uri=https://a.example/",
        "/callback",
        "/consent",
        "/register",
        "/revoke",
        "/token",
        "/",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = ask(method.clone(), path);
            let own = path.contains("resource/") && method == Method::POST;
            let expected = if own {
                StatusCode::METHOD_NOT_ALLOWED
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(answer.status(), expected, "{method} {path}");
            assert!(answer.headers().get("location").is_none());
        }
    }
}

#[test]
fn directions_that_lead_nowhere_are_refused() {
    for (key, value, said) in [
        (
            "authorization_server",
            json!("http://issuer.example"),
            "authorization_server is not an https URL",
        ),
        (
            "authorization_server",
            json!(7),
            "invalid type: integer `7`",
        ),
        ("resources", json!([]), "no MCP server"),
        (
            "scopes",
            json!([{"name": "a b", "description": ""}]),
            "no name of a scope",
        ),
        ("upstream", json!({}), "unknown field `upstream`"),
    ] {
        let mut all = directions();
        all[key] = value;
        let why = signpost(&all).err().unwrap();
        assert!(why.contains(said), "{key}: {why}");
    }
}
