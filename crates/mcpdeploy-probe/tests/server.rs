//! A small HTTP server whose answers are a function of the request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Req {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Req {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body, or null when it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The method of the message.
    pub(crate) fn rpc(&self) -> String {
        self.json()["method"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether it is of a client of the newer era.
    pub(crate) fn is_modern(&self) -> bool {
        self.header("mcp-protocol-version")
            .is_some_and(|version| version >= "2026")
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Resp {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The connection is closed without an answer.
    pub(crate) hang_up: bool,
    /// The stream is not ended.
    pub(crate) open: bool,
}

impl Resp {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            hang_up: false,
            open: false,
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            body: body.to_string(),
            ..Self::empty(status).header("content-type", "application/json")
        }
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::empty(status).header("content-type", "text/html")
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the message.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut message: Value = serde_json::from_str(&self.body).unwrap_or_default();
        change(&mut message);
        self.body = message.to_string();
    }
}

/// The server; it ends with the value.
pub(crate) struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Req) -> Resp + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let over = Arc::new(AtomicBool::new(false));
        let (ends, answer) = (Arc::clone(&over), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, ends) = (Arc::clone(&answer), Arc::clone(&ends));
                thread::spawn(move || serve(stream, &*answer, &ends));
            }
        });
        Self { address, over }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn root(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Req) -> Resp, over: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    // One connection carries many requests: that is what clients count on.
    while let Some(request) = read(&mut reader) {
        let response = answer(&request);
        if response.hang_up {
            return;
        }
        let mut text = format!("HTTP/1.1 {} X\r\n", response.status);
        for (name, value) in &response.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if response.open {
            text.push_str("connection: close\r\n\r\n");
        } else {
            text.push_str(&format!("content-length: {}\r\n\r\n", response.body.len()));
        }
        text.push_str(&response.body);
        if reader.get_mut().write_all(text.as_bytes()).is_err() {
            return;
        }
        if response.open {
            // Until the client goes away.
            let mut rest = [0];
            while !over.load(Ordering::SeqCst) {
                match reader.read(&mut rest) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Req> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Req {
        method,
        path,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}

/// Changes an answer.
pub(crate) type Twist = fn(&Req, &mut Resp);
