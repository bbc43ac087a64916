//! The events that functions get.
//!
//! Source: "Create AWS Lambda proxy integrations for HTTP APIs", payload formats 1.0 and 2.0, and
//! "Control access to HTTP APIs with AWS Lambda authorizers" for those of authorizers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::exchange::{Authorized, Exchange, SOURCE_IP};
use crate::cloud::ACCOUNT;

/// The formats of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `1.0`.
    One,
    /// `2.0`.
    Two,
}

impl Format {
    pub(super) fn read(version: &str) -> Self {
        if version == "1.0" {
            Self::One
        } else {
            Self::Two
        }
    }
}

/// The event of an integration.
pub(super) fn integration(exchange: &Exchange, format: Format) -> Value {
    let (body, base64) = body(exchange);
    let mut event = match format {
        Format::Two => two(exchange),
        Format::One => one(exchange),
    };
    match (format, body) {
        (_, Some(body)) => event.insert("body".to_owned(), body.into()),
        (Format::One, None) => event.insert("body".to_owned(), Value::Null),
        (Format::Two, None) => None,
    };
    event.insert("isBase64Encoded".to_owned(), base64.into());
    Value::Object(event)
}

/// The event of an authorizer function: `arn` is what it may allow, `identity` what the request says.
pub(super) fn authorizer(
    exchange: &Exchange,
    format: Format,
    arn: &str,
    identity: &[String],
) -> Value {
    let mut event = match format {
        Format::Two => two(exchange),
        Format::One => one(exchange),
    };
    event.insert("type".to_owned(), "REQUEST".into());
    match format {
        Format::Two => {
            event.insert("routeArn".to_owned(), arn.into());
            event.insert("identitySource".to_owned(), json!(identity));
        }
        Format::One => {
            event.insert("methodArn".to_owned(), arn.into());
            event.insert("identitySource".to_owned(), identity.join(",").into());
            event.insert("authorizationToken".to_owned(), identity.join(",").into());
        }
    }
    Value::Object(event)
}

/// Everything of format 2.0 but the body.
fn two(exchange: &Exchange) -> Map<String, Value> {
    let mut event = Map::new();
    let mut set = |name: &str, value: Value| event.insert(name.to_owned(), value);
    set("version", "2.0".into());
    set("routeKey", exchange.route_key().into());
    set("rawPath", exchange.path.as_str().into());
    set("rawQueryString", exchange.raw_query.as_str().into());
    let cookies: Vec<&str> = exchange
        .header("cookie")
        .unwrap_or_default()
        .iter()
        .flat_map(|line| line.split("; "))
        .filter(|cookie| !cookie.is_empty())
        .collect();
    if !cookies.is_empty() {
        set("cookies", json!(cookies));
    }
    let headers = exchange.headers.iter().filter(|(name, _)| name != "cookie");
    set("headers", joined(headers));
    if !exchange.query.is_empty() {
        let mut query: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in &exchange.query {
            group(&mut query, name, value);
        }
        set("queryStringParameters", joined(query.iter()));
    }
    set("requestContext", context_two(exchange));
    if !exchange.params.is_empty() {
        set("pathParameters", pairs(&exchange.params));
    }
    if !exchange.stage.variables.is_empty() {
        set("stageVariables", json!(exchange.stage.variables));
    }
    event
}

fn context_two(exchange: &Exchange) -> Value {
    let mut context = Map::new();
    let mut set = |name: &str, value: Value| context.insert(name.to_owned(), value);
    set("accountId", ACCOUNT.into());
    set("apiId", exchange.api.id.as_str().into());
    set("authentication", Value::Null);
    match &exchange.authorized {
        Authorized::Nothing => {}
        Authorized::Jwt { claims, scopes } => {
            let scopes = (!scopes.is_empty()).then_some(scopes);
            set(
                "authorizer",
                json!({"jwt": {"claims": claims, "scopes": scopes}}),
            );
        }
        Authorized::Function { context, .. } => {
            set("authorizer", json!({ "lambda": context }));
        }
    }
    set("domainName", exchange.host.as_str().into());
    set("domainPrefix", exchange.api.id.as_str().into());
    set(
        "http",
        json!({
            "method": exchange.method.as_str(),
            "path": exchange.path,
            "protocol": "HTTP/1.1",
            "sourceIp": SOURCE_IP,
            "userAgent": exchange.user_agent(),
        }),
    );
    set("requestId", exchange.id.as_str().into());
    set("routeKey", exchange.route_key().into());
    set("stage", exchange.stage.name.as_str().into());
    set("time", exchange.time().into());
    set("timeEpoch", exchange.epoch_millis().into());
    Value::Object(context)
}

