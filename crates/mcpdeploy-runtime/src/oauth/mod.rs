//! The OAuth facade as a function: its settings from the environment, its secrets from Secrets
//! Manager, its requests from the Runtime API, a line in the log for each.
//!
//! The facade itself knows none of these.

mod function;
mod safe;

pub use function::{Function, StartError};
pub use safe::SafeError;
