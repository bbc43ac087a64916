//! Document paths: `a.b[0].c`.

use std::collections::BTreeMap;
use std::fmt;

use super::super::value::{Item, Value};

/// A path to an attribute or to a part of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path {
    /// The attribute.
    pub(crate) name: String,
    pub(super) steps: Vec<Step>,
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

impl Path {
    /// Whether it is an attribute as a whole.
    pub(super) fn is_attribute(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is there.
    pub(super) fn get<'a>(&self, item: &'a Item) -> Option<&'a Value> {
        let mut value = item.get(&self.name)?;
        for step in &self.steps {
            value = step.get(value)?;
        }
        Some(value)
    }

    /// Whether one is part of the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.name == other.name
            && self
                .steps
                .iter()
                .zip(&other.steps)
                .all(|(mine, theirs)| mine == theirs)
    }
}

impl fmt::Display for Path {
    /// As faults write it: `[a, b, [0]]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.name)?;
        for step in &self.steps {
            match step {
                Step::Field(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

impl Step {
    pub(super) fn get<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match (self, value) {
            (Self::Field(name), Value::M(fields)) => fields.get(name),
            (Self::Index(index), Value::L(items)) => items.get(*index),
            (Self::Field(_) | Self::Index(_), _) => None,
        }
    }
}

/// Which parts of a value are wanted.
#[derive(Default)]
struct Wanted<'a> {
    whole: bool,
    parts: BTreeMap<&'a Step, Wanted<'a>>,
}

/// The item with nothing but what the paths name.
pub(crate) fn project(item: &Item, paths: &[Path]) -> Item {
    let mut wanted: BTreeMap<&str, Wanted<'_>> = BTreeMap::new();
    for path in paths {
        let mut at = wanted.entry(&path.name).or_default();
        for step in &path.steps {
            at = at.parts.entry(step).or_default();
        }
        at.whole = true;
    }
    wanted
        .into_iter()
        .filter_map(|(name, wanted)| {
            let value = wanted.of(item.get(name)?)?;
            Some((name.to_owned(), value))
        })
        .collect()
}

impl Wanted<'_> {
    fn of(&self, value: &Value) -> Option<Value> {
        if self.whole {
            return Some(value.clone());
        }
        let mut fields = Item::new();
        let mut items = Vec::new();
        for (step, wanted) in &self.parts {
            let Some(part) = step.get(value).and_then(|value| wanted.of(value)) else {
                continue;
            };
            match step {
                Step::Field(name) => drop(fields.insert(name.clone(), part)),
                Step::Index(_) => items.push(part),
            }
        }
        match (fields.is_empty(), items.is_empty()) {
            (false, _) => Some(Value::M(fields)),
            (true, false) => Some(Value::L(items)),
            (true, true) => None,
        }
    }
}
