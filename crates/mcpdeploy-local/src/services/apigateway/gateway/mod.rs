//! The gateway: requests to HTTP APIs, from the socket to the function and back.
//!
//! It reads what the control plane compiled for it ([`serving`]) and must not change it.

mod access_log;
mod authorize;
mod cors;
mod event;
#[cfg(test)]
mod event_tests;
mod exchange;
mod expression;
mod function_authorizer;
pub(super) mod identity;
mod invoke;
mod jwt;
#[cfg(test)]
mod jwt_tests;
pub(super) mod keys;
pub(super) mod listen;
mod matcher;
mod mcp;
mod metrics;
pub(super) mod parameters;
mod proxy;
mod reply;
mod request;
#[cfg(test)]
mod request_tests;
mod serving;
mod shown;
#[cfg(test)]
mod stage_tests;
#[cfg(test)]
pub(super) mod testing;
mod throttle;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;

use self::authorize::Turned;
use self::cors::Cors;
use self::exchange::Exchange;
use self::listen::Live;
use self::reply::Answer;
use self::request::Unusable;
use self::serving::{Backend, Integration, Route};
use crate::cloud::Cloud;
use crate::seen::Seen;
use crate::services::lambda::Refused;
use crate::wire::{Body, full};

const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

/// Answers a request to an API. `prefix`: what stands before the path as the API sees it.
pub(super) async fn answer(
    cloud: &Cloud,
    live: &Arc<Live>,
    prefix: &str,
    request: Request<Incoming>,
) -> Response<Body> {
    let began = Instant::now();
    let id = request::id();
    let method = request.method().clone();
    let seen = request.uri().path_and_query().map(ToString::to_string);
    let (answer, body) = match request::read(cloud, live, prefix, request, &id, began).await {
        Err(unusable) => (refuse(unusable), Bytes::new()),
        Ok(read) => {
            let (mut exchange, headers) = (read.exchange, read.headers);
            let mut answer = handle(cloud, &mut exchange, &headers, read.route).await;
            if let Some(cors) = &exchange.stage.cors {
                let preflight = answer.status == StatusCode::NO_CONTENT
                    && Cors::is_preflight(&exchange.method, &headers);
                cors.apply(headers.get(ORIGIN), preflight, &mut answer.headers);
            }
            exchange.outcome.status = answer.status.as_u16();
            exchange.outcome.response_length = answer.body.len();
            if let Some(log) = &exchange.stage.log {
                log.write(cloud, &exchange);
            }
            metrics::record(cloud, &exchange);
            (answer, exchange.body)
        }
    };
    cloud.tell(|| {
        let path = seen.unwrap_or_default();
        Seen::Request {
            api: live.id.clone(),
            method: method.to_string(),
            path: shown::shown(path.strip_prefix(prefix).unwrap_or(&path)),
            status: answer.status.as_u16(),
            millis: began.elapsed().as_secs_f64() * 1000.0,
            mcp: mcp::describe(&body),
        }
    });
    respond(answer, &id)
}

