//! Terms that a message contains: `ERROR -"no error" ?this ?that %rege?x%`.

use regex_lite::Regex;

use super::text::Reader;

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(message),
        }
    }
}

/// A pattern of terms.
#[derive(Debug, Default)]
pub(in super::super) struct Terms {
    all: Vec<Term>,
    none: Vec<Term>,
    any: Vec<Term>,
}

impl Terms {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(text);
        let mut terms = Self::default();
        loop {
            reader.spaces();
            let list = match reader.peek() {
                None => break,
                Some('-') => {
                    reader.take("-");
                    &mut terms.none
                }
                Some('?') => {
                    reader.take("?");
                    &mut terms.any
                }
                Some(_) => &mut terms.all,
            };
            list.push(match reader.peek() {
                Some('"') => Term::Text(reader.quoted()?),
                Some('%') => Term::Regex(reader.regex()?),
                _ => {
                    let word = reader.run(|c| !c.is_whitespace());
                    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
                        return Err(format!("Invalid character(s) in term '{word}'"));
                    }
                    Term::Text(word.to_owned())
                }
            });
        }
        Ok(terms)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        if self.all.is_empty() && self.none.is_empty() {
            return self.any.iter().any(|term| term.is_in(message));
        }
        self.all.iter().all(|term| term.is_in(message))
            && !self.none.iter().any(|term| term.is_in(message))
    }
}
