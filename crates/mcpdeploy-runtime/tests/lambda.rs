//! A Runtime API for one environment, and the bootstrap in it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

/// Longer than anything here takes: only what hangs meets it.
const HANGS: Duration = Duration::from_secs(60);

/// How long an invocation may take, when a test does not care.
const AMPLE: Duration = Duration::from_secs(50);

/// One message of the bootstrap to Lambda.
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pieces: Receiver<Piece>,
}

enum Piece {
    Data(Vec<u8>),
    Trailers(HashMap<String, String>),
}

impl Posted {
    /// The next piece of the body, or `None` at its end.
    pub(crate) fn piece(&self) -> Option<Vec<u8>> {
        match self.pieces.recv_timeout(HANGS) {
            Ok(Piece::Data(data)) => Some(data),
            Ok(Piece::Trailers(_)) | Err(_) => None,
        }
    }

    /// The body, and its trailers.
    pub(crate) fn whole(self) -> (Vec<u8>, HashMap<String, String>) {
        let mut body = Vec::new();
        let mut trailers = HashMap::new();
        while let Ok(piece) = self.pieces.recv_timeout(HANGS) {
            match piece {
                Piece::Data(data) => body.extend(data),
                Piece::Trailers(got) => trailers = got,
            }
        }
        (body, trailers)
    }

    pub(crate) fn json(self) -> Value {
        serde_json::from_slice(&self.whole().0).unwrap()
    }
}

struct Next {
    id: String,
    deadline: Duration,
    event: String,
}

/// The bootstrap, running.
pub(crate) struct Function {
    events: Sender<Next>,
    posted: Receiver<Posted>,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    invocations: usize,
}

/// A script among `tests/servers`, as a command.
pub(crate) fn script(name: &str, arguments: &[&str]) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/servers")
        .join(name);
    let mut command = vec!["python3".to_owned(), path.to_str().unwrap().to_owned()];
    command.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    serde_json::to_string(&command).unwrap()
}

impl Function {
    pub(crate) fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (events, to_give) = channel();
        let (to_post, posted) = channel();
        std::thread::spawn(move || {
            let mut events = Some(to_give);
            while let Ok((stream, _)) = listener.accept() {
                serve(stream, &mut events, &to_post);
            }
        });
        let mut process = Command::new(env!("CARGO_BIN_EXE_mcpdeploy-runtime"))
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("MCPDEPLOY_ROLE", role)
            // A busy machine is slow, and Python slower.
            .env("MCPDEPLOY_READY_TIMEOUT_MS", "50000")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let lines = log.clone();
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self {
            events,
            posted,
            process,
            log,
            reader: Some(reader),
            invocations: 0,
        }
    }

    /// The next message of the bootstrap.
    pub(crate) fn posted(&self) -> Posted {
        let posted = self.posted.recv_timeout(HANGS);
        posted.unwrap_or_else(|_| panic!("no message; log: {:#?}", self.log.lock().unwrap()))
    }

    /// Gives it an event, and waits for the beginning of what comes of it.
    pub(crate) fn begin(&mut self, event: &Value, deadline: Duration) -> Posted {
        self.invocations += 1;
        let id = format!("invocation-{}", self.invocations);
        self.events
            .send(Next {
                id: id.clone(),
                deadline,
                event: event.to_string(),
            })
            .unwrap();
        let posted = self.posted();
        assert!(posted.path.contains(&format!("/{id}/")), "{}", posted.path);
        posted
    }

    /// Gives it a request, and returns the whole answer, its body as text.
    pub(crate) fn ask_within(&mut self, event: &Value, deadline: Duration) -> Answer {
        let posted = self.begin(event, deadline);
        assert!(posted.path.ends_with("/response"), "{}", posted.path);
        Answer(posted.json())
    }

    pub(crate) fn ask(&mut self, event: &Value) -> Answer {
        self.ask_within(event, AMPLE)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end by itself; the exit code and the log.
    pub(crate) fn ended(&mut self) -> (Option<i32>, Vec<String>) {
        let status = self.process.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status.code(), self.log.lock().unwrap().clone())
    }

    /// Ends it as Lambda does.
    pub(crate) fn terminate(&mut self) -> (Option<i32>, Vec<String>) {
        let told = Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        self.ended()
    }

    /// Waits for a line of the log.
    pub(crate) fn logged(&self, part: &str) -> String {
        for _ in 0..6_000 {
            let log = self.log.lock().unwrap();
            if let Some(line) = log.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            drop(log);
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no line with {part}: {:#?}", self.log.lock().unwrap());
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // Told, not killed: it ends the server that it started. It may have ended.
        let _ = Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .stderr(Stdio::null())
            .status();
        let _ = self.process.wait();
    }
}

/// An answer of payload format 2.0.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) Value);

impl Answer {
    pub(crate) fn status(&self) -> i64 {
        self.0["statusCode"].as_i64().unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A request as an event.
pub(crate) fn event(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HashMap<&str, &str> = headers.iter().copied().collect();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "domainName": "mcp.example.com",
            "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"},
        },
        "isBase64Encoded": false,
    });
    if let Some(body) = body {
        event["body"] = body.into();
    }
    event
}

/// One connection of the bootstrap.
fn serve(stream: TcpStream, events: &mut Option<Receiver<Next>>, to_post: &Sender<Posted>) {
    let mut out = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let headers = headers(&mut reader);
        if path.ends_with("/invocation/next") {
            // The test ended: nothing comes any more, as in a frozen environment.
            let Ok(next) = events.as_mut().unwrap().recv() else {
                return;
            };
            let now = UNIX_EPOCH.elapsed().unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nLambda-Runtime-Aws-Request-Id: {}\r\nLambda-Runtime-Deadline-Ms: {}\r\nLambda-Runtime-Trace-Id: Root=1-trace\r\n\r\n",
                next.event.len(),
                next.id,
                (now + next.deadline).as_millis(),
            );
            let whole = head + &next.event;
            if out.write_all(whole.as_bytes()).is_err() {
                return;
            }
            continue;
        }
        let (to_read, pieces) = channel();
        let chunked = headers
            .get("transfer-encoding")
            .is_some_and(|value| value == "chunked");
        let length = headers
            .get("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let posted = Posted {
            path,
            headers,
            pieces,
        };
        // A test that ended reads no more.
        let _ = to_post.send(posted);
        if chunked {
            chunks(&mut reader, &to_read);
        } else {
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = to_read.send(Piece::Data(body));
        }
        drop(to_read);
        let done = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
        if out.write_all(done).is_err() {
            return;
        }
    }
}

pub(crate) fn headers(reader: &mut impl BufRead) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return headers;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn chunks(reader: &mut impl BufRead, to: &Sender<Piece>) {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        if length == 0 {
            let trailers = headers(reader);
            let _ = to.send(Piece::Trailers(trailers));
            return;
        }
        let mut data = vec![0; length + 2];
        reader.read_exact(&mut data).unwrap();
        data.truncate(length);
        let _ = to.send(Piece::Data(data));
    }
}
