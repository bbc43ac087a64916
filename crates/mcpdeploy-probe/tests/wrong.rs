//! Servers that are wrong in one way each: exactly the check for it says so.

use std::collections::BTreeSet;

use mcpdeploy_probe::{CheckId, Options};
use mcpdeploy_testkit::server::{Req, Resp, Server, Twist};
use serde_json::{Value, json};

use crate::right::{BOTH, Good, Right, not_passed, options, probe, tools};

/// A way to be wrong.
struct Wrong {
    /// The check that finds it, and what it says.
    id: &'static str,
    how: &'static str,
    /// What is found beside it, as a consequence.
    also: &'static [(&'static str, &'static str)],
    good: Good,
    twist: Twist,
}

fn wrong(id: &'static str, how: &'static str, twist: Twist) -> Wrong {
    Wrong {
        id,
        how,
        also: &[],
        good: BOTH,
        twist,
    }
}

/// The message is an answer to that method, in that era.
fn is(req: &Req, resp: &Resp, modern: bool, method: &str) -> bool {
    resp.status == 200 && req.is_modern() == modern && req.rpc() == method
}

fn edit(req: &Req, resp: &mut Resp, modern: bool, method: &str, change: fn(&mut Value)) {
    if is(req, resp, modern, method) {
        resp.edit(|message| change(&mut message["result"]));
    }
}

/// Answers as if all were well.
fn well(req: &Req, resp: &mut Resp) {
    let result = json!({"resultType": "complete", "content": []});
    *resp = Resp::json(
        200,
        &json!({"jsonrpc": "2.0", "id": req.json()["id"], "result": result}),
    );
}

fn names_no_tool(req: &Req) -> bool {
    req.rpc() == "tools/call" && req.json()["params"]["name"].is_null()
}

fn names_unknown_tool(req: &Req) -> bool {
    req.json()["params"]["name"] == "mcpdeploy-no-such-tool"
}

fn is_discovery_with(req: &Req, test: impl Fn(&Value) -> bool) -> bool {
    req.rpc() == "server/discover" && test(&req.json()["params"]["_meta"])
}

fn version_of(meta: &Value) -> &Value {
    &meta["io.modelcontextprotocol/protocolVersion"]
}

fn legacy() -> Vec<Wrong> {
    vec![
        wrong("legacy.initialize", "failed", |req, resp| {
            edit(req, resp, false, "initialize", |result| {
                result["serverInfo"] = json!({"name": "x"});
            });
        }),
        wrong("legacy.initialize", "failed", |req, resp| {
            edit(req, resp, false, "initialize", |result| {
                result["capabilities"] = json!({"tools": {}, "resources": {}, "prompts": {}});
                result["serverInfo"]["name"] = json!("");
            });
        }),
        wrong("legacy.initialized", "failed", |req, resp| {
            if req.rpc() == "notifications/initialized" {
                resp.status = 200;
            }
        }),
        wrong("legacy.initialized", "warned", |req, resp| {
            if req.rpc() == "notifications/initialized" {
                "ok".clone_into(&mut resp.body);
            }
        }),
        wrong("legacy.negotiation", "failed", |req, resp| {
            let asked = req.json()["params"]["protocolVersion"].clone();
            if is(req, resp, false, "initialize") && asked == "1999-01-01" {
                resp.edit(|message| message["result"]["protocolVersion"] = asked);
            }
        }),
        wrong("legacy.ping", "warned", |req, resp| {
            edit(req, resp, false, "ping", |result| *result = json!({"a": 1}));
        }),
        // An id of text comes back as another one.
        wrong("legacy.ping", "failed", |req, resp| {
            if is(req, resp, false, "ping") && req.json()["id"].is_string() {
                resp.edit(|message| message["id"] = json!(0));
            }
        }),
        wrong("legacy.unknown-session", "failed", |req, resp| {
            if req.header("mcp-session-id") == Some("mcpdeploy-no-such-session") && !req.is_modern()
            {
                well(req, resp);
            }
        }),
        wrong("legacy.unknown-session", "warned", |req, resp| {
            if req.header("mcp-session-id") == Some("mcpdeploy-no-such-session") && !req.is_modern()
            {
                resp.status = 400;
            }
        }),
        wrong("legacy.bad-version", "failed", |req, resp| {
            if req.header("mcp-protocol-version") == Some("1999-01-01") {
                well(req, resp);
            }
        }),
    ]
}

