//! What a function's result means as an answer.
//!
//! Source: "Create AWS Lambda proxy integrations for HTTP APIs", Lambda function response for
//! formats 1.0 and 2.0.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};
use thiserror::Error;

use super::event::Format;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A result that is no answer; the text is what `$context.integrationErrorMessage` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Malformed {
    #[error(
        "The response from the Lambda function doesn't match the format that API Gateway expects. Lambda body contains the wrong type for field \"{0}\""
    )]
    Field(&'static str),
    #[error(
        "The response from the Lambda function doesn't match the format that API Gateway expects"
    )]
    Whole,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");

/// Reads a function's result.
pub(super) fn read(payload: &Bytes, format: Format) -> Result<Answer, Malformed> {
    let value: Value = serde_json::from_slice(payload).map_err(|_| Malformed::Whole)?;
    match value {
        Value::Object(fields) if fields.contains_key("statusCode") => structured(&fields, format),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_)
            if format == Format::One =>
        {
            Err(Malformed::Whole)
        }
        Value::String(text) => Ok(inferred(text.into())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Ok(inferred(payload.clone()))
        }
    }
}

/// Whatever has no status code is the body of a 200.
fn inferred(body: Bytes) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, JSON);
    Answer {
        status: StatusCode::OK,
        headers,
        body,
    }
}

fn structured(fields: &Map<String, Value>, format: Format) -> Result<Answer, Malformed> {
    let code = match fields.get("statusCode") {
        Some(Value::Number(number)) => number.as_u64().and_then(|code| u16::try_from(code).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    };
    let status = code
        .filter(|code| (100..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(Malformed::Field("statusCode"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in object(fields, "headers")?.into_iter().flatten() {
        let value = scalar(value).ok_or(Malformed::Field("headers"))?;
        insert(&mut headers, name, &value);
    }
    if format == Format::One {
        for (name, values) in object(fields, "multiValueHeaders")?.into_iter().flatten() {
            let wrong = Malformed::Field("multiValueHeaders");
            let values = values.as_array().ok_or(wrong)?;
            for (at, value) in values.iter().enumerate() {
                let value = scalar(value).ok_or(wrong)?;
                if at == 0 {
                    insert(&mut headers, name, &value);
                } else {
                    append(&mut headers, name, &value);
                }
            }
        }
    } else {
        match fields.get("cookies") {
            None | Some(Value::Null) => {}
            Some(Value::Array(cookies)) => {
                for cookie in cookies {
                    let cookie = cookie.as_str().ok_or(Malformed::Field("cookies"))?;
                    append(&mut headers, SET_COOKIE.as_str(), cookie);
                }
            }
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                return Err(Malformed::Field("cookies"));
            }
        }
    }
    // How the answer travels is the gateway's business.
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers.entry(CONTENT_TYPE).or_insert(PLAIN);
    let text = match fields.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(Malformed::Field("body"));
        }
    };
    let body = match fields.get("isBase64Encoded") {
        Some(Value::Bool(true)) => BASE64_STANDARD
            .decode(text)
            .map_err(|_| Malformed::Field("body"))?
            .into(),
        Some(
            Value::Bool(false)
            | Value::Null
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
        )
        | None => Bytes::copy_from_slice(text.as_bytes()),
    };
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn object<'a>(
    fields: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a Map<String, Value>>, Malformed> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(Malformed::Field(name))
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A header that is none is dropped, as it could not travel.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Some((name, value)) = header(name, value) {
        headers.insert(name, value);
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Some((name, value)) = header(name, value) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_as_answers() {
        let plain = "content-type: text/plain;charset=UTF-8";
        let json = "content-type: application/json";
        let malformed = "500";
        for (format, result, expected) in [
            (
                Format::Two,
                r#"{"a":1}"#,
                format!("200 [{json}] {{\"a\":1}}"),
            ),
            (Format::Two, r#""hello""#, format!("200 [{json}] hello")),
            (Format::Two, "[1]", format!("200 [{json}] [1]")),
            (Format::Two, "null", format!("200 [{json}] null")),
            (Format::Two, "garbage", malformed.to_owned()),
            (Format::One, r#"{"a":1}"#, malformed.to_owned()),
            (Format::One, r#""hello""#, malformed.to_owned()),
            (
                Format::Two,
                r#"{"statusCode":201}"#,
                format!("201 [{plain}] "),
            ),
            (
                Format::Two,
                r#"{"statusCode":"404","body":"x"}"#,
                format!("404 [{plain}] x"),
            ),
            (Format::Two, r#"{"statusCode":99}"#, malformed.to_owned()),
            (Format::Two, r#"{"statusCode":"abc"}"#, malformed.to_owned()),
            (
                Format::Two,
                r#"{"statusCode":200,"body":{"a":1}}"#,
                malformed.to_owned(),
            ),
            (
                Format::Two,
                r#"{"statusCode":200,"headers":[]}"#,
                malformed.to_owned(),
            ),
            (
                Format::Two,
                r#"{"statusCode":200,"headers":{"X-A":1,"content-length":"9"},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}"#,
                format!("200 [x-a: 1, set-cookie: a=1, set-cookie: b=2, {plain}] hi"),
            ),
            (
                Format::One,
                r#"{"statusCode":200,"headers":{"x":"0","Content-Type":"text/html"},"multiValueHeaders":{"X":["1","2"]},"cookies":["a=1"]}"#,
                "200 [x: 1, x: 2, content-type: text/html] ".to_owned(),
            ),
            (
                Format::Two,
                r#"{"statusCode":200,"isBase64Encoded":true,"body":"%"}"#,
                malformed.to_owned(),
            ),
        ] {
            let got = match read(&Bytes::from(result), format) {
                Err(_) => "500".to_owned(),
                Ok(answer) => {
                    let headers: Vec<String> = answer
                        .headers
                        .iter()
                        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                        .collect();
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    format!("{} [{}] {body}", answer.status.as_u16(), headers.join(", "))
                }
            };
            assert_eq!(got, expected, "{format:?} {result}");
        }
    }
}
