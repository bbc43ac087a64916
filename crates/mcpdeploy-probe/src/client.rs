//! A client of one era: how its requests look.

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use ureq::http::Method;

use crate::catalog::Era;
use crate::http::{Http, Reply, Request};
use crate::message;
use crate::options::Options;
use crate::report::Outcome;

pub(crate) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const SERVER_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// A version that there never was.
pub(crate) const NO_VERSION: &str = "1999-01-01";

/// A client of one era.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) era: Era,
    /// The version that was agreed on.
    pub(crate) version: String,
    /// The session, where the server made one.
    pub(crate) session: Option<String>,
    /// What the server said that it can do.
    pub(crate) capabilities: Value,
    me: Value,
    next_id: Cell<u64>,
}

/// A request of JSON-RPC, and the id that its answer has to have.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) http: Request,
    pub(crate) id: Value,
    method: String,
}

impl Client {
    pub(crate) fn new(era: Era, options: &Options) -> Self {
        Self {
            era,
            version: era.version().to_owned(),
            session: None,
            capabilities: Value::Null,
            me: json!({"name": options.client.0, "version": options.client.1}),
            next_id: Cell::new(1),
        }
    }

    /// Whether the server said that it has that.
    pub(crate) fn has(&self, capability: &str) -> bool {
        self.capabilities
            .get(capability)
            .is_some_and(|value| !value.is_null())
    }

    /// What every request of the modern era tells of itself.
    pub(crate) fn meta(&self) -> Value {
        json!({VERSION_KEY: self.version, CLIENT_KEY: self.me, CAPABILITIES_KEY: {}})
    }

    /// The parameters of `initialize`.
    pub(crate) fn introduction(&self, version: &str) -> Value {
        json!({"protocolVersion": version, "capabilities": {}, "clientInfo": self.me})
    }

    /// A request of that method. In the modern era, `_meta` is put in when it is not there.
    pub(crate) fn call(&self, method: &str, params: Value) -> Call {
        let number = self.next_id.get();
        self.next_id.set(number + 1);
        self.call_with_id(method, params, json!(number))
    }

    pub(crate) fn call_with_id(&self, method: &str, params: Value, id: Value) -> Call {
        let mut params = match params {
            Value::Object(params) => params,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        };
        if self.era == Era::Modern && !params.contains_key("_meta") {
            params.insert("_meta".to_owned(), self.meta());
        }
        let params = Value::Object(params);
        let mut http = self.post();
        if self.era == Era::Modern {
            http = http.header("Mcp-Method", method);
            let named = match method {
                "tools/call" | "prompts/get" => params["name"].as_str(),
                "resources/read" => params["uri"].as_str(),
                _ => None,
            };
            if let Some(name) = named {
                http = http.header("Mcp-Name", header_value(name));
            }
        }
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        http.body = Some(body.to_string());
        http.awaits = Some(id.clone());
        Call {
            http,
            id,
            method: method.to_owned(),
        }
    }

    /// A notification of that method.
    pub(crate) fn notification(&self, method: &str) -> Request {
        let mut request = self.post();
        request.body = Some(json!({"jsonrpc": "2.0", "method": method}).to_string());
        request
    }

    /// A POST with the headers that all have, and no body yet.
    pub(crate) fn post(&self) -> Request {
        self.with_context(
            Request::new(Method::POST)
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream"),
        )
    }

    /// The request with what tells the server which client it is from.
    pub(crate) fn with_context(&self, request: Request) -> Request {
        let request = request.header("MCP-Protocol-Version", &self.version);
        match &self.session {
            Some(session) => request.header("Mcp-Session-Id", session),
            None => request,
        }
    }
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.http = self.http.header(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.http = self.http.without(name);
        self
    }

    /// Sends it. `Err`: there was no answer at all.
    pub(crate) fn send(&self, http: &Http) -> Result<Reply, Outcome> {
        send(http, &self.http, &self.method)
    }

    /// Sends it and gives its result; anything else is a failure.
    pub(crate) fn result(&self, http: &Http) -> Result<Value, Outcome> {
        message::result_of(&self.method, &self.send(http)?, &self.id)
    }
}

/// Sends a request; without an answer, that is the outcome. `what` it is, for the sentence.
pub(crate) fn send(http: &Http, request: &Request, what: &str) -> Result<Reply, Outcome> {
    http.send(request).map_err(|unanswered| {
        let hint = unanswered.hint().map(str::to_owned);
        Outcome::failed(format!("{what} gets no answer: {unanswered}")).hint(hint)
    })
}

/// A name as a header carries it: as it is, or in the base64 form of the specification.
pub(crate) fn header_value(value: &str) -> String {
    let plain = value.chars().all(|c| c == '\t' || (' '..='~').contains(&c))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain {
        return value.to_owned();
    }
    format!("=?base64?{}?=", STANDARD.encode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_as_the_specification_shows() {
        for (value, expected) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(header_value(value), expected);
        }
    }

    #[test]
    fn a_modern_request_says_all_of_itself() {
        let client = Client::new(Era::Modern, &Options::default());
        let call = client.call("tools/call", json!({"name": "add"}));
        let header = |name: &str| {
            call.http
                .headers
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(header("Mcp-Method"), Some("tools/call"));
        assert_eq!(header("Mcp-Name"), Some("add"));
        assert_eq!(header("MCP-Protocol-Version"), Some("2026-07-28"));
        let body: Value = serde_json::from_str(call.http.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["params"]["_meta"][VERSION_KEY], "2026-07-28");
        let legacy = Client::new(Era::Legacy, &Options::default());
        let body = legacy.call("ping", json!({})).http.body.unwrap();
        assert!(!body.contains("_meta"), "{body}");
    }
}
