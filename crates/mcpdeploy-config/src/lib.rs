//! `deploy.toml`: its types, its environments, its mistakes, and its JSON Schema.
//!
//! [`load`] reads the text of a file for one environment. Every key either takes effect or is a
//! mistake that names it; all mistakes are reported at once, each with its place and a way to mend
//! it. This crate touches no file and no network: it is given text, and it gives back values.
//!
//! One thing holds it together: the types below [`DeployConfig`] are the only list of keys. The JSON Schema
//! is generated from them, the shape check walks that schema, and serde fills them.
//!
//! It must not know of AWS calls or of the engine.

mod check;
mod error;
mod fill;
mod load;
mod mistake;
mod model;
mod node;
mod parse;
mod reference;
mod rules;
mod schema;
mod secret_scan;
mod shapes;
mod source;
mod typed_secrets;
mod views;

pub use error::{ConfigError, ConfigErrors};
pub use load::{DEFAULT_ENVIRONMENT, Loaded, load};
pub use model::*;
pub use rules::Note;
pub use schema::schema;
pub use source::Source;
