//! Stages, ports, authorizers and proxies from outside.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::testing::{Does, FUNCTION, World, call, send};
use crate::cloud::{Cloud, Settings};

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
