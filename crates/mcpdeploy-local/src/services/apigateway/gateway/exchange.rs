//! One request, as far as it has come: what was asked, by whom, and how it went.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::time::Instant;

use super::listen::Live;
use super::matcher::Params;
use super::serving::{Route, Stage};
use crate::cloud::ACCOUNT;

/// Where every request comes from.
pub(super) const SOURCE_IP: &str = "127.0.0.1";

/// One request.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) api: Arc<Live>,
    pub(super) stage: Arc<Stage>,
    /// The route that it takes, once found.
    pub(super) route: Option<Arc<Route>>,
    pub(super) id: String,
    pub(super) at: OffsetDateTime,
    pub(super) began: Instant,
    pub(super) method: Method,
    /// The path, decoded, with the stage where that is part of it.
    pub(super) path: String,
    pub(super) params: Params,
    pub(super) raw_query: String,
    pub(super) query: Vec<(String, String)>,
    /// Names in lower case, each once, with all its values; what a gateway adds is in it.
    pub(super) headers: Vec<(String, Vec<String>)>,
    pub(super) host: String,
    pub(super) body: Bytes,
    pub(super) authorized: Authorized,
    pub(super) outcome: Outcome,
}

/// What the route's authorizer found out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Authorized {
    /// Nothing: everybody may.
    #[default]
    Nothing,
    /// A token's claims, and the scopes that the route asks for.
    Jwt {
        /// As text, the way events have them.
        claims: Map<String, Value>,
        scopes: Vec<String>,
    },
    /// A function's context.
    Function {
        principal: Option<String>,
        context: Map<String, Value>,
    },
}

/// How it went, for logs and metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) status: u16,
    /// The gateway's own message, when the gateway answered.
    pub(super) message: Option<&'static str>,
    pub(super) response_length: usize,
    pub(super) integration_status: Option<u16>,
    /// The status that the function itself answered with.
    pub(super) backend_status: Option<u16>,
    pub(super) integration_latency: Option<Duration>,
    pub(super) integration_error: Option<String>,
    pub(super) authorizer_error: Option<String>,
}

impl Exchange {
    /// The values of a header, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&[String]> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, values)| values.as_slice())
    }

    pub(super) fn user_agent(&self) -> String {
        let values = self.header("user-agent").unwrap_or_default();
        values.join(",")
    }

    pub(super) fn route_key(&self) -> Option<&str> {
        self.route.as_ref().map(|route| route.key.as_str())
    }

    /// The moment as access logs and events write it: `21/Nov/2026:12:00:00 +0000`.
    pub(super) fn time(&self) -> String {
        let format =
            format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
        self.at.format(&format).unwrap_or_default()
    }

    /// Milliseconds since 1970.
    pub(super) fn epoch_millis(&self) -> i64 {
        i64::try_from(self.at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
    }

    /// A variable of `$context`, by its name; none when it has no value.
    /// Source: "Customize HTTP API access logs".
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let outcome = &self.outcome;
        let number = |number: u16| number.to_string();
        Some(match name {
            "accountId" => ACCOUNT.to_owned(),
            "apiId" => self.api.id.clone(),
            "authorizer.error" => outcome.authorizer_error.clone()?,
            "authorizer.principalId" => match &self.authorized {
                Authorized::Function { principal, .. } => principal.clone()?,
                Authorized::Nothing | Authorized::Jwt { .. } => return None,
            },
            "dataProcessed" => (self.body.len() + outcome.response_length).to_string(),
            "domainName" => self.host.clone(),
            "domainPrefix" => self.api.id.clone(),
            "error.message" => outcome.message?.to_owned(),
            "error.messageString" => format!("\"{}\"", outcome.message?),
            "error.responseType" => response_type(outcome.status)?.to_owned(),
            "extendedRequestId" | "requestId" => self.id.clone(),
            "httpMethod" => self.method.to_string(),
            "identity.sourceIp" => SOURCE_IP.to_owned(),
            "identity.userAgent" => self.user_agent(),
            "integration.error" | "integrationErrorMessage" => outcome.integration_error.clone()?,
            "integration.integrationStatus" => number(outcome.backend_status?),
            "integration.latency" | "integrationLatency" => {
                outcome.integration_latency?.as_millis().to_string()
            }
            "integration.status" | "integrationStatus" => number(outcome.integration_status?),
            "path" => self.path.clone(),
            "protocol" => "HTTP/1.1".to_owned(),
            "requestTime" => self.time(),
            "requestTimeEpoch" => self.epoch_millis().to_string(),
            "responseLatency" => self.began.elapsed().as_millis().to_string(),
            "responseLength" => outcome.response_length.to_string(),
            "routeKey" => self.route_key()?.to_owned(),
            "stage" => self.stage.name.clone(),
            "status" => number(outcome.status),
            _ => return self.authorizer_variable(name.strip_prefix("authorizer.")?),
        })
    }

    /// `claims.<name>` of a token, `<name>` of a function's context.
    fn authorizer_variable(&self, name: &str) -> Option<String> {
        let value = match &self.authorized {
            Authorized::Nothing => return None,
            Authorized::Jwt { claims, .. } => claims.get(name.strip_prefix("claims.")?)?,
            Authorized::Function { context, .. } => context.get(name)?,
        };
        Some(match value {
            Value::String(text) => text.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value.to_string(),
        })
    }
}

/// The kind of an answer that the gateway gave itself.
fn response_type(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "UNAUTHORIZED",
        403 => "ACCESS_DENIED",
        404 => "RESOURCE_NOT_FOUND",
        413 => "REQUEST_TOO_LARGE",
        429 => "THROTTLED",
        500 => "INTEGRATION_FAILURE",
        503 => "INTEGRATION_TIMEOUT",
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use time::macros::datetime;

    use super::super::serving::Serving;
    use super::*;

    /// An exchange of a request with these headers, for tests of what is made of it.
    pub(in super::super) fn exchange(
        request: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Exchange {
        let stage = Stage::bare("$default", &[("variable", "value")]);
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut lists: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in headers {
            match lists.iter_mut().find(|(key, _)| key == name) {
                Some((_, values)) => values.push((*value).to_owned()),
                None => lists.push(((*name).to_owned(), vec![(*value).to_owned()])),
            }
        }
        Exchange {
            api: Arc::new(Live::new("abcdefghij", "us-east-1", Serving::default())),
            stage: Arc::new(stage),
            route: None,
            id: "AAAAAAAAAAAAAAA=".to_owned(),
            at: datetime!(2026-11-21 12:00:00.5 UTC),
            began: Instant::now(),
            method: method.parse().unwrap(),
            path: path.to_owned(),
            params: Params::new(),
            raw_query: query.to_owned(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: lists,
            host: "127.0.0.1:4000".to_owned(),
            body: Bytes::from_static(body.as_bytes()),
            authorized: Authorized::Nothing,
            outcome: Outcome::default(),
        }
    }
}
