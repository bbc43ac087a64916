//! The JSON Schemas of the files that the engine writes, made from the types that it writes them
//! with. They are committed in `state-schemas/`; a test fails when they differ.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::journal::OwnedLine;
use crate::plan::Plan;
use crate::said::Line;
use crate::seal::{RecordLine, SealedLine};
use crate::state::State;

/// All schemas by the name of their file.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        (
            "event.v1.json",
            of::<Line>(
                "event.v1",
                "Event",
                "One line of the event stream (`--json`). The first line is `version`, which says the version of this format.",
            ),
        ),
        (
            "journal.v1.json",
            of::<OwnedLine>(
                "journal.v1",
                "Journal line",
                "One line of `journal.jsonl`: an append-only file, fsynced before what it announces. The first line's record is `begun`, which has the version of this format, and the lineage and serial of the state that the others are folded into. A line without its end is torn and not counted; any other damage is an error.",
            ),
        ),
        (
            "plan.v1.json",
            of::<Plan>("plan.v1", "Plan", "A saved plan (`plan --out`)."),
        ),
        (
            "sealed.v1.json",
            of::<SealedLine>(
                "sealed.v1",
                "Sealed document",
                "`state.json` or a saved plan when they are encrypted: one line of JSON, byte for byte as it was written. Also the first line of an encrypted `journal.jsonl`. What is in it is decided in docs/adr/0010-the-seal.md.",
            ),
        ),
        (
            "sealed-line.v1.json",
            of::<RecordLine>(
                "sealed-line.v1",
                "Sealed journal line",
                "A later line of an encrypted `journal.jsonl`. A line without its end is torn and not counted.",
            ),
        ),
        (
            "state.v1.json",
            of::<State>(
                "state.v1",
                "State",
                "`state.json`: what a deployment has in an environment. A journal beside it has records that are not yet in it.",
            ),
        ),
    ]
}

fn of<T: JsonSchema>(id: &str, title: &str, description: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = Schema::to_value(generator.into_root_schema_for::<T>());
    let mut root = Map::new();
    root.insert("$schema".to_owned(), schema["$schema"].take());
    root.insert("$id".to_owned(), json!(format!("urn:mcpdeploy:{id}")));
    root.insert("title".to_owned(), json!(title));
    root.insert("description".to_owned(), json!(description));
    if let Value::Object(rest) = schema {
        for (key, value) in rest {
            root.entry(key).or_insert(value);
        }
    }
    Value::Object(root)
}
