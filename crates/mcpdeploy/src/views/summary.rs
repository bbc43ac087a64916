//! The box at the end of an apply: what is live, where, and what it took.

use super::style::{Paint, Theme};
use super::text;

/// A box with a title. Each row is a name and a value; a row without a name takes the whole width.
pub(crate) fn render_box(title: &str, rows: &[(String, String)], theme: &Theme) -> String {
    let most = theme.width - 4;
    let names = rows
        .iter()
        .map(|(name, _)| text::width(name))
        .max()
        .unwrap_or(0)
        .min(most / 3);
    let mut lines: Vec<(String, String)> = Vec::new();
    for (name, value) in rows {
        let value = text::clean(value);
        let value = theme.ours(&value);
        if name.is_empty() {
            lines.extend(
                text::wrap(&value, most)
                    .into_iter()
                    .map(|line| (String::new(), line)),
            );
            continue;
        }
        let name = text::cut(name, names, theme);
        for (index, line) in text::wrap(&value, most - names - 1).into_iter().enumerate() {
            let name = if index == 0 { name.as_str() } else { "" };
            lines.push((format!("{} ", text::pad(name, names)), line));
        }
    }
    let title = text::cut(&text::one_line(title), most - 2, theme);
    let inner = lines
        .iter()
        .map(|(name, value)| text::width(name) + text::width(value))
        .max()
        .unwrap_or(0)
        .max(text::width(&title) + 2);

    let [top_left, top_right, bottom_left, bottom_right, across, down] = if theme.unicode {
        ["╭", "╮", "╰", "╯", "─", "│"]
    } else {
        ["+", "+", "+", "+", "-", "|"]
    };
    let edge = |text: &str| theme.paint(Paint::Good, text.to_owned()).into_owned();
    let mut out = format!(
        "{} {} {}\n",
        edge(&format!("{top_left}{across}")),
        theme.paint(Paint::Strong, title.as_str()),
        edge(&format!(
            "{}{top_right}",
            across.repeat((inner + 2).saturating_sub(text::width(&title) + 3))
        ))
    );
    for (name, value) in &lines {
        let value = text::pad(value, inner - text::width(name));
        out.push_str(&format!(
            "{} {}{value} {}\n",
            edge(down),
            theme.paint(Paint::Faint, name.as_str()),
            edge(down)
        ));
    }
    out.push_str(&edge(&format!(
        "{bottom_left}{}{bottom_right}",
        across.repeat(inner + 2)
    )));
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<(String, String)> {
        [
            ("MCP", "https://abc123.execute-api.us-east-1.amazonaws.com/mcp"),
            ("Version", "8 (7 is one command away: mcpdeploy rollback)"),
            (
                "Dashboard",
                "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/calculator",
            ),
            ("", "5 changes in 9.8 s · 1.61 USD a month"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn a_box_holds_what_is_in_it() {
        insta::assert_snapshot!(
            "box",
            render_box("calculator is live", &rows(), &Theme::plain(80))
        );
        let ascii = Theme {
            unicode: false,
            ..Theme::plain(120)
        };
        insta::assert_snapshot!(
            "box_ascii",
            render_box("calculator is live", &rows(), &ascii)
        );
    }

    #[test]
    fn every_line_of_a_box_is_equally_wide() {
        let long = vec![
            ("日本".to_owned(), "x".repeat(300)),
            (String::new(), "日本語 ".repeat(40)),
        ];
        for rows in [rows(), long, Vec::new()] {
            for title in ["calculator is live", "", &"t".repeat(200)] {
                let out = render_box(title, &rows, &Theme::plain(80));
                let widths: Vec<usize> = out.lines().map(text::width).collect();
                assert!(
                    widths
                        .iter()
                        .all(|width| *width == widths[0] && *width <= 80),
                    "{out}"
                );
            }
        }
    }
}
