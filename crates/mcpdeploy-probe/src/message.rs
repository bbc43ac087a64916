//! The JSON-RPC message in a reply, and what is wrong about a reply that has none.

use mcpdeploy_login::Challenge;
use serde_json::Value;

use crate::exchange::beginning;
use crate::http::{Content, Reply};
use crate::report::Outcome;
use crate::sse;

/// What a request was answered with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Result(Value),
    Error(RpcError),
}

/// A JSON-RPC error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Value,
}

/// All messages of a reply: one of JSON, all of a stream.
pub(crate) fn messages(reply: &Reply) -> Vec<Value> {
    if let Ok(message) = serde_json::from_str::<Value>(&reply.body) {
        return vec![message];
    }
    sse::data(&reply.body)
        .iter()
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

/// The answer to the request with that id; `Err` says what is wrong about the reply. An error may
/// come without an id: a server need not have read the request.
pub(crate) fn answer(reply: &Reply, id: &Value) -> Result<Answer, String> {
    let messages = messages(reply);
    let answers: Vec<&Value> = messages
        .iter()
        .filter(|message| message.get("result").is_some() || message.get("error").is_some())
        .collect();
    let message = answers
        .iter()
        .find(|message| message.get("id") == Some(id))
        .or_else(|| answers.first())
        .ok_or_else(|| {
            let what = match (reply.body.trim().is_empty(), reply.content()) {
                (true, Content::EventStream) => "a stream that ends without a message".to_owned(),
                (true, _) => "an empty body".to_owned(),
                (false, _) => format!("no JSON-RPC message: {}", beginning(&reply.body)),
            };
            format!("HTTP {} with {what}", reply.status)
        })?;
    if message["jsonrpc"] != "2.0" {
        return Err("a message without \"jsonrpc\": \"2.0\"".to_owned());
    }
    let got = message.get("id").filter(|got| !got.is_null());
    if let Some(error) = message.get("error").filter(|error| !error.is_null()) {
        if got.is_some_and(|got| got != id) {
            return Err(format!("an error for another id: {}", message["id"]));
        }
        let code = error["code"]
            .as_i64()
            .ok_or("an error whose code is no whole number")?;
        let text = error["message"]
            .as_str()
            .ok_or("an error without message")?;
        return Ok(Answer::Error(RpcError {
            code,
            message: text.to_owned(),
            data: error.get("data").cloned().unwrap_or_default(),
        }));
    }
    if got != Some(id) {
        return Err(format!(
            "a result for the id {} where {id} was asked for",
            message.get("id").unwrap_or(&Value::Null)
        ));
    }
    Ok(Answer::Result(message["result"].clone()))
}

/// The error of a reply, whatever its id.
pub(crate) fn error_of(reply: &Reply) -> Option<RpcError> {
    messages(reply).iter().find_map(|message| {
        let error = message.get("error")?;
        Some(RpcError {
            code: error.get("code")?.as_i64()?,
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            data: error.get("data").cloned().unwrap_or_default(),
        })
    })
}

/// A reply in a few words: its status, and its error or the beginning of its body.
pub(crate) fn in_words(reply: &Reply) -> String {
    let status = reply.status;
    if let Some(RpcError { code, message, .. }) = error_of(reply) {
        return format!("HTTP {status} and error {code} ({})", beginning(&message));
    }
    if reply.body.trim().is_empty() {
        return format!("HTTP {status}");
    }
    format!("HTTP {status}: {}", beginning(&reply.body))
}

/// The result of a call that has to succeed.
pub(crate) fn result_of(method: &str, reply: &Reply, id: &Value) -> Result<Value, Outcome> {
    let failed = |what: String| {
        Outcome::failed(format!("{method} is answered with {what}")).hint(hint(reply))
    };
    match answer(reply, id) {
        Ok(Answer::Result(result)) if reply.status == 200 => Ok(result),
        Ok(Answer::Result(_)) => Err(failed(format!("a result and HTTP {}", reply.status))),
        Ok(Answer::Error(_)) => Err(failed(in_words(reply))),
        Err(what) => Err(failed(what)),
    }
}

/// What a reply that is no good may come from.
pub(crate) fn hint(reply: &Reply) -> Option<String> {
    let body = reply.body.to_ascii_lowercase();
    let rpc = error_of(reply).is_some();
    let more = reply
        .challenge()
        .and_then(Challenge::bearer)
        .filter(Challenge::wants_more);
    if let Some(more) = more.filter(|_| reply.status == 403) {
        let scopes = more.scopes().join(" --scope ");
        return Some(format!(
            "the token may do too little: mcpdeploy login --scope {scopes} asks for one that may"
        ));
    }
    let host = body.contains("host") && [400, 403, 421].contains(&reply.status);
    Some(match reply.status {
        _ if host => "the server refuses the name that it is called by: add it to the hosts that its transport allows".to_owned(),
        301 | 302 | 303 | 307 | 308 => format!(
            "it sends its clients on to {}: use that URL",
            reply.header("location").unwrap_or("another place")
        ),
        404 if !rpc => "nothing is at this path: look at the path, /mcp in most servers".to_owned(),
        403 if !rpc => "a gateway or firewall may have refused it before it came to the server".to_owned(),
        429 => "too many requests at a time: try again later".to_owned(),
        500 | 502 if !rpc => "the server failed, or its answer could not be passed on: look at its logs".to_owned(),
        503 | 504 if !rpc => "the server did not answer in time: look at its logs and its timeouts".to_owned(),
        200 if body.contains("<html") => "this is a web page: look at the URL".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn the_answer_is_found_or_what_is_wrong_is_said() {
        for (body, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":7,"result":{"a":1}}"#,
                Ok(json!({"a": 1})),
            ),
            (
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n",
                Ok(json!({})),
            ),
            (
                r#"{"jsonrpc":"2.0","id":8,"result":{}}"#,
                Err("a result for the id 8 where 7 was asked for"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"7","result":{}}"#,
                Err("a result for the id \"7\" where 7 was asked for"),
            ),
            (
                r#"{"id":7,"result":{}}"#,
                Err("a message without \"jsonrpc\": \"2.0\""),
            ),
            ("<html>", Err("HTTP 200 with no JSON-RPC message: <html>")),
            ("", Err("HTTP 200 with an empty body")),
            (
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":"x","message":""}}"#,
                Err("an error whose code is no whole number"),
            ),
        ] {
            let got = answer(&reply(200, body), &json!(7));
            let expected = expected.map(Answer::Result).map_err(str::to_owned);
            assert_eq!(got, expected, "{body}");
        }
        let unread = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#;
        assert!(matches!(
            answer(&reply(400, unread), &json!(7)),
            Ok(Answer::Error(RpcError { code: -32700, .. }))
        ));
    }

    #[test]
    fn hints_tell_a_gateway_from_a_server() {
        let rpc = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
        assert_eq!(hint(&reply(404, rpc)), None);
        for (status, body, part) in [
            (404, r#"{"message":"Not Found"}"#, "path"),
            (403, "Forbidden: Host header is not allowed", "hosts"),
            (421, "Invalid Host header", "hosts"),
            (503, r#"{"message":"Service Unavailable"}"#, "in time"),
            (200, "<!doctype html><html>", "web page"),
        ] {
            let hint = hint(&reply(status, body)).unwrap();
            assert!(hint.contains(part), "{status} {hint}");
        }
    }
}
