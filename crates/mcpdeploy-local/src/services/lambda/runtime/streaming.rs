//! Answers that come as they are made: chunks, and an error from the trailers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::StreamError;

/// The largest streamed answer.
const LARGEST: usize = 200 * 1024 * 1024;

/// How many chunks wait for a slow reader before the function does.
const CHUNKS: usize = 16;

type Chunk = Result<Bytes, StreamError>;

/// The reader's end of an answer that begins.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) chunks: mpsc::Receiver<Chunk>,
    /// By which an answer that breaks off gets its reason. It is not at its end while this is held.
    pub(super) end: mpsc::Sender<Chunk>,
}

/// The function's end of an answer.
#[derive(Debug)]
pub(super) struct Pump {
    chunks: mpsc::Sender<Chunk>,
}

/// The connection ended in the middle.
#[derive(Debug)]
pub(super) struct BrokenOff;

/// Both ends of an answer.
pub(super) fn begin() -> (Stream, Pump) {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let stream = Stream {
        chunks,
        end: sender.clone(),
    };
    (stream, Pump { chunks: sender })
}

impl Pump {
    /// Passes the body on to its end. When nobody reads it any more, the function is to come to its
    /// end all the same, as on AWS.
    pub(super) async fn run(self, body: &mut Incoming) -> Result<(), BrokenOff> {
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BrokenOff)?;
            let chunk = match frame.into_data() {
                Ok(data) => {
                    let before = length;
                    length += data.len();
                    if before > LARGEST || data.is_empty() {
                        continue;
                    }
                    if length > LARGEST {
                        Err(oversized())
                    } else {
                        Ok(data)
                    }
                }
                Err(frame) => match frame.trailers_ref().and_then(error) {
                    Some(error) => Err(error),
                    None => continue,
                },
            };
            drop(self.chunks.send(chunk).await);
        }
        Ok(())
    }
}

fn oversized() -> StreamError {
    StreamError {
        kind: "Function.ResponseSizeTooLarge".to_owned(),
        body: format!(
            "Response payload size exceeded maximum allowed payload size ({LARGEST} bytes)."
        ),
    }
}

/// The error in trailers. Runtimes send its body in base64, because it is JSON of any characters.
fn error(trailers: &HeaderMap) -> Option<StreamError> {
    let kind = trailers.get("lambda-runtime-function-error-type")?;
    let body = trailers.get("lambda-runtime-function-error-body");
    let body = body.map(|body| body.as_bytes()).unwrap_or_default();
    let body = STANDARD.decode(body).unwrap_or_else(|_| body.to_owned());
    Some(StreamError {
        kind: String::from_utf8_lossy(kind.as_bytes()).into_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_trailers() {
        let mut trailers = HeaderMap::new();
        assert_eq!(error(&trailers), None);
        let mut set = |name, value: &str| trailers.insert(name, value.parse().unwrap());
        set("lambda-runtime-function-error-type", "Runtime.StreamError");
        set("lambda-runtime-function-error-body", "eyJhIjoxfQ==");
        let expected = StreamError {
            kind: "Runtime.StreamError".to_owned(),
            body: r#"{"a":1}"#.to_owned(),
        };
        assert_eq!(error(&trailers), Some(expected));
    }
}
