//! Tries a deployed server over HTTP: does it answer as an MCP server does?

use std::time::Duration;

use serde_json::{Value, json};

/// The protocol version that is asked for: the last with a handshake, which every server knows.
const VERSION: &str = "2025-11-25";

/// A deployed server's endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Where to send requests.
    url: String,
    /// The host to name, where it is not the one connected to.
    host: Option<String>,
    agent: ureq::Agent,
}

struct Answer {
    status: u16,
    body: String,
}

impl Endpoint {
    /// The endpoint at `url`. At an emulator (`gateway`) the API's own host name does not resolve:
    /// the emulator is connected to and the name is sent as `Host`.
    pub(crate) fn new(url: &str, gateway: Option<&str>, timeout: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .user_agent(concat!("mcpdeploy/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let (url, host) = match gateway {
            Some(gateway) => at_emulator(url, gateway.trim_end_matches('/')),
            None => (url.to_owned(), None),
        };
        Self { url, host, agent }
    }

    /// Runs a check, off the async threads.
    pub(crate) async fn run(
        &self,
        check: fn(&Self) -> Result<String, String>,
    ) -> Result<String, String> {
        let endpoint = self.clone();
        match tokio::task::spawn_blocking(move || check(&endpoint)).await {
            Ok(result) => result,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    fn post(&self, body: &Value) -> Result<Answer, String> {
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION);
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        read(request.send(body.to_string()))
    }

    fn get(&self) -> Result<Answer, String> {
        let mut request = self
            .agent
            .get(&self.url)
            .header("accept", "text/event-stream");
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        read(request.call())
    }

    /// Calls a method and gives its result.
    fn call(&self, method: &str, params: &Value) -> Result<Value, String> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post(&request)?;
        if answer.status != 200 {
            return Err(format!(
                "{method} is answered with HTTP {}: {}",
                answer.status,
                short(&answer.body)
            ));
        }
        let message = message(&answer.body).ok_or_else(|| {
            format!(
                "{method} is answered with no JSON-RPC message: {}",
                short(&answer.body)
            )
        })?;
        match message.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(format!(
                "{method} is answered with an error: {}",
                message["error"]
            )),
        }
    }

    fn initialize(&self) -> Result<Value, String> {
        let params = json!({
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": {"name": "mcpdeploy", "version": env!("CARGO_PKG_VERSION")},
        });
        self.call("initialize", &params)
    }
}

/// Where an emulator answers for an API, and the `Host` to send.
///
/// An API's name below an IP address (`<id>.execute-api.127.0.0.1`) is no host that a server could
/// parse: there, the emulators' own path for APIs is taken.
fn at_emulator(url: &str, gateway: &str) -> (String, Option<String>) {
    let Some((_, rest)) = url.split_once("://") else {
        return (url.to_owned(), None);
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let name = host.split(':').next().unwrap_or(host);
    let below_an_address = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.parse::<u8>().is_ok());
    match name.split_once(".execute-api.") {
        Some((id, _)) if below_an_address => (
            format!("{gateway}/_aws/execute-api/{id}/$default/{path}"),
            None,
        ),
        Some(_) | None => (format!("{gateway}/{path}"), Some(host.to_owned())),
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, String> {
    let mut answer = answer.map_err(|error| format!("no answer: {error}"))?;
    Ok(Answer {
        status: answer.status().as_u16(),
        body: answer.body_mut().read_to_string().unwrap_or_default(),
    })
}

/// The JSON-RPC message of an answer: JSON, or the last event of a stream.
fn message(body: &str) -> Option<Value> {
    if let Ok(message) = serde_json::from_str::<Value>(body) {
        return message.is_object().then_some(message);
    }
    body.lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok())
        .rfind(Value::is_object)
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The server answers and initialises.
pub(crate) fn connectivity(endpoint: &Endpoint) -> Result<String, String> {
    let result = endpoint.initialize()?;
    let server = &result["serverInfo"];
    let name = server["name"]
        .as_str()
        .ok_or("initialize tells no serverInfo.name")?;
    let version = server["version"].as_str().unwrap_or("?");
    let protocol = result["protocolVersion"]
        .as_str()
        .ok_or("initialize tells no protocolVersion")?;
    Ok(format!("{name} {version} answers, protocol {protocol}"))
}

/// It keeps to the specification, as far as can be tried without knowing its tools.
pub(crate) fn conformance(endpoint: &Endpoint) -> Result<String, String> {
    let capabilities = endpoint.initialize()?["capabilities"].clone();
    let notified =
        endpoint.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
    if notified.status != 202 {
        return Err(format!(
            "a notification is answered with HTTP {}, not 202",
            notified.status
        ));
    }
    let unknown = json!({"jsonrpc": "2.0", "id": 2, "method": "mcpdeploy/no-such-method"});
    let unknown = endpoint.post(&unknown)?;
    let code = message(&unknown.body).and_then(|m| m["error"]["code"].as_i64());
    if code != Some(-32601) {
        return Err(format!(
            "an unknown method is answered with HTTP {} and error code {}, not with -32601",
            unknown.status,
            code.map_or_else(|| "none".to_owned(), |code| code.to_string())
        ));
    }
    let stream = endpoint.get()?;
    if stream.status != 405 && stream.status != 200 {
        return Err(format!(
            "GET is answered with HTTP {}, not with 405 or a stream",
            stream.status
        ));
    }
    if capabilities.get("tools").is_none() {
        return Ok("the handshake and the errors are right; the server has no tools".to_owned());
    }
    let result = endpoint.call("tools/list", &json!({}))?;
    let tools = result["tools"]
        .as_array()
        .ok_or("tools/list tells no tools")?;
    for tool in tools {
        let name = tool["name"].as_str().ok_or("a tool has no name")?;
        if tool["inputSchema"]["type"] != "object" {
            return Err(format!(
                "the inputSchema of the tool {name} is not of type object"
            ));
        }
    }
    Ok(format!(
        "the handshake, the errors and {} tools are right",
        tools.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_an_emulator_the_apis_host_is_sent_along() {
        let endpoint = Endpoint::new(
            "https://abc.execute-api.us-east-1.amazonaws.com/mcp",
            Some("http://127.0.0.1:4566"),
            Duration::from_secs(1),
        );
        assert_eq!(endpoint.url, "http://127.0.0.1:4566/mcp");
        assert_eq!(
            endpoint.host.as_deref(),
            Some("abc.execute-api.us-east-1.amazonaws.com")
        );
        let (url, host) = at_emulator(
            "http://abc.execute-api.127.0.0.1:4566/mcp",
            "http://127.0.0.1:4566",
        );
        assert_eq!(
            url,
            "http://127.0.0.1:4566/_aws/execute-api/abc/$default/mcp"
        );
        assert_eq!(host, None);
    }

    #[test]
    fn messages_come_as_json_or_as_events() {
        assert_eq!(message(r#"{"id":1}"#), Some(json!({"id": 1})));
        assert_eq!(
            message("event: message\ndata: {\"id\":2}\n\n"),
            Some(json!({"id": 2}))
        );
        assert_eq!(message("<html>"), None);
    }
}
