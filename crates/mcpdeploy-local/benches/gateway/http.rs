//! HTTP/1.1 over a blocking socket: as little as a clock beside it can stand.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

/// A request or an answer, whose body has a length.
#[derive(Debug)]
pub(crate) struct Message {
    first: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to a host and port.
    pub(crate) fn open(host: &str) -> io::Result<Self> {
        Self::of(TcpStream::connect(host)?, host)
    }

    pub(crate) fn of(stream: TcpStream, host: &str) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: host.to_owned(),
        })
    }

    /// Sends a request, e.g. `GET /x`, with these header lines, and waits for the answer.
    pub(crate) fn ask(
        &mut self,
        request: &str,
        headers: &[String],
        body: &[u8],
    ) -> io::Result<Message> {
        let mut lines = format!("{request} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for header in headers {
            lines.push_str(header);
            lines.push_str("\r\n");
        }
        self.send(&lines, body)?;
        self.read()
    }

    /// Answers a request that was read.
    pub(crate) fn answer(
        &mut self,
        status: &str,
        headers: &[String],
        body: &[u8],
    ) -> io::Result<()> {
        let mut lines = format!("HTTP/1.1 {status}\r\n");
        for header in headers {
            lines.push_str(header);
            lines.push_str("\r\n");
        }
        self.send(&lines, body)
    }

    fn send(&mut self, lines: &str, body: &[u8]) -> io::Result<()> {
        let mut bytes = format!("{lines}content-length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        self.stream.get_mut().write_all(&bytes)
    }

    /// Waits for a message.
    pub(crate) fn read(&mut self) -> io::Result<Message> {
        let first = self.line()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
                None if line.is_empty() => break,
                None => return Err(io::Error::other(format!("no header: {line}"))),
            }
        }
        let mut message = Message {
            first,
            headers,
            body: Vec::new(),
        };
        let length = message.header("content-length").unwrap_or("0").parse();
        message.body = vec![0; length.map_err(io::Error::other)?];
        self.stream.read_exact(&mut message.body)?;
        Ok(message)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Message {
    /// Of an answer.
    pub(crate) fn status(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}
