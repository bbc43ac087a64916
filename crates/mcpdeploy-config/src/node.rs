//! Owns the file as a tree in which every value and every key knows its place.
//!
//! Knows nothing of what the keys mean. Subtrees are shared, so that laying an environment over
//! the file costs only the path to what it changes.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in the file, in bytes.
pub(crate) type Span = Range<usize>;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    /// An integer too large for 64 bits.
    Huge,
    Float(f64),
    Boolean(bool),
    Datetime,
    Array(Vec<Arc<Node>>),
    Table(Table),
}

/// The entries of a table, in the order of the file.
pub(crate) type Table = IndexMap<String, Entry>;

/// A key's place and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Span,
    pub(crate) node: Arc<Node>,
}

impl Node {
    pub(crate) fn root(table: &DeTable<'_>) -> Self {
        Self {
            span: 0..0,
            value: Value::Table(read_table(table)),
        }
    }

    fn read(value: &Spanned<DeValue<'_>>) -> Self {
        let read = match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => Value::Huge,
                }
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(boolean) => Value::Boolean(*boolean),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| Arc::new(Self::read(item)))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(read_table(table)),
        };
        Self {
            span: value.span(),
            value: read,
        }
    }

    pub(crate) fn table(&self) -> Option<&Table> {
        if let Value::Table(table) = &self.value {
            Some(table)
        } else {
            None
        }
    }

    pub(crate) fn table_mut(&mut self) -> Option<&mut Table> {
        if let Value::Table(table) = &mut self.value {
            Some(table)
        } else {
            None
        }
    }

    /// The items of a list; nothing when it is none.
    pub(crate) fn items(&self) -> &[Arc<Self>] {
        if let Value::Array(items) = &self.value {
            items
        } else {
            &[]
        }
    }

    pub(crate) fn str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value {
            Some(text)
        } else {
            None
        }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        if let Value::Integer(number) = self.value {
            Some(number)
        } else {
            None
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Value::Boolean(boolean) = self.value {
            Some(boolean)
        } else {
            None
        }
    }

    /// The same table without some of its entries.
    pub(crate) fn without(&self, keys: &[&str]) -> Self {
        let mut copy = self.clone();
        if let Some(table) = copy.table_mut() {
            table.retain(|key, _| !keys.contains(&key.as_str()));
        }
        copy
    }

    /// The entries of the table at a dotted path; none when there is no such table.
    pub(crate) fn entries(&self, path: &str) -> impl Iterator<Item = (&String, &Entry)> {
        self.at(path).and_then(Self::table).into_iter().flatten()
    }

    /// The items of the list at a dotted path; none when there is no such list.
    pub(crate) fn list(&self, path: &str) -> &[Arc<Self>] {
        self.at(path).map(Self::items).unwrap_or_default()
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.table()?.get(key)
    }

    /// The value at a dotted path, such as `server.name`.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| {
            node.entry(key).map(|entry| entry.node.as_ref())
        })
    }

    /// The entry at a dotted path, for its key's place.
    pub(crate) fn entry_at(&self, path: &str) -> Option<&Entry> {
        match path.rsplit_once('.') {
            Some((parent, key)) => self.at(parent)?.entry(key),
            None => self.entry(path),
        }
    }

    /// Lays `over` on top: tables are merged, anything else (lists too) is replaced.
    pub(crate) fn overlaid(self: &Arc<Self>, over: &Arc<Self>) -> Arc<Self> {
        let (Value::Table(base), Value::Table(top)) = (&self.value, &over.value) else {
            return Arc::clone(over);
        };
        let mut merged = base.clone();
        for (key, entry) in top {
            match merged.get_mut(key) {
                Some(below) => {
                    below.node = below.node.overlaid(&entry.node);
                    if below.node.table().is_none() {
                        below.key = entry.key.clone();
                    }
                }
                None => {
                    merged.insert(key.clone(), entry.clone());
                }
            }
        }
        Arc::new(Self {
            span: self.span.clone(),
            value: Value::Table(merged),
        })
    }

    /// The value as JSON. What JSON cannot carry becomes null; the shape check refuses it before.
    pub(crate) fn json(&self) -> Json {
        match &self.value {
            Value::String(text) => Json::String(text.clone()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Boolean(boolean) => Json::Bool(*boolean),
            Value::Datetime | Value::Huge => Json::Null,
            Value::Array(items) => items.iter().map(|item| item.json()).collect(),
            Value::Table(table) => table
                .iter()
                .map(|(key, entry)| (key.clone(), entry.node.json()))
                .collect(),
        }
    }

    /// Calls `visit` for this value and all within it, with JSON pointers and key places.
    pub(crate) fn walk(&self, visit: &mut impl FnMut(&str, Option<&Span>, &Self)) {
        self.walk_from(&mut String::new(), None, visit);
    }

    fn walk_from(
        &self,
        pointer: &mut String,
        key: Option<&Span>,
        visit: &mut impl FnMut(&str, Option<&Span>, &Self),
    ) {
        visit(pointer, key, self);
        let here = pointer.len();
        match &self.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                    item.walk_from(pointer, None, visit);
                    pointer.truncate(here);
                }
            }
            Value::Table(table) => {
                for (name, entry) in table {
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    entry.node.walk_from(pointer, Some(&entry.key), visit);
                    pointer.truncate(here);
                }
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Huge
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime => {}
        }
    }
}

fn read_table(table: &DeTable<'_>) -> Table {
    let mut entries: Vec<_> = table.iter().collect();
    // The parser's map is ordered by name; people expect the order in which they wrote.
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
        .into_iter()
        .map(|(key, value)| {
            let entry = Entry {
                key: key.span(),
                node: Arc::new(Node::read(value)),
            };
            (key.get_ref().to_string(), entry)
        })
        .collect()
}
