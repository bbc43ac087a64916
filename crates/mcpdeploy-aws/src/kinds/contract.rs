//! What must hold for every kind, without a cloud.

use std::sync::Arc;

use mcpdeploy_engine::kind::{DynKind, Registry};
use serde_json::Value;

use super::register;
use crate::clients::ClientFactory;

fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry, &Arc::new(ClientFactory::offline()));
    registry
}

/// The schema of the property at `pointer`, through `$ref` and `anyOf`.
fn property<'a>(root: &'a Value, schema: &'a Value, pointer: &str) -> Option<&'a Value> {
    if let Some(to) = schema["$ref"].as_str() {
        return property(root, root.pointer(to.strip_prefix('#')?)?, pointer);
    }
    if pointer.is_empty() {
        return Some(schema);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any
            .iter()
            .find_map(|schema| property(root, schema, pointer));
    }
    let (name, rest) = match pointer[1..].split_once('/') {
        Some((name, _)) => (name, &pointer[1 + name.len()..]),
        None => (&pointer[1..], ""),
    };
    property(root, schema["properties"].get(name)?, rest)
}

fn has(schema: &Value, pointer: &str) -> bool {
    property(schema, schema, pointer).is_some()
}

fn check(each: impl Fn(&dyn DynKind, &Value, &Value)) {
    for kind in registry().iter() {
        each(&**kind, &kind.input_schema(), &kind.output_schema());
    }
}

#[test]
fn pointers_lead_somewhere() {
    check(|kind, inputs, outputs| {
        for pointer in kind.replace_on() {
            assert!(
                has(inputs, pointer),
                "{}: replace on {pointer}",
                kind.name()
            );
        }
        for (input, output) in kind.volatile() {
            assert!(has(inputs, input), "{}: volatile {input}", kind.name());
            assert!(has(outputs, output), "{}: volatile {output}", kind.name());
        }
        assert_eq!(
            kind.taggable(),
            has(inputs, "/tags"),
            "{}: tags",
            kind.name()
        );
    });
}

#[test]
fn every_property_says_what_it_is() {
    check(|kind, inputs, outputs| {
        for schema in [inputs, outputs] {
            let properties = schema["properties"].as_object().into_iter().flatten();
            for (name, property) in properties {
                let said = property["description"].as_str().unwrap_or_default();
                assert!(
                    !said.is_empty(),
                    "{}: `{name}` has no description",
                    kind.name()
                );
            }
        }
    });
}

#[test]
fn unknown_inputs_are_refused() {
    check(|kind, inputs, _| {
        assert_eq!(
            inputs["additionalProperties"],
            Value::Bool(false),
            "{} takes anything",
            kind.name()
        );
    });
}
