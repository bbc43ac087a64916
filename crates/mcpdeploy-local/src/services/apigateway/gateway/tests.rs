//! The gateway from outside: real sockets, functions that are scripts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Settings};
use crate::services::lambda::{FunctionError, Ran, Refused, ServiceInvoke};

/// What functions do.
#[derive(Clone)]
pub(in super::super) struct Script(Arc<Function>);

/// A function's ARN, the source's ARN and the event, and what is done.
type Function = dyn Fn(&str, &str, Value) -> Does + Send + Sync;

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

/// What a function does.
pub(super) enum Does {
    Answer(Value),
    Fail(Value),
    Refuse(Refused),
    /// It never comes to an end.
    Hang,
}

impl Script {
    pub(super) async fn run(&self, invoke: &ServiceInvoke<'_>) -> Result<Ran, Refused> {
        assert_eq!(invoke.principal, "apigateway.amazonaws.com");
        let event = serde_json::from_slice(&invoke.payload).unwrap();
        let ran = |payload: Value, error| Ran {
            payload: Bytes::from(payload.to_string()),
            error,
            version: "1".to_owned(),
        };
        match (self.0)(invoke.function, invoke.source_arn, event) {
            Does::Answer(payload) => Ok(ran(payload, None)),
            Does::Fail(payload) => Ok(ran(payload, Some(FunctionError::Unhandled))),
            Does::Refuse(refused) => Err(refused),
            Does::Hang => std::future::pending().await,
        }
    }
}

/// A cloud with scripted functions.
pub(super) struct World {
    pub(super) cloud: Cloud,
}

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

impl World {
    pub(super) async fn new(
        script: impl Fn(&str, &str, Value) -> Does + Send + Sync + 'static,
    ) -> Self {
        let cloud = Cloud::start(Settings::default()).await.unwrap();
        let service = &cloud.services().apigateway;
        *service.script.lock().unwrap() = Some(Script(Arc::new(script)));
        Self { cloud }
    }

    /// A call of the control plane, which must succeed.
    pub(super) async fn call(&self, request: &str, input: Value) -> Value {
        let (status, value) = call(&self.cloud, request, &input).await;
        assert!(status < 300, "{request}: {status} {value}");
        value
    }

    /// An API with a `$default` stage that deploys by itself and these routes to the function, each
    /// with more members. Its id and its endpoint.
    pub(super) async fn api(&self, more: Value, routes: &[(&str, Value)]) -> (String, String) {
        let mut input = json!({"name": "a", "protocolType": "HTTP"});
        merge(&mut input, more);
        let api = self.call("POST /v2/apis", input).await;
        let id = api["apiId"].as_str().unwrap().to_owned();
        let integration = json!({"integrationType": "AWS_PROXY", "integrationUri": FUNCTION,
            "payloadFormatVersion": "2.0", "timeoutInMillis": 500});
        let path = format!("POST /v2/apis/{id}/integrations");
        let integration = self.call(&path, integration).await;
        let target = format!(
            "integrations/{}",
            integration["integrationId"].as_str().unwrap()
        );
        for (key, more) in routes {
            let mut route = json!({"routeKey": key, "target": target});
            merge(&mut route, more.clone());
            self.call(&format!("POST /v2/apis/{id}/routes"), route)
                .await;
        }
        let stage = json!({"stageName": "$default", "autoDeploy": true});
        self.call(&format!("POST /v2/apis/{id}/stages"), stage)
            .await;
        (id, api["apiEndpoint"].as_str().unwrap().to_owned())
    }
}

fn merge(into: &mut Value, more: Value) {
    for (name, value) in more.as_object().unwrap() {
        into[name] = value.clone();
    }
}

/// A call of the control plane: status and body.
async fn call(cloud: &Cloud, request: &str, input: &Value) -> (u16, Value) {
    let (method, path) = request.split_once(' ').unwrap();
    let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/apigateway/aws4_request";
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", credential)
        .body(Bytes::from(input.to_string()))
        .unwrap();
    let answer = cloud.call(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// An answer of the gateway.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A request to a gateway.
pub(super) async fn send(request: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let (method, url) = request.split_once(' ').unwrap();
    let mut builder = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let request = builder.body(body.to_owned()).unwrap();
    let sent = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let mut answer = agent.run(request).unwrap();
        Got {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.body_mut().read_to_string().unwrap(),
        }
    });
    sent.await.unwrap()
}

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

