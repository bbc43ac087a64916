//! Refresh tokens, their rotation and their end.

use http::StatusCode;
use serde_json::json;

use crate::support::{APP, RESOURCE, Setup, error_of, json_of, settings, text_of};

async fn refresh_token(setup: &Setup, client: &str) -> String {
    let code = setup.code(client, APP).await;
    let tokens = json_of(&setup.trade(client, &code).await);
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

fn form<'f>(
    client: &'f str,
    token: &'f str,
    more: &[(&'f str, &'f str)],
) -> Vec<(&'f str, &'f str)> {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", token),
    ];
    form.extend(more);
    form
}

#[tokio::test]
async fn a_refresh_token_brings_tokens_to_its_client_only() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let thief = setup.client(APP).await;
    let token = refresh_token(&setup, &client).await;
    let refused = (400, "invalid_grant".to_owned());
    let stolen = setup.post("/token", &form(&thief, &token, &[])).await;
    assert_eq!(error_of(&stolen), refused);
    let raw = setup
        .post("/token", &form(&client, "upstream-refresh", &[]))
        .await;
    assert_eq!(error_of(&raw), refused);

    let more = [("resource", RESOURCE), ("scope", "mcp/read")];
    let answer = setup.post("/token", &form(&client, &token, &more)).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
    assert_eq!(json_of(&answer)["access_token"], "access-2");
}

#[tokio::test]
async fn a_refresh_brings_no_more_than_was_granted() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let token = refresh_token(&setup, &client).await;
    // Clients ask again for what they asked for first, whatever they got.
    for asked in [
        "mcp/read mcp/write",
        "offline_access mcp/read",
        "offline_access",
    ] {
        let form = form(&client, &token, &[("scope", asked)]);
        let answer = setup.post("/token", &form).await;
        assert_eq!(answer.status(), StatusCode::OK, "{asked}");
        assert_eq!(json_of(&answer)["scope"], "mcp/read", "{asked}");
    }
    for (more, error) in [
        (("scope", "mcp/write"), "invalid_scope"),
        (("resource", "https://other.example/"), "invalid_target"),
    ] {
        let answer = setup.post("/token", &form(&client, &token, &[more])).await;
        assert_eq!(error_of(&answer), (400, error.to_owned()));
    }
}

#[tokio::test]
async fn a_token_that_the_upstream_keeps_keeps_its_end() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let day = 86_400;
    let first = refresh_token(&setup, &client).await;
    setup.later(20 * day);
    let answer = setup.post("/token", &form(&client, &first, &[])).await;
    let second = json_of(&answer)["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    setup.later(10 * day);
    let answer = setup.post("/token", &form(&client, &second, &[])).await;
    assert_eq!(error_of(&answer), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_token_that_the_upstream_rotates_begins_anew() {
    let setup = Setup::new();
    *setup.world.rotates.lock().unwrap() = true;
    let client = setup.client(APP).await;
    let first = refresh_token(&setup, &client).await;
    setup.later(20 * 86_400);
    let answer = setup.post("/token", &form(&client, &first, &[])).await;
    let second = json_of(&answer)["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    setup.later(20 * 86_400);
    let answer = setup.post("/token", &form(&client, &second, &[])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let revoked = [("client_id", client.as_str()), ("token", &second)];
    setup.post("/revoke", &revoked).await;
    assert_eq!(*setup.world.revoked.lock().unwrap(), ["upstream-refresh-2"]);
}

#[tokio::test]
async fn an_upstream_that_is_down_is_not_the_clients_fault() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let token = refresh_token(&setup, &client).await;
    *setup.world.down.lock().unwrap() = true;
    let answer = setup.post("/token", &form(&client, &token, &[])).await;
    assert_eq!(
        error_of(&answer),
        (503, "temporarily_unavailable".to_owned())
    );
    // A client that takes this for a refusal would throw its token away.
    *setup.world.down.lock().unwrap() = false;
    let answer = setup.post("/token", &form(&client, &token, &[])).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_is_revoked_by_its_client_only() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let thief = setup.client(APP).await;
    let token = refresh_token(&setup, &client).await;
    let revoke = async |client: &str, token: &str| {
        let form = [("client_id", client), ("token", token)];
        setup.post("/revoke", &form).await
    };
    let foreign = revoke(&thief, &token).await;
    assert_eq!(error_of(&foreign), (400, "invalid_grant".to_owned()));
    let nobody = revoke("nobody", &token).await;
    assert_eq!(error_of(&nobody), (401, "invalid_client".to_owned()));
    let access = revoke(&client, "a.b.c").await;
    assert_eq!(
        error_of(&access),
        (400, "unsupported_token_type".to_owned())
    );
    assert_eq!(revoke(&client, "not ours").await.status(), StatusCode::OK);
    assert!(setup.world.revoked.lock().unwrap().is_empty());

    assert_eq!(revoke(&client, &token).await.status(), StatusCode::OK);
    assert_eq!(*setup.world.revoked.lock().unwrap(), ["upstream-refresh"]);
    // While the upstream cannot be reached, nothing is said to be revoked.
    *setup.world.down.lock().unwrap() = true;
    let answer = revoke(&client, &token).await;
    assert_eq!(
        error_of(&answer),
        (503, "temporarily_unavailable".to_owned())
    );
}

#[tokio::test]
async fn other_grants_are_not_known() {
    let setup = Setup::new();
    for (grant, error) in [
        ("client_credentials", "unsupported_grant_type"),
        ("password", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        let form = [("grant_type", grant), ("client_id", "known")];
        let answer = setup.post("/token", &form).await;
        assert_eq!(error_of(&answer), (400, error.to_owned()), "{grant}");
    }
}

#[tokio::test]
async fn registration_that_is_turned_off_ends_what_it_let_in() {
    let setup = Setup::new();
    let client = setup.client(APP).await;
    let token = refresh_token(&setup, &client).await;
    let mut settings = settings();
    settings["dcr"] = json!({"enabled": false});
    let setup = Setup::with(&settings);
    let answer = setup.post("/token", &form(&client, &token, &[])).await;
    assert_eq!(error_of(&answer), (401, "invalid_client".to_owned()));
}
