//! Servers and networks that want what is not theirs. Each has to be stopped before anything that it
//! wants was sent.

use std::sync::mpsc::Sender;
use std::time::Duration;

use mcpdeploy_login::{LoginError, Person, Visit, Wanted};
use mcpdeploy_testkit::server::{Req, Resp};
use serde_json::{Value, json};

use crate::world::{World, wanted};

/// A world in which a key of a document says something else.
fn lying(part: &'static str, key: &'static str, value: Value) -> World {
    World::new(move |req, resp| {
        if req.path.contains(part) {
            resp.edit(|document| document[key] = value.clone());
        }
    })
}

/// The login fails with that, and nobody was registered, sent anywhere or given a code.
#[track_caller]
fn stopped(world: &World, expected: &str) {
    let error = world.login(&wanted()).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    for path in ["/register", "/authorize", "/token"] {
        assert_eq!(world.server.seen(path).len(), 0, "{path}");
    }
}

#[test]
fn metadata_for_another_resource_is_not_used() {
    for resource in ["https://evil.test/mcp", "http://127.0.0.1:1/mcp"] {
        let world = lying("protected-resource", "resource", json!(resource));
        stopped(&world, "which is another resource");
    }
}

#[test]
fn metadata_of_another_issuer_is_not_used() {
    let world = lying(
        "authorization-server",
        "issuer",
        json!("https://honest.test"),
    );
    stopped(&world, "is of the issuer https://honest.test");
    // Not even one that a parser would take for the same.
    let world = World::new(|req, resp| {
        if req.path.contains("authorization-server") {
            resp.edit(|document| {
                let same = format!("{}/", document["issuer"].as_str().unwrap());
                document["issuer"] = json!(same);
            });
        }
    });
    stopped(&world, "is of the issuer");
}

#[test]
fn nobody_is_sent_where_others_read_along() {
    for (part, key, value) in [
        (
            "protected-resource",
            "authorization_servers",
            json!(["http://login.test"]),
        ),
        (
            "protected-resource",
            "authorization_servers",
            json!(["http://169.254.169.254"]),
        ),
        (
            "authorization-server",
            "authorization_endpoint",
            json!("http://login.test/authorize"),
        ),
        (
            "authorization-server",
            "authorization_endpoint",
            json!("javascript:alert(1)"),
        ),
        (
            "authorization-server",
            "authorization_endpoint",
            json!("file:///etc/passwd"),
        ),
        (
            "authorization-server",
            "token_endpoint",
            json!("http://login.test/token"),
        ),
        (
            "authorization-server",
            "token_endpoint",
            json!("https://u:p@login.test/token"),
        ),
        (
            "authorization-server",
            "registration_endpoint",
            json!("http://login.test/r"),
        ),
        (
            "authorization-server",
            "revocation_endpoint",
            json!("http://login.test/r"),
        ),
    ] {
        stopped(&lying(part, key, value), "is not called");
    }
    let world = World::new(|req, resp| {
        if req.path == "/mcp" {
            *resp = Resp::empty(401).header(
                "www-authenticate",
                "Bearer resource_metadata=\"http://169.254.169.254/latest/meta-data\"",
            );
        }
    });
    stopped(&world, "is not called");
    let world = World::right();
    let error = world.client().is_locked("http://a.test/mcp").unwrap_err();
    assert!(matches!(error, LoginError::Unsafe { .. }), "{error}");
}

#[test]
fn a_server_that_checks_no_pkce_is_not_used() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let world = lying(
            "authorization-server",
            "code_challenge_methods_supported",
            methods,
        );
        stopped(&world, "PKCE");
    }
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = World::right();
    let to = format!(
        "{}/.well-known/oauth-protected-resource/mcp",
        elsewhere.server.root()
    );
    let world = World::new(move |req, resp| {
        if req.path.contains("protected-resource") {
            *resp = Resp::empty(302).header("location", &to);
        }
    });
    stopped(&world, "a redirect to");
    assert_eq!(
        elsewhere
            .server
            .seen("/.well-known/oauth-protected-resource/mcp")
            .len(),
        0
    );

    let thief = World::right();
    let to = format!("{}/token", thief.server.root());
    let world = World::new(move |req, resp| {
        if req.path == "/token" {
            *resp = Resp::empty(307).header("location", &to);
        }
    });
    assert!(world.login(&wanted()).is_err());
    assert_eq!(thief.server.seen("/token").len(), 0);
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    fn flood(_: &Req, resp: &mut Resp) {
        resp.body = " ".repeat(400 << 10);
    }
    for part in [
        "protected-resource",
        "authorization-server",
        "/register",
        "/token",
    ] {
        let world = World::new(move |req, resp| {
            if req.path.contains(part) {
                flood(req, resp);
            }
        });
        let error = world.login(&wanted()).unwrap_err();
        assert!(
            error.to_string().contains("larger than 256 KiB"),
            "{part}: {error}"
        );
    }
}

