//! Arguments that a schema allows, made from the schema alone.
//!
//! The author's own values come first: `const`, `examples`, `default`, `enum`. Otherwise the least
//! that the type and its bounds allow; of objects, only what is required. Whatever is made is checked
//! against the whole schema in the end: what does not fit is not used.

mod pattern;

use std::cell::Cell;

use serde_json::{Map, Number, Value, json};

use crate::tools::validator;

/// How deep schemas are followed: recursive ones end here.
const DEPTH: usize = 24;

/// Arguments for a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) arguments: Value,
    /// Whether some of it is of our making: a tool may well have no answer to it.
    pub(crate) invented: bool,
}

/// Arguments that the schema allows; none when no such value could be made.
pub(crate) fn arguments(schema: &Value) -> Option<Sample> {
    let fits = validator(schema).ok()?;
    let maker = Maker {
        root: schema,
        invented: Cell::new(false),
    };
    let arguments = maker.value(schema, 0)?;
    (arguments.is_object() && fits.is_valid(&arguments)).then(|| Sample {
        arguments,
        invented: maker.invented.get(),
    })
}

struct Maker<'a> {
    root: &'a Value,
    invented: Cell<bool>,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        let schema = match schema {
            Value::Bool(true) => return Some(self.make(json!("text"))),
            Value::Object(schema) => self.whole(schema, depth)?,
            Value::Null
            | Value::Bool(false)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => return None,
        };
        if let Some(value) = authors(&schema) {
            return Some(value);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(key).and_then(Value::as_array) {
                return self.one_of(&schema, key, choices, depth);
            }
        }
        self.of_type(&schema, depth)
    }

    fn make(&self, value: Value) -> Value {
        self.invented.set(true);
        value
    }

    /// The schema with what it refers to and what `allOf` adds.
    fn whole(&self, schema: &Map<String, Value>, depth: usize) -> Option<Map<String, Value>> {
        if depth > DEPTH {
            return None;
        }
        let mut whole = schema.clone();
        if let Some(reference) = whole.remove("$ref") {
            let target = self.resolve(reference.as_str()?)?.as_object()?.clone();
            merge(&mut whole, &self.whole(&target, depth + 1)?);
        }
        if let Some(Value::Array(parts)) = whole.remove("allOf") {
            for part in &parts {
                merge(&mut whole, &self.whole(part.as_object()?, depth + 1)?);
            }
        }
        Some(whole)
    }

    /// What a reference within the schema points to.
    fn resolve(&self, reference: &str) -> Option<&Value> {
        let pointer = reference.strip_prefix('#')?;
        if pointer.is_empty() || pointer.starts_with('/') {
            return self.root.pointer(&pointer.replace("%25", "%"));
        }
        None
    }

    /// The first choice that a value can be made for; null last.
    fn one_of(
        &self,
        schema: &Map<String, Value>,
        key: &str,
        choices: &[Value],
        depth: usize,
    ) -> Option<Value> {
        let mut base = schema.clone();
        base.remove(key);
        let is_null = |choice: &&Value| choice["type"] == "null";
        let in_order = choices
            .iter()
            .filter(|choice| !is_null(choice))
            .chain(choices.iter().filter(is_null));
        for choice in in_order {
            let Value::Object(choice) = choice else {
                continue;
            };
            let mut merged = base.clone();
            if let Some(choice) = self.whole(choice, depth + 1) {
                merge(&mut merged, &choice);
            }
            if let Some(value) = self.value(&Value::Object(merged), depth + 1) {
                return Some(value);
            }
        }
        None
    }

    fn of_type(&self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .find(|kind| *kind != "null")
                .unwrap_or("null"),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                guess(schema)
            }
        };
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => string(schema).map(|text| self.make(Value::String(text))),
            "integer" => number(schema, true).map(|number| self.make(number)),
            "number" => number(schema, false).map(|number| self.make(number)),
            "boolean" => Some(self.make(json!(false))),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn object(&self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let mut made = Map::new();
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let property = schema
                .get("properties")
                .and_then(|properties| properties.get(name))
                .or_else(|| schema.get("additionalProperties"))
                .unwrap_or(&Value::Bool(true));
            made.insert(name.to_owned(), self.value(property, depth + 1)?);
        }
        Some(Value::Object(made))
    }

    fn array(&self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let prefix = schema.get("prefixItems").and_then(Value::as_array);
        let items = schema.get("items").unwrap_or(&Value::Bool(true));
        (0..usize::try_from(least.min(100)).ok()?)
            .map(|at| {
                let item = prefix.and_then(|prefix| prefix.get(at)).unwrap_or(items);
                self.value(item, depth + 1)
            })
            .collect::<Option<Vec<Value>>>()
            .map(Value::Array)
    }
}