/// Ways that are the same in both eras: each is made in both.
fn common() -> Vec<(&'static str, &'static str, Twist)> {
    vec![
        ("tools-list", "failed", |req, resp| {
            if req.rpc() == "tools/list" && resp.status == 200 {
                resp.edit(|message| message["result"]["nextCursor"] = json!("2"));
            }
        }),
        ("tool-definitions", "failed", |req, resp| {
            if req.rpc() == "tools/list" && resp.status == 200 {
                resp.edit(|message| {
                    message["result"]["tools"][0]["inputSchema"]["required"] = json!("a");
                });
            }
        }),
        ("tool-definitions", "warned", |req, resp| {
            if req.rpc() == "tools/list" && resp.status == 200 {
                resp.edit(|message| message["result"]["tools"][0]["description"] = json!(""));
            }
        }),
        ("tools-call[add]", "failed", |req, resp| {
            if req.rpc() == "tools/call" && resp.status == 200 {
                resp.edit(|message| {
                    message["result"]["structuredContent"] = json!({"result": "2"});
                });
            }
        }),
        ("tools-call[add]", "failed", |req, resp| {
            if req.rpc() == "tools/call" && resp.status == 200 {
                resp.edit(|message| message["result"]["content"] = json!([{"type": "text"}]));
            }
        }),
        ("tools-call[add]", "warned", |req, resp| {
            if req.rpc() == "tools/call" && resp.status == 200 {
                resp.edit(|message| {
                    message["result"] = Value::Null;
                    message["error"] = json!({"code": -32602, "message": "too small"});
                });
            }
        }),
        ("resources-list", "failed", |req, resp| {
            if req.rpc() == "resources/list" && resp.status == 200 {
                resp.edit(|message| {
                    let one = json!({"uri": "data://x", "name": "x"});
                    message["result"]["resources"] = json!([one, one]);
                });
            }
        }),
        ("resources-read", "failed", |req, resp| {
            if req.rpc() == "resources/read" && resp.status == 200 {
                resp.edit(|message| {
                    message["result"]["contents"] = json!([{"uri": "data://x"}]);
                });
            }
        }),
        ("prompts-list", "failed", |req, resp| {
            if req.rpc() == "prompts/list" && resp.status == 200 {
                resp.edit(|message| message["result"]["prompts"] = json!([{}]));
            }
        }),
        ("unknown-method", "failed", |req, resp| {
            if req.rpc() == "mcpdeploy/no-such-method" {
                resp.edit(|message| message["error"]["code"] = json!(-32000));
            }
        }),
        ("unknown-tool", "failed", |req, resp| {
            let right = req
                .header("mcp-name")
                .is_none_or(|n| n == "mcpdeploy-no-such-tool");
            let modern = req.header("mcp-method").is_some();
            if names_unknown_tool(req) && right && (!modern || req.header("mcp-name").is_some()) {
                well(req, resp);
            }
        }),
        ("bad-params", "warned", |req, resp| {
            if names_no_tool(req) {
                resp.edit(|message| message["error"]["code"] = json!(-32603));
            }
        }),
        ("bad-params", "failed", |req, resp| {
            if names_no_tool(req) {
                well(req, resp);
            }
        }),
        ("malformed-json", "failed", |req, resp| {
            if req.method == "POST" && req.json().is_null() {
                resp.status = 500;
            }
        }),
        ("malformed-json", "warned", |req, resp| {
            if req.method == "POST" && req.json().is_null() {
                resp.status = 200;
            }
        }),
        ("wrong-accept", "failed", |req, resp| {
            if req.header("accept") == Some("image/png") {
                resp.status = 500;
            }
        }),
        ("get", "failed", |req, resp| {
            if req.method == "GET" {
                resp.status = 500;
            }
        }),
        ("delete", "failed", |req, resp| {
            if req.method == "DELETE" {
                resp.status = 500;
            }
        }),
    ]
}

