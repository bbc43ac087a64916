//! Key conditions of a query.

use super::super::keys::{KeyAttribute, KeySchema};
use super::super::validation;
use super::super::value::Value;
use super::condition::{Comparison, Operand};
use super::{Condition, Parameter, Path};
use crate::wire::Fault;

/// Which items of a table or index a query wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyCondition {
    /// The hash key that they have.
    pub(crate) hash: Value,
    /// What their range key must be, if anything.
    pub(crate) range: Option<Condition>,
}

impl KeyCondition {
    /// Takes a condition apart: one part for the hash key, at most one for the range key.
    pub(crate) fn new(condition: Condition, schema: &KeySchema) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        split(condition, &mut parts)?;
        if parts.len() > 2 {
            return Err(Parameter::KeyCondition.invalid("Conditions can be of length 1 or 2 only"));
        }
        let mut hash = None;
        let mut range = None;
        for part in parts {
            let (path, values) = simple(&part)?;
            if !path.is_attribute() {
                return Err(Parameter::KeyCondition.invalid(
                    "KeyConditionExpressions cannot have conditions on nested attributes",
                ));
            }
            if path.name == schema.hash.name {
                if hash.is_some() {
                    return Err(Parameter::KeyCondition.invalid(
                        "KeyConditionExpressions must only contain one condition per key",
                    ));
                }
                check_type(&schema.hash, &values)?;
                let Condition::Compare(_, Comparison::Equal, Operand::Value(value)) = part else {
                    return Err(validation("Query key condition not supported"));
                };
                hash = Some(value);
                continue;
            }
            match &schema.range {
                Some(attribute) if attribute.name == path.name && range.is_none() => {
                    check_type(attribute, &values)?;
                    range = Some(part);
                }
                Some(attribute) if attribute.name == path.name => {
                    return Err(Parameter::KeyCondition.invalid(
                        "KeyConditionExpressions must only contain one condition per key",
                    ));
                }
                Some(attribute) if hash.is_some() => return Err(missed(&attribute.name)),
                Some(_) | None => return Err(missed(&schema.hash.name)),
            }
        }
        let hash = hash.ok_or_else(|| missed(&schema.hash.name))?;
        Ok(Self { hash, range })
    }
}

fn missed(name: &str) -> Fault {
    validation(format!("Query condition missed key schema element: {name}"))
}

fn check_type(attribute: &KeyAttribute, values: &[&Value]) -> Result<(), Fault> {
    if values.iter().all(|value| value.kind() == attribute.kind) {
        return Ok(());
    }
    Err(validation(
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    ))
}

fn split(condition: Condition, parts: &mut Vec<Condition>) -> Result<(), Fault> {
    let not = |operator: &str| {
        Err(Parameter::KeyCondition.invalid(format!(
            "Invalid operator used in KeyConditionExpression: {operator}"
        )))
    };
    match condition {
        Condition::And(left, right) => {
            split(*left, parts)?;
            split(*right, parts)
        }
        Condition::Or(..) => not("OR"),
        Condition::Not(_) => not("NOT"),
        Condition::In(..) => not("IN"),
        Condition::Exists(_) => not("attribute_exists"),
        Condition::NotExists(_) => not("attribute_not_exists"),
        Condition::Type(..) => not("attribute_type"),
        Condition::Contains(..) => not("contains"),
        Condition::Compare(_, Comparison::NotEqual, _) => not("<>"),
        part @ (Condition::Compare(..) | Condition::Between(..) | Condition::BeginsWith(..)) => {
            parts.push(part);
            Ok(())
        }
    }
}

/// The path of a part and the values that it is compared with.
fn simple(part: &Condition) -> Result<(&Path, Vec<&Value>), Fault> {
    let operands = match part {
        Condition::Compare(path, _, value) | Condition::BeginsWith(path, value) => {
            vec![path, value]
        }
        Condition::Between(path, low, high) => vec![path, low, high],
        Condition::In(..)
        | Condition::Exists(_)
        | Condition::NotExists(_)
        | Condition::Type(..)
        | Condition::Contains(..)
        | Condition::And(..)
        | Condition::Or(..)
        | Condition::Not(_) => Vec::new(),
    };
    let mut operands = operands.into_iter();
    let Some(Operand::Path(path)) = operands.next() else {
        return Err(validation("Query key condition not supported"));
    };
    let values: Option<Vec<&Value>> = operands
        .map(|operand| match operand {
            Operand::Value(value) => Some(value),
            Operand::Path(_) | Operand::Size(_) => None,
        })
        .collect();
    let no_values = || {
        Parameter::KeyCondition.invalid(
            "KeyConditionExpressions cannot contain more than one attribute in a condition",
        )
    };
    Ok((path, values.ok_or_else(no_values)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Names, condition};
    use super::*;

    fn read(text: &str) -> Result<KeyCondition, String> {
        let attribute = |name: &str| KeyAttribute {
            name: name.to_owned(),
            kind: "S".to_owned(),
        };
        let schema = KeySchema {
            hash: attribute("pk"),
            range: Some(attribute("sk")),
        };
        let values = json!({":a": {"S": "a"}, ":b": {"S": "b"}, ":1": {"N": "1"}});
        let names = Names::read(None, values.as_object()).unwrap();
        condition(Parameter::KeyCondition, text, &names)
            .and_then(|condition| KeyCondition::new(condition, &schema))
            .map_err(|fault| fault.message)
    }

    #[test]
    fn a_hash_key_and_perhaps_a_range_key() {
        for (text, has_range) in [
            ("pk = :a", false),
            ("pk = :a AND sk = :b", true),
            ("sk > :b AND pk = :a", true),
            ("(pk = :a) AND (sk BETWEEN :a AND :b)", true),
            ("pk = :a AND begins_with(sk, :b)", true),
        ] {
            let read = read(text).unwrap();
            assert_eq!(read.hash, Value::S("a".to_owned()), "{text}");
            assert_eq!(read.range.is_some(), has_range, "{text}");
        }
    }

    #[test]
    fn other_conditions_are_refused() {
        for (text, says) in [
            ("sk = :a", "Query condition missed key schema element: pk"),
            (
                "pk = :a AND x = :b",
                "Query condition missed key schema element: sk",
            ),
            ("pk > :a", "Query key condition not supported"),
            (
                "pk = :1",
                "One or more parameter values were invalid: Condition parameter type does not match schema type",
            ),
            (
                "pk = :a OR sk = :b",
                "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR",
            ),
            (
                "pk = :a AND sk IN (:a, :b)",
                "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: IN",
            ),
            (
                "pk = :a AND sk <> :b",
                "Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: <>",
            ),
            (
                "pk = :a AND sk > :a AND sk < :b",
                "Invalid KeyConditionExpression: Conditions can be of length 1 or 2 only",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), says, "{text}");
        }
    }
}
