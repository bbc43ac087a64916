//! A server that does everything right, in both eras, and how it is probed.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcpdeploy_probe::{Options, Outcome, Probe, Report};
use mcpdeploy_testkit::server::{Req, Resp};
use serde_json::{Value, json};

const HANDSHAKES: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const MODERN: &str = "2026-07-28";
const META: &str = "io.modelcontextprotocol/";

/// What the good server is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Good {
    pub(crate) sessions: bool,
    pub(crate) legacy: bool,
    pub(crate) modern: bool,
    /// Answers as event streams, after a comment and a notification.
    pub(crate) streams: bool,
}

pub(crate) const BOTH: Good = Good {
    sessions: true,
    legacy: true,
    modern: true,
    streams: false,
};

/// The server's state and its answers.
pub(crate) struct Right {
    good: Good,
    pub(crate) sessions: Mutex<BTreeSet<String>>,
    /// How many sessions there were.
    pub(crate) count: AtomicUsize,
    pub(crate) calls: Mutex<Vec<String>>,
}

pub(crate) fn tools() -> Value {
    let number = json!({"type": "number"});
    json!([
        {
            "name": "add",
            "description": "adds",
            "inputSchema": {"type": "object", "properties": {"a": number, "b": number}, "required": ["a", "b"]},
            "outputSchema": {"type": "object", "properties": {"result": number}, "required": ["result"]},
            "annotations": {"readOnlyHint": true},
        },
        {
            "name": "note",
            "description": "takes a note",
            "inputSchema": {"type": "object", "properties": {"region": {"type": "string", "enum": ["eu"], "x-mcp-header": "Region"}}, "required": ["region"]},
        },
        {
            "name": "wipe",
            "description": "removes all",
            "inputSchema": {"type": "object"},
            "annotations": {"destructiveHint": true},
        },
    ])
}

