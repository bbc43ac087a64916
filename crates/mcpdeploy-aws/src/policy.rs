//! IAM policy documents, in one canonical form.
//!
//! IAM takes many spellings of one document and gives back yet another: a single statement, action
//! or resource with or without a list around it, lists in any order, the text URL-encoded. Here a
//! document is brought into one form when it is made or read, so that equal documents are equal
//! JSON and a second plan is empty. Open references inside survive.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use mcpdeploy_engine::value::is_open;

use crate::ids::IntoText;

/// The language version that this crate writes.
const VERSION: &str = "2012-10-17";
/// The language version of a document that names none.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
const DEFAULT_VERSION: &str = "2008-10-17";

/// A policy document in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PolicyDocument(Value);

/// Why a JSON value is no policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

impl PolicyDocument {
    /// A document of these statements.
    #[must_use]
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        let statements: Vec<Value> = statements.into_iter().map(|s| Value::Object(s.0)).collect();
        let document = json!({"Version": VERSION, "Statement": statements});
        // What `Statement` builds is always sound.
        Self::parse(&document).unwrap_or(Self(document))
    }

    /// The trust policy by which a service, e.g. `lambda.amazonaws.com`, may assume a role.
    #[must_use]
    pub fn trust_service(service: &str) -> Self {
        Self::new([Statement::allow(["sts:AssumeRole"]).principal("Service", service)])
    }

    /// Brings a document into canonical form.
    ///
    /// # Errors
    /// When it is no policy document.
    pub fn parse(value: &Value) -> Result<Self, PolicyError> {
        match value {
            open if is_open(open) => Ok(Self(open.clone())),
            Value::Object(map) => canonical(map).map(|map| Self(Value::Object(map))),
            Value::String(text) => Self::from_text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(PolicyError(
                "a policy document is an object with `Statement`".to_owned(),
            )),
        }
    }

    /// Reads a document from the text that a service gives: JSON, URL-encoded at IAM.
    ///
    /// # Errors
    /// When it is no policy document.
    pub fn from_text(text: &str) -> Result<Self, PolicyError> {
        let decoded = if text.trim_start().starts_with('{') {
            text.to_owned()
        } else {
            percent_decode(text)
        };
        match serde_json::from_str(&decoded) {
            Ok(Value::Object(map)) => canonical(&map).map(|map| Self(Value::Object(map))),
            Ok(_) => Err(PolicyError("a policy document is a JSON object".to_owned())),
            Err(error) => Err(PolicyError(format!(
                "the policy document is no JSON: {error}"
            ))),
        }
    }

    /// What is there, read leniently: a document that we would refuse to write is still a
    /// difference to show, no reason to fail.
    #[must_use]
    pub fn observed(text: &str) -> Self {
        Self::from_text(text).unwrap_or_else(|_| Self(Value::String(text.to_owned())))
    }

    /// The document as JSON.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The document as the text that services take.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::parse(&value).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PolicyDocument {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An IAM policy document.",
            "type": "object",
            "properties": {
                "Version": { "type": "string" },
                "Id": { "type": "string" },
                "Statement": {},
            },
            "required": ["Statement"],
        })
    }
}

/// One statement, while it is being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(Map<String, Value>);

impl Statement {
    /// Allows these actions.
    #[must_use]
    pub fn allow<'a>(actions: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with("Allow", actions)
    }

    /// Denies these actions.
    #[must_use]
    pub fn deny<'a>(actions: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with("Deny", actions)
    }

    fn with<'a>(effect: &str, actions: impl IntoIterator<Item = &'a str>) -> Self {
        let actions: Vec<&str> = actions.into_iter().collect();
        Self(Map::from_iter([
            ("Effect".to_owned(), json!(effect)),
            ("Action".to_owned(), json!(actions)),
        ]))
    }

    /// Names the statement.
    #[must_use]
    pub fn sid(mut self, sid: &str) -> Self {
        self.0.insert("Sid".to_owned(), json!(sid));
        self
    }

    /// On this resource, which may be a reference. Called again: on that one as well.
    #[must_use]
    pub fn on(mut self, resource: impl IntoText) -> Self {
        let resource = json!(resource.into_text());
        match self.0.get_mut("Resource") {
            Some(Value::Array(resources)) => resources.push(resource),
            _ => {
                self.0.insert("Resource".to_owned(), json!([resource]));
            }
        }
        self
    }

    /// For this principal, e.g. `principal("Service", "lambda.amazonaws.com")`.
    #[must_use]
    pub fn principal(mut self, kind: &str, who: &str) -> Self {
        self.0.insert("Principal".to_owned(), json!({ kind: who }));
        self
    }

    /// Under a condition, e.g. `condition("StringEquals", "aws:SourceAccount", "123456789012")`.
    #[must_use]
    pub fn condition(mut self, operator: &str, key: &str, value: impl Into<Value>) -> Self {
        let conditions = self.0.entry("Condition").or_insert_with(|| json!({}));
        conditions[operator][key] = value.into();
        self
    }
}

