//! The bridge to servers that speak HTTP.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::elsewhere::{CLIENT_SECRET, Elsewhere, SECRET_ARN};
use crate::lambda::{Function, event, script};

fn function(more: &[(&str, &str)]) -> Function {
    let command = script("http_server.py", &[]);
    let mut variables = vec![("MCPDEPLOY_COMMAND", command.as_str())];
    variables.extend(more);
    Function::start("http", &variables)
}

fn get(target: &str) -> Value {
    event("GET", target, &[("host", "mcp.example.com")], None)
}

#[test]
fn a_request_reaches_the_server_as_it_was_sent() {
    let mut function = function(&[]);
    let sent = event(
        "POST",
        "/echo?a=1&a=2",
        &[
            ("host", "mcp.example.com"),
            ("content-type", "application/json"),
            ("connection", "x-drop"),
            ("x-drop", "1"),
            ("x-forwarded-for", "198.51.100.1"),
            ("x-amzn-request-context", "forged"),
        ],
        Some("{\"ü\":1}"),
    );
    let answer = function.ask(&sent);
    assert_eq!(answer.status(), 200, "{answer:?}");
    let said = answer.json();
    assert_eq!(said["method"], "POST");
    assert_eq!(said["path"], "/echo?a=1&a=2");
    assert_eq!(said["body"], "{\"ü\":1}");
    let headers = &said["headers"];
    let port = said["port"][0].as_str().unwrap();
    assert_eq!(said["port"][1], port);
    assert_eq!(headers["host"], format!("127.0.0.1:{port}"));
    assert_eq!(headers["x-forwarded-host"], "mcp.example.com");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["x-forwarded-for"], "198.51.100.1");
    assert_eq!(headers["x-amzn-trace-id"], "Root=1-trace");
    assert_eq!(headers["x-amzn-lambda-request-id"], "invocation-1");
    assert_eq!(headers["content-length"], "8");
    assert_eq!(headers.get("x-drop"), None);
    let context = headers["x-amzn-request-context"].as_str().unwrap();
    let context: Value = serde_json::from_str(context).unwrap();
    assert_eq!(context["http"]["sourceIp"], "203.0.113.9");
    // It would speak the Runtime API itself.
    assert_eq!(said["runtime_api"], Value::Null);
}

#[test]
fn a_secret_is_a_variable_of_the_server_and_of_nobody_else() {
    let elsewhere = Elsewhere::start();
    let inject = json!({ "TEST_TOKEN": SECRET_ARN }).to_string();
    let mut function = function(&[
        ("MCPDEPLOY_INJECT", &inject),
        ("AWS_ENDPOINT_URL", &elsewhere.url),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]);
    assert_eq!(
        function.ask(&get("/echo")).json()["injected"],
        CLIENT_SECRET
    );
    let bootstrap = std::fs::read(format!("/proc/{}/environ", function.id())).unwrap();
    assert!(!String::from_utf8_lossy(&bootstrap).contains(CLIENT_SECRET));
    let (_, lines) = function.terminate();
    assert!(!lines.join("\n").contains(CLIENT_SECRET), "{lines:?}");
}

