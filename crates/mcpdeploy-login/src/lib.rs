//! Logs in to MCP servers: the OAuth client of MCP's authorization specification (2025-11-25 and
//! 2026-07-28).
//!
//! [`Client::login`] finds the authorization server of an endpoint, becomes known to it, has the person
//! log in by a browser, and keeps the tokens; [`Client::token`] and [`Client::renew`] give a good one
//! later without asking. [`Issuer`] is for who puts a server behind one. It owns what may be called,
//! what may be believed, and what is kept. It must not know a cloud, a command line or a terminal, and it
//! speaks no MCP but the first request.

mod authorization;
mod browser;
mod callback;
mod challenge;
mod client;
mod discovery;
mod documents;
mod error;
mod http;
mod issuer;
mod kept;
pub mod places;
mod registration;
mod secret;
mod tokens;

pub use browser::Browser;
pub use challenge::Challenge;
pub use client::{Client, Forgotten, Person, Token, Visit, Wanted};
pub use error::LoginError;
pub use http::Options;
pub use issuer::Issuer;
pub use kept::{Kept, KeptError};
pub use secret::Secret;
