//! HTTP proxy integrations: the request goes on to another server.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use thiserror::Error;

use super::exchange::Exchange;
use super::reply::Answer;
use crate::cloud::Cloud;

/// The largest answer that passes, in bytes.
const LARGEST: u64 = 10 * 1024 * 1024;

/// What is encoded in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A server that did not answer.
#[derive(Debug, Error)]
pub(super) enum Unanswered {
    /// Not in time.
    #[error("Endpoint request timed out")]
    Timeout,
    /// Not at all.
    #[error("There was an internal error while executing your request: {0}")]
    Failed(String),
}

/// Sends a request on and waits for the answer.
pub(super) async fn send(
    cloud: &Cloud,
    exchange: &Exchange,
    method: &str,
    url: &str,
    timeout: Duration,
) -> Result<Answer, Unanswered> {
    let failed = |error: &dyn std::fmt::Display| Unanswered::Failed(error.to_string());
    let method = if method == "ANY" {
        exchange.method.as_str()
    } else {
        method
    };
    let mut request = Request::builder().method(method).uri(target(exchange, url));
    for (name, values) in &exchange.headers {
        // The host is the other server's; the length is set anew.
        if name == HOST.as_str() || name == CONTENT_LENGTH.as_str() {
            continue;
        }
        for value in values {
            request = request.header(name, value);
        }
    }
    let host = exchange.host.as_str();
    let forwarded = format!("for=127.0.0.1;host={host};proto=http");
    let request = request
        .header("forwarded", forwarded)
        .body(exchange.body.to_vec())
        .map_err(|error| failed(&error))?;
    let asked = cloud
        .tasks()
        .spawn_blocking(move || ask(request, timeout))
        .await;
    match asked {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(ureq::Error::Timeout(_))) => Err(Unanswered::Timeout),
        Ok(Err(error)) => Err(failed(&error)),
        Err(error) => Err(failed(&error)),
    }
}

fn ask(request: Request<Vec<u8>>, timeout: Duration) -> Result<Answer, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let mut answer = agent.run(request)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let body = answer
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()?;
    Ok(Answer {
        status,
        headers,
        body: Bytes::from(body),
    })
}

/// The URL with each `{name}` as it is in the path; for `$default`, with the whole path after it.
fn target(exchange: &Exchange, url: &str) -> String {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, PATH).to_string();
    let mut url = exchange
        .params
        .iter()
        .fold(url.to_owned(), |url, (name, value)| {
            let value = encode(value);
            url.replace(&format!("{{{name}}}"), &value)
                .replace(&format!("{{{name}+}}"), &value)
        });
    if exchange.route_key() == Some("$default") {
        url = format!("{}{}", url.trim_end_matches('/'), encode(&exchange.path));
    }
    if !exchange.raw_query.is_empty() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&exchange.raw_query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::super::exchange::tests::exchange;
    use super::*;

    #[test]
    fn where_a_request_goes() {
        let mut exchange = exchange("GET /a%20b?x=1", &[], "");
        exchange.params = vec![("proxy".to_owned(), "a b/c".to_owned())];
        for (url, expected) in [
            ("http://h/{proxy}", "http://h/a%20b/c?x=1"),
            ("http://h/v1?y=2", "http://h/v1?y=2&x=1"),
        ] {
            assert_eq!(target(&exchange, url), expected);
        }
    }
}
