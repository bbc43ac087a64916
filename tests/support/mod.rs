//! What the integration tests share. Knows the world outside the binary under test: emulators of
//! the cloud and a tiny HTTP client; never the project's own crates, so that it cannot share
//! their mistakes.

pub(crate) mod clients;
pub(crate) mod emulator;
pub(crate) mod http;
pub(crate) mod local;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod watched;
