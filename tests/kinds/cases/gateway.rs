//! HTTP APIs and their parts.

use mcpdeploy_testkit::check_kind::Case;
use serde_json::{Value, json};

use super::{REPLACE, SUCCEED, UPDATE};
use crate::kinds::place::Place;
use crate::support::emulator::Product;

const API: (&str, &str) = ("aws.apigatewayv2.api.mcp", "${aws.apigatewayv2.api.mcp.id}");
const OTHER: (&str, &str) = (
    "aws.apigatewayv2.api.other",
    "${aws.apigatewayv2.api.other.id}",
);

fn of_api((address, _): (&'static str, &str)) -> (&'static str, Value) {
    (address, json!({"name": "mcp"}))
}

fn of_integration(address: &'static str, function: &str) -> (&'static str, Value) {
    let uri = format!("arn:aws:lambda:us-east-1:123456789012:function:{function}");
    (address, json!({"api": API.1, "uri": uri}))
}

pub(in crate::kinds) fn api(place: &Place) -> Case {
    let cors = json!({"allow_origins": ["https://a.example"], "allow_methods": ["POST"]});
    let inputs = json!({
        "name": "mcp",
        "description": "what it is for",
        "cors": cors,
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[(API.0, inputs)])
        .edit("name", UPDATE, json!({"name": "other"}))
        .edit("description", UPDATE, json!({"description": null}))
        .edit(
            "endpoint",
            UPDATE,
            json!({"disable_execute_api_endpoint": true}),
        )
        .edit("no CORS", UPDATE, json!({"cors": null}))
        .edit(
            "other CORS",
            UPDATE,
            json!({"cors": {"allow_origins": ["https://b.example"], "max_age_seconds": 60}}),
        )
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .build()
}

pub(in crate::kinds) fn integration(place: &Place) -> Case {
    let subject = of_integration("aws.apigatewayv2.integration.mcp", "a");
    let other = "arn:aws:lambda:us-east-1:123456789012:function:b:live";
    place
        .case(&[of_api(API), of_api(OTHER), subject])
        .edit("timeout", UPDATE, json!({"timeout_ms": 5000}))
        .edit("function", UPDATE, json!({"uri": other}))
        .edit("payload", UPDATE, json!({"payload_format_version": "1.0"}))
        .edit("API", REPLACE, json!({"api": OTHER.1}))
        .build()
}

pub(in crate::kinds) fn authorizer(place: &Place) -> Case {
    let jwt = |audience: &[&str]| json!({"issuer": "https://issuer.example", "audience": audience});
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:who";
    place
        .case(&[
            of_api(API),
            of_api(OTHER),
            (
                "aws.apigatewayv2.authorizer.mcp",
                json!({"api": API.1, "name": "mcp", "type": "JWT", "jwt": jwt(&["a", "b"])}),
            ),
        ])
        .edit("name", UPDATE, json!({"name": "tokens"}))
        .edit("audience", UPDATE, json!({"jwt": jwt(&["c"])}))
        .edit(
            "source",
            UPDATE,
            json!({"identity_sources": ["$request.querystring.token"]}),
        )
        .edit(
            "function",
            SUCCEED,
            json!({"type": "REQUEST", "jwt": null, "function": {"arn": arn, "ttl_seconds": 60}}),
        )
        .edit("API", REPLACE, json!({"api": OTHER.1}))
        .build()
}

pub(in crate::kinds) fn route(place: &Place) -> Case {
    let inputs = json!({
        "api": API.1,
        "route_key": "ANY /mcp",
        "target": "${aws.apigatewayv2.integration.a.id}",
    });
    let tokens = json!({
        "api": API.1,
        "name": "tokens",
        "type": "JWT",
        "jwt": {"issuer": "https://issuer.example", "audience": ["mcp"]},
    });
    let mut resources = vec![
        of_api(API),
        of_integration("aws.apigatewayv2.integration.a", "a"),
        of_integration("aws.apigatewayv2.integration.b", "b"),
    ];
    // Moto cannot list authorizers.
    let has_authorizers = place.product != Product::Moto;
    if has_authorizers {
        resources.push(("aws.apigatewayv2.authorizer.tokens", tokens));
    }
    resources.push(("aws.apigatewayv2.route.mcp", inputs));
    let mut case = place
        .case(&resources)
        .edit(
            "target",
            UPDATE,
            json!({"target": "${aws.apigatewayv2.integration.b.id}"}),
        )
        .edit("key", REPLACE, json!({"route_key": "$default"}));
    if has_authorizers {
        case = case.edit(
            "authorization",
            UPDATE,
            json!({
                "authorization": "JWT",
                "authorizer": "${aws.apigatewayv2.authorizer.tokens.id}",
                "scopes": ["mcp/read", "mcp/write"],
            }),
        );
    }
    case.build()
}

pub(in crate::kinds) fn stage(place: &Place) -> Case {
    let inputs = json!({
        "api": API.1,
        "throttling": {"rate_limit": 10.0, "burst_limit": 20},
        "variables": {"color": "blue", "size": "1"},
        "access_logs": {"destination": "${aws.logs.log_group.access.arn}"},
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[
            of_api(API),
            ("aws.logs.log_group.access", json!({"name": "/mcp/access"})),
            ("aws.apigatewayv2.stage.live", inputs),
        ])
        .edit("deployment", UPDATE, json!({"auto_deploy": false}))
        .edit("metrics", UPDATE, json!({"detailed_metrics": true}))
        .edit("no throttling", UPDATE, json!({"throttling": null}))
        .edit(
            "other throttling",
            UPDATE,
            json!({"throttling": {"rate_limit": 0.5, "burst_limit": 1}}),
        )
        .edit(
            "variables",
            UPDATE,
            json!({"variables": {"color": "red", "more": "2"}}),
        )
        .edit(
            "access logs",
            UPDATE,
            json!({"access_logs": {
                "destination": "${aws.logs.log_group.access.arn}",
                "format": "$context.requestId",
            }}),
        )
        .edit("no access logs", UPDATE, json!({"access_logs": null}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "v1"}))
        .build()
}
