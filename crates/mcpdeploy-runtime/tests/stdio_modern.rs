//! The era without a handshake, over a server that knows only the other one.

use serde_json::{Value, json};

use crate::lambda::{Answer, Function, event};
use crate::stdio::{HEADERS, function, said};

const VERSION: &str = "2026-07-28";

/// A request of the era, and what a test changes about it.
pub(crate) struct Asked {
    headers: Vec<(&'static str, String)>,
    body: Value,
}

pub(crate) fn request(method: &'static str, mut params: Value) -> Asked {
    let mut headers: Vec<(&'static str, String)> = HEADERS
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    headers.push(("mcp-protocol-version", VERSION.to_owned()));
    headers.push(("mcp-method", method.to_owned()));
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        headers.push(("mcp-name", name.to_owned()));
    }
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
    });
    Asked {
        headers,
        body: json!({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}),
    }
}

impl Asked {
    fn header(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.retain(|(have, _)| *have != name);
        self.headers
            .extend(value.map(|value| (name, value.to_owned())));
        self
    }

    pub(crate) fn meta(mut self, name: &str, value: Value) -> Self {
        self.body["params"]["_meta"][name] = value;
        self
    }

    pub(crate) fn of(self, function: &mut Function) -> Answer {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        function.ask(&event(
            "POST",
            "/mcp",
            &headers,
            Some(&self.body.to_string()),
        ))
    }
}

#[test]
fn discovery_is_what_the_server_said_when_greeted() {
    let mut function = function(&[]);
    let answer = request("server/discover", json!({})).of(&mut function);
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.json(),
        json!({
            "jsonrpc": "2.0",
            "id": 9,
            "result": {
                "supportedVersions": [VERSION],
                "capabilities": {"tools": {}, "resources": {}},
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "stdio-test", "version": "1.2.3"}},
                "instructions": "be kind",
                "resultType": "complete",
                "ttlMs": 0,
                "cacheScope": "private",
            },
        })
    );
}

#[test]
fn results_are_as_the_era_has_them() {
    let mut function = function(&[]);
    let listed = request("tools/list", json!({})).of(&mut function).json();
    assert_eq!(listed["result"]["tools"][0]["name"], "echo");
    assert_eq!(listed["result"]["resultType"], "complete");
    assert_eq!(listed["result"]["ttlMs"], 0);
    assert_eq!(listed["result"]["cacheScope"], "private");
    let echoed = request("tools/call", json!({"name": "echo", "arguments": {"a": 1}}))
        .meta("progressToken", json!(1))
        .meta("mine", json!(2))
        .of(&mut function);
    assert_eq!(echoed.json()["result"]["resultType"], "complete");
    assert_eq!(echoed.json()["result"].get("ttlMs"), None);
    // The server gets what it knows.
    assert_eq!(
        said(&echoed),
        json!({"name": "echo", "arguments": {"a": 1}, "_meta": {"mine": 2}})
    );
}

#[test]
fn errors_are_as_the_era_has_them() {
    let mut function = function(&[]);
    for (asked, status, code) in [
        (request("no/such", json!({})), 404, -32601),
        (request("initialize", json!({})), 404, -32601),
        (request("ping", json!({})), 404, -32601),
        (request("subscriptions/listen", json!({})), 404, -32601),
        (
            request("tools/call", json!({"name": "no-such"})),
            200,
            -32602,
        ),
        (
            request("resources/read", json!({"uri": "a:b"})),
            200,
            -32602,
        ),
        (request("tools/call", json!({"name": "die"})), 200, -32603),
    ] {
        let what = asked.body.to_string();
        let answer = asked.of(&mut function);
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(answer.json()["error"]["code"], code, "{what}");
        assert_eq!(answer.json()["id"], 9, "{what}");
    }
}

#[test]
fn headers_have_to_say_what_the_body_says() {
    let mut function = function(&[]);
    let list = || request("tools/list", json!({}));
    let call = || request("tools/call", json!({"name": "echo"}));
    let version = "io.modelcontextprotocol/protocolVersion";
    let unsupported = list()
        .meta(version, json!("2099-01-01"))
        .header("mcp-protocol-version", Some("2099-01-01"));
    for (asked, status, code) in [
        (
            list().header("mcp-method", Some("tools/call")),
            400,
            Some(-32020),
        ),
        (list().header("mcp-method", None), 400, Some(-32020)),
        (
            list().header("mcp-protocol-version", None),
            400,
            Some(-32020),
        ),
        (list().meta(version, json!("1999-01-01")), 400, Some(-32020)),
        (call().header("mcp-name", Some("other")), 400, Some(-32020)),
        (call().header("mcp-name", None), 400, Some(-32020)),
        (
            call().header("mcp-name", Some("=?base64?ZWNobw==?=")),
            200,
            None,
        ),
        (
            call().header("mcp-name", Some("=?base64?*?=")),
            400,
            Some(-32020),
        ),
        (list().meta(version, Value::Null), 400, Some(-32602)),
        (
            list().meta("io.modelcontextprotocol/clientCapabilities", Value::Null),
            400,
            Some(-32602),
        ),
        (unsupported, 400, Some(-32022)),
        (list().header("mcp-session-id", Some("none")), 200, None),
        (list(), 200, None),
    ] {
        let what = format!("{:?} {}", asked.headers, asked.body);
        let answer = asked.of(&mut function);
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(answer.json()["error"]["code"].as_i64(), code, "{what}");
        if code == Some(-32022) {
            let data = json!({"supported": [VERSION], "requested": "2099-01-01"});
            assert_eq!(answer.json()["error"]["data"], data);
        }
    }
}
