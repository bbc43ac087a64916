//! Answers that go out as they come: a prelude with status and headers, eight NULs, the body; an
//! error that comes after the beginning goes into the trailers.

use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::BodyExt;

use crate::link::{Body, BoxError};

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// What ends the prelude.
const END: [u8; 8] = [0; 8];

/// The headers that announce a stream to the Runtime API.
pub(super) fn announce(headers: &mut HeaderMap) {
    for (name, value) in [
        ("lambda-runtime-function-response-mode", "streaming"),
        (
            "content-type",
            "application/vnd.awslambda.http-integration-response",
        ),
        ("transfer-encoding", "chunked"),
        (
            "trailer",
            "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The whole stream: prelude, body, and trailers if the body breaks off.
pub(super) fn body(mut prelude: Vec<u8>, body: Body) -> Body {
    prelude.extend_from_slice(&END);
    Streamed {
        prelude: Some(prelude.into()),
        body: Some(body),
    }
    .boxed_unsync()
}

struct Streamed {
    prelude: Option<Bytes>,
    /// `None` when it is at its end.
    body: Option<Body>,
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(prelude) = self.prelude.take() {
            return Poll::Ready(Some(Ok(Frame::data(prelude))));
        }
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            let frame = match Pin::new(body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            match frame {
                // Trailers of the server have no place in a function's answer.
                Some(Ok(frame)) if frame.is_trailers() => {}
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => {
                    self.body = None;
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(&error)))));
                }
                None => self.body = None,
            }
        }
    }
}

fn trailers(error: &BoxError) -> HeaderMap {
    let said = serde_json::json!({
        "errorMessage": format!("the server's answer broke off: {error}"),
        "errorType": "Server.AnswerBrokeOff",
    });
    let mut trailers = HeaderMap::new();
    trailers.insert(
        ERROR_TYPE,
        HeaderValue::from_static("Server.AnswerBrokeOff"),
    );
    if let Ok(body) = BASE64_STANDARD.encode(said.to_string()).parse() {
        trailers.insert(ERROR_BODY, body);
    }
    trailers
}
