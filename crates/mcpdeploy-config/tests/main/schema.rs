//! The JSON Schema: the committed file is what the types say.

use std::path::Path;

use mcpdeploy_config::{load, schema};
use serde_json::Value as Json;

#[test]
fn the_committed_schema_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../state-schemas/deploy.v1.json");
    let mut now = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    now.push('\n');
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        crate::rewrite(&path, &now);
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "state-schemas/deploy.v1.json is out of date: run the tests with UPDATE_SCHEMAS=1"
    );
}

#[test]
fn every_key_is_described() {
    fn walk(schema: &serde_json::Value, path: &str) {
        let properties = schema.get("properties").and_then(|value| value.as_object());
        for (key, property) in properties.into_iter().flatten() {
            let path = format!("{path}.{key}");
            let text = property.get("description").and_then(|value| value.as_str());
            assert!(
                text.is_some_and(|text| !text.is_empty()),
                "{path} has no description"
            );
            walk(property, &path);
            if let Some(items) = property.get("items") {
                walk(items, &path);
            }
        }
    }
    walk(&schema(), "");
}

/// A file as an editor's validator sees it.
fn as_json(text: &str) -> Json {
    let file: toml::Table = toml::from_str(text).expect("it is TOML");
    serde_json::to_value(file).expect("it is JSON")
}

#[test]
fn a_validator_that_is_not_ours_agrees() {
    let validator = jsonschema::draft7::new(&schema()).expect("the schema is one");
    let project = include_str!("../../../../fixtures/pmcp-workspace/.pmcp/deploy.toml");
    for text in [include_str!("every_key.toml"), project, crate::SMALLEST] {
        assert!(validator.is_valid(&as_json(text)), "{text}");
    }
    for text in [
        "nope = 1\n",
        "[server]\nmemory_mb = 512\n",
        "[server]\nname = \"A\"\n",
        "[environments.prod.server]\nmemory_mb = 1\n",
        "[environments.prod.server]\nmemmory_mb = 1\n",
        "[[resources]]\nkind = \"a.b\"\n",
        "[observability]\nlog_retention_days = 31\n",
    ] {
        assert!(!validator.is_valid(&as_json(text)), "{text}");
    }
}

/// What the parser takes, the schema must take too: an editor must not mark a file that loads.
#[test]
fn the_schema_is_no_stricter_than_the_parser() {
    let validator = jsonschema::draft7::new(&schema()).expect("the schema is one");
    let whole = include_str!("every_key.toml").replace(
        "name = \"calculator\" # only with type = \"resources\"\n",
        "",
    );
    let values = ["0", "30", "1.5", "false", "\"x\"", "[]"];
    let mut loaded = 0;
    for (number, line) in whole.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        for value in values {
            let lines = whole.lines().enumerate().map(|(at, line)| {
                if at == number {
                    format!("{key} = {value}\n")
                } else {
                    format!("{line}\n")
                }
            });
            let text: String = lines.collect();
            if load("x", &text, "default").is_ok() {
                loaded += 1;
                assert!(validator.is_valid(&as_json(&text)), "{key} = {value}");
            }
        }
    }
    assert!(loaded > 50, "only {loaded} variants load");
}
