//! Splits an expression into tokens.

use super::Parameter;
use crate::wire::Fault;

/// The longest expression, in bytes.
const LONGEST: usize = 4096;

/// A token and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// An attribute's name, a function's, or a keyword.
    Word(String),
    /// `#name`, with its sign.
    Name(String),
    /// `:value`, with its sign.
    Value(String),
    Number(usize),
    /// `(`, `<>`, …
    Symbol(&'static str),
}

/// Longer ones first.
const SYMBOLS: [&str; 14] = [
    "<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-",
];

pub(super) fn tokens(parameter: Parameter, text: &str) -> Result<Vec<Token>, Fault> {
    if text.trim().is_empty() {
        return Err(parameter.invalid("The expression can not be empty;"));
    }
    if text.len() > LONGEST {
        return Err(parameter.invalid(format!(
            "Expression size has exceeded the maximum allowed size; expression size: {}",
            text.len()
        )));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let word = |from: usize| {
            let end = rest[from..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            end.map_or(rest.len(), |end| from + end)
        };
        let (kind, length) = match first {
            '#' | ':' if word(1) > 1 => {
                let text = rest[..word(1)].to_owned();
                let length = text.len();
                let kind = if first == '#' {
                    Kind::Name(text)
                } else {
                    Kind::Value(text)
                };
                (kind, length)
            }
            '0'..='9' => {
                let digits = rest.find(|c: char| !c.is_ascii_digit());
                let length = digits.unwrap_or(rest.len());
                let number = rest[..length].parse().unwrap_or(usize::MAX);
                (Kind::Number(number), length)
            }
            'a'..='z' | 'A'..='Z' | '_' => (Kind::Word(rest[..word(0)].to_owned()), word(0)),
            other => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                Some(symbol) => (Kind::Symbol(symbol), symbol.len()),
                None => {
                    let end = rest
                        .char_indices()
                        .nth(3)
                        .map_or(rest.len(), |(end, _)| end);
                    return Err(parameter.invalid(format!(
                        "Syntax error; token: \"{other}\", near: \"{}\"",
                        &rest[..end]
                    )));
                }
            },
        };
        tokens.push(Token {
            kind,
            start: at,
            end: at + length,
        });
        at += length;
    }
    Ok(tokens)
}
