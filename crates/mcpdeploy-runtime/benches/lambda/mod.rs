//! A Runtime API for one bootstrap, as far as a bench needs it, and figures.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The middle and the slow end of many.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Figures {
    pub(crate) fn of(mut all: Vec<Duration>) -> Self {
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

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The bootstrap, and the Runtime API's end of its connection.
pub(crate) struct Lambda {
    pub(crate) process: Child,
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Lambda {
    /// Returns when it asks for its first invocation.
    pub(crate) fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_mcpdeploy-runtime"))
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                listener.local_addr().unwrap().to_string(),
            )
            .env("MCPDEPLOY_ROLE", role)
            .envs(variables.iter().copied())
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

    /// What comes of an event; how long it took from the event's first byte to the answer's last.
    pub(crate) fn invoke(&mut self, event: &str) -> (Duration, String) {
        let begin = Instant::now();
        self.stream.write_all(event.as_bytes()).unwrap();
        let (head, body) = message(&mut self.reader);
        let took = begin.elapsed();
        assert!(
            head.starts_with("POST ") && head.contains("/response "),
            "{head}"
        );
        self.stream
            .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        let head = message(&mut self.reader).0;
        assert!(head.contains("/invocation/next "), "{head}");
        (took, body)
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        // Its connection ends with it, and so do bootstrap and server.
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
        self.process.wait().unwrap();
    }
}

/// An event as the Runtime API hands it out.
pub(crate) fn invocation(event: &serde_json::Value) -> String {
    let event = event.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\nLambda-Runtime-Trace-Id: Root=1-67890abc-0123456789abcdef01234567\r\n\r\n{event}",
        event.len()
    )
}

/// The head and the body of the next message.
pub(crate) fn message(reader: &mut impl BufRead) -> (String, String) {
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
