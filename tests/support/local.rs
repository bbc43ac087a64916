//! A project with an embedded cloud of its own.

use std::ops::Deref;

use serde_json::{Value, json};

use super::http::{self, Response};
use super::project::{Project, Ran};

/// A project whose embedded cloud ends with it.
pub(crate) struct Local(Project);

impl Local {
    pub(crate) fn new(config: &str) -> Self {
        Self::of(Project::offline(config))
    }

    /// Of a project with an environment of its own.
    pub(crate) fn of(project: Project) -> Self {
        Self(project)
    }

    pub(crate) fn deployed(config: &str) -> Self {
        let local = Self::new(config);
        local.there(&["deploy", "--auto-approve"]).ok();
        local
    }

    /// Runs the binary with `--local`.
    pub(crate) fn there(&self, args: &[&str]) -> Ran {
        self.run(&[&["--local"], args].concat())
    }

    /// An output of what is deployed.
    pub(crate) fn output(&self, name: &str) -> String {
        let ran = self.there(&["output", name, "--raw"]).ok();
        ran.stdout.trim().to_owned()
    }

    pub(crate) fn url(&self) -> String {
        self.output("mcp_url")
    }

    /// What `local status` says; null when the cloud is down.
    pub(crate) fn status(&self) -> Value {
        let ran = self.run(&["local", "status", "--json"]);
        let events = ran.events();
        let result = events.into_iter().find(|event| event["event"] == "result");
        result.expect("a status")["data"].clone()
    }

    /// Calls the cloud past the binary: a service that speaks JSON 1.1.
    pub(crate) fn aws(&self, target: &str, input: &Value) -> Value {
        let status = self.status();
        let endpoint = status["endpoint"].as_str().expect("an address");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ];
        let body = input.to_string();
        let answer = http::request("POST", endpoint, &headers, body.as_bytes());
        answer.expect("the cloud answers").json()
    }

    /// What a function has logged, as CloudWatch has it.
    pub(crate) fn log(&self, function: &str) -> String {
        let wanted = json!({"logGroupName": format!("/aws/lambda/{function}")});
        let answer = self.aws("Logs_20140328.FilterLogEvents", &wanted);
        let events = answer["events"].as_array().expect("events");
        let lines = events.iter().filter_map(|event| event["message"].as_str());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Calls a tool.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Response {
        call(&self.url(), &[], tool, arguments)
    }
}

/// Calls a tool as a client of 2026-07-28 does, which needs no handshake, with more headers.
pub(crate) fn call(url: &str, headers: &[(&str, &str)], tool: &str, arguments: &Value) -> Response {
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            },
        },
    });
    let usual = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ];
    let headers = [&usual[..], headers].concat();
    let answer = http::request("POST", url, &headers, body.to_string().as_bytes());
    answer.expect("the gateway answers")
}

impl Deref for Local {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.0.run(&["local", "down"]);
    }
}
