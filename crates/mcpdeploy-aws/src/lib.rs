//! Kinds of AWS resources and the clients they call with.
//!
//! The only crate that names `aws-sdk-*`. Knows nothing of the command line or of how the graph
//! is walked: the engine calls the kinds, the kinds call AWS.
//!
//! Invariant: the SDK never retries. Every failure becomes a [`KindError`] of one class in
//! [`fault`], and the engine decides what to do about it.
//!
//! [`KindError`]: mcpdeploy_engine::kind::KindError
pub mod artifacts;
pub mod calls;
pub mod clients;
pub mod fault;
mod http;
pub mod iam_action;
pub mod ids;
mod join;
pub mod kinds;
pub mod people;
pub mod policy;
pub mod secrets;
pub mod stack;
pub mod store;
pub mod tags;
