//! What all kinds of pattern are made of: a place in the text, and values to compare with.

use regex_lite::Regex;

/// A pattern while it is read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes this text, spaces before it included, when it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest.trim_start().strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a word, in any case, when it is next and ends there.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let is = rest
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word));
        let ends = || {
            rest[word.len()..]
                .chars()
                .next()
                .is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
        };
        if is && ends() {
            self.rest = &rest[word.len()..];
            true
        } else {
            false
        }
    }

    /// Takes characters as long as they fit.
    pub(super) fn run(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    /// Takes what is between double quotes, the first of which is next.
    pub(super) fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => text.push(c),
                    Some((_, c)) => text.extend(['\\', c]),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err("a quotation mark is not closed".to_owned())
    }

    /// Takes the regular expression between percent signs, the first of which is next.
    pub(super) fn regex(&mut self) -> Result<Regex, String> {
        let inner = &self.rest[1..];
        let end = inner.find('%').ok_or("a percent sign is not closed")?;
        let (text, rest) = inner.split_at(end);
        let fits = |c: char| c.is_ascii_alphanumeric() || ":_#=@/;,- ^$?[]{}|\\*+.".contains(c);
        if text.is_empty() || !text.chars().all(fits) {
            return Err(format!(
                "regular expression '{text}' has characters that are not supported"
            ));
        }
        self.rest = &rest[1..];
        Regex::new(text).map_err(|error| format!("regular expression '{text}': {error}"))
    }
}

/// What a field is compared with.
#[derive(Debug)]
pub(super) enum Operand {
    /// `*` stands for any text, also when quoted.
    Text(String),
    Regex(Regex),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Takes an operator when one is next.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        [
            ("!=", Self::NotEqual),
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("<", Self::Less),
            (">", Self::Greater),
            ("=", Self::Equal),
        ]
        .into_iter()
        .find_map(|(text, operator)| reader.take(text).then_some(operator))
    }
}

/// A comparison: an operator and what is on its right.
#[derive(Debug)]
pub(in super::super) struct Comparison {
    operator: Operator,
    operand: Operand,
    /// The operand as a number, when it is one.
    number: Option<f64>,
}

impl Comparison {
    /// Reads what follows an operator; `ends` tells the characters that end a bare word.
    pub(super) fn read(
        operator: Operator,
        reader: &mut Reader<'_>,
        ends: impl Fn(char) -> bool,
    ) -> Result<Self, String> {
        reader.spaces();
        let (operand, number) = match reader.peek() {
            Some('"') => (Operand::Text(reader.quoted()?), None),
            Some('%') => (Operand::Regex(reader.regex()?), None),
            _ => {
                let word = reader.run(|c| !c.is_whitespace() && !ends(c));
                if word.is_empty() {
                    return Err("a value is missing after an operator".to_owned());
                }
                (Operand::Text(word.to_owned()), word.parse().ok())
            }
        };
        let orders = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if orders && number.is_none() {
            return Err("only numbers can be compared by size".to_owned());
        }
        Ok(Self {
            operator,
            operand,
            number,
        })
    }

    /// Whether a field fulfils it; `number` is the field as a number, when it is one.
    pub(super) fn holds(&self, text: &str, number: Option<f64>) -> bool {
        let numbers = number.zip(self.number);
        let equal = || match (&self.operand, numbers) {
            (Operand::Text(_), Some((left, right))) => left.total_cmp(&right).is_eq(),
            (Operand::Text(pattern), None) => wildcard(pattern, text),
            (Operand::Regex(regex), _) => regex.is_match(text),
        };
        let order =
            |test: fn(f64, f64) -> bool| numbers.is_some_and(|(left, right)| test(left, right));
        match self.operator {
            Operator::Equal => equal(),
            Operator::NotEqual => !equal(),
            Operator::Less => order(|left, right| left < right),
            Operator::LessOrEqual => order(|left, right| left <= right),
            Operator::Greater => order(|left, right| left > right),
            Operator::GreaterOrEqual => order(|left, right| left >= right),
        }
    }
}

/// Whether a text is as a pattern says, in which `*` stands for any text.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
