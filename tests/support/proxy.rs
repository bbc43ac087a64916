//! A proxy before a cloud, which holds calls back: whoever waits for one of them is in the middle
//! of it for as long as a test wants.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::http;

/// A running proxy. Its threads end with the process.
pub(crate) struct Proxy {
    endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    /// Calls with this in their first line wait.
    holds: Option<String>,
    /// How many do.
    held: usize,
    /// What happens with those that wait.
    then: Then,
}

/// What happens with calls that are held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Then {
    #[default]
    Wait,
    Forward,
    Drop,
    Deny,
}

impl Proxy {
    /// A proxy that lets everything through to an `http://` address.
    pub(crate) fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            gate: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                // A connection that breaks is its client's business.
                std::thread::spawn(move || drop(serve(&shared, stream)));
            }
        });
        Self {
            endpoint: format!("http://{address}"),
            shared,
        }
    }

    /// Where it answers.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// From now on, calls with this in their first line (`POST /2015-03-31/functions `) wait.
    pub(crate) fn hold(&self, calls: &str) {
        let mut gate = self.shared.gate();
        gate.holds = Some(calls.to_owned());
        gate.then = Then::Wait;
    }

    /// Waits until a call is held.
    pub(crate) fn wait_for_held(&self) {
        let gate = self.shared.gate();
        let none = |gate: &mut Gate| gate.held == 0;
        let waited = self.shared.changed.wait_while(gate, none);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets what is held go on, and holds nothing any more.
    pub(crate) fn release(&self) {
        self.end(Then::Forward);
    }

    /// What is held never reaches the cloud; nothing is held any more.
    pub(crate) fn lose(&self) {
        self.end(Then::Drop);
    }

    /// From now on, calls with this in their first line are denied.
    pub(crate) fn deny(&self, calls: &str) {
        let mut gate = self.shared.gate();
        gate.holds = Some(calls.to_owned());
        gate.then = Then::Deny;
    }

    fn end(&self, then: Then) {
        let mut gate = self.shared.gate();
        gate.holds = None;
        gate.then = then;
        self.shared.changed.notify_all();
        // Until all of them have gone on: what comes next then finds the cloud as it will be.
        let some = |gate: &mut Gate| gate.held > 0;
        let waited = self.shared.changed.wait_while(gate, some);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? <= 2 {
            break;
        }
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            "connection" => {}
            _ => headers.push((name.to_owned(), value.to_owned())),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;

    let mut gate = shared.gate();
    let held = gate
        .holds
        .as_ref()
        .is_some_and(|held| line.starts_with(held));
    let mut then = Then::Forward;
    if held {
        gate.held += 1;
        shared.changed.notify_all();
        let waiting = |gate: &mut Gate| gate.then == Then::Wait;
        let waited = shared.changed.wait_while(gate, waiting);
        gate = waited.unwrap_or_else(PoisonError::into_inner);
        then = gate.then;
    }
    drop(gate);
    let answer = match then {
        Then::Forward | Then::Wait => {
            let pairs: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            Some(http::request(
                method,
                &format!("{}{path}", shared.upstream),
                &pairs,
                &body,
            ))
        }
        Then::Drop => None,
        Then::Deny => Some(Ok(denied())),
    };
    if held {
        shared.gate().held -= 1;
        shared.changed.notify_all();
    }
    match answer {
        Some(answer) => respond(stream, &answer?),
        None => stream.shutdown(Shutdown::Both),
    }
}

fn denied() -> http::Response {
    let code = "AccessDeniedException";
    http::Response {
        status: 403,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-amzn-errortype".to_owned(), code.to_owned()),
        ],
        body: br#"{"message":"the caller is not authorized to do that"}"#.to_vec(),
    }
}

fn respond(mut stream: TcpStream, answer: &http::Response) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} -\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            head += &format!("{name}: {value}\r\n");
        }
    }
    head += &format!("content-length: {}\r\n\r\n", answer.body.len());
    stream.write_all(&[head.as_bytes(), &answer.body].concat())
}
