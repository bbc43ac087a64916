//! Updates, and what they make of an item.

use super::super::number::Number;
use super::super::validation;
use super::super::value::{Item, Value};
use super::Path;
use super::path::Step;
use crate::wire::Fault;

/// An update: its actions, whose paths do not overlap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Update(pub(super) Vec<Action>);

/// One change of an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Set(Path, Term),
    Remove(Path),
    Add(Path, Value),
    Delete(Path, Value),
}

/// A value to set.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Path(Path),
    Value(Value),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
    IfNotExists(Path, Box<Term>),
    ListAppend(Box<Term>, Box<Term>),
}

impl Action {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _) => path,
        }
    }
}

/// What an action comes to.
enum Change<'a> {
    Set(&'a Path, Value),
    Remove(&'a Path),
}

impl Update {
    /// The paths that it changes.
    pub(crate) fn paths(&self) -> Vec<Path> {
        self.0.iter().map(|action| action.path().clone()).collect()
    }

    /// The item after it. All values are those of before.
    pub(crate) fn apply(&self, item: &Item) -> Result<Item, Fault> {
        let mut changes = Vec::new();
        for action in &self.0 {
            changes.push(match action {
                Action::Set(path, term) => Change::Set(path, term.value(item)?),
                Action::Remove(path) => Change::Remove(path),
                Action::Add(path, value) => Change::Set(path, add(path.get(item), value)?),
                Action::Delete(path, value) => match delete(path.get(item), value)? {
                    Some(left) => Change::Set(path, left),
                    None => Change::Remove(path),
                },
            });
        }
        let mut after = item.clone();
        // Elements that are set come first, in their order: beyond the end they are appended. Then
        // elements are removed from the end, so that no index moves before its turn.
        changes.sort_by(|a, b| match (a, b) {
            (Change::Set(a, _), Change::Set(b, _)) => a.cmp(b),
            (Change::Set(..), Change::Remove(_)) => std::cmp::Ordering::Less,
            (Change::Remove(_), Change::Set(..)) => std::cmp::Ordering::Greater,
            (Change::Remove(a), Change::Remove(b)) => b.cmp(a),
        });
        for change in changes {
            match change {
                Change::Set(path, value) => set(&mut after, path, value)?,
                Change::Remove(path) => remove(&mut after, path)?,
            }
        }
        Ok(after)
    }
}

impl Term {
    fn value(&self, item: &Item) -> Result<Value, Fault> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Path(path) => path.get(item).cloned().ok_or_else(|| {
                validation(
                    "The provided expression refers to an attribute that does not exist in the item",
                )
            }),
            Self::IfNotExists(path, otherwise) => match path.get(item) {
                Some(value) => Ok(value.clone()),
                None => otherwise.value(item),
            },
            Self::Plus(a, b) => {
                let (a, b) = (number(a.value(item)?)?, number(b.value(item)?)?);
                a.add(&b).map(Value::N)
            }
            Self::Minus(a, b) => {
                let (a, b) = (number(a.value(item)?)?, number(b.value(item)?)?);
                a.subtract(&b).map(Value::N)
            }
            Self::ListAppend(a, b) => match (a.value(item)?, b.value(item)?) {
                (Value::L(mut first), Value::L(second)) => {
                    first.extend(second);
                    Ok(Value::L(first))
                }
                (_, _) => Err(wrong_type()),
            },
        }
    }
}

fn number(value: Value) -> Result<Number, Fault> {
    match value {
        Value::N(number) => Ok(number),
        Value::S(_)
        | Value::B(_)
        | Value::Bool(_)
        | Value::Null
        | Value::M(_)
        | Value::L(_)
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_) => Err(wrong_type()),
    }
}

/// A number and a number, or a set and more members.
fn add(there: Option<&Value>, value: &Value) -> Result<Value, Fault> {
    Ok(match (there, value) {
        (None, value) => value.clone(),
        (Some(Value::N(a)), Value::N(b)) => Value::N(a.add(b)?),
        (Some(Value::Ss(a)), Value::Ss(b)) => Value::Ss(a | b),
        (Some(Value::Ns(a)), Value::Ns(b)) => Value::Ns(a | b),
        (Some(Value::Bs(a)), Value::Bs(b)) => Value::Bs(a | b),
        (Some(_), _) => return Err(wrong_type()),
    })
}

