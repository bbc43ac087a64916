//! Conditions on messages that are JSON: `{ $.level = "ERROR" && $.ms > 3 }`.

use serde_json::Value;

use super::text::{Comparison, Operator, Reader};

/// A condition.
#[derive(Debug)]
pub(in super::super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Test(String, Test),
}

/// What is asked of a selected value.
#[derive(Debug)]
pub(in super::super) enum Test {
    Is(Constant),
    Missing,
    Compare(Comparison),
}

#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Constant {
    Null,
    True,
    False,
}

impl Condition {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(text);
        reader.take("{");
        let condition = any(&mut reader)?;
        if !reader.take("}") {
            return Err("'}' is missing".to_owned());
        }
        reader.spaces();
        if reader.is_empty() {
            Ok(condition)
        } else {
            Err("there is more after '}'".to_owned())
        }
    }

    pub(super) fn matches(&self, value: &Value) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|one| one.matches(value)),
            Self::Any(conditions) => conditions.iter().any(|one| one.matches(value)),
            Self::Test(selector, test) => {
                let found = select_all(value, selector);
                match test {
                    Test::Missing => value.is_object() && found.is_empty(),
                    Test::Is(constant) => found.iter().any(|found| match constant {
                        Constant::Null => found.is_null(),
                        Constant::True => **found == Value::Bool(true),
                        Constant::False => **found == Value::Bool(false),
                    }),
                    Test::Compare(comparison) => found.iter().any(|found| {
                        text(found).is_some_and(|text| comparison.holds(&text, found.as_f64()))
                    }),
                }
            }
        }
    }

    /// All selectors, in order.
    pub(super) fn selectors(&self) -> Vec<&str> {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().flat_map(Self::selectors).collect()
            }
            Self::Test(selector, _) => vec![selector],
        }
    }
}

fn any(reader: &mut Reader<'_>) -> Result<Condition, String> {
    let mut conditions = vec![all(reader)?];
    while reader.take("||") {
        conditions.push(all(reader)?);
    }
    Ok(Condition::Any(conditions))
}

fn all(reader: &mut Reader<'_>) -> Result<Condition, String> {
    let mut conditions = vec![one(reader)?];
    while reader.take("&&") {
        conditions.push(one(reader)?);
    }
    Ok(Condition::All(conditions))
}

fn one(reader: &mut Reader<'_>) -> Result<Condition, String> {
    if reader.take("(") {
        let condition = any(reader)?;
        return if reader.take(")") {
            Ok(condition)
        } else {
            Err("')' is missing".to_owned())
        };
    }
    reader.spaces();
    if reader.peek() != Some('$') {
        return Err("a selector starts with '$'".to_owned());
    }
    let mut selector = String::new();
    loop {
        selector.push_str(reader.run(|c| c.is_alphanumeric() || "$._-*@".contains(c)));
        // Names between brackets may have any character but the closing bracket.
        if reader.peek() != Some('[') {
            break;
        }
        selector.push_str(reader.run(|c| c != ']'));
        if !reader.take("]") {
            return Err("']' is missing".to_owned());
        }
        selector.push(']');
    }
    if steps(&selector).is_none_or(|steps| steps.is_empty()) {
        return Err(format!("'{selector}' is no selector"));
    }
    let test = if reader.word("IS") {
        if reader.word("NULL") {
            Test::Is(Constant::Null)
        } else if reader.word("TRUE") {
            Test::Is(Constant::True)
        } else if reader.word("FALSE") {
            Test::Is(Constant::False)
        } else {
            return Err("NULL, TRUE or FALSE is missing after IS".to_owned());
        }
    } else if reader.word("NOT") {
        if !reader.word("EXISTS") {
            return Err("EXISTS is missing after NOT".to_owned());
        }
        Test::Missing
    } else {
        let operator = Operator::read(reader).ok_or("an operator is missing")?;
        Test::Compare(Comparison::read(operator, reader, |c| {
            "(){}&|".contains(c)
        })?)
    };
    Ok(Condition::Test(selector, test))
}

/// One step of a selector.
enum Step<'a> {
    Name(&'a str),
    Index(usize),
    Every,
}

/// The steps of `$.a['b'][0][*]`.
fn steps(selector: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = selector.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, left) = after.split_at(end);
            match name {
                "" => return None,
                "*" => steps.push(Step::Every),
                name => steps.push(Step::Name(name)),
            }
            rest = left;
        } else {
            let (inner, left) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = inner.trim_matches(['\'', '"']);
            steps.push(match inner {
                "*" => Step::Every,
                _ if quoted.len() + 2 == inner.len() => Step::Name(quoted),
                _ => Step::Index(inner.parse().ok()?),
            });
            rest = left;
        }
    }
    Some(steps)
}

/// The values that a selector means.
fn select_all<'a>(value: &'a Value, selector: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in steps(selector).unwrap_or_default() {
        found = found
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match (&step, value) {
                    (Step::Name(name), Value::Object(fields)) => {
                        fields.get(*name).into_iter().collect()
                    }
                    (Step::Index(index), Value::Array(items)) => {
                        items.get(*index).into_iter().collect()
                    }
                    (Step::Every, Value::Array(items)) => items.iter().collect(),
                    (Step::Every, Value::Object(fields)) => fields.values().collect(),
                    _ => Vec::new(),
                }
            })
            .collect();
    }
    found
}

/// The first value that a selector means.
pub(super) fn select<'a>(value: &'a Value, selector: &str) -> Option<&'a Value> {
    steps(selector)?;
    select_all(value, selector).into_iter().next()
}

/// A value that is no structure as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