/// A value that the schema's author wrote down.
fn authors(schema: &Map<String, Value>) -> Option<Value> {
    let first = |key: &str| schema.get(key)?.as_array()?.iter().find(|v| !v.is_null());
    schema
        .get("const")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("default").filter(|value| !value.is_null()))
        .or_else(|| first("enum"))
        .cloned()
}

/// Adds to a schema what another asks for as well.
fn merge(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (key, value) in other {
        match (into.get_mut(key), value) {
            (Some(Value::Object(mine)), Value::Object(theirs)) if key == "properties" => {
                for (name, schema) in theirs {
                    mine.entry(name).or_insert_with(|| schema.clone());
                }
            }
            (Some(Value::Array(mine)), Value::Array(theirs)) if key == "required" => {
                mine.extend(theirs.iter().cloned());
            }
            (Some(_), _) => {}
            (None, _) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The type that a schema without one is about.
fn guess(schema: &Map<String, Value>) -> &'static str {
    let has = |keys: &[&str]| keys.iter().any(|key| schema.contains_key(*key));
    if has(&["properties", "required", "additionalProperties"]) {
        "object"
    } else if has(&["items", "prefixItems", "minItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "multipleOf"]) {
        "number"
    } else {
        "string"
    }
}

fn string(schema: &Map<String, Value>) -> Option<String> {
    let length = |key: &str| {
        let length = schema.get(key).and_then(Value::as_u64)?;
        usize::try_from(length).ok()
    };
    let least = length("minLength").unwrap_or(0);
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        return pattern::shortest(pattern, least);
    }
    let format = schema.get("format").and_then(Value::as_str);
    if let Some(known) = format.and_then(formatted) {
        return Some(known.to_owned());
    }
    if least > 100_000 {
        return None;
    }
    let mut text = "text".to_owned();
    while text.len() < least {
        text.push('x');
    }
    if let Some(most) = length("maxLength") {
        text.truncate(most.max(least));
    }
    Some(text)
}

fn formatted(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-01-02T03:04:05Z",
        "date" => "2026-01-02",
        "time" => "03:04:05Z",
        "duration" => "PT1M",
        "email" | "idn-email" => "somebody@example.com",
        "hostname" | "idn-hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" | "iri" => "https://example.com/",
        "uri-reference" | "iri-reference" => "/text",
        "uri-template" => "/{text}",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "json-pointer" => "/text",
        "regex" => "text",
        "byte" | "base64" => "dGV4dA==",
        _ => return None,
    })
}

