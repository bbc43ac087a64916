//! Owns a mistake while the file is still being checked, before it is bound to its source.

use std::collections::HashSet;

use crate::error::ConfigError;
use crate::node::Span;
use crate::secret_scan::secrets_in;
use crate::source::Source;

/// What is wrong, where, and how to mend it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) message: String,
    pub(crate) labels: Vec<(Span, String)>,
    pub(crate) help: Option<String>,
}

impl Mistake {
    pub(crate) fn new(message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            labels: vec![(span, label.into())],
            help: None,
        }
    }

    /// A mistake that has no place in the file.
    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    #[must_use]
    pub(crate) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn into_error(self, source: &Source) -> ConfigError {
        let mut error = ConfigError::new(source.clone(), showable(&self.message));
        for (span, label) in self.labels {
            error = error.with_label(span, showable(&label));
        }
        match self.help {
            Some(help) => error.with_help(showable(&help)),
            None => error,
        }
    }
}

/// Mistakes, each once, however many environments share it.
#[derive(Default)]
pub(crate) struct Mistakes {
    pub(crate) found: Vec<Mistake>,
    seen: HashSet<(Option<usize>, String)>,
}

impl Mistakes {
    pub(crate) fn add(&mut self, mistakes: Vec<Mistake>) {
        for mistake in mistakes {
            let place = mistake.labels.first().map(|(span, _)| span.start);
            if self.seen.insert((place, mistake.message.clone())) {
                self.found.push(mistake);
            }
        }
    }
}

/// Nobody writes longer sentences than this; what is longer quotes a monster from the file.
const LONGEST: usize = 400;

/// What is said may quote the file, and the file may hold a secret.
fn showable(text: &str) -> String {
    let mut shown = shortened(text, LONGEST);
    for span in secrets_in(&shown).into_iter().rev() {
        shown.replace_range(span, "***");
    }
    shown
}

/// `text` on one line and with at most `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let short: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