/// The server does not start without it, and Lambda hears why.
#[test]
fn a_secret_that_is_missing_ends_the_init_phase() {
    let elsewhere = Elsewhere::start();
    let inject = json!({ "TEST_TOKEN": format!("{SECRET_ARN}-other") }).to_string();
    let function = function(&[
        ("MCPDEPLOY_INJECT", &inject),
        ("AWS_ENDPOINT_URL", &elsewhere.url),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SESSION_TOKEN", "token"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]);
    let posted = function.posted();
    assert_eq!(posted.path, "/2018-06-01/runtime/init/error");
    let error = posted.json().to_string();
    assert!(error.contains("for the variable TEST_TOKEN"), "{error}");
    assert!(error.contains("ResourceNotFoundException"), "{error}");
}

#[test]
fn the_server_stays_warm_on_one_connection() {
    let mut function = function(&[]);
    let first = function.ask(&get("/echo")).json();
    let second = function.ask(&get("/echo")).json();
    assert_eq!(second["count"], 2);
    for same in ["pid", "peer"] {
        assert_eq!(first[same], second[same], "{same}");
    }
}

#[test]
fn the_port_is_in_the_arguments_that_name_it() {
    let command = script(
        "http_server.py",
        &["--listen=127.0.0.1:$PORT", "-v", "$HOME"],
    );
    let mut function = Function::start("http", &[("MCPDEPLOY_COMMAND", &command)]);
    let said = function.ask(&get("/echo")).json();
    let port = said["port"][0].as_str().unwrap();
    let expected = json!([format!("--listen=127.0.0.1:{port}"), "-v", "$HOME"]);
    assert_eq!(said["arguments"], expected);
}

#[test]
fn a_stream_that_cannot_pass_is_not_begun() {
    let mut function = function(&[]);
    for (accept, status) in [
        ("text/event-stream", 405),
        ("application/json, Text/Event-Stream;q=0.5", 405),
        ("*/*", 200),
    ] {
        let answer = function.ask(&event("GET", "/echo", &[("accept", accept)], None));
        assert_eq!(answer.status(), status, "{accept}");
        if status == 405 {
            assert_eq!(answer.0["headers"]["allow"], "POST, DELETE");
        }
    }
    // Only the last was for the server.
    assert_eq!(function.ask(&get("/echo")).json()["count"], 2);
}

#[test]
fn the_host_can_be_the_public_one() {
    for (setting, expected) in [("public", "mcp.example.com"), ("inner:1", "inner:1")] {
        let mut function = function(&[("MCPDEPLOY_HOST", setting)]);
        let said = function.ask(&get("/echo")).json();
        assert_eq!(said["headers"]["host"], expected);
    }
}

#[test]
fn answers_come_back_as_they_are() {
    let mut function = function(&[]);
    let binary = function.ask(&get("/binary"));
    assert_eq!(binary.0["isBase64Encoded"], true);
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(BASE64_STANDARD.decode(binary.text()).unwrap(), bytes);
    let cookies = function.ask(&get("/cookies"));
    assert_eq!(cookies.status(), 404);
    assert_eq!(cookies.0["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(cookies.text(), "none");
    assert_eq!(cookies.0["headers"].get("connection"), None);
    let large = function.ask(&get("/large"));
    assert_eq!(large.status(), 502);
    assert!(large.text().contains("larger than"), "{large:?}");
    assert_eq!(function.ask(&get("/echo")).status(), 200);
}

#[test]
fn it_is_ready_when_the_path_is_answered() {
    let mut function = function(&[
        ("MCPDEPLOY_READY_PATH", "/ready"),
        ("TEST_READY_AFTER", "3"),
    ]);
    let said = function.ask(&get("/echo")).json();
    assert_eq!(said["probes"], 4);
}

#[test]
fn a_server_that_dies_is_one_502_and_started_again() {
    let mut function = function(&[]);
    let before = function.ask(&get("/echo")).json();
    let died = function.ask(&get("/die"));
    assert_eq!(died.status(), 502);
    assert_eq!(
        died.json()["message"],
        "the server ended before it answered"
    );
    let after = function.ask(&get("/echo")).json();
    assert_eq!(after["count"], 1);
    assert_ne!(after["pid"], before["pid"]);
    function.logged("dying");
}

#[test]
fn a_server_that_died_meanwhile_costs_nobody_an_answer() {
    let mut function = function(&[]);
    let pid = function.ask(&get("/echo")).json()["pid"].clone();
    assert_eq!(function.ask(&get("/after")).text(), "done");
    // Ended, and waiting for its parent to see it.
    let stat = format!("/proc/{pid}/stat");
    while !std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) {
        if !std::path::Path::new(&stat).exists() {
            break;
        }
        std::thread::yield_now();
    }
    assert_eq!(function.ask(&get("/echo")).json()["count"], 1);
}

#[test]
fn a_server_that_hangs_is_a_504_and_started_again() {
    let mut function = function(&[]);
    let before = function.ask(&get("/echo")).json();
    let hung = function.ask_within(&get("/hang"), Duration::from_millis(600));
    assert_eq!(hung.status(), 504);
    let after = function.ask(&get("/echo")).json();
    assert_ne!(after["pid"], before["pid"]);
}

#[test]
fn an_answer_is_streamed_where_the_gateway_can() {
    let folder = tempfile::tempdir().unwrap();
    let go_on = folder.path().join("go-on");
    let variables = [
        ("MCPDEPLOY_INVOKE_MODE", "RESPONSE_STREAM"),
        ("TEST_GO_ON", go_on.to_str().unwrap()),
    ];
    let mut function = function(&variables);
    let posted = function.begin(&get("/stream"), Duration::from_secs(50));
    assert_eq!(
        posted.headers["lambda-runtime-function-response-mode"],
        "streaming"
    );
    assert_eq!(
        posted.headers["content-type"],
        "application/vnd.awslambda.http-integration-response"
    );
    let mut begun = Vec::new();
    while !begun.ends_with(b"one") {
        begun.extend(posted.piece().unwrap());
    }
    // Only now does the server go on.
    std::fs::File::create(&go_on).unwrap();
    let end = begun.windows(8).position(|at| at == [0; 8]).unwrap();
    let prelude: Value = serde_json::from_slice(&begun[..end]).unwrap();
    assert_eq!(prelude["statusCode"], 200);
    assert_eq!(prelude["headers"]["content-type"], "text/event-stream");
    let (rest, trailers) = posted.whole();
    assert_eq!(rest, b"two");
    assert!(trailers.is_empty(), "{trailers:?}");
    // What breaks off says so in the trailers.
    let torn = function.begin(&get("/torn"), Duration::from_secs(50));
    let (body, trailers) = torn.whole();
    assert!(body.ends_with(b"one"));
    assert_eq!(
        trailers["lambda-runtime-function-error-type"],
        "Server.AnswerBrokeOff"
    );
    let said = &trailers["lambda-runtime-function-error-body"];
    let said = BASE64_STANDARD.decode(said).unwrap();
    assert!(String::from_utf8(said).unwrap().contains("broke off"));
    let after = function.begin(&get("/echo"), Duration::from_secs(50));
    let (body, _) = after.whole();
    assert!(String::from_utf8(body).unwrap().contains("\"count\": 1"));
}

#[test]
fn what_is_no_request_is_an_error_and_no_end() {
    let mut function = function(&[]);
    let posted = function.begin(&json!({"Records": []}), Duration::from_secs(50));
    assert!(posted.path.ends_with("/error"));
    assert_eq!(
        posted.headers["lambda-runtime-function-error-type"],
        "Runtime.InvalidEvent"
    );
    assert!(
        posted.json()["errorMessage"]
            .as_str()
            .unwrap()
            .contains("payload format 2.0")
    );
    assert_eq!(function.ask(&get("/echo")).status(), 200);
}

#[test]
fn lines_of_the_server_are_lines_of_the_log() {
    let mut function = function(&[]);
    function.ask(&get("/echo"));
    let plain: Value = serde_json::from_str(&function.logged("plain words")).unwrap();
    assert_eq!(plain["message"], "plain words");
    assert_eq!(plain["source"], "stdout");
    assert_eq!(function.logged("DEBUG"), "{\"level\": \"DEBUG\", \"n\": 1}");
}

#[test]
fn the_end_is_passed_on() {
    let mut function = function(&[]);
    let pid = function.ask(&get("/echo")).json()["pid"].clone();
    let (code, log) = function.terminate();
    assert_eq!(code, Some(0));
    assert!(
        log.iter().any(|line| line.contains("server told to end")),
        "{log:#?}"
    );
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn what_never_serves_is_an_init_error_that_says_why() {
    let shell = |script: &str| json!(["sh", "-c", script]).to_string();
    let sleeps = shell("echo listens never >&2; exec sleep 3600");
    let ends = shell("echo ends at once >&2; exit 7");
    for (command, within, parts) in [
        (
            ends.as_str(),
            "50000",
            &[
                "ended before it was ready",
                "exit status: 7",
                "ends at once",
            ][..],
        ),
        (
            &sleeps,
            "3000",
            &["not ready within 3s", "nothing listens", "listens never"],
        ),
        (r#"["/no/such/server"]"#, "50000", &["failed to start"]),
        ("not json", "50000", &["MCPDEPLOY_COMMAND"]),
    ] {
        let variables = [
            ("MCPDEPLOY_COMMAND", command),
            ("MCPDEPLOY_READY_TIMEOUT_MS", within),
        ];
        let mut function = Function::start("http", &variables);
        let posted = function.posted();
        assert!(posted.path.ends_with("/init/error"), "{}", posted.path);
        let said = posted.json();
        let message = said["errorMessage"].as_str().unwrap();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        let (code, log) = function.ended();
        assert_eq!(code, Some(1));
        assert!(log.iter().any(|line| line.contains("\"level\":\"ERROR\"")));
    }
}

#[test]
fn a_role_that_there_is_not_is_said() {
    let mut function = Function::start("ftp", &[]);
    let said = function.posted().json();
    assert!(
        said["errorMessage"]
            .as_str()
            .unwrap()
            .contains("MCPDEPLOY_ROLE")
    );
    assert_eq!(function.ended().0, Some(1));
}
