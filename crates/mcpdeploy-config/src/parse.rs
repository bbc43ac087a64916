//! Turns text into a tree, or into the mistakes of its TOML, each said in plain words.

use std::sync::Arc;

use toml::de::DeTable;

use crate::mistake::Mistake;
use crate::node::{Node, Span};

/// Longer dotted keys than this are nobody's honest work, and would exhaust the stack.
const DEEPEST: usize = 100;

/// Reads the text, or says everything that is wrong with its syntax.
pub(crate) fn parse(text: &str) -> Result<Arc<Node>, Vec<Mistake>> {
    if let Some(span) = too_deep(text) {
        return Err(vec![
            Mistake::new("a key has too many dots", span, "this key")
                .help(format!("no key has more than {DEEPEST} parts")),
        ]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Arc::new(Node::root(table.get_ref())));
    }
    let mut mistakes: Vec<Mistake> = errors
        .iter()
        .map(|error| syntax(text, error.message(), error.span().unwrap_or(0..0)))
        .collect();
    // One slip often confuses the parser again further on in the same line: the first is the true one.
    let mut lines = std::collections::HashSet::new();
    mistakes.sort_by_key(|mistake| mistake.labels.first().map_or(0, |(span, _)| span.start));
    mistakes.retain(|mistake| {
        mistake
            .labels
            .first()
            .is_none_or(|(span, _)| lines.insert(line_start(text, span.start)))
    });
    Err(mistakes)
}

fn line_start(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn too_deep(text: &str) -> Option<Span> {
    let in_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'');
    let mut start = 0;
    for run in text.split_inclusive(|c| !in_key(c)) {
        let dots = run.bytes().filter(|b| *b == b'.').count();
        if dots > DEEPEST && !run.contains("..") {
            return Some(start..start + run.len());
        }
        start += run.len();
    }
    None
}

fn syntax(text: &str, message: &str, span: Span) -> Mistake {
    let (message, expected) = match message.split_once(", expected ") {
        Some((message, expected)) => (message, Some(expected)),
        None => (message, None),
    };
    let span = widened(text, span);
    let (label, help) = advice(message, &text[span.clone()]);
    let label = match (label, expected) {
        (Some(label), _) => label.to_owned(),
        (None, Some(expected)) if expected != "nothing" => format!("expected {expected}"),
        (None, _) => "here".to_owned(),
    };
    let mistake = Mistake::new(format!("not valid TOML: {message}"), span, label);
    match help {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}

/// A caret needs something to point at.
fn widened(text: &str, span: Span) -> Span {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text
        .floor_char_boundary(span.end.min(text.len()))
        .max(start);
    if start < end {
        return start..end;
    }
    match text[start..].chars().next() {
        Some(c) if c != '\n' && c != '\r' => start..start + c.len_utf8(),
        _ => match text[..start].chars().next_back() {
            Some(c) if c != '\n' => start - c.len_utf8()..start,
            _ => start..start,
        },
    }
}

fn advice(message: &str, at: &str) -> (Option<&'static str>, Option<&'static str>) {
    match message {
        "duplicate key" => (
            Some("this is there already"),
            Some("keep one of the two; the keys of a section must be together under one header"),
        ),
        "string values must be quoted" => (Some("needs quotes"), Some("write it as \"text\"")),
        "unexpected leading zero" => (
            Some("a number cannot begin with 0"),
            Some("if it is not a quantity (an account, for example), put it in quotes"),
        ),
        "key with no value" | "missing value for key" | "missing value" => (
            Some("= and a value belong here"),
            Some("write key = value; texts need quotes, true, false and numbers do not"),
        ),
        "unclosed table" => (Some("] is missing"), Some("close the header: [section]")),
        "unclosed array table" => (Some("]] is missing"), Some("close the header: [[section]]")),
        "unclosed array" => (Some("opened here"), Some("close the list with ]")),
        "unclosed inline table" => (Some("opened here"), Some("close the table with }")),
        "missing comma between array elements" => (
            Some("a comma is missing here"),
            Some("write [\"a\", \"b\"]"),
        ),
        "missing comma between key-value pairs" => (
            Some("a comma is missing here"),
            Some("write { a = 1, b = 2 }"),
        ),
        "invalid basic string" | "invalid literal string" => (
            Some("the quote is not closed on this line"),
            Some("close the quote; a text of several lines needs three: \"\"\""),
        ),
        "missing escaped value" => (
            Some("\\ begins an escape"),
            Some("write \\\\ for a backslash, or use single quotes: 'C:\\dir'"),
        ),
        "invalid unquoted key" if at.contains(':') => {
            (Some("TOML has = here, not :"), Some("write key = value"))
        }
        "invalid unquoted key" => (
            Some("not possible in a key"),
            Some("keys are letters, digits, _ and -; anything else needs quotes"),
        ),
        "cannot recurse further; max recursion depth met" => (
            Some("too deeply nested"),
            Some("no file of this kind needs so many levels"),
        ),
        _ => (None, None),
    }
}
