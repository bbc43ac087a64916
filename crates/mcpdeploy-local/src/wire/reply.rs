//! Answers, and how each protocol writes them.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::{Call, Fault, Protocol, cbor, plain, xml};

/// The body of a response: bytes at hand, or a stream.
pub(crate) type Body = BoxBody<Bytes, std::io::Error>;

/// A body of bytes at hand.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// What a service answers when nothing went wrong.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

/// What is in a reply.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// An output, written in the protocol of the call.
    Output(Value),
    /// Bytes or a stream as they are; the headers say what they are.
    Raw(Body),
}

impl Reply {
    /// Status 200 with this output.
    pub(crate) fn output(value: Value) -> Self {
        Self::with_status(StatusCode::OK, Content::Output(value))
    }

    /// This status with this content.
    pub(crate) fn with_status(status: StatusCode, content: Content) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            content,
        }
    }

    /// Nothing but a status; 204 for most.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::with_status(status, Content::Empty)
    }

    /// With a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

impl Call {
    /// Writes the answer of a service in the protocol of this call.
    pub(crate) fn respond(&self, answer: Result<Reply, Fault>) -> Response<Body> {
        let (status, headers, bytes) = match answer {
            Ok(reply) => {
                let bytes = match reply.content {
                    Content::Raw(body) => {
                        let mut response = Response::new(body);
                        *response.status_mut() = reply.status;
                        return self.finish(response, reply.headers);
                    }
                    Content::Empty => self.nothing(),
                    Content::Output(value) => self.encode(value),
                };
                (reply.status, reply.headers, bytes)
            }
            Err(fault) => (
                fault.status,
                self.fault_headers(&fault),
                self.encode_fault(&fault),
            ),
        };
        let length = HeaderValue::from(bytes.len());
        let mut response = Response::new(full(bytes));
        *response.status_mut() = status;
        if status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(CONTENT_LENGTH, length);
            response
                .headers_mut()
                .insert(CONTENT_TYPE, self.protocol.content_type());
        }
        self.finish(response, headers)
    }

    /// Adds the headers of the service, which win over the protocol's, and the request's id.
    fn finish(&self, mut response: Response<Body>, headers: HeaderMap) -> Response<Body> {
        response.headers_mut().extend(headers);
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if self.protocol == Protocol::Cbor {
            response
                .headers_mut()
                .insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
        }
        response
    }

    fn nothing(&self) -> Vec<u8> {
        match self.protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::Cbor | Protocol::Query => {
                self.encode(json!({}))
            }
            Protocol::RestJson | Protocol::RestXml => Vec::new(),
        }
    }

    fn encode(&self, output: Value) -> Vec<u8> {
        match self.protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                plain(output).to_string().into_bytes()
            }
            Protocol::Cbor => cbor::encode(&output),
            Protocol::Query => xml::query_response(
                &self.operation,
                self.service.namespace(),
                &self.request_id,
                &output,
            ),
            // A service of this protocol names its root: {"ListAllMyBucketsResult": {…}}.
            Protocol::RestXml => xml::document(&output, self.service.namespace()),
        }
    }

    fn encode_fault(&self, fault: &Fault) -> Vec<u8> {
        match self.protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                let mut body = fault.fields.clone();
                if self.protocol != Protocol::RestJson {
                    body.insert("__type".to_owned(), fault.code.as_str().into());
                }
                if !body.contains_key("message") && !body.contains_key("Message") {
                    body.insert("message".to_owned(), fault.message.as_str().into());
                }
                plain(Value::Object(body)).to_string().into_bytes()
            }
            Protocol::Cbor => {
                let mut body = fault.fields.clone();
                let code = format!("{}#{}", self.service.shape_namespace(), fault.code);
                body.insert("__type".to_owned(), code.into());
                body.insert("message".to_owned(), fault.message.as_str().into());
                cbor::encode(&Value::Object(body))
            }
            Protocol::Query => xml::query_fault(fault, self.service.namespace(), &self.request_id),
            Protocol::RestXml => xml::rest_fault(fault, &self.path, &self.request_id),
        }
    }

    fn fault_headers(&self, fault: &Fault) -> HeaderMap {
        let mut headers = fault.headers.clone();
        if let Ok(code) = HeaderValue::from_str(&fault.code) {
            match self.protocol {
                Protocol::RestJson => {
                    headers.insert(ERROR_TYPE, code);
                }
                // A service whose codes differ from the names of its shapes has said so itself.
                Protocol::Cbor if headers.contains_key(QUERY_ERROR) => {}
                Protocol::Cbor => {
                    let side = if fault.status.is_server_error() {
                        "Receiver"
                    } else {
                        "Sender"
                    };
                    if let Ok(value) = HeaderValue::from_str(&format!("{};{side}", fault.code)) {
                        headers.insert(QUERY_ERROR, value);
                    }
                }
                Protocol::Json10 | Protocol::Json11 | Protocol::Query | Protocol::RestXml => {}
            }
        }
        headers
    }
}
