//! Conditions, and whether they hold.

use std::cmp::Ordering;

use super::super::number::Number;
use super::super::value::{Item, Value};
use super::Path;

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Compare(Operand, Comparison, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    /// `attribute_type`, with the type's name.
    Type(Path, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Value(Value),
    Size(Path),
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn read(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether it needs values that have an order.
    pub(super) const fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether it holds; what is missing equals nothing, and values of two types have no order.
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let order = match (left, right) {
            (Some(left), Some(right)) => left.order(right),
            (None, _) | (_, None) => None,
        };
        match self {
            Self::Equal => left.is_some() && left == right,
            Self::NotEqual => left != right,
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

impl Operand {
    fn get(&self, item: &Item) -> Option<Value> {
        match self {
            Self::Path(path) => path.get(item).cloned(),
            Self::Value(value) => Some(value.clone()),
            Self::Size(path) => size(path.get(item)?),
        }
    }
}

/// What `size()` says; not every type has one.
fn size(value: &Value) -> Option<Value> {
    let size = match value {
        Value::S(text) => text.chars().count(),
        Value::B(bytes) => bytes.len(),
        Value::M(fields) => fields.len(),
        Value::L(items) => items.len(),
        Value::Ss(set) => set.len(),
        Value::Ns(set) => set.len(),
        Value::Bs(set) => set.len(),
        Value::N(_) | Value::Bool(_) | Value::Null => return None,
    };
    Number::parse(&size.to_string()).ok().map(Value::N)
}

impl Condition {
    /// Whether it holds for an item; an item that is not there is an empty one.
    pub(crate) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Compare(left, comparison, right) => {
                comparison.holds(left.get(item).as_ref(), right.get(item).as_ref())
            }
            Self::Between(operand, low, high) => {
                let value = operand.get(item);
                Comparison::GreaterOrEqual.holds(value.as_ref(), low.get(item).as_ref())
                    && Comparison::LessOrEqual.holds(value.as_ref(), high.get(item).as_ref())
            }
            Self::In(operand, list) => {
                let value = operand.get(item);
                value.is_some() && list.iter().any(|other| other.get(item) == value)
            }
            Self::Exists(path) => path.get(item).is_some(),
            Self::NotExists(path) => path.get(item).is_none(),
            Self::Type(path, kind) => path.get(item).is_some_and(|value| value.kind() == kind),
            Self::BeginsWith(operand, start) => match (operand.get(item), start.get(item)) {
                (Some(Value::S(text)), Some(Value::S(start))) => text.starts_with(&start),
                (Some(Value::B(bytes)), Some(Value::B(start))) => bytes.starts_with(&start),
                (Some(_) | None, _) => false,
            },
            Self::Contains(operand, part) => match (operand.get(item), part.get(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                (None, _) | (_, None) => false,
            },
            Self::And(left, right) => left.holds(item) && right.holds(item),
            Self::Or(left, right) => left.holds(item) || right.holds(item),
            Self::Not(condition) => !condition.holds(item),
        }
    }

    /// All paths in it.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        fn of(operand: &Operand) -> Vec<&Path> {
            match operand {
                Operand::Path(path) | Operand::Size(path) => vec![path],
                Operand::Value(_) => Vec::new(),
            }
        }
        match self {
            Self::Compare(a, _, b) | Self::BeginsWith(a, b) | Self::Contains(a, b) => {
                [of(a), of(b)].concat()
            }
            Self::Between(a, b, c) => [of(a), of(b), of(c)].concat(),
            Self::In(a, list) => of(a).into_iter().chain(list.iter().flat_map(of)).collect(),
            Self::Exists(path) | Self::NotExists(path) | Self::Type(path, _) => vec![path],
            Self::And(a, b) | Self::Or(a, b) => [a.paths(), b.paths()].concat(),
            Self::Not(condition) => condition.paths(),
        }
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::S(text), Value::S(part)) => text.contains(part.as_str()),
        (Value::B(bytes), Value::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (Value::Ss(set), Value::S(part)) => set.contains(part),
        (Value::Ns(set), Value::N(part)) => set.contains(part),
        (Value::Bs(set), Value::B(part)) => set.contains(part),
        (Value::L(items), part) => items.contains(part),
        (
            Value::S(_)
            | Value::N(_)
            | Value::B(_)
            | Value::Bool(_)
            | Value::Null
            | Value::M(_)
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_),
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::value::read_item;
    use super::super::{Names, Parameter, condition};

    fn holds(text: &str) -> Result<bool, String> {
        let item = json!({
            "id": {"S": "a1"},
            "n": {"N": "10"},
            "parts": {"L": [{"S": "x"}, {"N": "2"}]},
            "doc": {"M": {"leaf": {"M": {"deep": {"BOOL": true}}}}},
            "tags": {"SS": ["red", "blue"]},
            "nil": {"NULL": true},
            "name": {"S": "reserved"},
        });
        let names = json!({"#name": "name", "#dot": "a.b"});
        let values = json!({
            ":a": {"S": "a"}, ":a1": {"S": "a1"}, ":5": {"N": "5"}, ":10": {"N": "10.0"},
            ":20": {"N": "20"}, ":2": {"N": "2"}, ":x": {"S": "x"}, ":red": {"S": "red"},
            ":true": {"BOOL": true}, ":S": {"S": "S"}, ":reserved": {"S": "reserved"},
            ":bad": {"S": "STRING"},
        });
        let names = Names::read(names.as_object(), values.as_object()).unwrap();
        let condition = condition(Parameter::Condition, text, &names).map_err(|f| f.message)?;
        Ok(condition.holds(&read_item(item.as_object().unwrap()).unwrap()))
    }

    #[test]
    fn conditions_that_hold() {
        for text in [
            "id = :a1",
            "n = :10",
            "n <> :5",
            "nope <> :5",
            "n > :5 AND n < :20",
            "n >= :10 and n <= :10",
            "n BETWEEN :5 AND :20",
            "n between :5 and :20 AND id = :a1",
            "n IN (:5, :10)",
            "n = :5 OR n = :10",
            "NOT n = :5",
            "NOT (n = :5 OR id = :a)",
            "n = :5 OR n = :10 AND id = :a1",
            "(n = :5 OR n = :10) AND id = :a1",
            "attribute_exists(id)",
            "attribute_not_exists(nope)",
            "attribute_not_exists(doc.nothing)",
            "attribute_type(id, :S)",
            "begins_with(id, :a)",
            "begins_with ( id , :a )",
            "contains(id, :a)",
            "contains(tags, :red)",
            "contains(parts, :2)",
            "size(id) = :2",
            "size(parts) = :2",
            "size(tags) > size(doc)",
            "parts[0] = :x",
            "parts[1] = :2",
            "doc.leaf.deep = :true",
            "#name = :reserved",
            "attribute_not_exists(#dot)",
            "attribute_exists(nil)",
        ] {
            assert_eq!(holds(text), Ok(true), "{text}");
        }
    }

    #[test]
    fn conditions_that_do_not_hold() {
        for text in [
            "id = :10",
            "id > :10",
            "nope = :5",
            "nope < :5",
            "n BETWEEN :20 AND :20",
            "nope IN (:5)",
            "attribute_exists(parts[2])",
            "attribute_exists(id.leaf)",
            "begins_with(n, :a)",
            "contains(n, :2)",
            "size(n) = :2",
            "NOT attribute_exists(id)",
        ] {
            assert_eq!(holds(text), Ok(false), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_says_why() {
        for (text, says) in [
            ("", "The expression can not be empty;"),
            ("id = ", r#"Syntax error; token: "<EOF>", near: "=""#),
            ("id :a", r#"Syntax error; token: ":a", near: "id :a""#),
            ("id == :a", r#"Syntax error; token: "=", near: "== :a""#),
            ("(id = :a", r#"Syntax error; token: "<EOF>", near: ":a""#),
            ("id = :a id", r#"Syntax error; token: "id", near: ":a id""#),
            ("id = 'a'", r#"Syntax error; token: "'", near: "'a'""#),
            (
                "name = :a",
                "Attribute name is a reserved keyword; reserved keyword: name",
            ),
            (
                "#x = :a",
                "An expression attribute name used in the document path is not defined; attribute name: #x",
            ),
            (
                "id = :y",
                "An expression attribute value used in expression is not defined; attribute value: :y",
            ),
            (
                "starts_with(id, :a)",
                "Invalid function name; function: starts_with",
            ),
            (
                "begins_with(id)",
                "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
            ),
            (
                "begins_with(id, :5)",
                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            ),
            (
                "id < :true",
                "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
            ),
            (
                "attribute_exists(:a)",
                "Operator or function requires a document path; operator or function: attribute_exists",
            ),
            (
                "attribute_type(id, :bad)",
                "Invalid attribute type name found; type: STRING, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
            ),
            (
                "size(id)",
                "The function is not allowed to be used this way in an expression; function: size",
            ),
            (
                "n BETWEEN :20 AND :5",
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:20}, upper bound operand: AttributeValue: {N:5}",
            ),
        ] {
            assert_eq!(
                holds(text),
                Err(format!("Invalid ConditionExpression: {says}")),
                "{text}"
            );
        }
    }
}
