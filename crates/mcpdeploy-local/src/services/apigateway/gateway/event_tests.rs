//! Events, whole.

use std::sync::Arc;

use serde_json::json;

use super::event::{Format, authorizer, body, integration};
use super::exchange::tests::exchange;
use super::exchange::{Authorized, Exchange};
use super::serving::Route;

fn sample() -> Exchange {
    let mut exchange = exchange(
        "POST /pets/7?a=1&a=2&b=x",
        &[
            ("content-type", "application/json"),
            ("cookie", "c=1; d=2"),
            ("user-agent", "agent"),
            ("x-two", "1"),
            ("x-two", "2"),
        ],
        "{}",
    );
    exchange.route = Some(Arc::new(Route::bare("POST /pets/{id}")));
    exchange.params = vec![("id".to_owned(), "7".to_owned())];
    exchange.authorized = Authorized::Jwt {
        claims: [("sub".to_owned(), "me".into())].into_iter().collect(),
        scopes: vec!["s".to_owned()],
    };
    exchange
}

#[test]
fn format_2() {
    assert_eq!(
        integration(&sample(), Format::Two),
        json!({
            "version": "2.0",
            "routeKey": "POST /pets/{id}",
            "rawPath": "/pets/7",
            "rawQueryString": "a=1&a=2&b=x",
            "cookies": ["c=1", "d=2"],
            "headers": {"content-type": "application/json", "user-agent": "agent", "x-two": "1,2"},
            "queryStringParameters": {"a": "1,2", "b": "x"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "abcdefghij",
                "authentication": null,
                "authorizer": {"jwt": {"claims": {"sub": "me"}, "scopes": ["s"]}},
                "domainName": "127.0.0.1:4000",
                "domainPrefix": "abcdefghij",
                "http": {
                    "method": "POST",
                    "path": "/pets/7",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "agent",
                },
                "requestId": "AAAAAAAAAAAAAAA=",
                "routeKey": "POST /pets/{id}",
                "stage": "$default",
                "time": "21/Nov/2026:12:00:00 +0000",
                "timeEpoch": 1_795_262_400_500_i64,
            },
            "pathParameters": {"id": "7"},
            "stageVariables": {"variable": "value"},
            "body": "{}",
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn format_1() {
    assert_eq!(
        integration(&sample(), Format::One),
        json!({
            "version": "1.0",
            "resource": "/pets/{id}",
            "path": "/pets/7",
            "httpMethod": "POST",
            "headers": {"content-type": "application/json", "cookie": "c=1; d=2", "user-agent": "agent", "x-two": "1,2"},
            "multiValueHeaders": {"content-type": ["application/json"], "cookie": ["c=1; d=2"], "user-agent": ["agent"], "x-two": ["1", "2"]},
            "queryStringParameters": {"a": "2", "b": "x"},
            "multiValueQueryStringParameters": {"a": ["1", "2"], "b": ["x"]},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "abcdefghij",
                "authorizer": {"claims": {"sub": "me"}, "scopes": ["s"]},
                "domainName": "127.0.0.1:4000",
                "domainPrefix": "abcdefghij",
                "extendedRequestId": "AAAAAAAAAAAAAAA=",
                "httpMethod": "POST",
                "identity": {
                    "accessKey": null, "accountId": null, "caller": null, "cognitoAmr": null,
                    "cognitoAuthenticationProvider": null, "cognitoAuthenticationType": null,
                    "cognitoIdentityId": null, "cognitoIdentityPoolId": null,
                    "principalOrgId": null, "sourceIp": "127.0.0.1", "user": null,
                    "userAgent": "agent", "userArn": null,
                },
                "path": "/pets/7",
                "protocol": "HTTP/1.1",
                "requestId": "AAAAAAAAAAAAAAA=",
                "requestTime": "21/Nov/2026:12:00:00 +0000",
                "requestTimeEpoch": 1_795_262_400_500_i64,
                "resourceId": "POST /pets/{id}",
                "resourcePath": "/pets/{id}",
                "stage": "$default",
            },
            "pathParameters": {"id": "7"},
            "stageVariables": {"variable": "value"},
            "body": "{}",
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn bodies_are_text_or_base64() {
    for (kind, content, expected) in [
        (Some("application/json"), "{}", ("{}", false)),
        (
            Some("application/problem+json; charset=utf-8"),
            "{}",
            ("{}", false),
        ),
        (Some("Text/Plain"), "x", ("x", false)),
        (None, "x", ("x", false)),
        (
            Some("application/x-www-form-urlencoded"),
            "a=1",
            ("YT0x", true),
        ),
        (Some("image/png"), "x", ("eA==", true)),
    ] {
        let headers: Vec<_> = kind
            .map(|kind| ("content-type", kind))
            .into_iter()
            .collect();
        let (text, base64) = body(&exchange("POST /", &headers, content));
        assert_eq!((text.as_deref().unwrap(), base64), expected, "{kind:?}");
    }
    assert_eq!(body(&exchange("GET /", &[], "")), (None, false));
}

#[test]
fn events_of_authorizers() {
    let mut exchange = sample();
    exchange.authorized = Authorized::Nothing;
    let identity = ["me".to_owned(), "too".to_owned()];
    let two = authorizer(&exchange, Format::Two, "arn", &identity);
    let one = authorizer(&exchange, Format::One, "arn", &identity);
    assert_eq!(two["type"], "REQUEST");
    assert_eq!(
        (&two["routeArn"], &one["methodArn"]),
        (&json!("arn"), &json!("arn"))
    );
    assert_eq!(two["identitySource"], json!(["me", "too"]));
    assert_eq!(one["identitySource"], "me,too");
    assert_eq!((two.get("body"), one.get("body")), (None, None));
}
