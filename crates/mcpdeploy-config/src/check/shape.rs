//! Walks the file beside its schema and collects every mistake of shape.

use serde_json::{Map, Value as Json, json};

use super::advice::{clause, example, name, short, wrong_type};
use super::unknown::{join, meant, unknown};
use super::words::{Choice, choices, closest, either, other_word, said};
use crate::mistake::Mistake;
use crate::node::{Entry, Node, Table, Value};
use crate::shapes;

/// Collects the mistakes in the names of `[environments]`; what is in them is checked when it is laid over the file.
pub(crate) fn check_names(environments: &Node, mistakes: &mut Vec<Mistake>) {
    let path = "environments";
    let Some(table) = environments.table() else {
        mistakes.push(wrong_type(environments, "object", path));
        return;
    };
    let schema = json!({"propertyNames": {"pattern": shapes::ENVIRONMENT}});
    let mut shape = Shape {
        complete: false,
        mistakes,
    };
    for (name, entry) in table {
        shape.key(name, entry, &schema, path);
        if entry.node.table().is_none() {
            shape
                .mistakes
                .push(wrong_type(&entry.node, "object", &join(path, name)));
        }
    }
}

/// Collects the mistakes of `node` against `schema`.
///
/// Keys that must be there are asked for only with `complete`: a file may leave to its
/// environments what each of them must say. The entries of lists must always be complete.
pub(crate) fn check(node: &Node, schema: &Json, complete: bool, mistakes: &mut Vec<Mistake>) {
    Shape { complete, mistakes }.table(node, schema, "");
}

struct Shape<'a> {
    complete: bool,
    mistakes: &'a mut Vec<Mistake>,
}

