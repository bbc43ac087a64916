//! Answers that are streamed: the event stream of InvokeWithResponseStream.
//!
//! Source: "Amazon Event Stream" of Smithy: total length, length of the headers, CRC-32 of both;
//! headers; payload; CRC-32 of everything before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};
use serde_json::json;
use tokio::sync::mpsc;

use crate::wire::Body;

/// The type of a header's value: a text with two bytes of length.
const TEXT: u8 = 7;

/// A chunk of the answer.
pub(super) fn chunk(payload: &[u8]) -> Bytes {
    message("PayloadChunk", "application/octet-stream", payload)
}

/// The end of the answer: whether it came to its end, and the log when it was asked for.
pub(super) fn complete(error: Option<(&str, &str)>, log: Option<&str>) -> Bytes {
    let mut event = json!({});
    if let Some((code, details)) = error {
        event["ErrorCode"] = code.into();
        event["ErrorDetails"] = details.into();
    }
    if let Some(log) = log {
        event["LogResult"] = log.into();
    }
    message(
        "InvokeComplete",
        "application/json",
        event.to_string().as_bytes(),
    )
}

fn message(event: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in [
        (":event-type", event),
        (":content-type", content_type),
        (":message-type", "event"),
    ] {
        headers.put_u8(short(name.len()));
        headers.put_slice(name.as_bytes());
        headers.put_u8(TEXT);
        headers.put_u16(u16::from(short(value.len())));
        headers.put_slice(value.as_bytes());
    }
    let total = 12 + headers.len() + payload.len() + 4;
    let mut out = BytesMut::with_capacity(total);
    out.put_u32(long(total));
    out.put_u32(long(headers.len()));
    out.put_u32(crc32fast::hash(&out));
    out.put_slice(&headers);
    out.put_slice(payload);
    out.put_u32(crc32fast::hash(&out));
    out.freeze()
}

/// Names and values here are short.
fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// Chunks are at most as large as an answer.
fn long(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A body of what comes through a channel.
pub(super) fn body(chunks: mpsc::Receiver<Bytes>) -> Body {
    Chunks(chunks).boxed()
}

struct Chunks(mpsc::Receiver<Bytes>);

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = self.0.poll_recv(context);
        next.map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_lengths_and_checksums() {
        let bytes = chunk(b"hi");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let end = bytes.len();
        assert_eq!(number(0) as usize, end);
        assert_eq!(number(8), crc32fast::hash(&bytes[..8]));
        assert_eq!(number(end - 4), crc32fast::hash(&bytes[..end - 4]));
        let headers = number(4) as usize;
        assert_eq!(&bytes[12 + headers..end - 4], b"hi");
        assert_eq!(&bytes[12..24], b"\x0b:event-type");
        assert_eq!(&bytes[24..39], b"\x07\x00\x0cPayloadChunk");
    }
}