/// A set without some members. An empty set is none.
fn delete(there: Option<&Value>, value: &Value) -> Result<Option<Value>, Fault> {
    Ok(match (there, value) {
        (None, _) => None,
        (Some(Value::Ss(a)), Value::Ss(b)) => {
            Some(a - b).filter(|set| !set.is_empty()).map(Value::Ss)
        }
        (Some(Value::Ns(a)), Value::Ns(b)) => {
            Some(a - b).filter(|set| !set.is_empty()).map(Value::Ns)
        }
        (Some(Value::Bs(a)), Value::Bs(b)) => {
            Some(a - b).filter(|set| !set.is_empty()).map(Value::Bs)
        }
        (Some(_), _) => return Err(wrong_type()),
    })
}

fn set(item: &mut Item, path: &Path, value: Value) -> Result<(), Fault> {
    let Some((last, steps)) = path.steps.split_last() else {
        item.insert(path.name.clone(), value);
        return Ok(());
    };
    match (parent(item, path, steps)?, last) {
        (Value::M(fields), Step::Field(name)) => {
            fields.insert(name.clone(), value);
        }
        (Value::L(items), Step::Index(index)) => match items.get_mut(*index) {
            Some(place) => *place = value,
            None => items.push(value),
        },
        (_, Step::Field(_) | Step::Index(_)) => return Err(no_such_path()),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path) -> Result<(), Fault> {
    let Some((last, steps)) = path.steps.split_last() else {
        item.remove(&path.name);
        return Ok(());
    };
    match (parent(item, path, steps)?, last) {
        (Value::M(fields), Step::Field(name)) => {
            fields.remove(name);
        }
        (Value::L(items), Step::Index(index)) => {
            if *index < items.len() {
                items.remove(*index);
            }
        }
        (_, Step::Field(_) | Step::Index(_)) => return Err(no_such_path()),
    }
    Ok(())
}

fn parent<'a>(item: &'a mut Item, path: &Path, steps: &[Step]) -> Result<&'a mut Value, Fault> {
    let mut value = item.get_mut(&path.name).ok_or_else(no_such_path)?;
    for step in steps {
        let next = match (step, value) {
            (Step::Field(name), Value::M(fields)) => fields.get_mut(name),
            (Step::Index(index), Value::L(items)) => items.get_mut(*index),
            (Step::Field(_) | Step::Index(_), _) => None,
        };
        value = next.ok_or_else(no_such_path)?;
    }
    Ok(value)
}

fn no_such_path() -> Fault {
    validation("The document path provided in the update expression is invalid for update")
}

