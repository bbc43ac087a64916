//! The JSON Schemas of the files that the engine reads and writes.

use serde_json::Value;

/// Each schema with the name of its file in `state-schemas/`.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("state.v1.json", schemars::schema_for!(crate::state::State).to_value()),
        ("journal.v1.json", schemars::schema_for!(crate::record::Record).to_value()),
        ("plan.v1.json", schemars::schema_for!(crate::plan::Plan).to_value()),
        ("event.v1.json", schemars::schema_for!(crate::event::Event).to_value()),
    ]
}
