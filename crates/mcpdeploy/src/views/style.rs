//! How text may look here: colours, characters, width. Nothing blinks, and nothing is said by
//! colour alone.

use std::borrow::Cow;
use std::io::IsTerminal;

use owo_colors::{OwoColorize, Style};

/// The least width that views lay out for.
pub(crate) const LEAST_WIDTH: usize = 80;
/// The width where there is no terminal to ask.
const PIPED_WIDTH: usize = 120;
/// Beyond this, lines are hard to follow.
const MOST_WIDTH: usize = 160;

/// How text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    /// Whether colours are shown.
    pub(crate) color: bool,
    /// Whether characters beyond ASCII are shown.
    pub(crate) unicode: bool,
    /// How many columns there are.
    pub(crate) width: usize,
}

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The result of a command.
    Stdout,
    /// What happens meanwhile, and errors.
    Stderr,
}

/// What a piece of text means; the theme knows its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Done, new.
    Good,
    /// Changed, to be looked at.
    Warn,
    /// Failed, gone.
    Bad,
    /// A name, a command to type.
    Accent,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
    /// As it is.
    Plain,
}

impl Theme {
    /// Plain text of that width: for files, for tests.
    #[cfg(test)]
    pub(crate) fn plain(width: usize) -> Self {
        Self {
            color: false,
            unicode: true,
            width,
        }
    }

    /// What the stream can show. `no_color`: the user asked for none.
    pub(crate) fn detect(stream: Stream, no_color: bool) -> Self {
        let (terminal, size) = match stream {
            Stream::Stdout => {
                let out = std::io::stdout();
                (out.is_terminal(), terminal_size::terminal_size_of(&out))
            }
            Stream::Stderr => {
                let err = std::io::stderr();
                (err.is_terminal(), terminal_size::terminal_size_of(&err))
            }
        };
        let columns = size.map(|(width, _)| usize::from(width.0));
        Self::from_surroundings(
            &|name| std::env::var(name).ok(),
            terminal,
            columns,
            no_color,
        )
    }

    /// As [`Theme::detect`], from what is given.
    fn from_surroundings(
        variable: &dyn Fn(&str) -> Option<String>,
        terminal: bool,
        columns: Option<usize>,
        no_color: bool,
    ) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let color = !no_color && set("NO_COLOR").is_none() && (forced || (terminal && !dumb));
        // The first that is set decides, as in the C library.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| set(name));
        let unicode = cfg!(windows)
            || locale.is_some_and(|locale| {
                let locale = locale.to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            });
        let asked = set("COLUMNS").and_then(|columns| columns.parse().ok());
        let width = if terminal { columns.or(asked) } else { asked };
        Self {
            color,
            unicode,
            width: width.unwrap_or(PIPED_WIDTH).clamp(LEAST_WIDTH, MOST_WIDTH),
        }
    }

    /// The text in the colour of its meaning; as it is where there are no colours.
    pub(crate) fn paint<'a>(&self, paint: Paint, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        let style = match paint {
            Paint::Good => Style::new().green(),
            Paint::Warn => Style::new().yellow(),
            Paint::Bad => Style::new().red(),
            Paint::Accent => Style::new().cyan(),
            Paint::Strong => Style::new().bold(),
            Paint::Faint => Style::new().dimmed(),
            Paint::Plain => return text,
        };
        if !self.color || text.is_empty() {
            return text;
        }
        Cow::Owned(text.style(style).to_string())
    }

    /// Our own characters as they can be shown: for text that we write, not for what others wrote.
    pub(crate) fn ours<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match ascii(c) {
                Some(plain) => out.push_str(plain),
                None => out.push(c),
            }
        }
        Cow::Owned(out)
    }

    /// What stands for "becomes".
    pub(crate) fn arrow(&self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    /// What stands for "and more of it".
    pub(crate) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// What parts the facts of one line.
    pub(crate) fn dot(&self) -> &'static str {
        if self.unicode { " · " } else { " - " }
    }

    /// What marks something that went well.
    pub(crate) fn tick(&self) -> &'static str {
        if self.unicode { "✓" } else { "*" }
    }

    /// What marks something that failed.
    pub(crate) fn cross(&self) -> &'static str {
        if self.unicode { "✗" } else { "x" }
    }

    /// What marks something that was not done.
    pub(crate) fn dash(&self) -> &'static str {
        if self.unicode { "–" } else { "-" }
    }
}

fn ascii(c: char) -> Option<&'static str> {
    Some(match c {
        '→' => "->",
        '…' => "...",
        '·' | '–' => "-",
        '±' => "+/-",
        '✓' => "*",
        '✗' => "x",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(variables: &[(&str, &str)], terminal: bool, columns: Option<usize>) -> Theme {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Theme::from_surroundings(&variable, terminal, columns, false)
    }

    #[test]
    fn colours_are_for_terminals_that_nobody_asked_to_be_plain() {
        let check = |variables: &[(&str, &str)], terminal, expected| {
            assert_eq!(
                theme(variables, terminal, None).color,
                expected,
                "{variables:?} {terminal}"
            );
        };
        check(&[], true, true);
        check(&[], false, false);
        check(&[("NO_COLOR", "1")], true, false);
        check(&[("NO_COLOR", "")], true, true);
        check(&[("TERM", "dumb")], true, false);
        check(&[("CLICOLOR_FORCE", "1")], false, true);
        check(&[("CLICOLOR_FORCE", "0")], false, false);
        check(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false);
        assert!(
            !Theme::from_surroundings(&|_| None, true, None, true).color,
            "--no-color"
        );
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let check = |variables: &[(&str, &str)], expected| {
            assert_eq!(
                theme(variables, true, None).unicode,
                expected,
                "{variables:?}"
            );
        };
        check(&[("LANG", "en_GB.UTF-8")], true);
        check(&[("LANG", "C.utf8")], true);
        check(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")], cfg!(windows));
        check(
            &[("LANG", "de_DE.ISO-8859-1"), ("LC_CTYPE", "de_DE.UTF-8")],
            true,
        );
        check(&[], cfg!(windows));
    }

    #[test]
    fn widths_stay_within_what_can_be_read() {
        assert_eq!(theme(&[], true, Some(20)).width, LEAST_WIDTH);
        assert_eq!(theme(&[], true, Some(100)).width, 100);
        assert_eq!(theme(&[], true, Some(500)).width, MOST_WIDTH);
        assert_eq!(theme(&[], false, None).width, PIPED_WIDTH);
        assert_eq!(theme(&[("COLUMNS", "90")], false, None).width, 90);
    }
}