#[tokio::test]
async fn a_stage_throttles_and_variables_name_the_function() {
    let world = World::new(|function, _, _| Does::Answer(json!(function))).await;
    let (id, endpoint) = world
        .api(json!({}), &[("GET /x", json!({})), ("GET /y", json!({}))])
        .await;
    let stage = json!({
        "defaultRouteSettings": {"throttlingBurstLimit": 1, "throttlingRateLimit": 0.0},
        "routeSettings": {"GET /y": {"throttlingBurstLimit": 100, "throttlingRateLimit": 100.0}},
        "stageVariables": {"fn": "other"},
    });
    world
        .call(&format!("PATCH /v2/apis/{id}/stages/$default"), stage)
        .await;
    let input = json!({"integrationUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.fn}/invocations"});
    let all = world
        .call(&format!("GET /v2/apis/{id}/integrations"), json!({}))
        .await;
    let integration = all["items"][0]["integrationId"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .call(
            &format!("PATCH /v2/apis/{id}/integrations/{integration}"),
            input,
        )
        .await;
    let got = send(&format!("GET {endpoint}/x"), &[], "").await;
    assert_eq!(
        got.body,
        "arn:aws:lambda:us-east-1:000000000000:function:other"
    );
    let got = send(&format!("GET {endpoint}/x"), &[], "").await;
    assert_eq!(
        (got.status, got.body.as_str()),
        (429, r#"{"message":"Too Many Requests"}"#)
    );
    for _ in 0..3 {
        assert_eq!(
            send(&format!("GET {endpoint}/y"), &[], "").await.status,
            200
        );
    }
}

#[tokio::test]
async fn a_stage_that_does_not_deploy_by_itself_serves_its_deployment() {
    let world = World::new(|_, _, event| Does::Answer(event["rawPath"].clone())).await;
    let (id, endpoint) = world.api(json!({}), &[("GET /x", json!({}))]).await;
    world
        .call(
            &format!("POST /v2/apis/{id}/stages"),
            json!({"stageName": "dev"}),
        )
        .await;
    let status = async |path: &str| send(&format!("GET {endpoint}{path}"), &[], "").await.status;
    assert_eq!(status("/dev/x").await, 404);
    world
        .call(
            &format!("POST /v2/apis/{id}/deployments"),
            json!({"stageName": "dev"}),
        )
        .await;
    let got = send(&format!("GET {endpoint}/dev/x"), &[], "").await;
    assert_eq!(got.body, "/dev/x");
    let routes = world
        .call(&format!("GET /v2/apis/{id}/routes"), json!({}))
        .await;
    let route = routes["items"][0]["routeId"].as_str().unwrap();
    world
        .call(&format!("DELETE /v2/apis/{id}/routes/{route}"), json!({}))
        .await;
    assert_eq!((status("/dev/x").await, status("/x").await), (200, 404));
    world
        .call(&format!("DELETE /v2/apis/{id}"), json!({}))
        .await;
    let address = endpoint.strip_prefix("http://").unwrap().to_owned();
    // A closed port is free again.
    while std::net::TcpListener::bind(&address).is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_function_decides_and_its_decision_is_kept() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    let world = World::new(move |function, source, event| {
        if !function.ends_with(":auth") {
            return Does::Answer(event["requestContext"]["authorizer"].clone());
        }
        let who = event["identitySource"][0].as_str().unwrap().to_owned();
        told.lock().unwrap().push((who.clone(), source.to_owned()));
        match who.as_str() {
            "broken" => Does::Answer(json!({})),
            "failing" => Does::Fail(json!({})),
            _ => Does::Answer(json!({"isAuthorized": who == "me", "context": {"a": 1}})),
        }
    })
    .await;
    let (id, endpoint) = world.api(json!({}), &[]).await;
    let authorizer = json!({"authorizerType": "REQUEST", "name": "a",
        "identitySource": ["$request.header.X-Who"], "authorizerPayloadFormatVersion": "2.0",
        "enableSimpleResponses": true, "authorizerResultTtlInSeconds": 300,
        "authorizerUri": "arn:aws:lambda:us-east-1:000000000000:function:auth"});
    let made = world
        .call(&format!("POST /v2/apis/{id}/authorizers"), authorizer)
        .await;
    let authorizer = made["authorizerId"].as_str().unwrap();
    let all = world
        .call(&format!("GET /v2/apis/{id}/integrations"), json!({}))
        .await;
    let target = format!(
        "integrations/{}",
        all["items"][0]["integrationId"].as_str().unwrap()
    );
    let route = json!({"routeKey": "GET /x", "target": target, "authorizationType": "CUSTOM",
        "authorizerId": authorizer});
    world
        .call(&format!("POST /v2/apis/{id}/routes"), route)
        .await;
    let url = format!("GET {endpoint}/x");
    for (who, status, body) in [
        (None, 401, r#"{"message":"Unauthorized"}"#),
        (Some("you"), 403, r#"{"message":"Forbidden"}"#),
        (Some("me"), 200, r#"{"lambda":{"a":1}}"#),
        (Some("me"), 200, r#"{"lambda":{"a":1}}"#),
        (Some("you"), 403, r#"{"message":"Forbidden"}"#),
        (
            Some("broken"),
            500,
            r#"{"message":"Internal Server Error"}"#,
        ),
        (
            Some("failing"),
            500,
            r#"{"message":"Internal Server Error"}"#,
        ),
    ] {
        let headers: Vec<_> = who.map(|who| ("x-who", who)).into_iter().collect();
        let got = send(&url, &headers, "").await;
        assert_eq!((got.status, got.body.as_str()), (status, body), "{who:?}");
    }
    let source =
        format!("arn:aws:execute-api:us-east-1:000000000000:{id}/authorizers/{authorizer}");
    let expected = ["you", "me", "broken", "failing"];
    let expected = expected.map(|who| (who.to_owned(), source.clone()));
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_proxy_sends_requests_on() {
    let world = World::new(|_, _, event| {
        let body = format!(
            "{} {} {}?{} {}",
            event["requestContext"]["http"]["method"].as_str().unwrap(),
            event["headers"]["x-id"].as_str().unwrap_or("-"),
            event["rawPath"].as_str().unwrap(),
            event["rawQueryString"].as_str().unwrap(),
            event["body"].as_str().unwrap_or_default(),
        );
        Does::Answer(json!({"statusCode": 418, "body": body, "headers": {"x-back": "1"}}))
    })
    .await;
    let (_, backend) = world.api(json!({}), &[("$default", json!({}))]).await;
    let (id, endpoint) = world.api(json!({}), &[]).await;
    let integration = json!({"integrationType": "HTTP_PROXY", "integrationMethod": "ANY",
        "integrationUri": format!("{backend}/v1/{{rest}}"),
        "requestParameters": {"append:header.x-id": "$context.routeKey!", "remove:querystring.a": "''"}});
    let (status, fault) = call(
        &world.cloud,
        &format!("POST /v2/apis/{id}/integrations"),
        &integration,
    )
    .await;
    assert_eq!(status, 201, "{fault}");
    let target = format!("integrations/{}", fault["integrationId"].as_str().unwrap());
    let route = json!({"routeKey": "ANY /p/{rest+}", "target": target});
    world
        .call(&format!("POST /v2/apis/{id}/routes"), route)
        .await;
    let got = send(&format!("POST {endpoint}/p/x/y%20z?a=1&b=2"), &[], "hello").await;
    assert_eq!(got.status, 418);
    assert_eq!(got.header("x-back"), Some("1"));
    assert_eq!(got.body, "POST - /v1/x/y z?b=2 hello");
}

#[tokio::test]
async fn an_api_keeps_its_port_or_gets_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings {
        data: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    let cloud = Cloud::start(settings()).await.unwrap();
    let input = json!({"name": "a", "protocolType": "HTTP", "target": FUNCTION});
    let (_, api) = call(&cloud, "POST /v2/apis", &input).await;
    let request = format!("GET /v2/apis/{}", api["apiId"].as_str().unwrap());
    cloud.stop().await;
    let cloud = Cloud::start(settings()).await.unwrap();
    let (_, again) = call(&cloud, &request, &json!({})).await;
    assert_eq!(again, api);
    // It is there, though its function is not.
    let got = send(
        &format!("GET {}/x", api["apiEndpoint"].as_str().unwrap()),
        &[],
        "",
    )
    .await;
    assert_eq!(got.status, 500);
    cloud.stop().await;

    let address = api["apiEndpoint"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let taken = std::net::TcpListener::bind(address).unwrap();
    let cloud = Cloud::start(settings()).await.unwrap();
    let (_, moved) = call(&cloud, &request, &json!({})).await;
    assert_ne!(moved["apiEndpoint"], api["apiEndpoint"]);
    let got = send(
        &format!("GET {}/x", moved["apiEndpoint"].as_str().unwrap()),
        &[],
        "",
    )
    .await;
    assert_eq!(got.status, 500);
    drop(taken);
}
