//! An answer as what Lambda passes on.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, SET_COOKIE};
use http::response::Parts;
use indexmap::IndexMap;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    status_code: u16,
    headers: IndexMap<&'a str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    #[serde(flatten)]
    body: Option<Content<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    body: std::borrow::Cow<'a, str>,
    is_base64_encoded: bool,
}

/// A whole answer.
#[must_use]
pub fn response(head: &Parts, body: &[u8]) -> Bytes {
    let text = if is_text(&head.headers) {
        std::str::from_utf8(body).ok()
    } else {
        None
    };
    let content = match text {
        Some(text) => Content {
            body: text.into(),
            is_base64_encoded: false,
        },
        None => Content {
            body: BASE64_STANDARD.encode(body).into(),
            is_base64_encoded: !body.is_empty(),
        },
    };
    written(head, Some(content)).into()
}

/// Status and headers of an answer whose body is streamed behind them.
#[must_use]
pub fn prelude(head: &Parts) -> Vec<u8> {
    written(head, None)
}

fn written(head: &Parts, body: Option<Content<'_>>) -> Vec<u8> {
    let mut headers: IndexMap<&str, String> = IndexMap::with_capacity(head.headers.len());
    for (name, value) in &head.headers {
        if name == SET_COOKIE {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    let cookies = head.headers.get_all(SET_COOKIE).iter();
    let answer = Answer {
        status_code: head.status.as_u16(),
        headers,
        cookies: cookies
            .map(|cookie| String::from_utf8_lossy(cookie.as_bytes()).into_owned())
            .collect(),
        body,
    };
    // Strings and numbers only: nothing in it can fail to be written.
    serde_json::to_vec(&answer).unwrap_or_default()
}

/// Whether the body may go as text; what is of no known type goes as base64, which loses nothing.
fn is_text(headers: &HeaderMap) -> bool {
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    let Some(kind) = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
    else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind.as_str(),
            "application/json"
                | "application/xml"
                | "application/javascript"
                | "application/x-www-form-urlencoded"
        )
}

#[cfg(test)]
mod tests {
    use http::Response;
    use serde_json::{Value, json};

    use super::*;

    fn read(headers: &[(&str, &str)], body: &[u8]) -> Value {
        let mut response = Response::builder().status(201);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        serde_json::from_slice(&super::response(&head, body)).unwrap()
    }

    #[test]
    fn headers_are_joined_and_cookies_are_apart() {
        let read = read(
            &[
                ("content-type", "application/json"),
                ("vary", "a"),
                ("vary", "b"),
                ("set-cookie", "a=1; Path=/"),
                ("set-cookie", "b=2"),
            ],
            b"{}",
        );
        assert_eq!(
            read,
            json!({
                "statusCode": 201,
                "headers": {"content-type": "application/json", "vary": "a, b"},
                "cookies": ["a=1; Path=/", "b=2"],
                "body": "{}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn only_text_goes_as_text() {
        for (kind, body, is_base64) in [
            (
                "text/event-stream; charset=utf-8",
                &b"data: 1\n\n"[..],
                false,
            ),
            ("application/problem+json", b"{}", false),
            ("text/plain", b"\xff", true),
            ("image/png", b"abc", true),
            ("application/octet-stream", b"", false),
        ] {
            let read = read(&[("content-type", kind)], body);
            assert_eq!(read["isBase64Encoded"], is_base64, "{kind}");
        }
        let squeezed = [("content-type", "text/plain"), ("content-encoding", "gzip")];
        assert_eq!(read(&squeezed, b"abc")["body"], "YWJj");
        assert_eq!(read(&[], b"abc")["isBase64Encoded"], true);
    }

    #[test]
    fn a_prelude_has_no_body() {
        let (head, ()) = Response::new(()).into_parts();
        let read: Value = serde_json::from_slice(&prelude(&head)).unwrap();
        assert_eq!(read, json!({"statusCode": 200, "headers": {}}));
    }
}
