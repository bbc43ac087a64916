//! Owns the JSON Schema of the file: for editors, and for the shape check, which walks it.

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

use crate::model::{DeployConfig, ResourceEntry};
use crate::shapes;

/// Sections that belong to other tools: accepted, and without effect here.
pub(crate) const FOREIGN: &[&str] = &[
    "azure",
    "composition",
    "gcp",
    "layout",
    "runtime",
    "widgets",
];

/// The schema of one environment's view of the file, with the notes that only we read (`x-…`).
pub(crate) static VIEW: LazyLock<Json> = LazyLock::new(view);

/// The JSON Schema (draft 7) of `deploy.toml`, as committed in `state-schemas/deploy.v1.json`.
pub fn schema() -> Json {
    let mut overlay = VIEW.clone();
    drop_required(&mut overlay);
    for key in ["$schema", "title", "description"] {
        if let Some(object) = overlay.as_object_mut() {
            object.shift_remove(key);
        }
    }
    let environments = json!({
        "description": "What is different in an environment: any section, laid over the file. Tables are merged, lists are replaced.",
        "type": "object",
        "propertyNames": {"pattern": shapes::ENVIRONMENT},
        "additionalProperties": overlay,
    });
    let mut root = VIEW.clone();
    if let Some(properties) = root.get_mut("properties").and_then(Json::as_object_mut) {
        properties.insert("environments".to_owned(), environments);
    }
    drop_private(&mut root);
    if let Some(object) = root.as_object_mut() {
        for key in ["description", "title", "$schema"] {
            if let Some(value) = object.shift_remove(key) {
                object.shift_insert(0, key.to_owned(), value);
            }
        }
    }
    root
}

fn view() -> Json {
    let mut root = generated::<DeployConfig>();
    let mut entry = generated::<ResourceEntry>();
    if let Some(object) = entry.as_object_mut() {
        for key in ["$schema", "title", "description"] {
            object.shift_remove(key);
        }
    }
    if let Some(properties) = root.get_mut("properties").and_then(Json::as_object_mut) {
        properties.insert(
            "resources".to_owned(),
            json!({
                "description": "Resources of any registered kind, beside the server's own.",
                "type": "array",
                "items": entry,
            }),
        );
        for section in FOREIGN {
            properties.insert(
                (*section).to_owned(),
                json!({"description": "Read by another tool; does nothing here."}),
            );
        }
    }
    root
}

fn generated<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft07()
        .for_deserialize()
        .with(|settings| {
            // Editors follow references badly, and the types are no more than a tree.
            settings.inline_subschemas = true;
        });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    tidy(&mut schema);
    schema
}

/// Makes the schema say what TOML can say: it has no null, and its integers have limits.
fn tidy(schema: &mut Json) {
    match schema {
        Json::Object(object) => {
            tidy_object(object);
            object.values_mut().for_each(tidy);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn tidy_object(object: &mut Map<String, Json>) {
    if let Some(Json::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(options)) = object.get_mut("anyOf") {
        options.retain(|option| option.get("type") != Some(&json!("null")));
        if let [Json::Object(only)] = options.as_slice() {
            let only = only.clone();
            object.shift_remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
    if object
        .get("default")
        .is_some_and(|default| default.is_null() || default.is_object())
    {
        object.shift_remove("default");
    }
    if object.contains_key("enum") {
        object.shift_remove("minimum");
    } else if object.get("format") == Some(&json!("uint32")) {
        object.entry("maximum").or_insert(json!(u32::MAX));
    }
    object.shift_remove("format");
}

/// What an environment lays over the file need not be complete; the items of its lists must be.
fn drop_required(schema: &mut Json) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.shift_remove("required");
    if let Some(Json::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(drop_required);
    }
}

fn drop_private(schema: &mut Json) {
    match schema {
        Json::Object(object) => {
            object.retain(|key, _| !key.starts_with("x-"));
            object.values_mut().for_each(drop_private);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_private),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