/// 1 where that is allowed, else the least, else the most.
fn number(schema: &Map<String, Value>, whole: bool) -> Option<Value> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let beside = step.unwrap_or(if whole { 1.0 } else { 0.5 });
    let least = bound("minimum")
        .into_iter()
        .chain(bound("exclusiveMinimum").map(|least| least + beside))
        .reduce(f64::max);
    let most = bound("maximum")
        .into_iter()
        .chain(bound("exclusiveMaximum").map(|most| most - beside))
        .reduce(f64::min);
    let mut value = 1.0;
    if let Some(most) = most {
        value = f64::min(value, most);
    }
    if let Some(least) = least {
        value = f64::max(value, least);
    }
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        // Nothing beside an excluded bound: half-way may do.
        value = f64::midpoint(bound("exclusiveMinimum")?, bound("exclusiveMaximum")?);
    }
    if let Some(step) = step {
        value = (value / step).ceil() * step;
    } else if whole {
        value = value.ceil();
    }
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is a whole number in range"
        )]
        return Some(json!(value as i64));
    }
    Number::from_f64(value).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(property: Value) -> Value {
        json!({"type": "object", "properties": {"a": property}, "required": ["a"]})
    }

    #[test]
    fn values_are_the_authors_or_the_least_that_fits() {
        for (property, expected) in [
            (json!({"const": 7}), json!(7)),
            (
                json!({"type": "string", "examples": ["x"], "default": "y"}),
                json!("x"),
            ),
            (
                json!({"type": "string", "default": "y", "enum": ["z", "y"]}),
                json!("y"),
            ),
            (json!({"enum": [null, "z"]}), json!("z")),
            (json!({"type": "integer"}), json!(1)),
            (json!({"type": "integer", "minimum": 5}), json!(5)),
            (json!({"type": "integer", "exclusiveMinimum": 5}), json!(6)),
            (json!({"type": "integer", "maximum": -3}), json!(-3)),
            (
                json!({"type": "integer", "minimum": 3, "multipleOf": 5}),
                json!(5),
            ),
            (json!({"type": "number", "maximum": 0.25}), json!(0.25)),
            (
                json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}),
                json!(0.25),
            ),
            (json!({"type": "string", "minLength": 6}), json!("textxx")),
            (json!({"type": "string", "maxLength": 2}), json!("te")),
            (
                json!({"type": "string", "format": "date"}),
                json!("2026-01-02"),
            ),
            (
                json!({"type": "string", "pattern": "^[A-Z]{2}-\\d+$"}),
                json!("AA-1"),
            ),
            (json!({"type": "boolean"}), json!(false)),
            (json!({"type": ["null", "integer"]}), json!(1)),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                json!([]),
            ),
            (
                json!({"type": "array", "items": {"type": "integer"}, "minItems": 2}),
                json!([1, 1]),
            ),
            (
                json!({"anyOf": [{"type": "null"}, {"type": "integer"}]}),
                json!(1),
            ),
            (
                json!({"allOf": [{"type": "integer"}, {"minimum": 4}]}),
                json!(4),
            ),
            (
                json!({"type": "object", "properties": {"b": {"type": "integer"}, "c": {}}, "required": ["b"]}),
                json!({"b": 1}),
            ),
            (
                json!({"type": "object", "required": ["b"], "additionalProperties": {"type": "integer"}}),
                json!({"b": 1}),
            ),
            (json!(true), json!("text")),
        ] {
            let sample = arguments(&object(property.clone()));
            let made = sample.map(|sample| sample.arguments);
            assert_eq!(made, Some(json!({"a": expected})), "{property}");
        }
    }

    #[test]
    fn references_are_followed_and_circles_end() {
        let schema = json!({
            "type": "object",
            "$defs": {"N": {"type": "integer", "minimum": 2}},
            "properties": {"a": {"$ref": "#/$defs/N"}},
            "required": ["a"],
        });
        assert_eq!(arguments(&schema).unwrap().arguments, json!({"a": 2}));
        let circle = json!({
            "type": "object",
            "$defs": {"L": {"type": "object", "properties": {"next": {"$ref": "#/$defs/L"}}, "required": ["next"]}},
            "properties": {"a": {"$ref": "#/$defs/L"}},
            "required": ["a"],
        });
        assert_eq!(arguments(&circle), None);
    }

    #[test]
    fn what_cannot_be_made_is_not_made() {
        for property in [
            json!(false),
            json!({"type": "string", "not": {"type": "string"}}),
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 2, "uniqueItems": true}),
            json!({"type": "string", "pattern": "^(?=x)y$"}),
            json!({"$ref": "https://example.com/schema"}),
        ] {
            assert_eq!(arguments(&object(property.clone())), None, "{property}");
        }
    }

    #[test]
    fn it_is_known_what_was_invented() {
        let author = object(json!({"type": "string", "examples": ["x"]}));
        assert!(!arguments(&author).unwrap().invented);
        assert!(!arguments(&json!({"type": "object"})).unwrap().invented);
        assert!(
            arguments(&object(json!({"type": "string"})))
                .unwrap()
                .invented
        );
    }
}
