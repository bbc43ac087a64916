//! The lines that stay: one for each resource that is done.

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::{CancelLevel, Fault, NodeOp, Outcome};

use crate::views::style::{Paint, Theme};
use crate::views::text;
use crate::views::value;
use crate::views::words;

/// The column of addresses where nobody knows which will come.
pub(super) const ADDRESSES: usize = 40;
/// The longest of the words for what was done, and the room behind them for why it was not.
const WORDS: usize = 11;
const REST: usize = 14;

/// The column for addresses of which the longest has that length.
pub(super) fn column(longest: usize, theme: &Theme) -> usize {
    longest.min(theme.width.saturating_sub(4 + 2 + WORDS + 2 + REST))
}

/// A resource on which work ended.
pub(super) struct Done<'a> {
    pub(super) address: &'a Address,
    pub(super) op: NodeOp,
    pub(super) outcome: &'a Outcome,
    pub(super) elapsed_ms: u64,
    /// Whether work on it had begun.
    pub(super) begun: bool,
}

/// Its line.
pub(super) fn finished(done: &Done<'_>, addresses: usize, theme: &Theme) -> String {
    let (mark, paint, word, rest) = match done.outcome {
        Outcome::Succeeded => (
            theme.tick(),
            Paint::Good,
            words::past(done.op),
            value::span(done.elapsed_ms),
        ),
        Outcome::Failed(fault) => (theme.cross(), Paint::Bad, "failed", brief(fault)),
        Outcome::Skipped { because } => {
            (theme.dash(), Paint::Faint, "skipped", its_failure(because))
        }
        Outcome::Cancelled if done.begun => {
            (theme.dash(), Paint::Warn, "left", "in flight".to_owned())
        }
        Outcome::Cancelled => (theme.dash(), Paint::Faint, "not started", String::new()),
    };
    let address = text::pad(done.address.as_str(), addresses);
    let word = text::pad(word, WORDS);
    let head = format!("  {mark} {address}  {word}  ");
    let room = theme.width.saturating_sub(text::width(&head)).max(REST);
    let rest = text::cut(&theme.ours(&rest), room, theme);
    let line = format!(
        "  {} {address}  {}  {rest}",
        theme.paint(paint, mark),
        theme.paint(paint, word)
    );
    line.trim_end().to_owned()
}

/// Whether the line is shown even when there are too many.
pub(super) fn is_important(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(_) => true,
        Outcome::Succeeded | Outcome::Skipped { .. } | Outcome::Cancelled => false,
    }
}

/// What stopping means right now.
pub(super) fn stopping(level: CancelLevel, in_flight: usize) -> String {
    match (level, in_flight) {
        (CancelLevel::Drain, 0) => "stopping: nothing is in flight".to_owned(),
        (CancelLevel::Drain, _) => {
            format!("stopping: finishing {in_flight} in flight; press Ctrl-C again to abandon them")
        }
        (CancelLevel::Abandon, 0) => "stopping now".to_owned(),
        (CancelLevel::Abandon, _) => {
            format!(
                "stopping now: {in_flight} left in flight; the next run finds out what became of it"
            )
        }
    }
}

/// The one that failed is named by its kind: its address stands on a line of its own.
fn its_failure(because: &Address) -> String {
    let kind = because.kind().as_str();
    format!(
        "the {} failed",
        kind.rsplit('.').next().unwrap_or(kind).replace('_', " ")
    )
}

fn brief(fault: &Fault) -> String {
    let message = text::one_line(&fault.message);
    match &fault.code {
        Some(code) => format!("{}: {message}", text::one_line(code)),
        None => message,
    }
}
