//! What a request says that it is, when it is MCP. For those who watch; read only when somebody does.

use serde::Deserialize;

/// The members of a JSON-RPC message that name it.
#[derive(Deserialize)]
struct Message {
    jsonrpc: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    name: Option<serde_json::Value>,
    #[serde(default)]
    uri: Option<serde_json::Value>,
}

/// `tools/call add`, `resources/read file:///x`, `initialize`; nothing when it is no such message.
pub(super) fn describe(body: &[u8]) -> Option<String> {
    if body.first() != Some(&b'{') {
        return None;
    }
    let message: Message = serde_json::from_slice(body).ok()?;
    let method = message.method.filter(|_| message.jsonrpc == "2.0")?;
    let params = message.params;
    let what = match method.as_str() {
        "tools/call" | "prompts/get" => params.and_then(|params| params.name),
        "resources/read" => params.and_then(|params| params.uri),
        _ => None,
    };
    Some(match what.as_ref().and_then(serde_json::Value::as_str) {
        Some(what) => format!("{method} {what}"),
        None => method,
    })
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn messages_are_named() {
        for (body, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#,
                Some("initialize"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1}}}"#,
                Some("tools/call add"),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, None),
            (r#"{"method":"x"}"#, None),
            ("", None),
            ("hello", None),
        ] {
            assert_eq!(describe(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
