//! The bridge to servers that speak stdio, and what is of no era or of the one with a handshake.

use std::time::Duration;

use http_body_util::BodyExt;
use mcpdeploy_runtime::bridge::stdio::Bridge;
use mcpdeploy_runtime::lambda::{Call, Serve};
use mcpdeploy_runtime::log::Log;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::lambda::{Answer, Function, event, script};

pub(crate) fn function(more: &[(&str, &str)]) -> Function {
    let command = script("stdio_server.py", &[]);
    let mut variables = vec![("MCPDEPLOY_COMMAND", command.as_str())];
    variables.extend(more);
    Function::start("stdio", &variables)
}

pub(crate) const HEADERS: [(&str, &str); 3] = [
    ("host", "mcp.example.com"),
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

fn post(body: &str) -> Value {
    event("POST", "/mcp", &HEADERS, Some(body))
}

pub(crate) fn request(id: &Value, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    post(&body.to_string())
}

pub(crate) fn tool(function: &mut Function, name: &str) -> Answer {
    function.ask(&request(&json!(1), "tools/call", &json!({"name": name})))
}

/// The text of a tool's answer, as JSON.
pub(crate) fn said(answer: &Answer) -> Value {
    let answer = answer.json();
    let text = answer["result"]["content"][0]["text"].as_str();
    let text = text.unwrap_or_else(|| panic!("no text: {answer}"));
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

#[test]
fn a_client_that_greets_hears_what_the_server_said() {
    let mut function = function(&[]);
    for (version, expected) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        // The server is of an older one, and of no unknown one.
        ("2025-11-25", "2025-06-18"),
        ("1999-01-01", "2025-06-18"),
        ("2026-07-28", "2025-06-18"),
    ] {
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        });
        let answer = function.ask(&request(&json!("a"), "initialize", &params));
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.0["headers"].get("mcp-session-id"), None);
        assert_eq!(
            answer.json(),
            json!({
                "jsonrpc": "2.0",
                "id": "a",
                "result": {
                    "protocolVersion": expected,
                    // What needs the server to speak unasked is not offered.
                    "capabilities": {"tools": {}, "resources": {}},
                    "serverInfo": {"name": "stdio-test", "version": "1.2.3"},
                    "instructions": "be kind",
                },
            })
        );
    }
    // The handshake was ours, once, whole.
    let place = said(&tool(&mut function, "where"));
    assert_eq!(place["greeted"], 101);
}

#[test]
fn requests_and_answers_pass_as_they_are() {
    let mut function = function(&[]);
    for id in [json!(7), json!("seven"), json!(-1)] {
        let listed = function.ask(&request(&id, "tools/list", &json!({})));
        assert_eq!(listed.status(), 200);
        assert_eq!(listed.0["headers"]["content-type"], "application/json");
        let listed = listed.json();
        assert_eq!(listed["id"], id);
        assert_eq!(listed["result"]["tools"][0]["name"], "echo");
        assert_eq!(listed["result"].get("resultType"), None);
    }
    // Over several lines, with what would be another's progress.
    let spread = post(
        "{\"jsonrpc\": \"2.0\",\r\n \"id\": 1,\n \"method\": \"tools/call\", \"params\": {\"name\": \"echo\",\n \"_meta\": {\"progressToken\": 5, \"mine\": 1}, \"arguments\": {\"ü\": \"a\\nb\"}}}",
    );
    assert_eq!(
        said(&function.ask(&spread)),
        json!({"name": "echo", "_meta": {"mine": 1}, "arguments": {"ü": "a\nb"}})
    );
    let exact = tool(&mut function, "exact");
    assert!(
        exact.text().contains("123456789012345678901234567890.10"),
        "{exact:?}"
    );
    let unknown = function.ask(&request(&json!(1), "no/such", &json!({})));
    assert_eq!(unknown.status(), 200);
    assert_eq!(unknown.json()["error"]["code"], -32601);
}

#[test]
fn what_wants_no_answer_is_taken() {
    let mut function = function(&[]);
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/custom","params":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    ] {
        let answer = function.ask(&post(body));
        assert_eq!(answer.status(), 202, "{body}");
        assert_eq!(answer.text(), "");
    }
    function.logged("told {\\\"a\\\": 1}");
    // The client's was not passed on: there is one handshake.
    assert_eq!(said(&tool(&mut function, "where"))["greeted"], 101);
}

#[test]
fn what_is_no_request_of_the_transport_is_refused() {
    let mut function = function(&[]);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let with = |name: &'static str, value: &'static str| {
        let mut headers = HEADERS.to_vec();
        headers.retain(|(have, _)| *have != name);
        headers.push((name, value));
        event("POST", "/mcp", &headers, Some(ping))
    };
    for (asked, status) in [
        (event("GET", "/mcp", &HEADERS, None), 405),
        (event("DELETE", "/mcp", &HEADERS, None), 405),
        (
            event(
                "GET",
                "/.well-known/oauth-protected-resource",
                &HEADERS,
                None,
            ),
            404,
        ),
        (with("origin", "https://evil.example"), 403),
        (with("origin", "https://mcp.example.com"), 200),
        (with("content-type", "text/plain"), 415),
        (with("accept", "image/png"), 406),
        (with("mcp-protocol-version", "1999-01-01"), 400),
        (with("mcp-protocol-version", "2025-03-26"), 200),
        (with("mcp-session-id", "of-an-earlier-deployment"), 200),
        (post(ping), 200),
    ] {
        let answer = function.ask(&asked);
        assert_eq!(answer.status(), status, "{asked} {answer:?}");
        if status == 405 {
            assert_eq!(answer.0["headers"]["allow"], "POST");
        }
    }
    for (body, code) in [
        ("{", -32700),
        ("", -32700),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
    ] {
        let answer = function.ask(&post(body));
        assert_eq!(answer.status(), 400, "{body}");
        assert_eq!(answer.json()["error"]["code"], code, "{body}");
    }
    let streamed = function.ask(&with("accept", "text/event-stream"));
    assert_eq!(streamed.0["headers"]["content-type"], "text/event-stream");
    assert_eq!(
        streamed.text(),
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"
    );
}