fn modern() -> Vec<Wrong> {
    vec![
        wrong("modern.discover", "failed", |req, resp| {
            edit(req, resp, true, "server/discover", |result| {
                result["ttlMs"] = json!(-1);
            });
        }),
        wrong("modern.discover", "warned", |req, resp| {
            edit(req, resp, true, "server/discover", |result| {
                result["_meta"] = json!({});
            });
        }),
        wrong("modern.no-session", "warned", |req, resp| {
            if req.header("mcp-session-id").is_some() && req.rpc() == "server/discover" {
                *resp = resp.clone().header("mcp-session-id", "x");
            }
        }),
        wrong("modern.required-meta", "failed", |req, resp| {
            let lacks = |meta: &Value| meta["io.modelcontextprotocol/clientCapabilities"].is_null();
            if is_discovery_with(req, |meta| meta.is_object() && lacks(meta)) {
                well(req, resp);
            }
        }),
        wrong("modern.unsupported-version", "failed", |req, resp| {
            if req.header("mcp-protocol-version") == Some("2099-01-01") {
                resp.edit(|message| message["error"]["data"] = json!({"supported": []}));
            }
        }),
        wrong("modern.version-header", "failed", |req, resp| {
            let other = |meta: &Value| version_of(meta) == "2099-01-01";
            if req.header("mcp-protocol-version") == Some("2026-07-28")
                && is_discovery_with(req, other)
            {
                resp.edit(|message| message["error"]["code"] = json!(-32022));
            }
        }),
        wrong("modern.method-header", "failed", |req, resp| {
            if req.header("mcp-method").is_none() && req.rpc() == "server/discover" {
                well(req, resp);
            }
        }),
        wrong("modern.name-header", "failed", |req, resp| {
            if req.header("mcp-name") == Some("mcpdeploy-another-tool") {
                resp.edit(|message| message["error"]["code"] = json!(-32602));
            }
        }),
        wrong("modern.unknown-method", "failed", |req, resp| {
            if req.rpc() == "mcpdeploy/no-such-method" && req.is_modern() {
                resp.status = 200;
            }
        }),
        wrong("modern.tools-list", "failed", |req, resp| {
            if is(req, resp, true, "tools/list") {
                resp.edit(|message| message["result"]["cacheScope"] = Value::Null);
            }
        }),
        wrong("modern.get", "warned", |req, resp| {
            if req.method == "GET" && req.is_modern() {
                resp.status = 404;
            }
        }),
        wrong("modern.delete", "warned", |req, resp| {
            if req.method == "DELETE" && req.is_modern() {
                resp.status = 409;
            }
        }),
    ]
}

fn transport() -> Vec<Wrong> {
    vec![
        wrong("transport.foreign-origin", "warned", |req, resp| {
            if req.header("origin") == Some("https://mcpdeploy-probe.invalid") {
                well(req, resp);
            }
        }),
        wrong("transport.content-types", "failed", |req, resp| {
            if is(req, resp, true, "prompts/list") {
                *resp = resp.clone().header("content-type", "text/plain");
            }
        }),
        wrong("transport.cors[https://app.test]", "failed", |req, resp| {
            if req.method == "OPTIONS" {
                *resp = resp
                    .clone()
                    .header("access-control-allow-headers", "Content-Type");
            }
        }),
        wrong("transport.cors[https://app.test]", "failed", |req, resp| {
            if req.method == "POST" {
                resp.headers
                    .retain(|(name, _)| !name.contains("allow-origin"));
            }
        }),
        wrong("transport.cors[https://app.test]", "warned", |req, resp| {
            if req.method == "POST" {
                resp.headers.retain(|(name, _)| !name.contains("expose"));
            }
        }),
    ]
}