fn wrong_type() -> Fault {
    validation("An operand in the update expression has an incorrect data type")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::super::value::{read_item, write_item};
    use super::super::{Names, project, update};

    fn apply(text: &str) -> Result<(Json, Json), String> {
        let item = json!({
            "n": {"N": "10"},
            "s": {"S": "a"},
            "parts": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
            "doc": {"M": {"a": {"N": "1"}}},
            "colors": {"SS": ["a", "b"]},
        });
        let values = json!({
            ":1": {"N": "1"}, ":x": {"S": "x"}, ":l": {"L": [{"N": "9"}]},
            ":a": {"SS": ["a"]}, ":ab": {"SS": ["a", "b"]}, ":c": {"SS": ["c"]},
        });
        let names = Names::read(None, values.as_object()).unwrap();
        let item = read_item(item.as_object().unwrap()).unwrap();
        let update = update(text, &names).map_err(|fault| fault.message)?;
        let after = update.apply(&item).map_err(|fault| fault.message)?;
        let changed = project(&after, &update.paths());
        Ok((write_item(&after), write_item(&changed)))
    }

    #[test]
    fn updates_change_what_they_name() {
        for (text, changed) in [
            ("SET n = :1", json!({"n": {"N": "1"}})),
            ("set n = n + :1", json!({"n": {"N": "11"}})),
            (
                "SET n = n - :1, s = :x",
                json!({"n": {"N": "9"}, "s": {"S": "x"}}),
            ),
            (
                "SET fresh = if_not_exists(fresh, :1) + :1",
                json!({"fresh": {"N": "2"}}),
            ),
            ("SET n = if_not_exists(n, :1)", json!({"n": {"N": "10"}})),
            (
                "SET fresh = list_append(if_not_exists(fresh, :l), :l)",
                json!({"fresh": {"L": [{"N": "9"}, {"N": "9"}]}}),
            ),
            ("SET parts[1] = :x", json!({"parts": {"L": [{"S": "x"}]}})),
            ("SET doc.b = :1", json!({"doc": {"M": {"b": {"N": "1"}}}})),
            (
                "SET s = n, n = :1",
                json!({"s": {"N": "10"}, "n": {"N": "1"}}),
            ),
            ("ADD n :1", json!({"n": {"N": "11"}})),
            (
                "ADD fresh :1, colors :c",
                json!({"fresh": {"N": "1"}, "colors": {"SS": ["a", "b", "c"]}}),
            ),
            ("ADD doc.a :1", json!({"doc": {"M": {"a": {"N": "2"}}}})),
            ("DELETE colors :a", json!({"colors": {"SS": ["b"]}})),
            ("DELETE colors :ab", json!({})),
            ("REMOVE s, doc.a", json!({})),
            ("REMOVE nothing", json!({})),
        ] {
            assert_eq!(
                apply(text).map(|(_, changed)| changed),
                Ok(changed),
                "{text}"
            );
        }
    }

    #[test]
    fn elements_of_lists_are_those_of_before() {
        for (text, parts) in [
            ("REMOVE parts[0], parts[2]", json!([{"N": "1"}])),
            (
                "REMOVE parts[7]",
                json!([{"N": "0"}, {"N": "1"}, {"N": "2"}]),
            ),
            (
                "SET parts[9] = :x, parts[5] = :1",
                json!([{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "1"}, {"S": "x"}]),
            ),
            (
                "SET parts[1] = :x REMOVE parts[0]",
                json!([{"S": "x"}, {"N": "2"}]),
            ),
            (
                "SET parts = list_append(:l, parts)",
                json!([{"N": "9"}, {"N": "0"}, {"N": "1"}, {"N": "2"}]),
            ),
        ] {
            let (after, _) = apply(text).unwrap();
            assert_eq!(after["parts"]["L"], parts, "{text}");
        }
    }

    #[test]
    fn impossible_updates_say_why() {
        let invalid = |message: &str| format!("Invalid UpdateExpression: {message}");
        for (text, says) in [
            (
                "SET n = nothing",
                "The provided expression refers to an attribute that does not exist in the item"
                    .to_owned(),
            ),
            (
                "SET n = s + :1",
                "An operand in the update expression has an incorrect data type".to_owned(),
            ),
            (
                "SET nothing.a = :1",
                "The document path provided in the update expression is invalid for update"
                    .to_owned(),
            ),
            (
                "SET s.a = :1",
                "The document path provided in the update expression is invalid for update"
                    .to_owned(),
            ),
            (
                "ADD s :1",
                "An operand in the update expression has an incorrect data type".to_owned(),
            ),
            (
                "ADD n :x",
                invalid(
                    "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
                ),
            ),
            (
                "SET n = n + :x",
                invalid(
                    "Incorrect operand type for operator or function; operator or function: +, operand type: S",
                ),
            ),
            (
                "SET n = :1, n = :x",
                invalid(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]",
                ),
            ),
            (
                "SET doc.a = :1 REMOVE doc",
                invalid(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [doc, a], path two: [doc]",
                ),
            ),
            (
                "SET n = :1 SET s = :x",
                invalid("The \"SET\" section can only be used once in an update expression;"),
            ),
            (
                "n = :1",
                invalid("Syntax error; token: \"n\", near: \"n =\""),
            ),
            (
                "SET n :1",
                invalid("Syntax error; token: \":1\", near: \"n :1\""),
            ),
            (
                "SET count = :1",
                invalid("Attribute name is a reserved keyword; reserved keyword: count"),
            ),
        ] {
            assert_eq!(apply(text).unwrap_err(), says, "{text}");
        }
    }
}
