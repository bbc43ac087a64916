//! What becomes of a login: renewed, widened, forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcpdeploy_login::{Challenge, LoginError, Secret};
use mcpdeploy_testkit::server::Resp;
use serde_json::json;

use crate::world::{Anna, World, wanted};

/// A world whose tokens have run out when they are issued.
fn hasty() -> World {
    World::new(|req, resp| {
        if req.path == "/token" && resp.status == 200 {
            resp.edit(|tokens| tokens["expires_in"] = json!("5"));
        }
    })
}

#[test]
fn a_token_that_ran_out_is_renewed_and_its_refresh_token_replaced() {
    let world = hasty();
    world.login(&wanted()).unwrap();
    for expected in ["at-2", "at-3"] {
        let token = world.client().token(&world.url()).unwrap().unwrap();
        assert_eq!(token.secret.reveal(), expected);
    }
    let renewal = &world.server.seen("/token")[2];
    assert_eq!(renewal.get("refresh_token").as_deref(), Some("rt-2"));
    assert_eq!(renewal.get("resource"), Some(world.url()));
    assert_eq!(renewal.get("client_id").as_deref(), Some("registered"));
}

#[test]
fn runs_at_the_same_time_use_a_refresh_token_once() {
    let world = World::right();
    let token = world.login(&wanted()).unwrap();
    // The server of this world takes each refresh token once.
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let renewed = world.client().renew(&world.url(), &token.secret);
                    renewed.unwrap().unwrap().secret
                })
            })
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap().reveal(), "at-2");
        }
    });
    assert_eq!(world.server.seen("/token").len(), 2);
}

#[test]
fn a_refresh_token_that_is_refused_is_not_tried_again() {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let world = World::new(move |req, resp| {
        if req.path == "/token" && ended.load(Ordering::SeqCst) {
            *resp = Resp::json(400, &json!({"error": "invalid_grant"}));
        }
    });
    let token = world.login(&wanted()).unwrap();
    over.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let renewed = world.client().renew(&world.url(), &token.secret).unwrap();
        assert_eq!(renewed, None);
    }
    assert_eq!(world.server.seen("/token").len(), 2);
}

#[test]
fn a_server_that_is_down_ends_no_login() {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let world = World::new(move |req, resp| {
        if req.path == "/token" && is_down.load(Ordering::SeqCst) {
            *resp = Resp::empty(503);
        }
    });
    let token = world.login(&wanted()).unwrap();
    down.store(true, Ordering::SeqCst);
    let error = world
        .client()
        .renew(&world.url(), &token.secret)
        .unwrap_err();
    assert!(matches!(error, LoginError::NoToken { .. }), "{error}");
    // It is tried with the same token next time.
    assert!(world.client().renew(&world.url(), &token.secret).is_err());
    let tries = world.server.seen("/token").split_off(1);
    let used: Vec<_> = tries.iter().map(|req| req.get("refresh_token")).collect();
    assert_eq!(used, [Some("rt-1".to_owned()), Some("rt-1".to_owned())]);
}

#[test]
fn a_client_that_the_server_forgot_registers_anew() {
    let forgotten = Arc::new(AtomicBool::new(false));
    let forgets = Arc::clone(&forgotten);
    let world = World::new(move |req, resp| {
        if req.path == "/token" && forgets.swap(false, Ordering::SeqCst) {
            *resp = Resp::json(401, &json!({"error": "invalid_client"}));
        }
    });
    world.login(&wanted()).unwrap();
    forgotten.store(true, Ordering::SeqCst);
    let error = world.login(&wanted()).unwrap_err();
    assert!(error.to_string().contains("invalid_client"), "{error}");
    world.login(&wanted()).unwrap();
    assert_eq!(world.server.seen("/register").len(), 2);
}

#[test]
fn a_server_that_moved_to_another_issuer_gets_nothing_of_the_old_ones() {
    let other = World::right();
    let issuer = other.server.root();
    let moved = Arc::new(AtomicBool::new(false));
    let has_moved = Arc::clone(&moved);
    let world = World::new(move |req, resp| {
        if req.path.contains("protected-resource") && has_moved.load(Ordering::SeqCst) {
            resp.edit(|document| document["authorization_servers"] = json!([issuer]));
        }
    });
    world.login(&wanted()).unwrap();
    moved.store(true, Ordering::SeqCst);
    let token = world.login(&wanted()).unwrap();
    assert_eq!(token.issuer, other.server.root());
    assert_eq!(other.server.seen("/register").len(), 1);
    assert_eq!(world.server.seen("/token").len(), 1);
    let kept = world.kept();
    assert_eq!(
        kept["clients"].as_object().unwrap().len(),
        2,
        "each by its issuer"
    );
}

#[test]
fn more_scopes_are_asked_for_beside_those_that_there_were() {
    let world = World::right();
    world.login(&wanted()).unwrap();
    let challenge =
        Challenge::bearer("Bearer error=\"insufficient_scope\", scope=\"write\"").unwrap();
    assert!(challenge.wants_more());
    let mut anna = Anna::default();
    let client = world.client();
    let token = client
        .step_up(&world.url(), &challenge, &wanted(), &mut anna)
        .unwrap();
    assert_eq!(token.secret.reveal(), "at-2");
    let page = &world.server.seen("/authorize")[1];
    assert_eq!(page.get("scope").as_deref(), Some("use write"));
    // Once more would be for nothing, for ever.
    let error = client
        .step_up(&world.url(), &challenge, &wanted(), &mut anna)
        .unwrap_err();
    assert!(matches!(error, LoginError::NothingToAdd(_)), "{error}");
    assert_eq!(anna.pages.len(), 1);
}

#[test]
fn a_logout_ends_the_tokens_and_forgets_all() {
    let world = World::right();
    world.login(&wanted()).unwrap();
    assert_eq!(world.client().endpoints().unwrap(), [world.url()]);
    let forgotten = world.client().logout(&world.url()).unwrap().unwrap();
    assert!(matches!(forgotten.revoked, Some(Ok(()))));
    let revoked = &world.server.seen("/revoke")[0];
    assert_eq!(revoked.get("token").as_deref(), Some("rt-1"));
    assert_eq!(world.client().token(&world.url()).unwrap(), None);
    assert_eq!(world.kept()["clients"], json!({}));
    assert!(world.client().logout(&world.url()).unwrap().is_none());
}

#[test]
fn a_logout_works_without_the_server() {
    let world = World::new(|req, resp| {
        if req.path == "/revoke" {
            *resp = Resp::empty(500);
        }
    });
    world.login(&wanted()).unwrap();
    let forgotten = world.client().logout(&world.url()).unwrap().unwrap();
    assert!(matches!(forgotten.revoked, Some(Err(_))));
    assert_eq!(world.client().token(&world.url()).unwrap(), None);
}

#[test]
fn nothing_secret_is_in_any_debug() {
    let world = World::right();
    let token = world.login(&wanted()).unwrap();
    let shown = format!("{token:?} {:?}", Secret::new("at-1"));
    assert!(
        !shown.contains("at-1") && !shown.contains("rt-1"),
        "{shown}"
    );
}
