//! What runs in a function beside a server that knows no Lambda.
//!
//! It owns the loop of the Lambda Runtime API, the form of its events, and the bridges to servers
//! that speak HTTP or stdio. It must not know the engine, the configuration or any AWS SDK: all it
//! is told comes in environment variables.

pub mod bridge;
pub mod event;
pub mod lambda;
pub mod link;
pub mod log;
pub mod settings;
