//! What an interrupted run had left open, and how it was settled.

use mcpdeploy_engine::plan::Recovered;
use mcpdeploy_engine::record::RunInfo;

use super::style::{Paint, Theme};
use super::text;
use super::words;

/// "Recovered from an interrupted apply …", and a line for each operation.
pub(crate) fn render(from: Option<&RunInfo>, recovered: &[Recovered], theme: &Theme) -> String {
    let mut out = heading(from, theme);
    let longest = recovered
        .iter()
        .map(|r| r.address.as_str().len())
        .max()
        .unwrap_or(0);
    for one in recovered {
        out.push_str(&line(one, longest, theme));
    }
    out
}

fn heading(from: Option<&RunInfo>, theme: &Theme) -> String {
    let text = match from {
        None => "Recovered from an interrupted run:".to_owned(),
        Some(by) => format!(
            "Recovered from an interrupted {} ({}, pid {} on {}):",
            text::one_line(&by.command),
            moment(&by.at),
            by.pid,
            text::one_line(&by.host)
        ),
    };
    text::hang("", &text, theme.width, &|line| {
        theme.paint(Paint::Strong, line).into_owned()
    })
}

/// The line of one operation, its address in a column of that width.
fn line(one: &Recovered, addresses: usize, theme: &Theme) -> String {
    let found = words::finding(one.finding);
    let column = addresses.min(theme.width.saturating_sub(2 + 2 + 30));
    let head = format!("  {}  ", text::pad(one.address.as_str(), column));
    if text::width(&head) + 30 > theme.width {
        return format!(
            "  {}\n{}",
            one.address,
            text::hang("      ", found, theme.width, &|l| l.to_owned())
        );
    }
    text::hang(&head, found, theme.width, &|line| line.to_owned())
}

/// An RFC 3339 time to the minute: `2026-11-03 14:02 UTC`.
fn moment(at: &str) -> String {
    let zone = match at.get(19..) {
        Some(rest) if rest.ends_with('Z') => " UTC".to_owned(),
        Some(rest) => rest
            .find(['+', '-'])
            .map_or_else(String::new, |from| format!(" {}", &rest[from..])),
        None => String::new(),
    };
    match (at.get(..10), at.get(10..11), at.get(11..16)) {
        (Some(day), Some("T" | " "), Some(time)) => text::one_line(&format!("{day} {time}{zone}")),
        _ => text::one_line(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_to_the_minute() {
        for (at, expected) in [
            ("2026-11-03T14:02:11Z", "2026-11-03 14:02 UTC"),
            ("2026-11-03T14:02:11.123456Z", "2026-11-03 14:02 UTC"),
            ("2026-11-03T14:02:11+01:00", "2026-11-03 14:02 +01:00"),
            ("today", "today"),
            ("tödäy-tödäy-tödäy-tö", "tödäy-tödäy-tödäy-tö"),
        ] {
            assert_eq!(moment(at), expected);
        }
    }
}
