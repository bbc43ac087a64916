//! Requests from outside: what functions see, what comes back, what goes wrong.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::testing::{Does, FUNCTION, World, send};
use crate::services::lambda::Refused;

#[tokio::test]
async fn a_request_reaches_the_function_and_its_answer_comes_back() {
    let sources = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&sources);
    let world = World::new(move |function, source, event| {
        assert_eq!(function, FUNCTION);
        told.lock().unwrap().push(source.to_owned());
        Does::Answer(json!({"statusCode": 201, "headers": {"X-A": "b"}, "body": event.to_string()}))
    })
    .await;
    let routes = [
        ("ANY /mcp", json!({})),
        ("GET /pets/{id}", json!({})),
        ("$default", json!({})),
    ];
    let (id, endpoint) = world.api(json!({}), &routes).await;
    let got = send(
        &format!("POST {endpoint}/mcp?a=1&a=2&b=x%20y"),
        &[
            ("cookie", "c=1; d=2"),
            ("content-type", "application/json"),
            ("x-forwarded-for", "9.9.9.9"),
        ],
        "{\"é\":1}",
    )
    .await;
    assert_eq!(got.status, 201);
    assert_eq!(got.header("x-a"), Some("b"));
    assert_eq!(got.header("content-type"), Some("text/plain;charset=UTF-8"));
    assert_eq!(got.header("apigw-requestid").map(str::len), Some(16));
    assert!(got.headers.contains_key("date"));
    let event = got.json();
    let host = endpoint.strip_prefix("http://").unwrap();
    for (pointer, value) in [
        ("/version", json!("2.0")),
        ("/routeKey", json!("ANY /mcp")),
        ("/rawPath", json!("/mcp")),
        ("/rawQueryString", json!("a=1&a=2&b=x%20y")),
        ("/cookies", json!(["c=1", "d=2"])),
        ("/queryStringParameters", json!({"a": "1,2", "b": "x y"})),
        ("/headers/host", json!(host)),
        ("/headers/content-length", json!("8")),
        ("/headers/x-forwarded-for", json!("9.9.9.9, 127.0.0.1")),
        ("/headers/x-forwarded-proto", json!("http")),
        (
            "/headers/x-forwarded-port",
            json!(host.split_once(':').unwrap().1),
        ),
        ("/body", json!("{\"é\":1}")),
        ("/isBase64Encoded", json!(false)),
        ("/requestContext/apiId", json!(id)),
        ("/requestContext/domainName", json!(host)),
        ("/requestContext/stage", json!("$default")),
        ("/requestContext/http/method", json!("POST")),
    ] {
        assert_eq!(event.pointer(pointer), Some(&value), "{pointer}");
    }
    assert!(
        event["headers"]["x-amzn-trace-id"]
            .as_str()
            .unwrap()
            .starts_with("Root=1-")
    );
    for absent in [
        "/pathParameters",
        "/stageVariables",
        "/headers/cookie",
        "/headers/connection",
    ] {
        assert_eq!(event.pointer(absent), None, "{absent}");
    }

    let got = send(&format!("GET {endpoint}/pets/a%2Fb"), &[], "")
        .await
        .json();
    assert_eq!(got["pathParameters"], json!({"id": "a/b"}));
    assert_eq!(got["rawPath"], "/pets/a/b");
    assert_eq!(got.get("body"), None);
    let got = send(
        &format!("PUT {endpoint}/"),
        &[("content-type", "image/png")],
        "x",
    )
    .await
    .json();
    assert_eq!(
        (&got["routeKey"], &got["body"]),
        (&json!("$default"), &json!("eA=="))
    );
    let base = format!("arn:aws:execute-api:us-east-1:000000000000:{id}/$default");
    assert_eq!(
        *sources.lock().unwrap(),
        [
            format!("{base}/*/mcp"),
            format!("{base}/GET/pets/{{id}}"),
            format!("{base}/$default"),
        ]
    );
}

