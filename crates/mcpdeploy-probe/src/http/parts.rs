//! Requests and replies, as the checks make and read them.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Method;

/// A request to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Where to; the endpoint when not given.
    pub(crate) url: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) token: Token,
    /// The id of the message that ends a stream.
    pub(crate) awaits: Option<Value>,
    /// Do not read the body of a stream: that it begins is enough.
    pub(crate) only_head: bool,
}

/// Which token a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// The one that the caller gave, if any.
    Given,
    /// None.
    None,
    /// One that nobody issued.
    Forged,
}

impl Request {
    pub(crate) fn new(method: Method) -> Self {
        Self {
            method,
            url: None,
            headers: Vec::new(),
            body: None,
            token: Token::Given,
            awaits: None,
            only_head: false,
        }
    }

    /// With this header instead of those of the same name.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn token(mut self, token: Token) -> Self {
        self.token = token;
        self
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

/// What a reply says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Json,
    EventStream,
    Other(String),
    Unsaid,
}

/// What a `WWW-Authenticate` is called when it has passed AWS's function URLs and REST APIs.
///
/// Source: "Amazon API Gateway important notes", for REST APIs; whether HTTP APIs do so is in
/// docs/runtime.md.
pub(crate) const RENAMED_CHALLENGE: &str = "x-amzn-remapped-www-authenticate";

impl Reply {
    /// What a refusal asks for, by whichever name it arrives.
    pub(crate) fn challenge(&self) -> Option<&str> {
        self.header("www-authenticate")
            .or_else(|| self.header(RENAMED_CHALLENGE))
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn content(&self) -> Content {
        content(self.header("content-type"))
    }
}

fn content(header: Option<&str>) -> Content {
    let Some(header) = header else {
        return Content::Unsaid;
    };
    let kind = header.split(';').next().unwrap_or(header).trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/json" => Content::Json,
        "text/event-stream" => Content::EventStream,
        _ => Content::Other(kind.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_apart() {
        for (header, expected) in [
            (Some("application/json; charset=utf-8"), Content::Json),
            (Some("Text/Event-Stream"), Content::EventStream),
            (Some("text/html"), Content::Other("text/html".to_owned())),
            (None, Content::Unsaid),
        ] {
            assert_eq!(content(header), expected);
        }
    }
}
