//! The committed schemas are those of the types, and what is written satisfies them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use mcpdeploy_engine::schema;
use mcpdeploy_testkit::{At, Fault};
use serde_json::{Value, json};

use crate::scenes::scenes;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../state-schemas")
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (name, schema) in schema::all() {
        let path = folder().join(name);
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            let mut file = std::fs::File::create(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "state-schemas/{name} is not what the types say; run the tests with UPDATE_SCHEMAS=1"
        );
    }
}

#[test]
fn everything_in_the_schemas_is_described() {
    for (name, schema) in schema::all() {
        for key in ["$schema", "$id", "title", "description"] {
            assert!(schema[key].is_string(), "{name} has no {key}");
        }
        for (of, definition) in schema["$defs"].as_object().into_iter().flatten() {
            let described = definition.get("description").is_some();
            assert!(
                described || of == "Address" || of == "KindName",
                "{name}: {of}"
            );
            for (property, schema) in definition["properties"].as_object().into_iter().flatten() {
                let tag = schema.get("const").is_some();
                assert!(
                    tag || schema.get("description").is_some(),
                    "{name}: {of}.{property}"
                );
            }
        }
    }
}

fn validator(file: &str) -> Validator {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[track_caller]
fn check(validator: &Validator, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_satisfies_its_schema() {
    let (state, journal) = (validator("state.v1.json"), validator("journal.v1.json"));
    let (plan, event) = (validator("plan.v1.json"), validator("event.v1.json"));
    let mut records = std::collections::BTreeSet::new();
    for scene in scenes() {
        // Killed at several places, so that there is something pending, deposed, recovered.
        for number in [7, 13, 19, 25, usize::MAX] {
            let mut lab = crate::crash::set(&scene).await;
            let at = lab.cloud.call_count().saturating_add(number);
            lab.cloud.arm(At::Number(at), Fault::CrashAfter, 1);
            lab.run_until_killed(&scene.after.desired, &scene.options)
                .await;
            let lines = std::fs::read_to_string(lab.journal_path()).unwrap_or_default();
            for line in lines.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                let record = line["record"].as_object().unwrap().keys().next().unwrap();
                records.insert(record.clone());
                check(&journal, &line);
            }
            check(&state, &json!(lab.state().unwrap()));
            let made = lab.plan(&scene.after.desired).await.unwrap();
            check(&plan, &json!(made));
            for record in &made.preamble {
                check(
                    &journal,
                    &json!({"seq": 0, "record": record, "crc": "00000000"}),
                );
            }
            lab.converge(&scene.after.desired).await;
            let written = std::fs::read(lab.state_path()).unwrap();
            check(&state, &serde_json::from_slice(&written).unwrap());
            for happened in &lab.events {
                check(&event, &json!(happened));
            }
        }
    }
    for record in ["begun", "intent", "created", "done", "applied"] {
        assert!(records.contains(record), "no {record} among {records:?}");
    }
}

#[test]
fn what_is_not_of_the_format_does_not_satisfy_the_schema() {
    let state = validator("state.v1.json");
    let good = json!(mcpdeploy_engine::state::State::new("test", "default"));
    check(&state, &good);
    for (key, value) in [
        ("serial", json!(-1)),
        ("more", json!(1)),
        ("resources", json!([])),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(!state.is_valid(&bad), "{key}");
    }
    let event = validator("event.v1.json");
    check(
        &event,
        &json!({"event": "version", "format": 1, "mcpdeploy": "0.1.0"}),
    );
    assert!(!event.is_valid(&json!({"event": "something_else"})));
    assert!(
        !validator("journal.v1.json")
            .is_valid(&json!({"seq": 0, "record": {"ended": {"ok": true}}}))
    );
}
