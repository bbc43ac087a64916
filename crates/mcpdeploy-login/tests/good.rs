//! Logins that work: every way to an authorization server, and every way of being known there.

use std::sync::mpsc::Sender;
use std::thread;

use mcpdeploy_login::{Browser, LoginError, Person, Secret, Visit, Wanted};
use mcpdeploy_testkit::server::Resp;
use serde_json::json;

use crate::world::{Anna, World, get, wanted};

#[test]
fn a_login_asks_for_what_the_server_names_and_is_kept() {
    let world = World::right();
    let token = world.login(&wanted()).unwrap();
    assert_eq!(token.secret.reveal(), "at-1");
    assert_eq!(token.issuer, world.server.root());
    assert_eq!(token.scopes, ["use"]);
    assert!(token.renews);
    assert!(token.lasts.unwrap() > 3500);

    let register = &world.server.seen("/register")[0].json();
    assert_eq!(register["application_type"], "native");
    assert_eq!(register["token_endpoint_auth_method"], "none");
    let redirect_uri = register["redirect_uris"][0].as_str().unwrap();
    assert!(
        redirect_uri.starts_with("http://127.0.0.1:"),
        "{redirect_uri}"
    );

    let page = &world.server.seen("/authorize")[0];
    assert_eq!(page.get("redirect_uri").as_deref(), Some(redirect_uri));
    assert_eq!(page.get("resource"), Some(world.url()));
    assert_eq!(page.get("scope").as_deref(), Some("use"));
    let exchange = &world.server.seen("/token")[0];
    assert_eq!(exchange.get("resource"), Some(world.url()));
    assert_eq!(exchange.get("client_id").as_deref(), Some("registered"));
    assert_eq!(exchange.header("authorization"), None);

    // Another run finds it.
    let kept = world.client().token(&world.url()).unwrap().unwrap();
    assert_eq!(kept.secret, token.secret);
    assert_eq!(world.server.seen("/token").len(), 1);
    assert_eq!(
        world.client().token("https://other.test/mcp").unwrap(),
        None
    );
}

#[test]
fn documents_are_found_where_the_specification_looks() {
    // What is where, and the header in which the 401 says so.
    for (resource, metadata, told) in [
        (
            "/custom/metadata.json",
            "/.well-known/oauth-authorization-server/t",
            Some("www-authenticate"),
        ),
        (
            "/custom/metadata.json",
            "/.well-known/oauth-authorization-server/t",
            Some("x-amzn-remapped-www-authenticate"),
        ),
        (
            "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/openid-configuration/t",
            None,
        ),
        (
            "/.well-known/oauth-protected-resource",
            "/t/.well-known/openid-configuration",
            None,
        ),
    ] {
        let world = World::new(move |req, resp| {
            let root = format!("http://{}", req.header("host").unwrap());
            if req.path == resource {
                let issuer = format!("{root}/t");
                *resp = Resp::json(
                    200,
                    &json!({"resource": root, "authorization_servers": [issuer]}),
                );
            } else if req.path == metadata {
                *resp = Resp::json(
                    200,
                    &json!({
                        "issuer": format!("{root}/t"),
                        "authorization_endpoint": format!("{root}/t/authorize"),
                        "token_endpoint": format!("{root}/token"),
                        "registration_endpoint": format!("{root}/register"),
                        "code_challenge_methods_supported": ["S256"],
                    }),
                );
            } else if req.path.contains("well-known") {
                *resp = Resp::empty(404);
            } else if req.path == "/mcp" {
                resp.headers.clear();
                if let Some(told) = told {
                    *resp = resp.clone().header(
                        told,
                        &format!("Bearer resource_metadata=\"{root}{resource}\""),
                    );
                }
            } else if req.path == "/t/authorize" {
                let to = req.get("redirect_uri").unwrap();
                let state = req.get("state").unwrap();
                *resp = Resp::empty(302)
                    .header("location", &format!("{to}?code=good-code&state={state}"));
            } else if req.path == "/token" {
                *resp = Resp::json(
                    200,
                    &json!({"access_token": "at-9", "token_type": "Bearer"}),
                );
            }
        });
        let token = world.login(&wanted()).unwrap();
        assert_eq!(token.issuer, format!("{}/t", world.server.root()));
        assert_eq!((token.lasts, token.renews), (None, false));
        assert_eq!(token.scopes, [""; 0]);
        let page = &world.server.seen("/t/authorize")[0];
        assert_eq!(
            page.get("resource"),
            Some(world.server.root()),
            "as the document has it"
        );
        assert_eq!(page.get("scope"), None);
    }
}

