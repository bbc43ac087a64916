//! JSON as text, with references in it: for variables that only the function reads.

use mcpdeploy_engine::value::{is_open, join};
use serde_json::Value;

/// `value` as the text of a JSON document; references in it become strings of that document. What
/// they refer to are addresses and ids, in which nothing has to be escaped.
pub(super) fn text_of(value: &Value) -> Value {
    let mut parts = Parts::default();
    parts.write(value);
    parts.joined()
}

/// How long the text is, when references are as long as the addresses that they mostly are.
pub(super) fn length_of(value: &Value) -> usize {
    let mut parts = Parts::default();
    parts.write(value);
    let references = parts.done.len().saturating_sub(1) / 2;
    let texts: usize = parts
        .done
        .iter()
        .filter_map(Value::as_str)
        .map(str::len)
        .sum();
    texts + parts.text.len() + references * 64
}

/// The text so far: literal parts and references in turn.
#[derive(Default)]
struct Parts {
    done: Vec<Value>,
    text: String,
}

impl Parts {
    fn write(&mut self, value: &Value) {
        if is_open(value) {
            self.text.push('"');
            self.done
                .push(Value::String(std::mem::take(&mut self.text)));
            self.done.push(value.clone());
            self.text.push('"');
            return;
        }
        match value {
            Value::Object(map) => {
                self.text.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.text.push_str(&Value::from(key.as_str()).to_string());
                    self.text.push(':');
                    self.write(value);
                }
                self.text.push('}');
            }
            Value::Array(items) => {
                self.text.push('[');
                for (index, value) in items.iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.write(value);
                }
                self.text.push(']');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.text.push_str(&value.to_string());
            }
        }
    }

    fn joined(mut self) -> Value {
        if self.done.is_empty() {
            return Value::String(self.text);
        }
        self.done.push(Value::String(self.text));
        join(self.done)
    }
}

#[cfg(test)]
mod tests {
    use mcpdeploy_engine::value::{Lookup, Reference, resolve};
    use serde_json::json;

    use super::*;

    #[test]
    fn references_become_strings_of_the_document() {
        let address = "aws.x.y.z".parse().unwrap();
        let one = Reference::new(address, "/url").to_value();
        let both = join([one.clone(), json!("/mcp")]);
        let value = json!({"a": one, "b": [both, 1, "say \"hi\"\u{1}"], "c": {}});
        let text = text_of(&value);
        let resolved = resolve(&text, &mut |_| Lookup::Known(json!("https://x"))).unwrap();
        let read: Value = serde_json::from_str(resolved.as_str().unwrap()).unwrap();
        assert_eq!(
            read,
            json!({"a": "https://x", "b": ["https://x/mcp", 1, "say \"hi\"\u{1}"], "c": {}})
        );
    }

    #[test]
    fn text_without_references_is_a_text() {
        assert_eq!(text_of(&json!([true])), json!("[true]"));
        assert_eq!(length_of(&json!([true])), 6);
    }
}