/// The ids that are found when the server is wrong in that way, without what is skipped anyway.
fn found(
    good: Good,
    twist: impl Fn(&Req, &mut Resp) + Send + Sync + 'static,
) -> Vec<(String, &'static str)> {
    let right = Right::new(good);
    let server = Server::start(move |req| {
        let mut resp = right.answer(req);
        twist(req, &mut resp);
        resp
    });
    let report = probe(
        &server.url(),
        Options {
            cors_origins: vec!["https://app.test".to_owned()],
            latency_calls: 1,
            ..options()
        },
    );
    let mut found = not_passed(&report);
    found.retain(|(_, how)| *how != "skipped");
    found
}

#[test]
fn each_wrong_is_found_by_its_check_and_by_no_other() {
    for Wrong {
        id,
        how,
        also,
        good,
        twist,
    } in legacy().into_iter().chain(modern()).chain(transport())
    {
        let mut expected = vec![(id.to_owned(), how)];
        expected.extend(also.iter().map(|(id, how)| ((*id).to_owned(), *how)));
        assert_eq!(found(good, twist), expected, "{id} {how}");
    }
}

#[test]
fn what_is_wrong_in_one_era_is_found_in_that_one() {
    for (name, how, twist) in common() {
        for (era, is_modern) in [("legacy", false), ("modern", true)] {
            let only = move |req: &Req, resp: &mut Resp| {
                if req.is_modern() == is_modern {
                    twist(req, resp);
                }
            };
            let expected = vec![(format!("{era}.{name}"), how)];
            assert_eq!(found(BOTH, only), expected, "{era}.{name} {how}");
        }
    }
}

#[test]
fn a_session_that_was_ended_must_not_answer() {
    let twist = |req: &Req, resp: &mut Resp| {
        if req.rpc() == "ping" && resp.status == 404 {
            well(req, resp);
        }
    };
    let ids: Vec<String> = found(BOTH, twist).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["legacy.unknown-session", "legacy.delete"]);
}

#[test]
fn a_tool_that_has_no_good_schema_is_not_called() {
    let twist = |req: &Req, resp: &mut Resp| {
        if req.rpc() == "tools/list" && resp.status == 200 {
            let mut all = tools();
            all[0]["inputSchema"]["properties"]["a"] = json!(false);
            resp.edit(|message| message["result"]["tools"] = json!([all[0]]));
            resp.edit(|message| message["result"]["nextCursor"] = Value::Null);
        }
    };
    assert_eq!(found(BOTH, twist), []);
}

#[test]
fn every_check_has_a_server_that_is_wrong_for_it() {
    let mut tried: BTreeSet<String> = legacy()
        .iter()
        .chain(&modern())
        .chain(&transport())
        .map(|wrong| wrong.id.to_owned())
        .collect();
    for (name, _, _) in common() {
        tried.insert(format!("legacy.{name}"));
        tried.insert(format!("modern.{name}"));
    }
    let tried: BTreeSet<&str> = tried
        .iter()
        .map(|id| id.split('[').next().unwrap())
        .collect();
    // These have tests of their own, in `transport` and `login`.
    let elsewhere = [
        "transport.connect",
        "transport.speaks-mcp",
        "transport.latency",
    ];
    for id in CheckId::all() {
        let id = id.to_string();
        assert!(
            tried.contains(id.as_str())
                || elsewhere.contains(&id.as_str())
                || id.starts_with("login."),
            "no server is wrong for {id}"
        );
    }
}
