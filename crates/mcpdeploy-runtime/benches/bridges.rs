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

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

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
    let mut lambda = Lambda::start(role, server);
    let mut alone = Vec::with_capacity(CALLS);
    let mut bridged = Vec::with_capacity(CALLS);
    let event = event();
    for call in 0..WARM_UP + CALLS {
        let begin = Instant::now();
        direct();
        let took = begin.elapsed();
        let through = lambda.invoke(&event);
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
                let lambda = Lambda::start(role, server);
                let took = begin.elapsed();
                drop(lambda);
                took
            })
            .collect();
        println!("{role}: from spawn to the first next {}", Figures::of(took));
    }
}

struct Figures {
    p50: Duration,
    p99: Duration,
}

impl Figures {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self {
            p50: all[all.len() / 2],
            p99: all[all.len() * 99 / 100],
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (p50, p99) = (millis(self.p50), millis(self.p99));
        write!(f, "p50 {p50:.3} ms, p99 {p99:.3} ms")
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The bootstrap, and the Runtime API's end of its connection.
struct Lambda {
    process: Child,
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Lambda {
    /// Returns when it asks for its first invocation.
    fn start(role: &str, server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = std::env::current_exe().unwrap();
        let command = serde_json::json!([this.to_str().unwrap(), server]).to_string();
        let process = Command::new(env!("CARGO_BIN_EXE_mcpdeploy-runtime"))
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                listener.local_addr().unwrap().to_string(),
            )
            .env("MCPDEPLOY_ROLE", role)
            .env("MCPDEPLOY_COMMAND", command)
            // That its Runtime API went away is no news here.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let head = message(&mut reader).0;
        assert!(head.starts_with("GET ") && head.contains("/invocation/next "));
        Self {
            process,
            stream,
            reader,
        }
    }

    /// From the event's first byte to the answer's last.
    fn invoke(&mut self, event: &str) -> Duration {
        let begin = Instant::now();
        self.stream.write_all(event.as_bytes()).unwrap();
        let (head, body) = message(&mut self.reader);
        let took = begin.elapsed();
        assert!(
            head.starts_with("POST ") && head.contains("/response "),
            "{head}"
        );
        assert!(body.contains("\\\"sum\\\":3"), "{body}");
        self.stream
            .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        let head = message(&mut self.reader).0;
        assert!(head.contains("/invocation/next "), "{head}");
        took
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        // Its connection ends with it, and so do bootstrap and server.
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
        self.process.wait().unwrap();
    }
}

/// What the Runtime API sends for one invocation.
fn event() -> String {
    let body = serde_json::json!({
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
    })
    .to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\nLambda-Runtime-Trace-Id: Root=1-67890abc-0123456789abcdef01234567\r\n\r\n{body}",
        body.len()
    )
}

/// The head and the body of the next message.
fn message(reader: &mut impl BufRead) -> (String, String) {
    let mut head = String::new();
    loop {
        let from = head.len();
        assert_ne!(
            reader.read_line(&mut head).unwrap(),
            0,
            "the connection ended"
        );
        if head[from..].trim_end().is_empty() {
            break;
        }
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
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
