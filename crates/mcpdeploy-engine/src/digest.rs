//! Digests of JSON values that do not depend on the order of keys.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// A SHA-256 over a sequence of JSON values.
#[derive(Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Over nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a value in, its keys sorted.
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::Object(map) => self.add_map(map),
            Value::Array(items) => {
                self.0.update(b"[");
                for item in items {
                    self.add(item);
                }
                self.0.update(b"]");
            }
            Value::String(text) => self.text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.0.update(value.to_string().as_bytes());
                self.0.update(b",");
            }
        }
    }

    /// Takes an object in, its keys sorted.
    pub fn add_map(&mut self, map: &Map<String, Value>) {
        let mut keys: Vec<&String> = map.keys().collect();
        keys.sort_unstable();
        self.0.update(b"{");
        for key in keys {
            self.text(key);
            self.add(&map[key]);
        }
        self.0.update(b"}");
    }

    fn text(&mut self, text: &str) {
        self.0.update(text.len().to_le_bytes());
        self.0.update(text.as_bytes());
    }

    /// The digest in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: &Value) -> String {
        let mut digest = Digest::new();
        digest.add(value);
        digest.finish()
    }

    #[test]
    fn the_order_of_keys_does_not_matter_and_all_else_does() {
        assert_eq!(
            of(&json!({"a": 1, "b": [2]})),
            of(&json!({"b": [2], "a": 1}))
        );
        let different = [
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"a": [1]}),
            json!(["a", 1]),
            json!([["a"], 1]),
            json!(null),
            json!("null"),
            json!({}),
            json!([]),
        ];
        for (i, a) in different.iter().enumerate() {
            for b in &different[i + 1..] {
                assert_ne!(of(a), of(b), "{a} {b}");
            }
        }
    }
}