fn canonical(document: &Map<String, Value>) -> Result<Map<String, Value>, PolicyError> {
    known_keys(
        document,
        &["Version", "Id", "Statement"],
        "a policy document",
    )?;
    let mut out = Map::new();
    let version = document
        .get("Version")
        .cloned()
        .unwrap_or_else(|| json!(DEFAULT_VERSION));
    out.insert("Version".to_owned(), version);
    if let Some(id) = document.get("Id") {
        out.insert("Id".to_owned(), id.clone());
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => {
            return Err(PolicyError(
                "a policy document has a `Statement`".to_owned(),
            ));
        }
    };
    let statements = statements.iter().map(statement).collect::<Result<_, _>>()?;
    out.insert("Statement".to_owned(), Value::Array(statements));
    Ok(out)
}

const STATEMENT_KEYS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn statement(value: &Value) -> Result<Value, PolicyError> {
    let Value::Object(map) = value else {
        return if is_open(value) {
            Ok(value.clone())
        } else {
            Err(PolicyError(
                "a statement of a policy document is an object".to_owned(),
            ))
        };
    };
    if is_open(value) {
        return Ok(value.clone());
    }
    known_keys(map, STATEMENT_KEYS, "a statement of a policy document")?;
    match map.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        _ => {
            return Err(PolicyError(
                "the `Effect` of a statement is `Allow` or `Deny`".to_owned(),
            ));
        }
    }
    let mut out = Map::new();
    for &key in STATEMENT_KEYS {
        let Some(value) = map.get(key) else { continue };
        let value = match key {
            "Sid" if value == "" => continue,
            "Sid" | "Effect" => value.clone(),
            "Principal" | "NotPrincipal" => principals(value),
            "Condition" => conditions(value),
            _ => set(value, &Value::clone),
        };
        out.insert(key.to_owned(), value);
    }
    Ok(Value::Object(out))
}

/// A list as a set: sorted, each once, always a list.
fn set(value: &Value, item: &dyn Fn(&Value) -> Value) -> Value {
    if is_open(value) {
        return json!([value]);
    }
    let mut items: Vec<Value> = match value {
        Value::Array(items) => items.iter().map(item).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![item(value)]
        }
    };
    items.sort_by_cached_key(sort_key);
    items.dedup();
    Value::Array(items)
}

fn sort_key(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn principals(value: &Value) -> Value {
    let Value::Object(map) = value else {
        return value.clone();
    };
    if is_open(value) {
        return value.clone();
    }
    sorted(
        map.iter()
            .map(|(kind, who)| (kind.clone(), set(who, &principal))),
    )
}

/// `arn:aws:iam::123456789012:root` and `123456789012` are the same account.
fn principal(value: &Value) -> Value {
    let account = value
        .as_str()
        .and_then(|arn| arn.strip_suffix(":root"))
        .and_then(|arn| arn.rsplit_once(":iam::"))
        .map(|(_, account)| account);
    account.map_or_else(|| value.clone(), |account| json!(account))
}

fn conditions(value: &Value) -> Value {
    let Value::Object(operators) = value else {
        return value.clone();
    };
    sorted(operators.iter().map(|(operator, keys)| {
        let keys = match keys.as_object().filter(|_| !is_open(keys)) {
            Some(keys) => sorted(
                keys.iter()
                    .map(|(key, values)| (key.clone(), set(values, &condition_value))),
            ),
            None => keys.clone(),
        };
        (operator.clone(), keys)
    }))
}

/// IAM reads `true` and `"true"`, `5` and `"5"` alike and answers with text.
fn condition_value(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => json!(value.to_string()),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}

fn sorted(pairs: impl Iterator<Item = (String, Value)>) -> Value {
    let mut pairs: Vec<(String, Value)> = pairs.collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Value::Object(pairs.into_iter().collect())
}

fn known_keys(map: &Map<String, Value>, known: &[&str], of: &str) -> Result<(), PolicyError> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(PolicyError(format!("{of} has no element `{key}`"))),
        None => Ok(()),
    }
}

