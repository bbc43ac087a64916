//! The JSON Schema of the report, made from the types that it is written with. It is committed in
//! `state-schemas/`; a test fails when they differ.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::report::Report;

/// The schema and the name of its file.
#[must_use]
pub fn report() -> (&'static str, Value) {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = Schema::to_value(generator.into_root_schema_for::<Report>());
    let mut root = Map::new();
    root.insert("$schema".to_owned(), schema["$schema"].clone());
    root.insert("$id".to_owned(), json!("urn:mcpdeploy:test-report.v1"));
    root.insert("title".to_owned(), json!("Test report"));
    root.insert(
        "description".to_owned(),
        json!("What came of `mcpdeploy test`."),
    );
    if let Value::Object(rest) = schema {
        for (key, value) in rest {
            root.entry(key).or_insert(value);
        }
    }
    ("test-report.v1.json", Value::Object(root))
}
