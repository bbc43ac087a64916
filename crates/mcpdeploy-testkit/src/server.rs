//! A small HTTP server on loopback whose answers are a function of the request: for clients to meet
//! what no real server would send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Req {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Req {
    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body, or null when it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The method of the JSON-RPC message; nothing when it is none.
    pub fn rpc(&self) -> String {
        self.json()["method"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether it is of an MCP client of the newer era.
    pub fn is_modern(&self) -> bool {
        self.header("mcp-protocol-version")
            .is_some_and(|version| version >= "2026")
    }

    /// A parameter of the query or the form.
    pub fn get(&self, name: &str) -> Option<String> {
        let text = if self.method == "GET" {
            &self.query
        } else {
            &self.body
        };
        form_urlencoded::parse(text.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Resp {
    /// The status, such as 200.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The connection is closed without an answer.
    pub hang_up: bool,
    /// The stream is not ended.
    pub open: bool,
}

impl Resp {
    /// Without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            hang_up: false,
            open: false,
        }
    }

    /// With JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            body: body.to_string(),
            ..Self::empty(status).header("content-type", "application/json")
        }
    }

    /// With a page.
    pub fn text(status: u16, body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::empty(status).header("content-type", "text/html")
        }
    }

    /// The same with this header, in the place of one of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the JSON of the body.
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut message: Value = serde_json::from_str(&self.body).unwrap_or_default();
        change(&mut message);
        self.body = message.to_string();
    }
}

/// Changes the answer to a request.
pub type Twist = fn(&Req, &mut Resp);

/// The server; it ends with the value.
pub struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<Req>>>,
}

impl Server {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub fn start(answer: impl Fn(&Req) -> Resp + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let server = Self {
            address: listener.local_addr().expect("it is bound"),
            over: Arc::default(),
            seen: Arc::default(),
        };
        let (over, seen, answer) = (
            Arc::clone(&server.over),
            Arc::clone(&server.seen),
            Arc::new(answer),
        );
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, over, seen) =
                    (Arc::clone(&answer), Arc::clone(&over), Arc::clone(&seen));
                thread::spawn(move || serve(stream, &*answer, &over, &seen));
            }
        });
        server
    }

    /// Its URL, without a slash at the end.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of an MCP endpoint at it.
    pub fn url(&self) -> String {
        format!("{}/mcp", self.root())
    }

    /// The requests to that path, so far.
    pub fn seen(&self, path: &str) -> Vec<Req> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .filter(|req| req.path == path)
            .cloned()
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    stream: TcpStream,
    answer: &dyn Fn(&Req) -> Resp,
    over: &AtomicBool,
    seen: &Mutex<Vec<Req>>,
) {
    let mut reader = BufReader::new(stream);
    // One connection carries many requests: that is what clients count on.
    while let Some(request) = read(&mut reader) {
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
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
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
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
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
