//! Placeholders: `#name` and `:value`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::validation;
use super::super::value::{RawItem, Value};
use super::Parameter;
use crate::wire::Fault;

/// What the placeholders of one request stand for, and which of them were used.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Names {
    /// Reads `ExpressionAttributeNames` and `ExpressionAttributeValues`.
    pub(crate) fn read(names: Option<&RawItem>, values: Option<&RawItem>) -> Result<Self, Fault> {
        let mut found = Self::default();
        for (parameter, raw, sign) in [("Names", names, '#'), ("Values", values, ':')] {
            let Some(raw) = raw else { continue };
            if raw.is_empty() {
                return Err(validation(format!(
                    "ExpressionAttribute{parameter} must not be empty"
                )));
            }
            for (key, value) in raw {
                let rest = key.strip_prefix(sign).unwrap_or_default();
                let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if rest.is_empty() || !rest.chars().all(fits) {
                    return Err(validation(format!(
                        "ExpressionAttribute{parameter} contains invalid key: Syntax error; key: \"{key}\""
                    )));
                }
                if sign == ':' {
                    let value = Value::read(value).map_err(|fault| {
                        validation(format!(
                            "ExpressionAttributeValues contains invalid value: {} for key {key}",
                            fault.message
                        ))
                    })?;
                    found.values.insert(key.clone(), value);
                } else {
                    let name = match value {
                        Json::String(name) => name.clone(),
                        Json::Null
                        | Json::Bool(_)
                        | Json::Number(_)
                        | Json::Array(_)
                        | Json::Object(_) => {
                            return Err(Fault::bad("SerializationException", "String expected"));
                        }
                    };
                    found.names.insert(key.clone(), name);
                }
            }
        }
        Ok(found)
    }

    pub(super) fn name(&self, parameter: Parameter, key: &str) -> Result<&str, Fault> {
        self.used.borrow_mut().insert(key.to_owned());
        self.names.get(key).map(String::as_str).ok_or_else(|| {
            parameter.invalid(format!(
                "An expression attribute name used in the document path is not defined; attribute name: {key}"
            ))
        })
    }

    pub(super) fn value(&self, parameter: Parameter, key: &str) -> Result<&Value, Fault> {
        self.used.borrow_mut().insert(key.to_owned());
        self.values.get(key).ok_or_else(|| {
            parameter.invalid(format!(
                "An expression attribute value used in expression is not defined; attribute value: {key}"
            ))
        })
    }

    /// Every placeholder must be used. `given` are the parameters of the request that can hold an
    /// expression, and whether they do.
    pub(crate) fn check_used(&self, given: &[(Parameter, bool)]) -> Result<(), Fault> {
        if given.iter().all(|(_, given)| !given) {
            if !self.names.is_empty() {
                return Err(validation(
                    "ExpressionAttributeNames can only be specified when using expressions",
                ));
            }
            let can: Vec<&str> = given
                .iter()
                .filter(|(parameter, _)| *parameter != Parameter::Projection)
                .map(|(parameter, _)| parameter.name())
                .collect();
            if !self.values.is_empty() {
                return Err(validation(format!(
                    "ExpressionAttributeValues can only be specified when using expressions: {} {} null",
                    can.join(" and "),
                    if can.len() == 1 { "is" } else { "are" }
                )));
            }
        }
        let used = self.used.borrow();
        for (parameter, keys) in [
            ("Names", self.names.keys().collect::<Vec<_>>()),
            ("Values", self.values.keys().collect()),
        ] {
            let unused: Vec<&str> = keys
                .into_iter()
                .filter(|key| !used.contains(*key))
                .map(String::as_str)
                .collect();
            if !unused.is_empty() {
                return Err(validation(format!(
                    "Value provided in ExpressionAttribute{parameter} unused in expressions: keys: {{{}}}",
                    unused.join(", ")
                )));
            }
        }
        Ok(())
    }
}
