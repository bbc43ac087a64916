//! Cognito user pools: users, clients, sign-in pages and tokens.

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::cloud::Cloud;
use crate::server::plain;
use crate::storage::{ReadError, Storage};
use crate::wire::{Body, Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Cognito;

impl Cognito {
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

    /// Answers a request for a page, a token or a key set.
    pub(crate) async fn page(&self, _cloud: &Cloud, _request: Request<Incoming>) -> Response<Body> {
        plain(StatusCode::NOT_FOUND, "not found\n")
    }
}

/// Whether a path on the port belongs to a user pool: `/us-east-1_Ab12/.well-known/…`, `/_cognito/…`.
pub(crate) fn is_door(_path: &str) -> bool {
    false
}
