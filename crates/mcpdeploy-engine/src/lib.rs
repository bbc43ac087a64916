//! The engine of mcpdeploy: a typed resource graph, the plan, the journal and the apply.
//!
//! It knows no cloud, no MCP and no terminal. The way of the data:
//! [`resource::Desired`] → [`graph::Graph`] → [`refresh`] → [`plan::Plan`] → [`apply::apply`], with
//! the [`state::State`] on either side, kept by a [`store::Store`].

pub mod address;
pub mod apply;
pub mod cancel;
mod claims;
pub mod data;
pub mod diff;
pub mod digest;
pub mod durable;
pub mod event;
pub mod graph;
pub mod import;
pub mod journal;
pub mod kind;
pub mod pace;
pub mod plan;
pub mod record;
pub mod refresh;
pub mod resource;
mod retry;
pub mod said;
pub mod schema;
pub mod seal;
pub mod state;
pub mod store;
mod strict;
pub mod value;
