//! `test`: exit codes and output for people, programs and CI systems. What is checked, and how, has
//! its tests in the crate that checks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::support::project::Project;

const DATA: &str = r#"
[target]
type = "resources"
name = "words"

[[resources]]
kind = "mcpdeploy.data"
name = "a"
inputs = { word = "hello" }
"#;

/// A server that can do little more than `ping`, for as long as the tests run.
fn server(pings: bool, wants_login: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is no failure of the test.
            let _ = answer(stream, pings, wants_login);
        }
    });
    address
}

fn answer(stream: TcpStream, pings: bool, wants_login: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut welcome = !wants_login;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        welcome |= line == "authorization: bearer s3cret";
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => Some(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "serverInfo": {"name": "little", "version": "1"},
        })),
        "ping" if pings => Some(json!({})),
        _ => None,
    };
    let (status, body) = match result {
        _ if !welcome => (401, json!({"message": "Unauthorized"})),
        _ if message["id"].is_null() => (202, Value::Null),
        Some(result) => (
            200,
            json!({"jsonrpc": "2.0", "id": message["id"], "result": result}),
        ),
        None => (
            400,
            json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}),
        ),
    };
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    write!(
        reader.get_mut(),
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

const PING: &str = "--only=speaks-mcp,legacy.ping";

#[test]
fn what_came_of_it_is_the_exit_code() {
    let project = Project::offline(DATA);
    let url = format!("http://{}/mcp", server(true, false));
    project
        .run(&["test", &url, PING])
        .code(0)
        .says("little 1, protocol 2025-11-25")
        .says("2 passed");
    let broken = format!("http://{}/mcp", server(false, false));
    project
        .run(&["test", &broken, PING])
        .code(3)
        .says("ping is answered with HTTP 400 and error -32601 (no)")
        .says("--only legacy.ping -v");
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let nobody = format!("http://{}/mcp", nobody.expect("a port is free"));
    project
        .run(&["test", &nobody])
        .code(1)
        .says("the connection is refused");
}

#[test]
fn wrong_use_sends_nothing() {
    let project = Project::offline(DATA);
    for (args, said) in [
        (vec!["test", "ftp://example.com"], "no http or https URL"),
        (
            vec!["test", "http://localhost:1", "--only", "legacy.pin"],
            "did you mean `legacy.ping`",
        ),
        (
            vec!["test", "http://localhost:1", "--bearer-from-env", "NOT_SET"],
            "NOT_SET is not set",
        ),
        (
            vec!["test", "http://localhost:1", "--timeout", "0"],
            "--timeout is 0",
        ),
        (vec!["test"], "has no endpoint yet"),
    ] {
        project.run(&args).code(2).says(said);
    }
    project
        .run(&["test", "--list"])
        .ok()
        .says("modern.discover");
}

#[test]
fn a_login_is_named_and_a_token_taken_from_the_environment() {
    let project = Project::offline(DATA);
    let url = format!("http://{}/mcp", server(true, true));
    project
        .run(&["test", &url, PING])
        .code(1)
        .says("It wants a login")
        .says("--bearer-from-env");
    let args = ["test", &url, PING, "--bearer-from-env", "TOKEN", "-v"];
    let output = project
        .command(&args)
        .env("TOKEN", "s3cret")
        .output()
        .expect("the binary runs");
    let ran = crate::support::project::Ran::new(&args, &output).ok();
    assert!(!ran.stdout.contains("s3cret"), "{}", ran.stdout);
}

#[test]
fn programs_and_ci_systems_read_it_too() {
    let project = Project::offline(DATA);
    let url = format!("http://{}/mcp", server(false, false));
    let ran = project
        .run(&["test", &url, PING, "--json", "--junit", "junit.xml"])
        .code(3);
    let events = ran.events();
    let ids: Vec<&Value> = events
        .iter()
        .filter(|event| event["data"]["check"].is_object())
        .map(|event| &event["data"]["check"]["id"])
        .collect();
    assert_eq!(ids, ["transport.speaks-mcp", "legacy.ping"]);
    let report = events.last().expect("there is a last line");
    assert_eq!(report["command"], "test");
    assert_eq!(report["data"]["report"]["verdict"], "failed");
    assert_eq!(report["data"]["report"]["counts"]["failed"], 1);
    let xml = project.read("junit.xml");
    assert!(
        xml.contains(r#"<failure message="ping is answered"#),
        "{xml}"
    );
}