/// Everything of format 1.0 but the body.
fn one(exchange: &Exchange) -> Map<String, Value> {
    let mut event = Map::new();
    let mut set = |name: &str, value: Value| event.insert(name.to_owned(), value);
    let resource = resource(exchange);
    set("version", "1.0".into());
    set("resource", resource.into());
    set("path", exchange.path.as_str().into());
    set("httpMethod", exchange.method.as_str().into());
    set("headers", joined(exchange.headers.iter()));
    set("multiValueHeaders", lists(&exchange.headers));
    let mut query: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in &exchange.query {
        group(&mut query, name, value);
    }
    if query.is_empty() {
        set("queryStringParameters", Value::Null);
        set("multiValueQueryStringParameters", Value::Null);
    } else {
        let last = query
            .iter()
            .map(|(name, values)| (name.clone(), json!(values.last())));
        set("queryStringParameters", Value::Object(last.collect()));
        set("multiValueQueryStringParameters", lists(&query));
    }
    set("requestContext", context_one(exchange, resource));
    set(
        "pathParameters",
        match exchange.params.is_empty() {
            true => Value::Null,
            false => pairs(&exchange.params),
        },
    );
    set(
        "stageVariables",
        match exchange.stage.variables.is_empty() {
            true => Value::Null,
            false => json!(exchange.stage.variables),
        },
    );
    event
}

/// The path of the route, or `$default`.
fn resource(exchange: &Exchange) -> &str {
    let key = exchange.route_key().unwrap_or_default();
    key.split_once(' ').map_or(key, |(_, path)| path)
}

fn context_one(exchange: &Exchange, resource: &str) -> Value {
    let authorizer = match &exchange.authorized {
        Authorized::Nothing => None,
        Authorized::Jwt { claims, scopes } => {
            let scopes = (!scopes.is_empty()).then_some(scopes);
            Some(json!({"claims": claims, "scopes": scopes}))
        }
        Authorized::Function { principal, context } => {
            let mut context = context.clone();
            if let Some(principal) = principal {
                context.insert("principalId".to_owned(), principal.as_str().into());
            }
            Some(Value::Object(context))
        }
    };
    let mut context = json!({
        "accountId": ACCOUNT,
        "apiId": exchange.api.id,
        "domainName": exchange.host,
        "domainPrefix": exchange.api.id,
        "extendedRequestId": exchange.id,
        "httpMethod": exchange.method.as_str(),
        "identity": {
            "accessKey": null,
            "accountId": null,
            "caller": null,
            "cognitoAmr": null,
            "cognitoAuthenticationProvider": null,
            "cognitoAuthenticationType": null,
            "cognitoIdentityId": null,
            "cognitoIdentityPoolId": null,
            "principalOrgId": null,
            "sourceIp": SOURCE_IP,
            "user": null,
            "userAgent": exchange.user_agent(),
            "userArn": null,
        },
        "path": exchange.path,
        "protocol": "HTTP/1.1",
        "requestId": exchange.id,
        "requestTime": exchange.time(),
        "requestTimeEpoch": exchange.epoch_millis(),
        "resourceId": exchange.route_key(),
        "resourcePath": resource,
        "stage": exchange.stage.name,
    });
    if let Some(authorizer) = authorizer {
        context["authorizer"] = authorizer;
    }
    context
}

/// The body as text, or in base64 where its type is no text or it is no UTF-8.
pub(super) fn body(exchange: &Exchange) -> (Option<String>, bool) {
    if exchange.body.is_empty() {
        return (None, false);
    }
    let declared = exchange.header("content-type").and_then(<[_]>::first);
    if declared.is_none_or(|kind| is_text(kind))
        && let Ok(text) = std::str::from_utf8(&exchange.body)
    {
        return (Some(text.to_owned()), false);
    }
    (Some(BASE64_STANDARD.encode(&exchange.body)), true)
}

/// The types that HTTP APIs take for text; forms are none of them.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["+json", "+xml"].iter().any(|end| kind.ends_with(end))
        || [
            "application/json",
            "application/javascript",
            "application/xml",
        ]
        .contains(&kind.as_str())
}

fn group(groups: &mut Vec<(String, Vec<String>)>, name: &str, value: &str) {
    match groups.iter_mut().find(|(key, _)| key == name) {
        Some((_, values)) => values.push(value.to_owned()),
        None => groups.push((name.to_owned(), vec![value.to_owned()])),
    }
}

fn joined<'a>(lists: impl Iterator<Item = &'a (String, Vec<String>)>) -> Value {
    Value::Object(
        lists
            .map(|(name, values)| (name.clone(), values.join(",").into()))
            .collect(),
    )
}

fn lists(lists: &[(String, Vec<String>)]) -> Value {
    let each = lists
        .iter()
        .map(|(name, values)| (name.clone(), json!(values)));
    Value::Object(each.collect())
}

fn pairs(pairs: &[(String, String)]) -> Value {
    let each = pairs
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()));
    Value::Object(each.collect())
}
