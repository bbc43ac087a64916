//! JSON-RPC messages. Parameters and results pass through as they were written.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub(super) const PARSE_ERROR: i64 = -32700;
pub(super) const INVALID_REQUEST: i64 = -32600;
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
pub(super) const INVALID_PARAMS: i64 = -32602;
pub(super) const INTERNAL_ERROR: i64 = -32603;
/// A resource that there is not, in the older era.
pub(super) const RESOURCE_NOT_FOUND: i64 = -32002;
pub(super) const HEADER_MISMATCH: i64 = -32020;
pub(super) const UNSUPPORTED_VERSION: i64 = -32022;

/// The members of an object, each as it was written.
pub(super) type Members = IndexMap<String, Box<RawValue>>;

/// Any message.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// A request or notification as it is written.
#[derive(Serialize)]
pub(super) struct Outgoing<'a> {
    pub(super) jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    pub(super) method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) params: Option<&'a RawValue>,
}

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Result(Box<RawValue>),
    Error(Box<RawValue>),
}

/// The error of a request, as the bridge itself makes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

impl RpcError {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(super) fn to_answer(&self) -> Answer {
        let mut error = serde_json::json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        Answer::Error(raw(&error))
    }
}

/// The code of an error that the server made.
pub(super) fn code(error: &RawValue) -> Option<i64> {
    #[derive(Deserialize)]
    struct Code {
        code: i64,
    }
    let code: Code = serde_json::from_str(error.get()).ok()?;
    Some(code.code)
}

/// A value as it is written.
pub(super) fn raw(value: &Value) -> Box<RawValue> {
    // A value of JSON is always written; the constant is never used.
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The members of an object, or `None` for anything else.
pub(super) fn members(object: &RawValue) -> Option<Members> {
    serde_json::from_str(object.get()).ok()
}

/// Members as an object again.
pub(super) fn object(members: &Members) -> Box<RawValue> {
    to_raw_value(members).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Parameters with another `_meta`; an empty one goes. What is no object stays as it is.
pub(super) fn with_meta(params: &RawValue, change: impl FnOnce(&mut Members)) -> Box<RawValue> {
    let Some(mut all) = members(params) else {
        return params.to_owned();
    };
    let mut meta = match all.get("_meta").map(|meta| members(meta)) {
        None => Members::new(),
        Some(Some(meta)) => meta,
        Some(None) => return params.to_owned(),
    };
    change(&mut meta);
    if meta.is_empty() {
        all.shift_remove("_meta");
    } else {
        all.insert("_meta".to_owned(), object(&meta));
    }
    object(&all)
}

/// The whole message that answers the request of that id.
pub(super) fn written(id: Option<&RawValue>, answer: &Answer) -> String {
    let id = id.map_or("null", RawValue::get);
    match answer {
        Answer::Result(result) => {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, result.get())
        }
        Answer::Error(error) => {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#, error.get())
        }
    }
}