#[test]
fn a_document_that_is_none_is_told() {
    let world = World::new(|req, resp| {
        if req.path.contains("protected-resource") {
            resp.body = "<html>\u{1b}[31mhello".to_owned();
        }
    });
    let error = world.login(&wanted()).unwrap_err();
    assert!(matches!(error, LoginError::NoMetadata { .. }), "{error}");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
    stopped(
        &lying("authorization-server", "token_endpoint", json!(7)),
        "cannot be used",
    );
    stopped(
        &lying("protected-resource", "authorization_servers", json!([])),
        "names no authorization server",
    );
}

#[test]
fn an_answer_of_another_issuer_gets_no_code_exchanged() {
    let world = World::right();
    for detour in [
        (|to| to.replace("iss=http", "iss=https")) as fn(String) -> String,
        |to| format!("{to}%2F"),
        |to| to.split("&iss=").next().unwrap().to_owned(),
        |to| {
            to.replace("code=good-code", "error=x&error_description=evil")
                .replace("iss=", "iss=x")
        },
    ] {
        let error = world.detour(detour).unwrap_err();
        assert!(matches!(error, LoginError::MixedUp { .. }), "{error}");
        assert!(!error.to_string().contains("evil"), "{error}");
    }
    assert_eq!(world.server.seen("/token").len(), 0);
}

/// Somebody who closes the login page.
struct Nobody;

impl Person for Nobody {
    fn visit(&mut self, _: &Visit<'_>, _: Sender<String>) {}

    fn foreign(&mut self) {}
}

#[test]
fn a_login_that_nobody_comes_back_from_ends() {
    let world = World::right();
    let wanted = Wanted {
        wait: Duration::from_millis(50),
        ..wanted()
    };
    let client = world.client();
    let error = client
        .login(&world.url(), &wanted, &mut Nobody)
        .unwrap_err();
    assert!(matches!(error, LoginError::TooLate(_)), "{error}");
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let world = World::right();
    let error = world
        .detour(|to| {
            to.replace(
                "code=good-code",
                "error=access_denied&error_description=not+today",
            )
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the login was refused: access_denied (not today)"
    );
}

#[test]
fn the_secret_of_a_client_goes_to_its_issuer_only() {
    let world = World::right();
    let wanted = Wanted {
        issuer: Some("https://honest.test".to_owned()),
        client: Some(("mine".to_owned(), None)),
        ..wanted()
    };
    let error = world.login(&wanted).unwrap_err();
    assert!(matches!(error, LoginError::NotItsServer { .. }), "{error}");
    assert_eq!(world.server.seen("/authorize").len(), 0);
}

#[test]
fn a_token_that_cannot_be_used_is_not_kept() {
    for (key, value, expected) in [
        ("token_type", json!("DPoP"), "only Bearer"),
        ("access_token", json!("a\r\nx: y"), "cannot carry"),
        ("access_token", json!(""), "cannot carry"),
        ("access_token", Value::Null, "no token response"),
    ] {
        let world = lying("/token", key, value);
        let error = world.login(&wanted()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(world.client().token(&world.url()).unwrap(), None);
    }
}

#[test]
fn a_registration_that_is_refused_is_told_and_one_that_is_not_there_as_well() {
    let world = World::new(|req, resp| {
        if req.path == "/register" {
            *resp = Resp::json(
                400,
                &json!({"error": "invalid_redirect_uri", "error_description": "no loopback"}),
            );
        }
    });
    let error = world.login(&wanted()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("invalid_redirect_uri (no loopback)"),
        "{error}"
    );
    let world = lying("authorization-server", "registration_endpoint", Value::Null);
    let error = world.login(&wanted()).unwrap_err();
    assert!(matches!(error, LoginError::CannotRegister(_)), "{error}");
    assert!(error.hint().unwrap().contains("--client-id"));
    let world = lying(
        "authorization-server",
        "token_endpoint_auth_methods_supported",
        json!(["private_key_jwt"]),
    );
    let error = world.login(&wanted()).unwrap_err();
    assert!(
        matches!(error, LoginError::CannotAuthenticate { .. }),
        "{error}"
    );
}
