//! Schema, parser and this folder's `every_key.toml` know the same keys, and every key is read.

use std::collections::BTreeSet;

use mcpdeploy_config::{load, schema};
use serde_json::Value as Json;
use toml::Value as Toml;

use crate::{bad_in, good};

const EVERY_KEY: &str = include_str!("every_key.toml");

/// The paths of the schema's keys; lists are entered, tables with free keys are not.
fn in_schema(schema: &Json, path: &str, keys: &mut BTreeSet<String>) {
    let properties = schema.get("properties").and_then(Json::as_object);
    for (key, property) in properties.into_iter().flatten() {
        let path = joined(path, key);
        if path == "environments" {
            continue;
        }
        in_schema(property, &path, keys);
        if let Some(items) = property.get("items") {
            in_schema(items, &path, keys);
        }
        keys.insert(path);
    }
}

/// The paths of a file's keys, as far as the schema knows them.
fn in_file(value: &Toml, path: &str, known: &BTreeSet<String>, keys: &mut BTreeSet<String>) {
    match value {
        Toml::Table(table) => {
            for (key, value) in table {
                let path = joined(path, key);
                if known.contains(&path) {
                    in_file(value, &path, known, keys);
                    keys.insert(path);
                }
            }
        }
        Toml::Array(items) => items
            .iter()
            .for_each(|item| in_file(item, path, known, keys)),
        Toml::String(_)
        | Toml::Integer(_)
        | Toml::Float(_)
        | Toml::Boolean(_)
        | Toml::Datetime(_) => {}
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn every_key() -> Toml {
    // `target.name` is for files without a server, and refused in others.
    let mut file: Toml = toml::from_str(EVERY_KEY).expect("the file is TOML");
    at(&mut file, "target")
        .as_table_mut()
        .expect("a section")
        .remove("name");
    file
}

fn at<'a>(file: &'a mut Toml, path: &str) -> &'a mut Toml {
    path.split('.')
        .filter(|key| !key.is_empty())
        .fold(file, |value, key| {
            let value = if value.is_array() {
                &mut value[0]
            } else {
                value
            };
            &mut value[key]
        })
}

#[test]
fn schema_and_file_have_the_same_keys() {
    let mut known = BTreeSet::new();
    in_schema(&schema(), "", &mut known);
    let mut written = BTreeSet::new();
    let file: Toml = toml::from_str(EVERY_KEY).expect("the file is TOML");
    in_file(&file, "", &known, &mut written);
    assert_eq!(known, written);
}

#[test]
fn environments_have_the_same_keys() {
    let mut known = BTreeSet::new();
    in_schema(&schema(), "", &mut known);
    let mut overlay = BTreeSet::new();
    let schema = schema();
    let environment = &schema["properties"]["environments"]["additionalProperties"];
    in_schema(environment, "", &mut overlay);
    assert_eq!(known, overlay);
}

#[test]
fn the_parser_knows_every_key_of_the_schema() {
    let text = toml::to_string(&every_key()).expect("it can be written");
    good(&text);
}

#[test]
fn the_parser_reads_every_key_of_the_schema() {
    let mut known = BTreeSet::new();
    in_schema(&schema(), "", &mut known);
    let foreign = [
        "azure",
        "composition",
        "gcp",
        "layout",
        "runtime",
        "widgets",
    ];
    let date: Toml = toml::from_str::<toml::Table>("x = 1979-05-27").expect("TOML")["x"].clone();
    for path in known {
        if foreign.contains(&path.as_str()) || path == "target.name" {
            continue;
        }
        // No key of ours takes a date: one that is not noticed is not read.
        let mut file = every_key();
        *at(&mut file, &path) = date.clone();
        let text = toml::to_string(&file).expect("it can be written");
        let errors = bad_in(&text, "default");
        let key = path.rsplit('.').next().unwrap_or(&path);
        assert!(
            errors
                .errors()
                .iter()
                .any(|error| error.message().contains(key)),
            "{path}: {}",
            errors.render(false, 100)
        );
    }
}

#[test]
fn the_parser_knows_no_other_keys() {
    let mut known = BTreeSet::new();
    in_schema(&schema(), "", &mut known);
    let mut sections: BTreeSet<String> = known
        .iter()
        .filter_map(|path| path.rsplit_once('.').map(|(section, _)| section.to_owned()))
        .collect();
    sections.insert(String::new());
    for section in sections {
        let mut file = every_key();
        let value = at(&mut file, &section);
        let table = if value.is_array() {
            &mut value[0]
        } else {
            value
        };
        let table = table.as_table_mut().expect("a section is a table");
        table.insert("no_such_key".to_owned(), Toml::Boolean(true));
        let text = toml::to_string(&file).expect("it can be written");
        let errors = bad_in(&text, "default");
        assert!(
            errors.errors()[0]
                .message()
                .contains("unknown key `no_such_key`"),
            "[{section}] {}",
            errors.render(false, 100)
        );
    }
}

#[test]
fn every_key_arrives() {
    let text = toml::to_string(&every_key()).expect("it can be written");
    let config = load("deploy.toml", &text, "staging")
        .expect("it loads")
        .config;
    let server = config.server.as_ref().expect("a server");
    assert_eq!(server.memory_mb, 512, "the environment's value");
    assert_eq!(server.timeout_seconds, 60);
    assert_eq!(config.observability.alarms.error_rate_percent, Some(2.5));
    assert_eq!(config.aws.account_id.as_deref(), Some("123456789012"));
    assert_eq!(
        config
            .auth
            .cognito
            .as_ref()
            .map(|c| c.access_token_ttl.seconds()),
        Some(900)
    );
    assert_eq!(config.iam.tables[0].actions.len(), 2);
    assert!(config.resources[0].lifecycle.protect);
}