#[test]
fn what_the_server_says_unasked_reaches_nobody_and_breaks_nothing() {
    let mut function = function(&[]);
    assert_eq!(said(&tool(&mut function, "noise")), "after the noise");
    function.logged("no message at all");
    function.logged("nobody waits for");
    let answers = said(&tool(&mut function, "ask"));
    assert_eq!(answers[0]["id"], "mine");
    assert_eq!(answers[0]["error"]["code"], -32601);
    assert_eq!(
        answers[1],
        json!({"jsonrpc": "2.0", "id": "mine-2", "result": {}})
    );
    function.logged("sampling/createMessage");
}

#[test]
fn a_server_that_dies_is_one_error_and_started_again() {
    let mut function = function(&[]);
    let before = said(&tool(&mut function, "where"));
    let died = tool(&mut function, "die");
    assert_eq!(died.status(), 200);
    assert_eq!(
        died.json(),
        json!({
            "jsonrpc": "2.0",
            "id": 1,
            "error": {"code": -32603, "message": "the server ended before it answered"},
        })
    );
    function.logged("dying");
    let after = said(&tool(&mut function, "where"));
    assert_ne!(before["pid"], after["pid"]);
    assert_eq!(after["count"], 1);
    assert_eq!(after["greeted"], 101);
}

#[test]
fn a_server_that_hangs_is_an_error_in_time_and_started_again() {
    let mut function = function(&[]);
    let before = said(&tool(&mut function, "where"));
    let hang = request(&json!(1), "tools/call", &json!({"name": "hang"}));
    let hung = function.ask_within(&hang, Duration::from_millis(700));
    assert_eq!(
        hung.json()["error"]["message"],
        "the server did not answer in time"
    );
    let after = said(&tool(&mut function, "where"));
    assert_ne!(before["pid"], after["pid"]);
}

#[test]
fn a_message_without_end_is_given_up() {
    let mut function = function(&[]);
    let flooded = tool(&mut function, "flood");
    assert_eq!(flooded.json()["error"]["code"], -32603);
    function.logged("longer than");
    assert_eq!(said(&tool(&mut function, "where"))["count"], 1);
}

#[test]
fn what_never_answers_is_an_init_error_that_says_why() {
    for (script, within, parts) in [
        (
            "echo last words >&2; exit 7",
            "50000",
            &[
                "ended before it was ready",
                "exit status: 7",
                "ends with:\nlast words",
            ][..],
        ),
        (
            "echo mute >&2; exec sleep 3600",
            "3000",
            &["not ready within 3s", "does not answer initialize", "mute"],
        ),
        (
            r#"read line; echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'; read line"#,
            "50000",
            &[
                "refuses initialize",
                "-32601",
                "does not answer server/discover",
            ],
        ),
    ] {
        let command = json!(["sh", "-c", script]).to_string();
        let variables = [
            ("MCPDEPLOY_COMMAND", command.as_str()),
            ("MCPDEPLOY_READY_TIMEOUT_MS", within),
        ];
        let mut function = Function::start("stdio", &variables);
        let posted = function.posted();
        assert!(posted.path.ends_with("/init/error"));
        let posted = posted.json();
        let message = posted["errorMessage"].as_str().unwrap();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(function.ended().0, Some(1));
    }
}

/// Two clients at a time, with one id, whose answers come in the other order.
#[tokio::test]
async fn clients_do_not_mix() {
    let environment = [(
        "MCPDEPLOY_COMMAND".to_owned(),
        script("stdio_server.py", &[]),
    )];
    let log = Log::to(Box::new(std::io::sink()));
    let bridge = Bridge::start(&environment.into_iter().collect(), &log)
        .await
        .unwrap();
    let ask = async |words: &str| {
        let params = json!({"name": "pair", "arguments": {"words": words}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let mut request = ::http::Request::post("/mcp");
        for (name, value) in HEADERS {
            request = request.header(name, value);
        }
        let request = request.body(body.to_string().into()).unwrap();
        let call = Call {
            request_id: words.to_owned(),
            deadline: Instant::now() + Duration::from_secs(50),
            trace: None,
        };
        let body = bridge.serve(&call, request).await.into_body();
        let body = body.collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let (one, two) = tokio::join!(ask("one"), ask("two"));
    for (answer, words) in [(one, "one"), (two, "two")] {
        assert_eq!(answer["id"], 1);
        assert_eq!(answer["result"]["content"][0]["text"], words);
    }
    bridge.stop().await;
}

#[test]
fn the_server_ends_with_the_bridge() {
    let mut function = function(&[]);
    let pid = said(&tool(&mut function, "where"))["pid"].clone();
    let (code, log) = function.terminate();
    assert_eq!(code, Some(0));
    assert!(
        log.iter()
            .any(|line| line.contains("\"message\":\"started\""))
    );
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
