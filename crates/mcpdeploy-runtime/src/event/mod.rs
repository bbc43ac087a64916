//! Events of HTTP APIs (payload format 2.0) and of function URLs, which have the same form, as
//! requests; answers as what Lambda passes on to either.

mod request;
mod response;

pub use request::{Context, EventError, request};
pub use response::{prelude, response};