#[tokio::test]
async fn what_goes_wrong_has_a_status() {
    let world = World::new(|_, _, event| match event["rawPath"].as_str().unwrap() {
        "/hangs" => Does::Hang,
        "/fails" => Does::Fail(json!({"errorMessage": "x", "errorType": "E"})),
        "/malformed" => Does::Answer(json!({"statusCode": "x"})),
        "/forbidden" => Does::Refuse(Refused::Forbidden),
        "/missing" => Does::Refuse(Refused::NotFound("f".to_owned())),
        "/busy" => Does::Refuse(Refused::Throttled),
        "/bare" => Does::Answer(json!({"a": 1})),
        other => panic!("{other}"),
    })
    .await;
    let (id, endpoint) = world.api(json!({}), &[("GET /{x}", json!({}))]).await;
    let internal = r#"{"message":"Internal Server Error"}"#;
    let unavailable = r#"{"message":"Service Unavailable"}"#;
    let not_found = r#"{"message":"Not Found"}"#;
    for (request, status, body) in [
        ("GET /bare", 200, r#"{"a":1}"#),
        ("GET /hangs", 503, unavailable),
        ("GET /fails", 500, internal),
        ("GET /malformed", 500, internal),
        ("GET /forbidden", 500, internal),
        ("GET /missing", 500, internal),
        ("GET /busy", 503, unavailable),
        ("POST /bare", 404, not_found),
        ("GET /", 404, not_found),
        ("GET /a/b", 404, not_found),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        let got = send(&format!("{method} {endpoint}{path}"), &[], "").await;
        assert_eq!((got.status, got.body.as_str()), (status, body), "{request}");
        assert_eq!(
            got.header("content-type"),
            Some("application/json"),
            "{request}"
        );
        assert!(got.headers.contains_key("apigw-requestid"), "{request}");
    }
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    let got = send(
        &format!("GET {endpoint}/bare"),
        &[("x-large", &large[..10_300])],
        "",
    )
    .await;
    assert_eq!(got.status, 431);
    assert_eq!(got.body, r#"{"message":"Request Header Fields Too Large"}"#);
    let got = send(&format!("PUT {endpoint}/bare"), &[], &large).await;
    assert_eq!(got.status, 413);
    assert_eq!(got.body, r#"{"message":"Request Entity Too Large"}"#);
    for host in ["a b", "", "http://x", "x:y"] {
        let got = send(&format!("GET {endpoint}/bare"), &[("host", host)], "").await;
        assert_eq!(got.status, 400, "{host}");
    }
    // A page elsewhere that had its own name lead here (DNS rebinding).
    for (host, status) in [
        ("evil.example", 403),
        ("127.0.0.1.evil.example:80", 403),
        ("localhost.evil.example", 403),
        ("LocalHost:4600", 200),
        ("[::1]:4600", 200),
        ("a1.execute-api.us-east-1.amazonaws.com", 200),
    ] {
        let got = send(&format!("GET {endpoint}/bare"), &[("host", host)], "").await;
        assert_eq!(got.status, status, "{host}");
    }
    // The other two ways in.
    let common = world.cloud.endpoint();
    for path in ["/$default/bare", "/bare"] {
        let got = send(
            &format!("GET {common}/_aws/execute-api/{id}{path}"),
            &[],
            "",
        )
        .await;
        assert_eq!(got.body, r#"{"a":1}"#);
    }
    let host = format!("{id}.execute-api.us-east-1.localhost:4566");
    let got = send(&format!("GET {common}/bare"), &[("host", &host)], "").await;
    assert_eq!(got.body, r#"{"a":1}"#);
    let got = send(
        &format!("GET {common}/_aws/execute-api/nothing/bare"),
        &[],
        "",
    )
    .await;
    assert_eq!((got.status, got.body.as_str()), (404, not_found));
}

#[tokio::test]
async fn preflight_requests_are_answered_by_the_gateway() {
    let world = World::new(|_, _, _| {
        Does::Answer(json!({"statusCode": 200, "headers": {"access-control-allow-origin": "x"}}))
    })
    .await;
    let cors = json!({"corsConfiguration": {"allowOrigins": ["https://a.example"],
        "allowMethods": ["*"], "allowHeaders": ["Authorization"], "exposeHeaders": ["Mcp-Session-Id"]}});
    let signed = json!({"authorizationType": "AWS_IAM"});
    let routes = [
        ("POST /mcp", json!({})),
        ("ANY /any", json!({})),
        ("ANY /signed", signed),
    ];
    let (_, endpoint) = world.api(cors, &routes).await;
    let ask = ("access-control-request-method", "POST");
    let good = ("origin", "https://a.example");
    let bad = ("origin", "https://b.example");
    for (request, headers, status, allowed) in [
        ("OPTIONS /mcp", vec![good, ask], 204, true),
        ("OPTIONS /mcp", vec![bad, ask], 204, false),
        ("OPTIONS /nowhere", vec![good, ask], 204, true),
        ("OPTIONS /any", vec![good, ask], 204, true),
        // No preflight request without what it asks for.
        ("OPTIONS /any", vec![good], 200, true),
        ("OPTIONS /mcp", vec![good], 404, true),
        // As on AWS: a route of any method has preflight requests pass its authorizer.
        ("OPTIONS /signed", vec![good, ask], 403, true),
        ("POST /mcp", vec![good], 200, true),
        ("POST /mcp", vec![bad], 200, false),
        ("POST /mcp", vec![], 200, false),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        let got = send(&format!("{method} {endpoint}{path}"), &headers, "").await;
        assert_eq!(got.status, status, "{request} {headers:?}");
        let expected = allowed.then_some("https://a.example");
        assert_eq!(
            got.header("access-control-allow-origin"),
            expected,
            "{request} {headers:?}"
        );
        let expose = allowed.then_some("mcp-session-id");
        assert_eq!(
            got.header("access-control-expose-headers"),
            expose,
            "{request}"
        );
        let preflight = allowed && status == 204;
        let names = preflight.then_some("authorization");
        assert_eq!(
            got.header("access-control-allow-headers"),
            names,
            "{request}"
        );
    }
}
