//! A server that knows only the era without a handshake, behind its bridge, and clients of both.

use serde_json::{Value, json};

use crate::lambda::{Function, script};
use crate::stdio::{request, said};
use crate::stdio_modern;

const META: &str = "io.modelcontextprotocol/";

pub(crate) fn function() -> Function {
    let command = script("stdio_modern_server.py", &[]);
    Function::start("stdio", &[("MCPDEPLOY_COMMAND", command.as_str())])
}

fn legacy(function: &mut Function, method: &str, params: &Value) -> Value {
    let answer = function.ask(&request(&json!(7), method, params));
    assert_eq!(answer.status(), 200, "{}", answer.json());
    answer.json()
}

#[test]
fn a_client_that_greets_is_answered_in_its_era() {
    let mut function = function();
    let me = json!({"name": "t", "version": "0"});
    let greeting = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": me});
    assert_eq!(
        legacy(&mut function, "initialize", &greeting)["result"],
        json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}, "resources": {}},
            "serverInfo": {"name": "modern-only", "version": "2.0"},
            "instructions": "be modern",
        })
    );
    assert_eq!(
        legacy(&mut function, "ping", &json!({}))["result"],
        json!({})
    );
    let listed = legacy(&mut function, "tools/list", &json!({}));
    let names: Vec<&String> = listed["result"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["tools"]);

    let params =
        json!({"name": "echo", "arguments": {"a": 1}, "_meta": {"mine": 2, "progressToken": 3}});
    let answer = function.ask(&request(&json!(7), "tools/call", &params));
    let heard = said(&answer);
    assert_eq!(heard["arguments"], json!({"a": 1}));
    let meta = heard["_meta"].as_object().unwrap();
    assert_eq!(meta[&format!("{META}protocolVersion")], "2026-07-28");
    assert_eq!(meta[&format!("{META}clientCapabilities")], json!({}));
    assert_eq!(meta["mine"], 2);
    assert!(!meta.contains_key("progressToken"), "{heard}");

    let more = legacy(&mut function, "tools/call", &json!({"name": "more"}));
    assert_eq!(more["error"]["code"], -32603, "{more}");
    let unknown = legacy(&mut function, "logging/setLevel", &json!({"level": "info"}));
    assert_eq!(unknown["error"]["code"], -32601);
}

#[test]
fn a_client_of_its_era_reaches_it_as_it_is() {
    let mut function = function();
    let found = stdio_modern::request("server/discover", json!({})).of(&mut function);
    assert_eq!(found.json()["result"]["instructions"], "be modern");
    let listed = stdio_modern::request("tools/list", json!({})).of(&mut function);
    // What the server says of keeping its lists is the server's to say.
    assert_eq!(listed.json()["result"]["ttlMs"], 60000);
    assert_eq!(listed.json()["result"]["cacheScope"], "public");
    let echoed = stdio_modern::request("tools/call", json!({"name": "echo"}))
        .meta("progressToken", json!(1))
        .of(&mut function);
    let meta = said(&echoed)["_meta"].clone();
    assert_eq!(
        meta[format!("{META}clientInfo")],
        json!({"name": "t", "version": "0"})
    );
    assert_eq!(meta.get("progressToken"), None);
    let more = stdio_modern::request("tools/call", json!({"name": "more"})).of(&mut function);
    assert_eq!(more.json()["result"]["resultType"], "input_required");
}
