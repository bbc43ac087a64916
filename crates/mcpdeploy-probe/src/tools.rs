//! What a server says of its tools: whether it is in order, and what follows for calling them.

use std::collections::BTreeSet;

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::{Map, Value};

use crate::catalog::Era;
use crate::client::header_value;
use crate::options::CallTools;

/// Fetches nothing: a schema that is not whole in itself is not in order.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("it refers to {uri}, which clients do not fetch").into())
    }
}

/// What checks values against the schema; the error says what is wrong about the schema.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_retriever(Nowhere)
        .build(schema)
        .map_err(|error| {
            let at = error.instance_path().as_str();
            let at = if at.is_empty() { "its root" } else { at };
            format!("{error} (at {at})")
        })
}

/// What is wrong about the tools, and what is not as it should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// Looks at what `tools/list` gave.
pub(crate) fn look_at(tools: &[Value], era: Era) -> Findings {
    let mut found = Findings::default();
    let mut names = BTreeSet::new();
    for (at, tool) in tools.iter().enumerate() {
        let Some(name) = tool["name"].as_str().filter(|name| !name.is_empty()) else {
            found.errors.push(format!("tool {} has no name", at + 1));
            continue;
        };
        if !names.insert(name) {
            found.errors.push(format!("two tools are named {name}"));
        }
        if !is_good_name(name) {
            found.warnings.push(format!(
                "the name {name:?} has other than letters, digits, `_`, `-` and `.`, or is longer than 128"
            ));
        }
        if tool["description"].as_str().is_none_or(str::is_empty) {
            found
                .warnings
                .push(format!("{name} has no description: models choose by it"));
        }
        schemas(name, tool, era, &mut found.errors);
    }
    found
}

fn is_good_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    name.len() <= 128 && name.chars().all(good)
}

fn schemas(name: &str, tool: &Value, era: Era, errors: &mut Vec<String>) {
    let input = &tool["inputSchema"];
    if input["type"] != "object" {
        errors.push(format!("the inputSchema of {name} is not of type object"));
    } else if let Err(why) = validator(input) {
        errors.push(format!(
            "the inputSchema of {name} is no valid schema: {why}"
        ));
    }
    if let Some(output) = tool.get("outputSchema").filter(|schema| !schema.is_null()) {
        if era == Era::Legacy && output["type"] != "object" {
            errors.push(format!("the outputSchema of {name} is not of type object"));
        } else if let Err(why) = validator(output) {
            errors.push(format!(
                "the outputSchema of {name} is no valid schema: {why}"
            ));
        }
    }
    if era == Era::Modern
        && let Err(why) = parameter_headers(input)
    {
        errors.push(format!("{name}: {why}; clients leave the tool out"));
    }
}

/// Whether a tool is called, else why not.
pub(crate) fn may_call(tool: &Value, choice: CallTools) -> Result<(), &'static str> {
    let hint = |name: &str| tool["annotations"][name].as_bool();
    let read_only = hint("readOnlyHint") == Some(true);
    let destructive = !read_only && hint("destructiveHint") == Some(true);
    if tool["execution"]["taskSupport"] == "required" {
        return Err("it runs as a task only");
    }
    match choice {
        CallTools::None => Err("no tools are to be called"),
        CallTools::ReadOnly if read_only => Ok(()),
        CallTools::ReadOnly if destructive => Err("it is annotated as destructive"),
        CallTools::ReadOnly => Err("it is not annotated as read-only"),
        CallTools::All if destructive => Err("it is annotated as destructive"),
        CallTools::All | CallTools::Destructive => Ok(()),
    }
}

/// A property that has to be repeated in a header, by its path in the arguments.
#[derive(Debug, PartialEq, Eq)]
struct ParameterHeader {
    path: Vec<String>,
    name: String,
}

/// The `Mcp-Param-…` headers of a call.
pub(crate) fn headers_of_call(input: &Value, arguments: &Value) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for ParameterHeader { path, name } in parameter_headers(input).unwrap_or_default() {
        let value = path.iter().try_fold(arguments, |at, key| at.get(key));
        let text = match value {
            Some(Value::String(text)) => header_value(text),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
        };
        headers.push((format!("Mcp-Param-{name}"), text));
    }
    headers
}

fn parameter_headers(input: &Value) -> Result<Vec<ParameterHeader>, String> {
    let mut found = Vec::new();
    if let Value::Object(schema) = input {
        walk(schema, &mut Vec::new(), true, &mut found)?;
    }
    let mut names = BTreeSet::new();
    for header in &found {
        if !names.insert(header.name.to_ascii_lowercase()) {
            return Err(format!("the x-mcp-header {} is there twice", header.name));
        }
    }
    Ok(found)
}