/// Takes a request along its route.
async fn handle(
    cloud: &Cloud,
    exchange: &mut Exchange,
    headers: &HeaderMap,
    route: Option<Arc<Route>>,
) -> Answer {
    let preflight = exchange.stage.cors.is_some() && Cors::is_preflight(&exchange.method, headers);
    let Some(route) = route else {
        return if preflight {
            no_content()
        } else {
            own(exchange, StatusCode::NOT_FOUND, "Not Found")
        };
    };
    exchange.route = Some(Arc::clone(&route));
    if let Some(limit) = route.limit {
        let buckets = &exchange.api.buckets;
        if !buckets.take(&exchange.stage.name, &route.key, limit, exchange.began) {
            return own(exchange, StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }
    }
    // A preflight request that a route matches must pass its authorizer, as on AWS: for a route of
    // method ANY that one usually turns it away, and an OPTIONS route of its own is the way out.
    match authorize::authorize(cloud, exchange, &route.guard).await {
        Ok(authorized) => exchange.authorized = authorized,
        Err(turned) => return turn(exchange, turned),
    }
    if preflight {
        return no_content();
    }
    let Some(integration) = &route.integration else {
        return failed(
            exchange,
            "No integration is attached to the route".to_owned(),
        );
    };
    for mapping in &integration.mappings {
        mapping.apply(exchange);
    }
    let began = Instant::now();
    let answer = integrate(cloud, exchange, &route, integration).await;
    exchange.outcome.integration_latency = Some(began.elapsed());
    answer
}

async fn integrate(
    cloud: &Cloud,
    exchange: &mut Exchange,
    route: &Route,
    integration: &Integration,
) -> Answer {
    let timeout = integration.timeout;
    let (arn, format) = match &integration.backend {
        Backend::Function { arn, format } => (arn, *format),
        Backend::Http { method, url } => {
            let sent = proxy::send(cloud, exchange, method, url, timeout).await;
            return match sent {
                Ok(answer) => {
                    exchange.outcome.integration_status = Some(answer.status.as_u16());
                    exchange.outcome.backend_status = Some(answer.status.as_u16());
                    answer
                }
                Err(proxy::Unanswered::Timeout) => unavailable(exchange),
                Err(proxy::Unanswered::Failed(why)) => failed(exchange, why),
            };
        }
    };
    let payload = event::integration(exchange, format).to_string();
    let trace = exchange.header("x-amzn-trace-id").map(|ids| ids.join(","));
    let running = invoke::invoke(cloud, arn, &route.source_arn, trace, payload.into());
    let Ok(ran) = tokio::time::timeout(timeout, running).await else {
        return unavailable(exchange);
    };
    match ran {
        Ok(ran) if !ran.failed => {
            exchange.outcome.integration_status = Some(200);
            match reply::read(&ran.payload, format) {
                Ok(answer) => {
                    exchange.outcome.backend_status = Some(answer.status.as_u16());
                    answer
                }
                Err(malformed) => failed(exchange, malformed.to_string()),
            }
        }
        Ok(ran) => {
            exchange.outcome.integration_status = Some(200);
            let error = error_message(&ran.payload);
            failed(
                exchange,
                format!(
                    "The Lambda function returned the following error: {error}. Check your Lambda function code and try again."
                ),
            )
        }
        Err(refused) => {
            let (status, why) = match refused {
                Refused::Forbidden => (
                    403,
                    "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. Check the permissions and try again.".to_owned(),
                ),
                Refused::NotFound(function) => (404, format!("The integration's function does not exist: {function}")),
                Refused::Invalid(why) => (400, why),
                Refused::Throttled => {
                    exchange.outcome.integration_status = Some(429);
                    exchange.outcome.integration_error = Some("Rate Exceeded.".to_owned());
                    return own(exchange, StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
                }
            };
            exchange.outcome.integration_status = Some(status);
            failed(exchange, why)
        }
    }
}

/// The message in a function's error object.
fn error_message(payload: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
    let message = value.get("errorMessage").and_then(|text| text.as_str());
    message.unwrap_or("Unknown error").to_owned()
}

/// 500, with the reason for the log only.
fn failed(exchange: &mut Exchange, why: String) -> Answer {
    exchange.outcome.integration_error = Some(why);
    own(
        exchange,
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal Server Error",
    )
}

/// HTTP APIs answer 503 when an integration takes too long; 504 is REST APIs'.
fn unavailable(exchange: &mut Exchange) -> Answer {
    exchange.outcome.integration_error = Some("Endpoint request timed out".to_owned());
    own(
        exchange,
        StatusCode::SERVICE_UNAVAILABLE,
        "Service Unavailable",
    )
}

/// The gateway's own answer to a request on a route.
fn own(exchange: &mut Exchange, status: StatusCode, message: &'static str) -> Answer {
    exchange.outcome.message = Some(message);
    said(status, message)
}

fn turn(exchange: &mut Exchange, turned: Turned) -> Answer {
    exchange.outcome.authorizer_error = turned.error;
    let mut answer = own(exchange, turned.status, turned.message);
    if let Some(challenge) = turned.challenge {
        answer.headers.insert(WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// `{"message": …}`.
fn said(status: StatusCode, message: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Answer {
        status,
        headers,
        body: format!("{{\"message\":\"{message}\"}}").into(),
    }
}

fn no_content() -> Answer {
    Answer {
        status: StatusCode::NO_CONTENT,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

/// Requests that belong to no stage, or are none that a gateway takes.
fn refuse(unusable: Unusable) -> Answer {
    match unusable {
        Unusable::NotFound => not_found(),
        Unusable::Host => said(StatusCode::BAD_REQUEST, "Bad Request"),
        Unusable::Foreign => said(StatusCode::FORBIDDEN, "Forbidden"),
        Unusable::Headers => said(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
        ),
        Unusable::Body => said(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        Unusable::Gone => said(StatusCode::BAD_REQUEST, "Bad Request"),
    }
}

fn not_found() -> Answer {
    said(StatusCode::NOT_FOUND, "Not Found")
}

/// Answers a request to an API that there is not.
pub(super) fn no_api() -> Response<Body> {
    respond(not_found(), &request::id())
}

fn respond(answer: Answer, id: &str) -> Response<Body> {
    let length = answer.body.len();
    let mut response = Response::new(full(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let headers = response.headers_mut();
    // The server sets the date.
    headers.remove(DATE);
    if answer.status != StatusCode::NO_CONTENT && answer.status != StatusCode::NOT_MODIFIED {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}
