//! Text by display width: measuring, cutting, wrapping, and making harmless what others wrote.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::Theme;

/// How many columns the text takes. Colours take none.
pub(crate) fn width(text: &str) -> usize {
    if !text.contains('\x1b') {
        return UnicodeWidthStr::width(text);
    }
    let mut width = 0;
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        width += UnicodeWidthStr::width(&rest[..at]);
        let after = &rest[at + 2..];
        rest = after.find('m').map_or("", |end| &after[end + 1..]);
    }
    width + UnicodeWidthStr::width(rest)
}

/// The text with spaces behind it, up to that width.
pub(crate) fn pad(text: &str, to: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', to.saturating_sub(width(text))));
    out
}

/// The text without anything that could move the cursor or change colours: control characters and
/// those that turn the direction of writing are shown as codes.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            '\r' => {}
            c if harmful(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text on one line and harmless.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text cut to that width, with an ellipsis when something is missing. No colours in it.
pub(crate) fn cut(text: &str, to: usize, theme: &Theme) -> String {
    if width(text) <= to {
        return text.to_owned();
    }
    let ellipsis = theme.ellipsis();
    let room = to.saturating_sub(width(ellipsis));
    let mut out = prefix(text, room).to_owned();
    out.push_str(ellipsis);
    out
}

/// The longest beginning that takes no more than that many columns.
fn prefix(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// The text in lines of at most that width: broken at spaces, long words where they can be broken
/// best. Line breaks in it stay. No colours in it.
pub(crate) fn wrap(text: &str, to: usize) -> Vec<String> {
    let to = to.max(8);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        // What is set in from the left stays so, all of it.
        let inside = paragraph.trim_start_matches(' ');
        let indent = paragraph.len() - inside.len();
        if (1..=to / 2).contains(&indent) && !inside.is_empty() {
            let indented = wrap(inside, to - indent).into_iter();
            lines.extend(indented.map(|line| format!("{}{line}", " ".repeat(indent))));
            continue;
        }
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ') {
            let wide = width(word);
            let gap = usize::from(used > 0);
            if used + gap + wide <= to {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                used += gap + wide;
                continue;
            }
            if used > 0 {
                lines.push(std::mem::take(&mut line));
            }
            let mut rest = word;
            while width(rest) > to {
                let at = breaking_point(rest, to);
                lines.push(rest[..at].to_owned());
                rest = &rest[at..];
            }
            line.push_str(rest);
            used = width(rest);
        }
        lines.push(line);
    }
    lines
}

/// Where a word that is too long is broken: behind the last separator that fits, unless that
/// leaves most of the line empty.
fn breaking_point(word: &str, to: usize) -> usize {
    let head = prefix(word, to);
    let separators = ['/', '?', '&', '=', ',', ';', ':', '.', '-', '_'];
    let at = head.rfind(separators).map_or(0, |at| at + 1);
    if at > head.len() / 2 {
        at
    } else {
        // At least one character, or it would never end.
        head.len()
            .max(word.chars().next().map_or(1, char::len_utf8))
    }
}

/// `head`, then `text` wrapped beside it, its further lines under its first. `head` may be
/// coloured; `paint` colours each line of the text.
pub(crate) fn hang(head: &str, text: &str, to: usize, paint: &dyn Fn(&str) -> String) -> String {
    let indent = width(head);
    let mut out = String::from(head);
    for (index, line) in wrap(text, to.saturating_sub(indent)).iter().enumerate() {
        if index > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(&paint(line));
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_screen() {
        for (text, expected) in [
            ("", 0),
            ("abc", 3),
            ("→", 1),
            ("日本", 4),
            ("\x1b[32mok\x1b[0m!", 3),
        ] {
            assert_eq!(width(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_others_wrote_is_made_harmless() {
        assert_eq!(clean("a\x1b[2Jb\u{202e}c\td"), "a\\u{1b}[2Jb\\u{202e}c d");
        assert_eq!(clean("fine → ü\nnext"), "fine → ü\nnext");
        assert_eq!(one_line(" a\n  b\r\n c "), "a b c");
    }

    #[test]
    fn cutting_counts_the_ellipsis() {
        let theme = Theme::plain(80);
        assert_eq!(cut("abcdef", 6, &theme), "abcdef");
        assert_eq!(cut("abcdefg", 6, &theme), "abcde…");
        assert_eq!(cut("日本日本", 5, &theme), "日本…");
        let ascii = Theme {
            unicode: false,
            ..theme
        };
        assert_eq!(cut("abcdefg", 6, &ascii), "abc...");
    }

    #[test]
    fn wrapping() {
        let check = |text: &str, to: usize, expected: &[&str]| {
            assert_eq!(wrap(text, to), expected, "{text}")
        };
        check("", 10, &[""]);
        check("one two three", 8, &["one two", "three"]);
        check("one\n  two three", 8, &["one", "  two", "  three"]);
        check("abcdefghijklmnop", 10, &["abcdefghij", "klmnop"]);
        check(
            "https://example.org/a/long/path",
            16,
            &["https://example.", "org/a/long/path"],
        );
        check("日本日本日本", 9, &["日本日本", "日本"]);
    }

    #[test]
    fn hanging_text_stays_in_its_column() {
        let out = hang("key  ", "one two three four", 14, &|line| line.to_owned());
        assert_eq!(out, "key  one two\n     three\n     four\n");
    }
}
