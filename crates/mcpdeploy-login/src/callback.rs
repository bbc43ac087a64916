//! Waits for the browser to come back: on a loopback port (RFC 8252, 7.3), or for the address that it
//! was sent to, when the person pastes it because the browser is on another machine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization::{Attempt, Returned};
use crate::error::LoginError;
use crate::secret::Secret;

/// Where the browser is sent back to.
const PATH: &str = "/callback";

/// The most of a request that is read, in bytes. Codes of some servers have a few thousand.
const MOST: u64 = 32 << 10;

/// How long a connection may take to say what it wants: browsers open some that they never use.
const PATIENCE: Duration = Duration::from_secs(10);

/// A port that the browser can come back to. It is open from here on, so nobody else can take it.
pub(crate) struct Callback {
    listener: TcpListener,
    address: SocketAddr,
}

impl Callback {
    /// Takes that port, or any.
    pub(crate) fn bind(port: Option<u16>) -> Result<Self, LoginError> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) =
            bound.map_err(|source| LoginError::NoListener { port, source })?;
        Ok(Self { listener, address })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The number and not the name: a name may lead to another interface (RFC 8252, 8.3).
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Waits for the code of that login, from either side.
    pub(crate) fn wait(
        self,
        attempt: &Attempt,
        patience: Duration,
        pasted: mpsc::Receiver<String>,
        foreign: &mut dyn FnMut(),
    ) -> Result<Secret, LoginError> {
        let attempt = Arc::new(attempt.clone());
        let (sender, arrivals) = mpsc::channel();
        let over = Arc::new(AtomicBool::new(false));
        {
            let (attempt, sender) = (Arc::clone(&attempt), sender.clone());
            // Ends with the line's other end.
            thread::spawn(move || {
                for line in pasted {
                    let query = line.trim().split_once('?').map(|(_, query)| query);
                    let query = query.map(|query| query.split('#').next().unwrap_or(query));
                    // Nobody listens any more once the answer has come.
                    let _ = sender.send(attempt.read(query.unwrap_or_default()));
                }
            });
        }
        let accepting = {
            let (attempt, over) = (Arc::clone(&attempt), Arc::clone(&over));
            thread::spawn(move || accept(&self.listener, &attempt, &sender, &over))
        };
        let end = Instant::now() + patience;
        let result = loop {
            match arrivals.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Returned::Answer(result)) => break result,
                // Anybody can send something here, but not end the login by it.
                Ok(Returned::Foreign) => foreign(),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    break Err(LoginError::TooLate(patience));
                }
            }
        };
        over.store(true, Ordering::SeqCst);
        // Wakes the listener up, so that the port is free again when this returns.
        drop(TcpStream::connect(self.address));
        let _ = accepting.join();
        result
    }
}

fn accept(
    listener: &TcpListener,
    attempt: &Arc<Attempt>,
    sender: &Sender<Returned>,
    over: &AtomicBool,
) {
    for stream in listener.incoming() {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let (attempt, sender) = (Arc::clone(attempt), sender.clone());
        thread::spawn(move || {
            // A browser that went away has nothing to be told.
            let _ = serve(stream, &attempt, &sender);
        });
    }
}

fn serve(mut stream: TcpStream, attempt: &Attempt, sender: &Sender<Returned>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some((method, target)) = read_head(&stream)? else {
        return Ok(());
    };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if path != PATH {
        return answer(
            &mut stream,
            404,
            "Not here",
            "There is nothing at this address.",
        );
    }
    if method != "GET" {
        return answer(
            &mut stream,
            405,
            "Not so",
            "This address is for a browser that comes back.",
        );
    }
    let returned = attempt.read(query);
    let (status, title, text) = match &returned {
        Returned::Foreign => (
            400,
            "Not this login",
            "This is not the answer to the login that mcpdeploy waits for. Look at the terminal.",
        ),
        Returned::Answer(Ok(_)) => (
            200,
            "Back to the terminal",
            "mcpdeploy has what it needs. You can close this page.",
        ),
        Returned::Answer(Err(_)) => (
            200,
            "The login did not work",
            "The terminal says why. You can close this page.",
        ),
    };
    // The browser is answered first: the program may end once it has the code.
    let answered = answer(&mut stream, status, title, text);
    // Nobody listens any more once the answer has come.
    let _ = sender.send(returned);
    answered
}

/// Method and target of a request, once all of its head is there.
fn read_head(stream: &TcpStream) -> io::Result<Option<(String, String)>> {
    let mut reader = BufReader::new(stream.take(MOST));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut words = first.split_whitespace();
    Ok(words
        .next()
        .zip(words.next())
        .map(|(method, target)| (method.to_owned(), target.to_owned())))
}

fn answer(stream: &mut TcpStream, status: u16, title: &str, text: &str) -> io::Result<()> {
    let page = include_str!("page.html")
        .replace("{title}", title)
        .replace("{text}", text);
    let length = page.len();
    // Nothing of the request is on the page, and its address, which has the code, goes nowhere.
    let head = format!(
        "HTTP/1.1 {status} {title}\r\n\
         content-type: text/html; charset=utf-8\r\n\
         content-length: {length}\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         referrer-policy: no-referrer\r\n\
         cache-control: no-store\r\n\
         x-content-type-options: nosniff\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(page.as_bytes())?;
    stream.flush()
}
