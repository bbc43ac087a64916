//! API Gateway v2: HTTP APIs, and the gateway that serves them.

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::cloud::Cloud;
use crate::running::ApiStatus;
use crate::server::plain;
use crate::storage::{ReadError, Storage};
use crate::wire::{Body, Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct ApiGateway;

impl ApiGateway {
    pub(crate) fn open(_storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self)
    }

    pub(crate) async fn handle(&self, _cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        Err(Fault::absent(format!(
            "{}.{}",
            call.service.name(),
            call.operation
        )))
    }

    /// The APIs that there are, for `local status`.
    pub(crate) fn status(&self) -> Vec<ApiStatus> {
        Vec::new()
    }

    /// Opens the port of each API that there is.
    pub(crate) async fn start(&self, _cloud: &Cloud) {}

    /// Answers a request that came by the common port.
    pub(crate) async fn request(
        &self,
        _cloud: &Cloud,
        _door: &ApiDoor,
        _request: Request<Incoming>,
    ) -> Response<Body> {
        plain(StatusCode::NOT_FOUND, "{\"message\":\"Not Found\"}")
    }
}

/// Which API a request on the common port means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiDoor {
    /// The API's id.
    pub(crate) api: String,
    /// What stands before the path as the API sees it: empty, or `/_aws/execute-api/<id>`.
    pub(crate) prefix: String,
}

impl ApiDoor {
    /// By host (`<id>.execute-api.…`) or by path (`/_aws/execute-api/<id>/<stage>/…`).
    pub(crate) fn find(host: &str, path: &str) -> Option<Self> {
        if let Some((api, rest)) = host.split_once('.')
            && rest.starts_with("execute-api.")
        {
            return Some(Self {
                api: api.to_owned(),
                prefix: String::new(),
            });
        }
        let rest = path.strip_prefix("/_aws/execute-api/")?;
        let api = rest.split('/').next()?;
        Some(Self {
            api: api.to_owned(),
            prefix: format!("/_aws/execute-api/{api}"),
        })
    }
}
