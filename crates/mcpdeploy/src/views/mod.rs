//! What people and programs see of a run: text on the terminal, JSON lines, graphs.
//!
//! Views take values and return text, or write it to a writer that they are given. They know
//! neither the cloud nor the file system, decide nothing, and are the only place from which
//! anything is printed. Whatever comes from outside (a service's message, a tag, a name) goes
//! through [`text::clean`] before it is shown.

pub(crate) mod checks;
pub(crate) mod columns;
pub(crate) mod errors;
pub(crate) mod graph;
pub(crate) mod json;
pub(crate) mod local;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod recovered;
pub(crate) mod seen;
pub(crate) mod state;
pub(crate) mod style;
pub(crate) mod summary;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod words;
