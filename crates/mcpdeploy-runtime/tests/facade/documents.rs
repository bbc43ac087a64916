//! Clients that are described by a document: what is fetched, and what is taken.

use bytes::Bytes;
use http::{Response, StatusCode};
use mcpdeploy_runtime::outbound::Reach;
use serde_json::{Value, json};

use crate::support::{APP, Setup, assert_stays, authorize, error_of, json_of, settings, text_of};

const URL: &str = "https://app.example/client.json";

fn document() -> Value {
    json!({
        "client_id": URL,
        "client_name": "Documented",
        "redirect_uris": [APP, "http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
    })
}

fn publish(setup: &Setup, url: &str, status: u16, headers: &[(&str, &str)], body: &str) {
    let mut document = Response::builder().status(status);
    for (name, value) in headers {
        document = document.header(*name, *value);
    }
    let document = document.body(Bytes::from(body.to_owned())).unwrap();
    let mut documents = setup.world.documents.lock().unwrap();
    documents.insert(url.to_owned(), document);
}

fn publish_json(setup: &Setup, document: &Value) {
    let json = [("content-type", "application/json; charset=utf-8")];
    publish(setup, URL, 200, &json, &document.to_string());
}

#[tokio::test]
async fn a_client_with_a_document_gets_its_tokens() {
    let setup = Setup::new();
    publish_json(&setup, &document());
    let page = setup.get(&authorize(URL, APP, &[])).await;
    assert_eq!(page.status(), StatusCode::OK, "{}", text_of(&page));
    for part in ["Documented", "Described by", "app.example"] {
        assert!(text_of(&page).contains(part), "{part}");
    }
    let code = setup.code(URL, APP).await;
    let tokens = json_of(&setup.trade(URL, &code).await);
    assert_eq!(tokens["access_token"], "access-1");
    // Fetched once, with the reach of a stranger's URL.
    let asked = setup.world.asked.lock().unwrap();
    let fetched: Vec<_> = asked.iter().filter(|(url, _)| url == URL).collect();
    assert_eq!(fetched, [&(URL.to_owned(), Reach::Public)]);
}

#[tokio::test]
async fn a_document_is_fetched_anew_when_it_is_old() {
    let setup = Setup::new();
    publish_json(&setup, &document());
    setup.get(&authorize(URL, APP, &[])).await;
    setup.later(300);
    let mut changed = document();
    changed["redirect_uris"] = json!(["https://elsewhere.example/cb"]);
    publish_json(&setup, &changed);
    assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
}

#[tokio::test]
async fn a_redirect_is_no_document_and_is_not_followed() {
    let setup = Setup::new();
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "https://app.example/other",
    ] {
        // Even when the redirect's own body would be a document.
        let headers = [("location", target), ("content-type", "application/json")];
        publish(&setup, URL, 302, &headers, &document().to_string());
        assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
    }
    let asked = setup.world.asked.lock().unwrap();
    assert!(asked.iter().all(|(url, _)| url == URL), "{asked:?}");
}

#[tokio::test]
async fn what_is_not_the_clients_document_is_not_taken() {
    let setup = Setup::new();
    let with = |key: &str, value: Value| {
        let mut document = document();
        document[key] = value;
        document
    };
    for wrong in [
        with("client_id", json!("https://app.example/other.json")),
        with("client_id", json!(null)),
        with("client_secret", json!("x")),
        with("token_endpoint_auth_method", json!("client_secret_basic")),
        with("token_endpoint_auth_method", json!("private_key_jwt")),
        with("redirect_uris", json!([])),
        with("redirect_uris", json!([APP, "javascript:alert(1)"])),
        with("redirect_uris", json!(["https://elsewhere.example/cb"])),
        json!([]),
    ] {
        publish_json(&setup, &wrong);
        assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
        setup.later(300);
    }
    let html = [("content-type", "text/html")];
    publish(&setup, URL, 200, &html, &document().to_string());
    assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
    publish(
        &setup,
        URL,
        404,
        &[("content-type", "application/json")],
        "{}",
    );
    assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
    // None of the failures was remembered.
    publish_json(&setup, &document());
    let page = setup.get(&authorize(URL, APP, &[])).await;
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn urls_that_are_no_ids_are_not_fetched() {
    let setup = Setup::new();
    for url in [
        "http://app.example/client.json",
        "https://app.example",
        "https://app.example/",
        "https://app.example/a/../client.json",
        "https://user:pass@app.example/client.json",
        "https://app.example/client.json#x",
        "https://localhost/client.json",
        "https://127.0.0.1/client.json",
        "https://[::1]/client.json",
    ] {
        assert_stays(&setup.get(&authorize(url, APP, &[])).await, 400);
    }
    assert!(setup.world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_hosts_that_are_let_in_are_asked() {
    let mut settings = settings();
    settings["cimd"] = json!({"host_patterns": ["*.trusted.example", "app.example"]});
    let setup = Setup::with(&settings);
    publish_json(&setup, &document());
    assert_eq!(
        setup.get(&authorize(URL, APP, &[])).await.status(),
        StatusCode::OK
    );
    for url in [
        "https://evil.example/c",
        "https://trusted.example.evil.example/c",
    ] {
        assert_stays(&setup.get(&authorize(url, APP, &[])).await, 400);
    }
    assert_eq!(setup.world.asked.lock().unwrap().len(), 1);

    settings["cimd"] = json!({"enabled": false});
    let setup = Setup::with(&settings);
    assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
    assert!(setup.world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_host_that_is_let_in_no_more_gets_no_tokens_either() {
    let setup = Setup::new();
    publish_json(&setup, &document());
    let code = setup.code(URL, APP).await;
    let mut settings = settings();
    settings["cimd"] = json!({"host_patterns": ["trusted.example"]});
    let setup = Setup::with(&settings);
    let answer = setup.trade(URL, &code).await;
    assert_eq!(error_of(&answer), (401, "invalid_client".to_owned()));
}