fn walk(
    schema: &Map<String, Value>,
    path: &mut Vec<String>,
    reachable: bool,
    found: &mut Vec<ParameterHeader>,
) -> Result<(), String> {
    if let Some(name) = schema.get("x-mcp-header") {
        let at = path.join(".");
        let name = name
            .as_str()
            .filter(|name| !name.is_empty() && name.chars().all(is_token))
            .ok_or_else(|| format!("the x-mcp-header of {at} is no header name"))?;
        let kind = schema.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("string" | "integer" | "boolean")) {
            return Err(format!(
                "the x-mcp-header {name} is on {at}, which is no string, integer or boolean"
            ));
        }
        if !reachable || path.is_empty() {
            return Err(format!(
                "the x-mcp-header {name} is where no fixed path through `properties` leads"
            ));
        }
        found.push(ParameterHeader {
            path: path.clone(),
            name: name.to_owned(),
        });
    }
    for (key, value) in schema {
        match value {
            Value::Object(named) if NAMED.contains(&key.as_str()) => {
                for (name, schema) in named {
                    if let Value::Object(schema) = schema {
                        path.push(name.clone());
                        walk(schema, path, reachable && key == "properties", found)?;
                        path.pop();
                    }
                }
            }
            Value::Object(schema) if !DATA.contains(&key.as_str()) => {
                walk(schema, path, false, found)?;
            }
            Value::Array(list) if !DATA.contains(&key.as_str()) => {
                for item in list {
                    if let Value::Object(schema) = item {
                        walk(schema, path, false, found)?;
                    }
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
    }
    Ok(())
}

/// Keywords whose values are schemas by name.
const NAMED: [&str; 5] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];

/// Keywords whose values are no schemas.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// RFC 9110's `tchar`.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(input: &Value) -> Value {
        json!({"name": "t", "description": "d", "inputSchema": input})
    }

    #[test]
    fn what_is_wrong_about_tools_is_found() {
        let fine = json!({"type": "object"});
        for (tool, part) in [
            (
                json!({"description": "d", "inputSchema": fine}),
                "has no name",
            ),
            (
                json!({"name": "t", "description": "d"}),
                "not of type object",
            ),
            (tool(&json!({"type": "array"})), "not of type object"),
            (
                tool(&json!({"type": "object", "required": "a"})),
                "no valid schema",
            ),
            (
                tool(&json!({"type": "object", "properties": {"a": {"$ref": "https://x.test/"}}})),
                "clients do not fetch",
            ),
            (
                json!({"name": "t", "description": "d", "inputSchema": fine, "outputSchema": {"type": "x"}}),
                "outputSchema",
            ),
        ] {
            let found = look_at(std::slice::from_ref(&tool), Era::Modern);
            assert_eq!(found.errors.len(), 1, "{tool} {found:?}");
            assert!(found.errors[0].contains(part), "{found:?}");
        }
        let twice = [tool(&fine), tool(&fine)];
        assert_eq!(
            look_at(&twice, Era::Legacy).errors,
            ["two tools are named t"]
        );
        let odd = json!({"name": "a b", "inputSchema": fine});
        assert_eq!(look_at(&[odd], Era::Legacy).warnings.len(), 2);
    }

    #[test]
    fn only_the_older_era_wants_outputs_to_be_objects() {
        let tool = json!({"name": "t", "description": "d", "inputSchema": {"type": "object"},
            "outputSchema": {"type": "array"}});
        let tools = [tool];
        assert_eq!(look_at(&tools, Era::Legacy).errors.len(), 1);
        assert_eq!(look_at(&tools, Era::Modern), Findings::default());
    }

    #[test]
    fn tools_are_called_as_their_annotations_say() {
        use CallTools::{All, Destructive, None, ReadOnly};
        for (annotations, allowed) in [
            (
                json!({"readOnlyHint": true}),
                vec![ReadOnly, All, Destructive],
            ),
            (json!({}), vec![All, Destructive]),
            (json!({"destructiveHint": false}), vec![All, Destructive]),
            (json!({"destructiveHint": true}), vec![Destructive]),
        ] {
            let tool = json!({"name": "t", "annotations": annotations});
            let called: Vec<CallTools> = [None, ReadOnly, All, Destructive]
                .into_iter()
                .filter(|choice| may_call(&tool, *choice).is_ok())
                .collect();
            assert_eq!(called, allowed, "{tool}");
        }
    }

    #[test]
    fn parameter_headers_are_made_and_checked() {
        let input = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "at": {"type": "object", "properties": {"row": {"type": "integer", "x-mcp-header": "Row"}}},
        }});
        let arguments = json!({"region": "é", "at": {"row": 3}});
        assert_eq!(
            headers_of_call(&input, &arguments),
            [
                ("Mcp-Param-Region".to_owned(), "=?base64?w6k=?=".to_owned()),
                ("Mcp-Param-Row".to_owned(), "3".to_owned()),
            ]
        );
        assert_eq!(headers_of_call(&input, &json!({})), []);
        for property in [
            json!({"type": "string", "x-mcp-header": ""}),
            json!({"type": "string", "x-mcp-header": "a b"}),
            json!({"type": "number", "x-mcp-header": "N"}),
            json!({"type": "array", "items": {"type": "string", "x-mcp-header": "I"}}),
            json!({"anyOf": [{"type": "string", "x-mcp-header": "I"}]}),
        ] {
            let input = json!({"type": "object", "properties": {"a": property}});
            let found = look_at(&[tool(&input)], Era::Modern);
            assert_eq!(found.errors.len(), 1, "{input}");
        }
        let twice = json!({"type": "object", "properties": {
            "a": {"type": "string", "x-mcp-header": "X"}, "b": {"type": "string", "x-mcp-header": "x"}}});
        assert!(parameter_headers(&twice).is_err());
        // A property may have that name.
        let named = json!({"type": "object", "properties": {"x-mcp-header": {"type": "string"}}});
        assert_eq!(parameter_headers(&named), Ok(Vec::new()));
    }
}
