//! The bridge to a server that speaks stdio: one process, which has been greeted once, answers the
//! clients of both eras of the protocol, each request for itself.
//!
//! A server that refuses to be greeted and answers `server/discover` knows only the newer era.
//!
//! It has no sessions. A client's `initialize` is answered with what the server said to ours, and
//! a request of the era without handshake is given to the server without what it does not know.
//! What the server sends unasked cannot reach a client through a gateway that takes one answer a
//! request: its requests are refused, its notifications dropped, and it is told so by the
//! capabilities that clients are not offered.

mod bridge;
mod message;
mod modern;
mod modern_only;
mod origin;
mod session;
mod wire;

pub use bridge::{Bridge, StartError};