impl Shape<'_> {
    /// `path` is the key's path without list indexes, such as `iam.tables.actions`.
    fn value(&mut self, node: &Node, schema: &Json, path: &str) {
        if matches!(node.value, Value::Huge) {
            self.mistakes.push(
                Mistake::new(
                    format!("{} is too large a number", name(path)),
                    node.span.clone(),
                    "does not fit into 64 bits",
                )
                .help("write a smaller number, or put it in quotes if a string is wanted"),
            );
            return;
        }
        if let Some(choices) = choices(schema) {
            self.choice(node, &choices, schema, path);
            return;
        }
        let kind = match schema.get("type") {
            Some(Json::String(kind)) => kind.as_str(),
            // A text is the short form of a table.
            Some(Json::Array(_)) if node.table().is_some() => "object",
            Some(Json::Array(_)) => "string",
            _ => {
                self.anything(node, path);
                return;
            }
        };
        match (kind, &node.value) {
            ("object", Value::Table(_)) => self.table(node, schema, path),
            ("array", Value::Array(items)) => {
                self.list(node, schema, path);
                if let Some(item_schema) = schema.get("items") {
                    let complete = std::mem::replace(&mut self.complete, true);
                    for item in items {
                        self.value(item, item_schema, path);
                    }
                    self.complete = complete;
                }
            }
            ("string", Value::String(text)) => self.text(node, text, schema, path),
            ("integer", Value::Integer(number)) => {
                #[expect(clippy::cast_precision_loss, reason = "every limit is far below 2^53")]
                self.range(node, *number as f64, schema, path);
            }
            ("number", Value::Integer(number)) => {
                #[expect(clippy::cast_precision_loss, reason = "every limit is far below 2^53")]
                self.range(node, *number as f64, schema, path);
            }
            ("number", Value::Float(number)) => self.range(node, *number, schema, path),
            ("boolean", Value::Boolean(_)) => {}
            _ => self.mistakes.push(wrong_type(node, kind, path)),
        }
    }

    fn table(&mut self, node: &Node, schema: &Json, path: &str) {
        let Some(table) = node.table() else {
            self.mistakes.push(wrong_type(node, "object", path));
            return;
        };
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties");
        for (key, entry) in table {
            let here = join(path, key);
            if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                self.value(&entry.node, schema, &here);
            } else if others == Some(&Json::Bool(false)) {
                self.mistakes
                    .push(unknown(path, key, entry.key.clone(), properties));
            } else {
                self.key(key, entry, schema, path);
                match others {
                    Some(schema) if schema.is_object() => self.value(&entry.node, schema, &here),
                    _ => self.anything(&entry.node, &here),
                }
            }
        }
        self.count(node, table, schema, path);
        if self.complete {
            self.required(node, table, properties, schema, path);
        }
    }

    fn required(
        &mut self,
        node: &Node,
        table: &Table,
        properties: Option<&Map<String, Json>>,
        schema: &Json,
        path: &str,
    ) {
        let required = schema.get("required").and_then(Json::as_array);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            let misspelt = |(name, _): (&String, &Entry)| {
                properties.is_some_and(|properties| !properties.contains_key(name))
                    && meant(path, name, properties).as_deref() == Some(key)
            };
            if table.contains_key(key) || table.iter().any(misspelt) {
                continue;
            }
            let property = properties.and_then(|properties| properties.get(key));
            let meaning = property
                .and_then(|property| property.get("description"))
                .and_then(Json::as_str)
                .unwrap_or_default();
            self.mistakes.push(
                Mistake::new(
                    format!("`{path}` needs `{key}`"),
                    node.span.clone(),
                    format!("`{key}` is missing here"),
                )
                .help(format!(
                    "add {key} = {}, {}",
                    example(path, key, property),
                    clause(meaning)
                )),
            );
        }
    }

    /// The name of an entry in a table whose keys are free.
    fn key(&mut self, key: &str, entry: &Entry, schema: &Json, path: &str) {
        let pattern = schema
            .get("propertyNames")
            .and_then(|names| names.get("pattern"))
            .and_then(Json::as_str);
        if let Some(wanted) = pattern.and_then(|pattern| shapes::misfit(pattern, key)) {
            self.mistakes.push(
                Mistake::new(
                    format!("`{}` cannot be a name in `[{path}]`", short(key)),
                    entry.key.clone(),
                    "this name",
                )
                .help(format!("use {wanted}")),
            );
        }
    }

    fn count(&mut self, node: &Node, table: &Table, schema: &Json, path: &str) {
        let most = schema.get("maxProperties").and_then(Json::as_u64);
        if let Some(most) = most.and_then(|most| usize::try_from(most).ok())
            && table.len() > most
        {
            self.mistakes.push(
                Mistake::new(
                    format!("`[{path}]` has {} entries; {most} are allowed", table.len()),
                    node.span.clone(),
                    format!("{} too many", table.len() - most),
                )
                .help(
                    "remove some: AWS takes 50 on a resource, and some are needed to find it again",
                ),
            );
        }
    }

    fn list(&mut self, node: &Node, schema: &Json, path: &str) {
        let items = node.items();
        if schema.get("minItems") == Some(&Json::from(1)) && items.is_empty() {
            self.mistakes.push(
                Mistake::new(
                    format!("{} is empty", name(path)),
                    node.span.clone(),
                    "at least one is needed",
                )
                .help("name one, or remove what it belongs to"),
            );
        }
        if schema.get("uniqueItems") == Some(&Json::Bool(true)) {
            let mut seen = std::collections::HashMap::new();
            for item in items {
                let Some(text) = item.str() else { continue };
                if let Some(first) = seen.insert(text, item.span.clone()) {
                    self.mistakes.push(
                        Mistake::new(
                            format!("\"{}\" is twice in {}", short(text), name(path)),
                            item.span.clone(),
                            "again here",
                        )
                        .also(first, "first here")
                        .help("remove one of them"),
                    );
                }
            }
        }
    }

    fn text(&mut self, node: &Node, text: &str, schema: &Json, path: &str) {
        let limit = |key: &str| schema.get(key).and_then(Json::as_u64);
        let length = text.chars().count() as u64;
        let mistake =
            |message: String, label: String| Mistake::new(message, node.span.clone(), label);
        if let Some(wanted) = schema
            .get("pattern")
            .and_then(Json::as_str)
            .and_then(|pattern| shapes::misfit(pattern, text))
        {
            let is = format!("{} cannot be \"{}\"", name(path), short(text));
            self.mistakes
                .push(mistake(is, "this value".to_owned()).help(format!("use {wanted}")));
        } else if limit("minLength").is_some_and(|least| length < least) {
            self.mistakes.push(
                mistake(
                    format!("{} is empty", name(path)),
                    "needs a text".to_owned(),
                )
                .help("write something, or remove the key"),
            );
        } else if let Some(most) = limit("maxLength").filter(|most| length > *most) {
            self.mistakes.push(mistake(
                format!("{} is too long", name(path)),
                format!("{length} characters; {most} are allowed"),
            ));
        }
    }

    fn range(&mut self, node: &Node, number: f64, schema: &Json, path: &str) {
        let limit = |key: &str| schema.get(key).and_then(Json::as_f64);
        let (least, most) = (limit("minimum"), limit("maximum"));
        // Not a number lies in no range.
        if least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most) {
            return;
        }
        let by = schema.get("x-by").and_then(Json::as_str);
        let least = least.unwrap_or(0.0);
        let allowed = match (by, most.filter(|most| *most < f64::from(u32::MAX))) {
            (Some(by), Some(most)) => format!("{by} allows {least} to {most}"),
            (None, Some(most)) => format!("allowed is {least} to {most}"),
            (_, None) if number > 0.0 => format!("at most {} is possible", u32::MAX),
            (_, None) => format!("at least {least} is needed"),
        };
        self.mistakes.push(Mistake::new(
            format!("{} is {number}: {allowed}", name(path)),
            node.span.clone(),
            if number < least {
                "too small"
            } else {
                "too large"
            },
        ));
    }

    fn choice(&mut self, node: &Node, choices: &[Choice<'_>], schema: &Json, path: &str) {
        let is = node.json();
        if choices.iter().any(|choice| *choice.value == is) {
            return;
        }
        let is_text = choices.iter().all(|choice| choice.value.is_string());
        let kind = if is_text { "string" } else { "integer" };
        let (Some(said), true) = (said(node), is_text == node.str().is_some()) else {
            self.mistakes.push(wrong_type(node, kind, path));
            return;
        };
        let by = schema.get("x-by").and_then(Json::as_str);
        let mistake = |label: String| {
            Mistake::new(
                format!("{} cannot be {said}", name(path)),
                node.span.clone(),
                label,
            )
        };
        let ready = || {
            choices
                .iter()
                .filter(|choice| !choice.planned)
                .map(|choice| choice.value)
        };
        let names: Vec<String> = ready().map(ToString::to_string).collect();
        let help = match by {
            Some(by) => format!("{by} knows {}", either(&names)),
            None => format!("use {}", either(&names)),
        };
        let near = match (node.str(), node.int()) {
            (Some(text), _) => other_word(text)
                .filter(|other| ready().any(|value| value == *other))
                .or_else(|| closest(text, ready().filter_map(Json::as_str)))
                .map(|near| format!("did you mean \"{near}\"?")),
            (_, Some(number)) => ready()
                .filter_map(Json::as_i64)
                .min_by_key(|choice| choice.abs_diff(number))
                .map(|near| format!("the nearest is {near}")),
            _ => None,
        };
        let label = near.unwrap_or_else(|| "not one of the values that exist".to_owned());
        self.mistakes.push(mistake(label).help(help));
    }

    /// Where anything goes, what JSON cannot carry still does not.
    fn anything(&mut self, node: &Node, path: &str) {
        node.walk(&mut |_, _, inner| match &inner.value {
            Value::Datetime => self.mistakes.push(wrong_type(inner, "string", path)),
            Value::Huge => self.mistakes.push(
                Mistake::new(
                    format!("too large a number in {}", name(path)),
                    inner.span.clone(),
                    "does not fit into 64 bits",
                )
                .help("put it in quotes if a string will do"),
            ),
            Value::Float(number) if !number.is_finite() => self.mistakes.push(
                Mistake::new(
                    format!("{} must be a finite number", name(path)),
                    inner.span.clone(),
                    "this cannot be sent to anybody",
                )
                .help("write a finite number"),
            ),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Array(_)
            | Value::Table(_) => {}
        });
    }
}
