//! Checks of an MCP endpoint, in both eras of the protocol: with a handshake (up to 2025-11-25) and
//! without (2026-07-28).
//!
//! [`Probe::run`] makes the checks one after another, hands each to its caller when it is done, and
//! gives a [`Report`] of all. It owns what is sent, what is right and what is wrong about the answers,
//! and what can be done about it. It must not know a cloud, a command line or a terminal.

mod catalog;
mod checks;
mod client;
mod exchange;
mod http;
mod junit;
mod message;
mod options;
mod report;
mod run;
mod sample;
pub mod schema;
mod sse;
mod tools;
mod unanswered;

pub use catalog::{
    CheckId, CommonCheck, Era, LegacyCheck, LoginCheck, ModernCheck, TransportCheck,
};
pub use exchange::Exchange;
pub use junit::{JunitError, to_junit};
pub use options::{Bearer, CallTools, NotAToken, Options, Pick, Refused, Renew, UnknownCheck, Via};
pub use report::{
    CheckDone, Counts, EraFound, FORMAT, Latency, Login, Outcome, Report, Server, Slow, Verdict,
};
pub use run::{Probe, ProbeError};
