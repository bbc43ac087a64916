//! The properties that differ: before and after on a line, documents line by line.

use mcpdeploy_engine::diff::Change;
use mcpdeploy_engine::plan::{Action, PlannedAction};
use serde_json::Value;

use super::{PlanContext, document};
use crate::views::style::{Paint, Theme};
use crate::views::text;
use crate::views::value;

const INDENT: usize = 6;
/// Names longer than this do not push the values of the others to the right.
const NAMES: usize = 26;

/// The changed properties of an action; nothing for what goes, or is created (unless `-v`).
pub(super) fn render(action: &PlannedAction, context: &PlanContext, theme: &Theme) -> String {
    let listed = match action.action {
        Action::Create => context.verbose,
        Action::Adopt | Action::Update | Action::Replace { .. } | Action::Publish => true,
        Action::Delete | Action::DeleteReplaced | Action::Forget => false,
    };
    if !listed {
        return String::new();
    }
    let rows: Vec<Row> = action.changes.iter().filter_map(row).collect();
    let names = rows
        .iter()
        .map(|row| text::width(&row.name))
        .filter(|w| *w <= NAMES)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for row in &rows {
        out.push_str(&line(row, names, action.action, context, theme));
    }
    out
}

struct Row<'a> {
    pointer: &'a str,
    name: String,
    before: Value,
    after: Value,
}

/// A change without what is only ours; `None` when nothing is left.
fn row(change: &Change) -> Option<Row<'_>> {
    if value::is_ours(&change.pointer) {
        return None;
    }
    let before = value::without_ours(&change.pointer, &change.before);
    let after = value::without_ours(&change.pointer, &change.after);
    if before == after || value::is_nothing(&before) && value::is_nothing(&after) {
        return None;
    }
    let name = value::property(&change.pointer);
    let name = if name.is_empty() {
        "(all)".to_owned()
    } else {
        name
    };
    Some(Row {
        pointer: &change.pointer,
        name,
        before,
        after,
    })
}

fn line(
    row: &Row<'_>,
    names: usize,
    action: Action,
    context: &PlanContext,
    theme: &Theme,
) -> String {
    let (mut before, mut after) = (
        value::shown(row.pointer, &row.before),
        value::shown(row.pointer, &row.after),
    );
    if before == after {
        // 7 and "7", or two digests that begin alike.
        (before, after) = (row.before.to_string(), row.after.to_string());
    }
    let before = theme.ours(&before).into_owned();
    let mut after = theme.ours(&after).into_owned();
    if let Some(bytes) = row
        .after
        .as_str()
        .and_then(|digest| context.sizes.get(digest))
    {
        after = format!("{after} ({})", value::size(*bytes));
    }
    let name = text::pad(&row.name, names);
    let head = format!("{}{name}  ", " ".repeat(INDENT));
    let room = theme.width.saturating_sub(text::width(&head));
    if text::width(&head) + 24 > theme.width {
        // The name alone fills the line: the values go below it.
        let own = Row {
            name: String::new(),
            pointer: row.pointer,
            before: row.before.clone(),
            after: row.after.clone(),
        };
        let below = line(&own, 2, action, context, theme);
        let name = text::cut(&row.name, theme.width - INDENT, theme);
        return format!("{}{name}\n{below}", " ".repeat(INDENT));
    }
    if action == Action::Create {
        return single(&head, row, &after, room, context.verbose, theme);
    }
    let arrow = format!(" {} ", theme.arrow());
    let fits = text::width(&before) + text::width(&arrow) + text::width(&after) <= room;
    if !fits && let Some(diff) = document::diff(&row.before, &row.after, context.verbose, theme) {
        return format!("{}\n{diff}", head.trim_end());
    }
    if !fits && context.verbose {
        let both = format!("{before}{arrow}{after}");
        return text::hang(&head, &both, theme.width, &|line| line.to_owned());
    }
    let (before, after) = shortened(
        &before,
        &after,
        room.saturating_sub(text::width(&arrow)),
        theme,
    );
    format!(
        "{head}{}{}{after}\n",
        theme.paint(Paint::Faint, before),
        theme.paint(Paint::Faint, arrow)
    )
}

/// A property of something new: there is no before.
fn single(
    head: &str,
    row: &Row<'_>,
    after: &str,
    room: usize,
    verbose: bool,
    theme: &Theme,
) -> String {
    if text::width(after) > room
        && verbose
        && let Some(lines) = document::lines(&row.after)
    {
        let mut out = format!("{}\n", head.trim_end());
        for line in lines {
            out.push_str(&text::hang(
                &" ".repeat(INDENT + 2),
                &line,
                theme.width,
                &|line| line.to_owned(),
            ));
        }
        return out;
    }
    text::hang(head, after, theme.width, &|line| line.to_owned())
}

/// Both shortened so that together they fit; a short one leaves its room to the other.
fn shortened(before: &str, after: &str, room: usize, theme: &Theme) -> (String, String) {
    let (one, other) = (text::width(before), text::width(after));
    if one + other <= room {
        return (before.to_owned(), after.to_owned());
    }
    let half = room / 2;
    let for_before = if other < half {
        room - other
    } else {
        half.min(one)
    };
    let for_after = room - for_before.min(one);
    (
        text::cut(before, for_before, theme),
        text::cut(after, for_after, theme),
    )
}
