//! Scopes of tools, before either bridge.

use serde_json::{Value, json};

use crate::lambda::{Function, event, script};

const RULES: (&str, &str) = ("MCPDEPLOY_TOOL_SCOPES", r#"{"*": ["mcp/write"]}"#);
const METADATA: (&str, &str) = ("MCPDEPLOY_RESOURCE_METADATA", "https://x.example/meta");

fn call(path: &str, scope: &str) -> Value {
    let headers = [("host", "x.example"), ("content-type", "application/json")];
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "echo", "arguments": {}},
    });
    let mut event = event("POST", path, &headers, Some(&body.to_string()));
    event["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"scope": scope}}});
    event
}

#[test]
fn both_bridges_ask_for_them() {
    for (role, server, path) in [
        ("http", "http_server.py", "/echo"),
        ("stdio", "stdio_server.py", "/mcp"),
    ] {
        let command = script(server, &[]);
        let variables = [("MCPDEPLOY_COMMAND", command.as_str()), RULES, METADATA];
        let mut function = Function::start(role, &variables);
        let refused = function.ask(&call(path, "mcp/read"));
        assert_eq!(refused.status(), 403, "{role}");
        assert_eq!(
            refused.0["headers"]["www-authenticate"],
            "Bearer error=\"insufficient_scope\", scope=\"mcp/write mcp/read\", \
             resource_metadata=\"https://x.example/meta\""
        );
        assert_eq!(refused.json()["error"]["code"], -32003);
        let taken = function.ask(&call(path, "mcp/write"));
        assert_eq!(taken.status(), 200, "{role}");
    }
}

#[test]
fn rules_that_cannot_be_read_are_an_init_error() {
    let command = script("http_server.py", &[]);
    let variables = [
        ("MCPDEPLOY_COMMAND", command.as_str()),
        ("MCPDEPLOY_TOOL_SCOPES", "mcp/write"),
    ];
    let function = Function::start("http", &variables);
    let posted = function.posted();
    assert!(posted.path.ends_with("/init/error"), "{}", posted.path);
    let told = posted.json();
    let why = told["errorMessage"].as_str().unwrap();
    assert!(why.starts_with("MCPDEPLOY_TOOL_SCOPES is"), "{told}");
}
