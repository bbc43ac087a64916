use std::cell::Cell;

use ::http::HeaderValue;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::link::whole;

const RULES: &str = r#"{"delete_*": ["mcp/write"], "*_all": ["mcp/admin"], "add": ["mcp/read"]}"#;

/// What serves, and counts how often.
#[derive(Default)]
struct Server {
    asked: Cell<u32>,
}

impl Serve for Server {
    async fn serve(&self, _call: &Call, _request: Request<Bytes>) -> Response<Body> {
        self.asked.set(self.asked.get() + 1);
        Response::new(whole(Bytes::new()))
    }

    fn streams(&self) -> bool {
        false
    }

    async fn stop(&self) {}
}

fn environment(rules: &str) -> Environment {
    [
        ("MCPDEPLOY_TOOL_SCOPES", rules),
        ("MCPDEPLOY_RESOURCE_METADATA", "https://x.example/meta"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// The status, the challenge and the body that a body gets with a token of these claims.
fn ask(
    rules: &str,
    authorizer: &Value,
    headers: &[(&'static str, &str)],
    body: &str,
) -> (u16, String, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let started = async { Ok::<_, String>(Server::default()) };
        let guarded = guarded(&environment(rules), started).await.unwrap();
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.method_mut() = ::http::Method::POST;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        request.extensions_mut().insert(Context {
            source_ip: None,
            domain: None,
            json: json!({"authorizer": authorizer}).to_string(),
        });
        let call = Call {
            request_id: "r".to_owned(),
            deadline: Instant::now(),
            trace: None,
        };
        let response = guarded.serve(&call, request).await;
        let status = response.status().as_u16();
        assert_eq!(guarded.inner.asked.get() == 1, status == 200, "{body}");
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.map(|c| c.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        (status, challenge.unwrap_or_default(), body)
    })
}

fn claims(scope: &str) -> Value {
    json!({"jwt": {"claims": {"scope": scope}, "scopes": null}})
}

fn call(tool: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool}}).to_string()
}

#[test]
fn a_tool_is_called_with_all_its_scopes_only() {
    for (tool, scope, status) in [
        ("add", "mcp/read", 200),
        ("add", "openid mcp/read mcp/write", 200),
        ("add", "mcp/write", 403),
        ("add", "mcp/reader", 403),
        ("add", "", 403),
        ("adder", "", 200),
        ("free", "", 200),
        ("delete_one", "mcp/write", 200),
        ("delete_one", "mcp/read", 403),
        // Both patterns fit.
        ("delete_all", "mcp/write", 403),
        ("delete_all", "mcp/admin mcp/write", 200),
    ] {
        let (seen, ..) = ask(RULES, &claims(scope), &[], &call(tool));
        assert_eq!(seen, status, "{tool} with {scope}");
    }
}

#[test]
fn who_lacks_a_scope_hears_which_and_where_to_get_it() {
    let (status, challenge, body) = ask(RULES, &claims("mcp/read a\"b"), &[], &call("delete_all"));
    assert_eq!(status, 403);
    assert_eq!(
        challenge,
        r#"Bearer error="insufficient_scope", scope="mcp/admin mcp/write mcp/read", resource_metadata="https://x.example/meta""#
    );
    assert_eq!(body["id"], 7);
    assert_eq!(body["error"]["code"], -32003);
    assert_eq!(
        body["error"]["message"],
        "the tool wants the scope mcp/admin mcp/write"
    );
}

#[test]
fn scopes_are_what_an_authorizer_found() {
    for (authorizer, status) in [
        (json!({"jwt": {"claims": {"scope": "mcp/read"}}}), 200),
        (
            json!({"jwt": {"claims": {"scp": "[openid mcp/read]"}}}),
            200,
        ),
        (json!({"lambda": {"scope": "mcp/read"}}), 200),
        // The route's scopes are none of the token's.
        (json!({"jwt": {"claims": {}, "scopes": ["mcp/read"]}}), 403),
        (json!({"iam": {"scope": "mcp/read"}}), 403),
        (json!(null), 403),
    ] {
        let (seen, ..) = ask(RULES, &authorizer, &[], &call("add"));
        assert_eq!(seen, status, "{authorizer}");
    }
}

#[test]
fn a_batch_is_as_good_as_its_worst_call() {
    let granted = claims("mcp/read");
    let batch = |tools: &[&str]| {
        format!(
            "[{}]",
            tools.iter().map(|t| call(t)).collect::<Vec<_>>().join(",")
        )
    };
    for (tools, status) in [
        (&[][..], 200),
        (&["add", "free"], 200),
        (&["add", "delete_x", "free"], 403),
    ] {
        assert_eq!(
            ask(RULES, &granted, &[], &batch(tools)).0,
            status,
            "{tools:?}"
        );
    }
}

#[test]
fn what_two_parsers_may_read_differently_is_refused() {
    let named = |params: &str| format!(r#"{{"id":1,"method":"tools/call","params":{params}}}"#);
    for body in [
        "not JSON".to_owned(),
        format!("\u{feff}{}", call("add")),
        format!("{}{}", call("free"), call("add")),
        r#"{"method":"ping","method":"tools/call","params":{"name":"add"}}"#.to_owned(),
        r#"{"Method":"tools/call","params":{"name":"add"}}"#.to_owned(),
        r#"{"method":"ping","METHOD":"tools/call","params":{"name":"add"}}"#.to_owned(),
        r#"{"method":"tools/call","params":{"name":"free"},"paramſ":{"name":"add"}}"#.to_owned(),
        r#"{"method":["tools/call"],"params":{"name":"add"}}"#.to_owned(),
        r#"{"method":"tools/call"}"#.to_owned(),
        named("{}"),
        named(r#"["add"]"#),
        named(r#"{"name":["add"]}"#),
        named(r#"{"name":"free","name":"add"}"#),
        named(r#"{"name":"free","NAME":"add"}"#),
        format!("[[{}]]", call("add")),
        r#"["tools/call"]"#.to_owned(),
        "3".to_owned(),
    ] {
        // All scopes that there are do not help: nobody knows what the server would do.
        let all = claims("mcp/read mcp/write mcp/admin");
        let (status, _, answer) = ask(RULES, &all, &[], &body);
        assert_eq!(status, 400, "{body}");
        assert!(
            answer["error"]["code"].as_i64().unwrap() <= -32600,
            "{body}"
        );
    }
    let compressed = [("content-encoding", "gzip")];
    assert_eq!(ask(RULES, &claims(""), &compressed, &call("free")).0, 415);
}

#[test]
fn what_calls_no_tool_passes_and_so_does_everything_without_rules() {
    for body in [
        "",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"method":"tools/call","Method":"x"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{"name":"add"}}"#,
        // A name written otherwise is the same name.
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fr\u0065e"}}"#,
    ] {
        assert_eq!(ask(RULES, &Value::Null, &[], body).0, 200, "{body}");
    }
    let escaped = r#"{"id":1,"m\u0065thod":"tools\/call","params":{"name":"\u0061dd"}}"#;
    assert_eq!(ask(RULES, &Value::Null, &[], escaped).0, 403);
    for body in ["not JSON", r#"{"method":"tools/call"}"#] {
        assert_eq!(ask("{}", &Value::Null, &[], body).0, 200, "{body}");
    }
}

#[test]
fn settings_that_cannot_be_read_start_nothing() {
    for wrong in ["[]", "{\"add\": \"mcp/read\"}", "mcp/read"] {
        let error = ToolScopes::from_environment(&environment(wrong)).unwrap_err();
        assert!(
            error.to_string().starts_with("MCPDEPLOY_TOOL_SCOPES is"),
            "{error}"
        );
    }
    let none = Environment::default();
    assert!(
        ToolScopes::from_environment(&none)
            .unwrap()
            .rules
            .is_empty()
    );
}

#[test]
fn patterns_are_of_whole_names() {
    for (pattern, name, expected) in [
        ("add", "add", true),
        ("add", "adds", false),
        ("*", "", true),
        ("*", "anything/at.all", true),
        ("a*c", "abcbc", true),
        ("a*c", "abcbd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*_all", "delete_all", true),
        ("*_all", "delete_all_", false),
        ("**", "x", true),
        ("é?", "éa", true),
    ] {
        assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
    }
}