#[test]
fn scopes_are_the_challenges_or_else_the_documents_and_what_was_asked_for_beside() {
    for (told, extra, expected) in [
        (true, None, "use offline_access"),
        (true, Some("admin"), "admin use offline_access"),
        (false, None, "read write offline_access"),
    ] {
        let world = World::new(move |req, resp| {
            if req.path.contains("protected-resource") {
                resp.edit(|document| document["scopes_supported"] = json!(["read", "write"]));
            } else if req.path.contains("authorization-server") {
                resp.edit(|document| {
                    document["scopes_supported"] = json!(["use", "offline_access"]);
                });
            } else if req.path == "/mcp" && !told {
                resp.headers.clear();
            }
        });
        let wanted = Wanted {
            scopes: extra.map(str::to_owned).into_iter().collect(),
            ..wanted()
        };
        world.login(&wanted).unwrap();
        let page = &world.server.seen("/authorize")[0];
        assert_eq!(page.get("scope").as_deref(), Some(expected));
        assert_eq!(page.get("prompt").as_deref(), Some("consent"));
    }
}

#[test]
fn a_client_registers_once_with_an_issuer_and_comes_back_to_the_same_port() {
    let world = World::right();
    world.login(&wanted()).unwrap();
    world.login(&wanted()).unwrap();
    assert_eq!(world.server.seen("/register").len(), 1);
    let pages = world.server.seen("/authorize");
    assert_eq!(pages[0].get("redirect_uri"), pages[1].get("redirect_uri"));

    // When somebody else has the port, it registers with another.
    let uri = pages[0].get("redirect_uri").unwrap();
    let address = uri
        .trim_start_matches("http://")
        .trim_end_matches("/callback");
    let taken = std::net::TcpListener::bind(address).unwrap();
    world.login(&wanted()).unwrap();
    drop(taken);
    assert_eq!(world.server.seen("/register").len(), 2);
    assert_ne!(
        world.server.seen("/authorize")[2].get("redirect_uri"),
        Some(uri)
    );
}

#[test]
fn a_client_that_was_registered_by_hand_goes_first_and_is_remembered() {
    let world = World::right();
    let by_hand = Wanted {
        issuer: Some(world.server.root()),
        client: Some(("mine".to_owned(), Some(Secret::new("s3cret")))),
        ..wanted()
    };
    world.login(&by_hand).unwrap();
    world.login(&wanted()).unwrap();
    assert_eq!(world.server.seen("/register").len(), 0);
    for page in world.server.seen("/authorize") {
        assert_eq!(page.get("client_id").as_deref(), Some("mine"));
    }
    for exchange in world.server.seen("/token") {
        // `mine:s3cret`
        assert_eq!(
            exchange.header("authorization"),
            Some("Basic bWluZTpzM2NyZXQ=")
        );
        assert_eq!(exchange.get("client_secret"), None);
    }
}

#[test]
fn a_document_is_the_client_where_the_server_takes_such() {
    for (takes, expected) in [(true, "https://me.test/client.json"), (false, "registered")] {
        let world = World::new(move |req, resp| {
            if req.path.contains("authorization-server") {
                resp.edit(|document| {
                    document["client_id_metadata_document_supported"] = json!(takes);
                });
            }
        });
        let wanted = Wanted {
            document: Some("https://me.test/client.json".to_owned()),
            ..wanted()
        };
        world.login(&wanted).unwrap();
        // It need not be named again: another login may be for more scopes only.
        world.login(&crate::world::wanted()).unwrap();
        for page in world.server.seen("/authorize") {
            assert_eq!(page.get("client_id").as_deref(), Some(expected));
        }
    }
}