/// Undoes RFC 3986 encoding.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let decoded = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|two| hex::decode(two).ok());
        match decoded {
            Some(decoded) => {
                bytes.extend(decoded);
                rest = &tail[2..];
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use mcpdeploy_engine::value::Ref;

    use super::*;
    use crate::ids::TableArn;

    fn parse(value: Value) -> PolicyDocument {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn spellings_of_one_document_are_equal() {
        let one = parse(json!({
            "Statement": {
                "Effect": "Allow", "Sid": "", "Resource": "*",
                "Action": ["b:Y", "a:X", "b:Y"],
                "Condition": {"Bool": {"aws:SecureTransport": true}, "ArnLike": {"z": "1", "a": ["2", "1"]}},
            },
            "Version": "2012-10-17",
        }));
        let two = parse(json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": ["a:X", "b:Y"], "Resource": ["*"],
                "Condition": {"ArnLike": {"a": ["1", "2"], "z": ["1"]}, "Bool": {"aws:SecureTransport": "true"}},
            }],
        }));
        assert_eq!(one, two);
        assert_eq!(one.to_text(), two.to_text());
    }

    #[test]
    fn what_differs_stays_different() {
        let of =
            |statements: Value| parse(json!({"Version": "2012-10-17", "Statement": statements}));
        let allow = |action: &str| json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        assert_ne!(
            of(json!([allow("a:X"), allow("a:Y")])),
            of(json!([allow("a:Y"), allow("a:X")]))
        );
        assert_ne!(of(json!([allow("a:X")])), of(json!([allow("a:x")])));
        let unversioned = parse(json!({"Statement": [allow("a:X")]}));
        assert_ne!(unversioned, of(json!([allow("a:X")])));
        assert_eq!(unversioned.as_value()["Version"], "2008-10-17");
    }

    #[test]
    fn accounts_are_principals_in_two_spellings() {
        let of = |who: Value| {
            parse(
                json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": who}}}),
            )
        };
        assert_eq!(
            of(json!("arn:aws:iam::123456789012:root")),
            of(json!(["123456789012"]))
        );
        assert_ne!(
            of(json!("arn:aws:iam::123456789012:role/x")),
            of(json!("123456789012"))
        );
    }

    #[test]
    fn iams_url_encoding_is_undone() {
        let document = PolicyDocument::trust_service("lambda.amazonaws.com");
        let encoded: String = document
            .to_text()
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        assert_eq!(PolicyDocument::from_text(&encoded), Ok(document.clone()));
        assert_eq!(PolicyDocument::observed(&document.to_text()), document);
        assert_eq!(PolicyDocument::observed("no json").as_value(), "no json");
    }

    #[test]
    fn references_survive() {
        let address = "aws.dynamodb.table.x".parse().unwrap();
        let document = PolicyDocument::new([Statement::allow(["dynamodb:GetItem"])
            .on(Ref::<TableArn>::new(&address, "/arn"))
            .on(TableArn::new("arn:aws:dynamodb:::table/y"))
            .condition("StringEquals", "aws:SourceAccount", "1")]);
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(
            json["Statement"][0]["Resource"],
            json!(["arn:aws:dynamodb:::table/y", {"$ref": "aws.dynamodb.table.x#/arn"}])
        );
        assert_eq!(parse(json), document);
        let whole = json!({"$unknown": "x.y.z#/policy"});
        assert_eq!(parse(whole.clone()).as_value(), &whole);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for (value, part) in [
            (json!({}), "`Statement`"),
            (json!({"Statement": [], "Statment": []}), "`Statment`"),
            (json!({"Statement": [{"Effect": "allow"}]}), "`Effect`"),
            (
                json!({"Statement": [{"Effect": "Allow", "Actions": []}]}),
                "`Actions`",
            ),
            (json!([]), "object"),
            (json!("{"), "JSON"),
        ] {
            let error = PolicyDocument::parse(&value).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