fn error(status: u16, id: &Value, code: i64, data: Value) -> Resp {
    let mut error = json!({"code": code, "message": "no"});
    if !data.is_null() {
        error["data"] = data;
    }
    Resp::json(status, &json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

impl Right {
    pub(crate) fn new(good: Good) -> Self {
        Self {
            good,
            sessions: Mutex::default(),
            count: AtomicUsize::new(0),
            calls: Mutex::default(),
        }
    }

    pub(crate) fn answer(&self, req: &Req) -> Resp {
        if req.path != "/mcp" {
            return Resp::json(404, &json!({"message": "Not Found"}));
        }
        if req
            .header("origin")
            .is_some_and(|o| o != "https://app.test")
        {
            return Resp::empty(403);
        }
        let mut resp = match req.method.as_str() {
            "OPTIONS" => Resp::empty(204)
                .header("access-control-allow-methods", "POST, GET")
                .header(
                    "access-control-allow-headers",
                    "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID",
                ),
            "DELETE" => self.delete(req),
            "POST" => self.post(req),
            _ => Resp::empty(405).header("allow", "POST"),
        };
        if req.header("origin").is_some() {
            resp = resp
                .header("access-control-allow-origin", "https://app.test")
                .header(
                    "access-control-expose-headers",
                    "Mcp-Session-Id, WWW-Authenticate",
                );
        }
        resp
    }

    fn delete(&self, req: &Req) -> Resp {
        match req.header("mcp-session-id") {
            Some(session) if self.good.sessions && !req.is_modern() => {
                let known = self.sessions.lock().unwrap().remove(session);
                Resp::empty(if known { 200 } else { 404 })
            }
            _ => Resp::empty(405).header("allow", "POST"),
        }
    }

    fn post(&self, req: &Req) -> Resp {
        if !req.header("accept").unwrap_or_default().contains("json") {
            return Resp::empty(406);
        }
        let Ok(message) = serde_json::from_str::<Value>(&req.body) else {
            return error(400, &Value::Null, -32700, Value::Null);
        };
        let resp = if self.good.modern && req.is_modern() {
            self.modern(req, &message)
        } else if self.good.legacy {
            self.legacy(req, &message)
        } else {
            error(400, &message["id"], -32020, Value::Null)
        };
        if self.good.streams && resp.status == 200 {
            let notice = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
            let body = format!(
                ": hello\n\ndata: {notice}\n\nevent: message\ndata: {}\n\n",
                resp.body
            );
            // It stays open: the client has to leave by itself.
            return Resp {
                body,
                open: true,
                ..resp.header("content-type", "text/event-stream")
            };
        }
        resp
    }

    fn legacy(&self, req: &Req, message: &Value) -> Resp {
        let id = &message["id"];
        let method = message["method"].as_str().unwrap_or_default();
        if method == "initialize" {
            let asked = message["params"]["protocolVersion"]
                .as_str()
                .unwrap_or_default();
            let version = if HANDSHAKES.contains(&asked) {
                asked
            } else {
                HANDSHAKES[3]
            };
            let result = json!({
                "protocolVersion": version,
                "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
                "serverInfo": {"name": "good", "version": "1.0"},
            });
            let resp = Resp::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result}));
            if !self.good.sessions {
                return resp;
            }
            let session = format!("s-{}", self.count.fetch_add(1, Ordering::SeqCst));
            self.sessions.lock().unwrap().insert(session.clone());
            return resp.header("mcp-session-id", &session);
        }
        let version = req.header("mcp-protocol-version").unwrap_or("2025-03-26");
        if !HANDSHAKES.contains(&version) {
            return error(400, id, -32600, Value::Null);
        }
        if self.good.sessions {
            match req.header("mcp-session-id") {
                None => return error(400, id, -32600, Value::Null),
                Some(session) if !self.sessions.lock().unwrap().contains(session) => {
                    return error(404, id, -32001, Value::Null);
                }
                Some(_) => {}
            }
        }
        if id.is_null() {
            return Resp::empty(202);
        }
        match (method, self.result(method, &message["params"])) {
            ("ping", _) => Resp::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": {}})),
            (_, Ok(result)) => {
                Resp::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result}))
            }
            (_, Err(code)) => error(200, id, code, Value::Null),
        }
    }

    fn modern(&self, req: &Req, message: &Value) -> Resp {
        let id = &message["id"];
        let method = message["method"].as_str().unwrap_or_default();
        let params = &message["params"];
        let meta = &params["_meta"];
        let version = &meta[format!("{META}protocolVersion")];
        if version.is_null() || !meta[format!("{META}clientCapabilities")].is_object() {
            return error(400, id, -32602, Value::Null);
        }
        let named = match method {
            "tools/call" => &params["name"],
            "resources/read" => &params["uri"],
            _ => &Value::Null,
        };
        if req.header("mcp-protocol-version") != version.as_str()
            || req.header("mcp-method") != Some(method)
            || (!named.is_null() && req.header("mcp-name") != named.as_str())
            || (params["name"] == "note"
                && req.header("mcp-param-region") != params["arguments"]["region"].as_str())
        {
            return error(400, id, -32020, Value::Null);
        }
        if version != MODERN {
            return error(
                400,
                id,
                -32022,
                json!({"supported": [MODERN], "requested": version}),
            );
        }
        let result = match method {
            "server/discover" => Ok(json!({
                "supportedVersions": [MODERN],
                "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
                "_meta": {format!("{META}serverInfo"): {"name": "good", "version": "1.0"}},
            })),
            _ => self.result(method, params),
        };
        match result {
            Ok(mut result) => {
                result["resultType"] = json!("complete");
                if method != "tools/call" {
                    result["ttlMs"] = json!(0);
                    result["cacheScope"] = json!("private");
                }
                Resp::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result}))
            }
            Err(-32601) => error(404, id, -32601, Value::Null),
            Err(code) => error(400, id, code, Value::Null),
        }
    }

    fn result(&self, method: &str, params: &Value) -> Result<Value, i64> {
        let all = tools();
        let tools = all.as_array().unwrap();
        Ok(match method {
            "tools/list" => match params["cursor"].as_str() {
                None => json!({"tools": tools[..2], "nextCursor": "2"}),
                Some("2") => json!({"tools": tools[2..]}),
                Some(_) => return Err(-32602),
            },
            "tools/call" => {
                let name = params["name"].as_str().unwrap_or_default();
                if !tools.iter().any(|tool| tool["name"] == name) {
                    return Err(-32602);
                }
                self.calls.lock().unwrap().push(name.to_owned());
                let sum = params["arguments"]["a"].as_f64().unwrap_or_default()
                    + params["arguments"]["b"].as_f64().unwrap_or_default();
                let mut result = json!({"content": [{"type": "text", "text": "done"}]});
                if name == "add" {
                    result["structuredContent"] = json!({"result": sum});
                }
                result
            }
            "resources/list" => json!({"resources": [{"uri": "data://x", "name": "x"}]}),
            "resources/read" => json!({"contents": [{"uri": params["uri"], "text": "x"}]}),
            "prompts/list" => json!({"prompts": [{"name": "p"}]}),
            _ => return Err(-32601),
        })
    }
}

pub(crate) fn options() -> Options {
    Options {
        latency_calls: 3,
        ..Options::default()
    }
}

pub(crate) fn probe(url: &str, options: Options) -> Report {
    Probe::new(url, options).unwrap().run(&mut |_| {})
}

/// What did not pass, with its subject.
pub(crate) fn not_passed(report: &Report) -> Vec<(String, &'static str)> {
    let checks = report.checks.iter().filter_map(|check| {
        let how = match check.outcome {
            Outcome::Passed { .. } => return None,
            Outcome::Warned { .. } => "warned",
            Outcome::Failed { .. } => "failed",
            Outcome::Skipped { .. } => "skipped",
        };
        let subject = check.subject.as_ref().map(|s| format!("[{s}]"));
        Some((format!("{}{}", check.id, subject.unwrap_or_default()), how))
    });
    checks.collect()
}
