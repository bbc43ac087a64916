//! Owns the text of a file, its name, and the arithmetic between byte offsets and lines.
//!
//! Knows nothing of TOML. What it hands to the renderer is safe to print: control characters
//! and values that look like secrets are masked, byte for byte, so that offsets stay true.

use std::ops::Range;
use std::sync::Arc;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::error::ConfigError;

/// Lines longer than this are cut around the mistake when shown.
const LONGEST_LINE: usize = 240;
/// How much of a long line is shown around the mistake.
const CUT_BEFORE: usize = 40;
/// How much of a long line is shown after the beginning of the mistake.
const CUT_AFTER: usize = 100;

/// A named text, cheap to clone, that errors point into.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.0.name)
            .field("bytes", &self.0.text.len())
            .finish()
    }
}

impl Source {
    /// A source that is shown under `name`, such as `.pmcp/deploy.toml`.
    pub fn new(name: impl Into<String>, text: &str) -> Self {
        Self::masked(name, text, &[])
    }

    /// The same, with the bytes of `secrets` replaced by asterisks wherever the text is shown.
    pub(crate) fn masked(name: impl Into<String>, text: &str, secrets: &[Range<usize>]) -> Self {
        let text = printable(text, secrets);
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self(Arc::new(Inner {
            name: name.into(),
            text,
            line_starts,
        }))
    }

    /// The name under which the file is shown.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The text as it may be shown: as long as the file, with secrets and control characters masked.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The line, counted from 1, in which the byte `offset` lies: for "deploy.toml:41".
    pub fn line_of(&self, offset: usize) -> usize {
        self.0.line_starts.partition_point(|start| *start <= offset)
    }

    /// An error from outside this crate that points into this file.
    pub fn error(
        &self,
        message: impl Into<String>,
        span: Option<Range<usize>>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> ConfigError {
        let error = ConfigError::new(self.clone(), message);
        let error = match span {
            Some(span) => error.with_label(span, label),
            None => error,
        };
        match help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }

    /// A span that lies within the text, on character boundaries and on one line.
    ///
    /// What spans several lines is pointed at by its first line: shorter, and just as clear.
    pub(crate) fn drawable(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.text();
        let start = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end.max(start));
        let first_line = text[start..end].lines().next().unwrap_or_default();
        let end = floor_boundary(text, start + first_line.len().min(CUT_AFTER));
        start..end
    }

    fn line_start(&self, line: usize) -> usize {
        self.0
            .line_starts
            .get(line)
            .copied()
            .unwrap_or(self.text().len())
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text();
        if span.offset() > text.len() || span.offset() + span.len() > text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let at = self.line_of(span.offset()) - 1;
        let last = self.line_of(span.offset() + span.len().saturating_sub(1)) - 1;
        let mut start = self.line_start(at.saturating_sub(before));
        let mut end = self.line_start(last.saturating_add(after).saturating_add(1));
        if before == 0 && after == 0 && end - start > LONGEST_LINE {
            let wanted_end =
                span.offset() + span.len().clamp(CUT_AFTER / 2, CUT_AFTER) + CUT_BEFORE;
            start = floor_boundary(text, start.max(span.offset().saturating_sub(CUT_BEFORE)));
            end = floor_boundary(text, end.min(wanted_end));
        }
        let column = text[self.line_start(at)..span.offset()].chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.name.clone(),
            &text.as_bytes()[start..end],
            (start, end - start).into(),
            at.saturating_sub(before),
            column,
            last - at + 1,
        )))
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

fn printable(text: &str, secrets: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut secrets: Vec<&Range<usize>> = secrets.iter().collect();
    secrets.sort_by_key(|secret| secret.start);
    let mut secrets = secrets.into_iter().peekable();
    let mut hidden_to = 0;
    for (at, c) in text.char_indices() {
        while let Some(secret) = secrets.next_if(|secret| secret.start <= at) {
            hidden_to = hidden_to.max(secret.end);
        }
        let secret = at < hidden_to;
        if secret && c != '\n' {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else if c.is_control() && !matches!(c, '\n' | '\t') && !text[at..].starts_with("\r\n") {
            shown.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let source = Source::new("x", "a\nbb\n\nc");
        for (offset, line) in [(0, 1), (1, 1), (2, 2), (4, 2), (5, 3), (6, 4), (99, 4)] {
            assert_eq!(source.line_of(offset), line, "offset {offset}");
        }
    }

    #[test]
    fn what_is_shown_is_as_long_as_the_file_and_harmless() {
        for (text, secret, shown) in [
            ("a\u{1b}[31mb", 0..0, "a?[31mb"),
            ("key = \"geheim\"", 7..13, "key = \"******\""),
            ("ä\u{85}", 0..0, "ä??"),
            ("\u{0}", 0..0, "?"),
            // Without a line's end behind it, it would send the cursor back over what was shown.
            ("a\rb\r\n\r", 0..0, "a?b\r\n?"),
        ] {
            let source = Source::masked("x", text, std::slice::from_ref(&secret));
            assert_eq!(source.text(), shown);
            assert_eq!(source.text().len(), text.len());
        }
        let within = Source::masked("x", "a = { b = 1 } c", &[10..11, 4..13]);
        assert_eq!(within.text(), "a = ********* c");
    }
}
