//! Owns the mistakes of a file and how they look. Knows nothing of what a mistake is about.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use crate::source::Source;

/// After so many mistakes the rest is only counted: nobody reads more at once.
const MOST_SHOWN: usize = 50;

/// One mistake: what is wrong, where, and how to mend it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    source_file: Source,
    labels: Vec<(Range<usize>, String)>,
    help: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(source: Source, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source_file: source,
            labels: Vec::new(),
            help: None,
        }
    }

    /// Points at one more place. The first label is the place of the mistake.
    #[must_use]
    pub fn with_label(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is wrong, in bytes; absent when the mistake has no place in the file.
    pub fn span(&self) -> Option<Range<usize>> {
        self.labels.first().map(|(span, _)| span.clone())
    }

    /// How to mend it.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Every place it points at, with what is said there.
    pub fn places(&self) -> &[(Range<usize>, String)] {
        &self.labels
    }
}

impl Diagnostic for ConfigError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<_>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&self.source_file as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().enumerate().map(
            |(index, (span, label))| {
                let span = self.source_file.drawable(span);
                let label = (!label.is_empty()).then(|| label.clone());
                if index == 0 {
                    LabeledSpan::new_primary_with_span(label, span)
                } else {
                    LabeledSpan::new_with_span(label, span)
                }
            },
        )))
    }
}

/// All the mistakes of one file, in the order of the file.
#[derive(Debug, Clone)]
pub struct ConfigErrors {
    source: Source,
    errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// Collects mistakes, ordered by where they are. At least one is expected.
    pub fn new(source: Source, mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
        Self { source, errors }
    }

    /// The mistakes, in the order of the file.
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// The file they are in.
    pub fn source_file(&self) -> &Source {
        &self.source
    }

    /// The whole report as text: a heading, then each mistake with its lines of the file.
    pub fn render(&self, color: bool, width: usize) -> String {
        let (theme, red, reset) = if color {
            (GraphicalTheme::unicode(), "\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            (GraphicalTheme::unicode_nocolor(), "", "")
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width.max(40))
            .with_context_lines(0)
            .with_links(false)
            // URLs, ARNs and keys are copied from here: they must not be broken.
            .with_word_separator(textwrap::WordSeparator::AsciiSpace)
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            .without_syntax_highlighting();
        let mut out = format!("{red}error:{reset} {self}\n");
        for error in self.errors.iter().take(MOST_SHOWN) {
            out.push('\n');
            if handler.render_report(&mut out, error).is_err() {
                // Only a span outside the file can bring us here; the words must not be lost with it.
                out.push_str(&format!("  × {error}\n"));
            }
        }
        let more = self.errors.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            out.push_str(&format!("\n  … and {more} more\n"));
        }
        out
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.source.name();
        match self.errors.len() {
            1 => write!(f, "{name} has 1 mistake"),
            n => write!(f, "{name} has {n} mistakes"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl Diagnostic for ConfigErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.errors.iter().map(|error| error as &dyn Diagnostic),
        ))
    }
}
