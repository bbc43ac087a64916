//! What each bridge adds to a call of the server itself, how large the bootstrap is, and how soon it
//! asks for its first invocation.
//!
//! `cargo bench -p mcpdeploy-runtime`. The server is this program again, told by its first argument
//! to be one; it answers at once, so that what is measured is the way. Direct and bridged calls take
//! turns: a busy machine slows both.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and figures are its purpose"
)]

mod lambda;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use lambda::{Figures, Lambda, invocation, message, millis};

const CALLS: usize = 3_000;
const WARM_UP: usize = 300;
const STARTS: usize = 50;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}"#;
const RESULT: &str =
    r#""result":{"content":[{"type":"text","text":"3"}],"structuredContent":{"sum":3}}}"#;
const HELLO: &str = r#""result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}}"#;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("http-server") => http_server(),
        Some("stdio-server") => stdio_server(),
        Some(_) | None => bench(),
    }
}

fn bench() {
    let bootstrap = env!("CARGO_BIN_EXE_mcpdeploy-runtime");
    let size = std::fs::metadata(bootstrap).unwrap().len();
    println!("bootstrap of this profile: {size} bytes");
    overhead("http", "http-server", direct_http());
    overhead("stdio", "stdio-server", direct_stdio());
    start();
}

/// One direct call after one through the bridge, and so on.
fn overhead(role: &str, server: &str, mut direct: impl FnMut()) {
    let mut lambda = bridge(role, server);
    let mut alone = Vec::with_capacity(CALLS);
    let mut bridged = Vec::with_capacity(CALLS);
    let event = event();
    for call in 0..WARM_UP + CALLS {
        let begin = Instant::now();
        direct();
        let took = begin.elapsed();
        let (through, answer) = lambda.invoke(&event);
        assert!(answer.contains("\\\"sum\\\":3"), "{answer}");
        if call >= WARM_UP {
            alone.push(took);
            bridged.push(through);
        }
    }
    let (alone, bridged) = (Figures::of(alone), Figures::of(bridged));
    println!("{role}: direct  {alone}");
    println!("{role}: bridged {bridged}, from the event to the response");
    println!(
        "{role}: added   p50 {:.3} ms, p99 {:.3} ms",
        millis(bridged.p50.saturating_sub(alone.p50)),
        millis(bridged.p99.saturating_sub(alone.p99)),
    );
}

/// From the start of the process to its first question for an invocation. The server is up in no
/// time; its start is in the figure, as it is in Lambda.
fn start() {
    for (role, server) in [("http", "http-server"), ("stdio", "stdio-server")] {
        let took = (0..STARTS)
            .map(|_| {
                let begin = Instant::now();
                let lambda = bridge(role, server);
                let took = begin.elapsed();
                drop(lambda);
                took
            })
            .collect();
        println!("{role}: from spawn to the first next {}", Figures::of(took));
    }
}

/// The bridge before this program as the server.
fn bridge(role: &str, server: &str) -> Lambda {
    let this = std::env::current_exe().unwrap();
    let command = serde_json::json!([this.to_str().unwrap(), server]).to_string();
    Lambda::start(role, &[("MCPDEPLOY_COMMAND", &command)])
}

/// What the Runtime API sends for one invocation.
fn event() -> String {
    let event = serde_json::json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/mcp",
        "rawQueryString": "",
        "headers": {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "host": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "mcp-protocol-version": "2025-11-25",
            "user-agent": "bench",
            "x-amzn-trace-id": "Root=1-67890abc-0123456789abcdef01234567",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "abcdefghij",
            "http": {
                "method": "POST", "path": "/mcp", "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9", "userAgent": "bench",
            },
            "requestId": "id=", "routeKey": "$default", "stage": "$default",
            "time": "21/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_000_000_000_u64,
        },
        "body": CALL,
        "isBase64Encoded": false,
    });
    invocation(&event)
}

/// The server itself, called on one connection.
fn direct_http() -> impl FnMut() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let mut server = Ended(
        Command::new(std::env::current_exe().unwrap())
            .arg("http-server")
            .env("PORT", port.to_string())
            .spawn()
            .unwrap(),
    );
    let mut stream = loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            break stream;
        }
        assert!(server.0.try_wait().unwrap().is_none(), "the server ended");
    };
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CALL}",
        CALL.len()
    );
    move || {
        let _held = &server;
        stream.write_all(request.as_bytes()).unwrap();
        assert!(message(&mut reader).1.contains("\"sum\":3"));
    }
}

/// The server itself, called on its pipes.
fn direct_stdio() -> impl FnMut() {
    let mut server = Ended(
        Command::new(std::env::current_exe().unwrap())
            .arg("stdio-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut stdin: ChildStdin = server.0.stdin.take().unwrap();
    let mut stdout: BufReader<ChildStdout> = BufReader::new(server.0.stdout.take().unwrap());
    let mut line = String::new();
    move || {
        let _held = &server;
        line.clear();
        stdin.write_all(format!("{CALL}\n").as_bytes()).unwrap();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("\"sum\":3"));
    }
}

/// A server that ends with the bench.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server on `$PORT` that answers every request alike, each connection in a thread.
fn http_server() {
    let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    while let Ok((mut stream, _)) = listener.accept() {
        std::thread::spawn(move || {
            stream.set_nodelay(true).unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,{RESULT}");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            while reader.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
                message(&mut reader);
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
    }
}

/// A server on stdio that answers every request alike.
fn stdio_server() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let message: serde_json::Value = serde_json::from_str(&line).unwrap();
        let Some(id) = message.get("id") else {
            continue;
        };
        let rest = if message["method"] == "initialize" {
            HELLO
        } else {
            RESULT
        };
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{rest}\n");
        if out.write_all(answer.as_bytes()).is_err() || out.flush().is_err() {
            return;
        }
    }
}