#[test]
fn the_address_can_be_pasted() {
    let world = World::right();
    let mut anna = Anna {
        pastes: true,
        ..Anna::default()
    };
    world
        .client()
        .login(&world.url(), &wanted(), &mut anna)
        .unwrap();
    assert_eq!(anna.foreign, 1);
}

/// Looks at the pages that the browser gets, before it comes back as it should.
#[derive(Default)]
struct Curious {
    seen: Vec<thread::JoinHandle<Vec<(u16, String)>>>,
    foreign: u32,
}

impl Person for Curious {
    fn visit(&mut self, visit: &Visit<'_>, _: Sender<String>) {
        let (page, back) = (visit.url.to_owned(), visit.redirect_uri.to_owned());
        self.seen.push(thread::spawn(move || {
            let root = back.trim_end_matches("/callback");
            let mut seen = Vec::new();
            for url in [
                format!("{root}/favicon.ico"),
                format!("{back}?code=x&state=wrong"),
                get(&page).1.unwrap(),
            ] {
                let (status, _, body) = get(&url);
                seen.push((status, body));
            }
            seen
        }));
    }

    fn foreign(&mut self) {
        self.foreign += 1;
    }
}

#[test]
fn the_browser_gets_a_page_that_says_what_to_do() {
    let world = World::right();
    let mut curious = Curious::default();
    world
        .client()
        .login(&world.url(), &wanted(), &mut curious)
        .unwrap();
    let seen = curious.seen.remove(0).join().unwrap();
    let statuses: Vec<u16> = seen.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [404, 400, 200]);
    // An answer with another state is neither used nor the end of the login.
    assert_eq!(curious.foreign, 1);
    assert_eq!(
        world.server.seen("/token")[0].get("code").as_deref(),
        Some("good-code")
    );
    assert!(
        seen[2].1.contains("You can close this page"),
        "{}",
        seen[2].1
    );
    assert!(!seen[2].1.contains("good-code"));
}

#[test]
fn a_server_without_a_login_is_told_apart() {
    let world = World::new(|req, resp| {
        if req.path == "/mcp" {
            *resp = Resp::json(200, &json!({}));
        } else {
            *resp = Resp::empty(404);
        }
    });
    assert!(!world.client().is_locked(&world.url()).unwrap());
    let error = world.login(&wanted()).unwrap_err();
    assert!(matches!(error, LoginError::NoLogin(_)), "{error}");
    assert!(
        World::right()
            .client()
            .is_locked(&World::right().url())
            .unwrap()
    );
}

#[test]
fn a_server_that_lets_strangers_shake_hands_is_logged_in_to() {
    let world = World::new(|req, resp| {
        if req.path == "/mcp" && req.json()["method"] != "tools/list" {
            *resp = Resp::json(200, &json!({}));
        }
    });
    assert!(world.client().is_locked(&world.url()).unwrap());
    world.login(&wanted()).unwrap();
}

#[test]
fn a_browser_that_cannot_be_opened_is_no_end() {
    struct Told(Anna, bool);
    impl Person for Told {
        fn visit(&mut self, visit: &Visit<'_>, pasted: Sender<String>) {
            self.1 = visit.unopened.is_some();
            let visit = Visit {
                unopened: None,
                ..*visit
            };
            self.0.visit(&visit, pasted);
        }

        fn foreign(&mut self) {}
    }
    let world = World::right();
    let wanted = Wanted {
        browser: Browser::Command("/nowhere/browser".to_owned()),
        ..wanted()
    };
    let mut told = Told(Anna::default(), false);
    world
        .client()
        .login(&world.url(), &wanted, &mut told)
        .unwrap();
    assert!(told.1);
}
