//! Requests to other hosts: the upstream issuer, and documents that clients publish.
//!
//! Redirects are never followed. Whoever calls says how far a request may reach, how long it may
//! take and how much may come back; a request to the public web goes only to addresses of it, and
//! to the very address that was checked.

mod address;
mod https;

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

pub use address::is_public;
pub use https::{Https, Resolve, Resolved, SystemResolver};

/// How far a request may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A host of the settings: https anywhere, http on loopback.
    Configured,
    /// A host that a stranger named: https, and public addresses only.
    Public,
}

/// What bounds a request.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How far it may reach.
    pub reach: Reach,
    /// How long it may take as a whole.
    pub timeout: Duration,
    /// How long the answer's body may be.
    pub bytes: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL is none that may be asked.
    #[error("the URL is not one that may be asked")]
    Url,
    /// The host's name does not resolve.
    #[error("the host's name does not resolve")]
    Name,
    /// An address of the host is not on the public web, or is asked in plain http from afar.
    #[error("the host has an address that may not be asked")]
    Address,
    /// It took longer than it may.
    #[error("it took too long")]
    Timeout,
    /// The answer is longer than it may be.
    #[error("the answer is too long")]
    Size,
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An answer to come.
pub type Answering<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, OutboundError>> + Send + 'a>>;

/// Sends requests to other hosts.
pub trait Outbound: Send + Sync {
    /// Sends `request` within `bounds`; a redirect is an answer like any other.
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Answering<'_>;
}
