//! The Lambda Runtime API: the loop, its client, and answers that are streamed.

mod api;
mod serve;
mod stream;

pub use api::{ApiError, Invocation, RuntimeApi};
pub use serve::{Call, Serve, Stopped, serve};
