//! What went wrong, why, on what, and what to do next: the same form for every command.

use std::collections::BTreeSet;

use mcpdeploy_engine::event::{CancelLevel, Fault};

use super::outcome::{Failed, Ledger};
use super::plan::next_line;
use super::style::{Paint, Theme};
use super::text;
use super::words;

/// Failures told in full; of the others only the addresses.
const TOLD: usize = 8;

/// An error as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// What failed: a sentence fragment in lowercase.
    pub(crate) error: String,
    /// Why, the nearest cause first.
    pub(crate) causes: Vec<String>,
    /// On what: an ARN, a file.
    pub(crate) on: Option<String>,
    /// How many more failed in the same way.
    pub(crate) more: usize,
    /// What a person can do about it.
    pub(crate) hints: Vec<String>,
    /// What to do next.
    pub(crate) next: Option<String>,
}

impl Report {
    /// Something failed.
    pub(crate) fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            ..Self::default()
        }
    }

    /// What a person can do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn body(&self, theme: &Theme) -> String {
        let mut out = labelled("error:", Paint::Bad, &self.error, theme);
        for cause in &self.causes {
            out.push_str(&labelled("  caused by:", Paint::Faint, cause, theme));
        }
        if let Some(on) = &self.on {
            out.push_str(&labelled("  on:", Paint::Faint, on, theme));
        }
        if self.more > 0 {
            out.push_str(&format!("  and {} more in the same way\n", self.more));
        }
        out
    }
}

/// Several errors that happened independently: each hint once, at the end.
pub(crate) fn render_reports(reports: &[Report], theme: &Theme) -> String {
    let bodies: Vec<String> = reports.iter().map(|report| report.body(theme)).collect();
    let mut out = bodies.join("\n");
    out.push_str(&hints(
        reports.iter().flat_map(|report| &report.hints),
        theme,
    ));
    if let Some(next) = reports
        .iter()
        .rev()
        .find_map(|report| report.next.as_deref())
    {
        out.push_str(&next_line(next, theme));
    }
    out
}

/// The end of a run in which something failed, or that was stopped. `help`: more that a person
/// can do; `next`: what to do then.
pub(crate) fn render_unfinished(
    ledger: &Ledger,
    help: &[String],
    next: &str,
    theme: &Theme,
) -> String {
    let mut out = String::new();
    let groups = alike(&ledger.failures);
    for (index, group) in groups.iter().take(TOLD).enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&failure(group, theme));
    }
    let untold: Vec<String> = groups
        .iter()
        .skip(TOLD)
        .flatten()
        .map(|f| f.address.to_string())
        .collect();
    if !untold.is_empty() {
        out.push_str(&labelled(
            "error:",
            Paint::Bad,
            &format!("so did {}", words::list(&untold)),
            theme,
        ));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&text::hang("", &standing(ledger), theme.width, &|line| {
        line.to_owned()
    }));
    let told = ledger
        .failures
        .iter()
        .filter_map(|failed| failed.fault.hint.as_ref());
    out.push_str(&hints(told.chain(help), theme));
    if !next.is_empty() {
        out.push_str(&next_line(next, theme));
    }
    out
}

/// Failures in groups that have the same cause.
fn alike(failures: &[Failed]) -> Vec<Vec<&Failed>> {
    let same = |a: &Failed, b: &Failed| {
        let (x, y) = (&a.fault, &b.fault);
        a.op == b.op
            && x.code == y.code
            && x.operation == y.operation
            && (x.message == y.message || x.code.is_some() && x.operation.is_some())
    };
    let mut groups: Vec<Vec<&Failed>> = Vec::new();
    for failed in failures {
        match groups.iter_mut().find(|group| same(group[0], failed)) {
            Some(group) => group.push(failed),
            None => groups.push(vec![failed]),
        }
    }
    groups
}

fn failure(group: &[&Failed], theme: &Theme) -> String {
    let [first, others @ ..] = group else {
        return String::new();
    };
    let fault = &first.fault;
    let report = Report {
        causes: vec![sentence(fault)],
        on: fault.on.clone(),
        ..Report::new(format!(
            "failed to {} {}",
            words::infinitive(first.op),
            first.address
        ))
    };
    let mut out = report.body(theme);
    if let Some(operation) = fault
        .operation
        .as_ref()
        .filter(|call| !fault.message.contains(call.as_str()))
    {
        out.push_str(&labelled("  calling:", Paint::Faint, operation, theme));
    }
    if !others.is_empty() {
        let others: Vec<String> = others
            .iter()
            .map(|failed| failed.address.to_string())
            .collect();
        out.push_str(&labelled(
            "  likewise:",
            Paint::Faint,
            &words::list(&others),
            theme,
        ));
    }
    out
}

/// A fault in one sentence: code and message.
fn sentence(fault: &Fault) -> String {
    match &fault.code {
        Some(code) => format!("{code}: {}", fault.message),
        None => fault.message.clone(),
    }
}

/// Where things stand.
fn standing(ledger: &Ledger) -> String {
    let waiting = ledger
        .summary
        .as_ref()
        .map_or(0, |s| s.skipped + s.cancelled);
    let waiting = waiting.saturating_sub(ledger.left.len());
    let done = ledger.done();
    let changes = if ledger.steps == 1 {
        "change"
    } else {
        "changes"
    };
    let mut out = match ledger.stopped {
        Some(CancelLevel::Drain | CancelLevel::Abandon) => {
            "Stopped as asked, and nothing is lost: "
        }
        None => "Nothing is lost: ",
    }
    .to_owned();
    let are = if done == 1 { "is" } else { "are" };
    out.push_str(&format!(
        "{done} of {} {changes} {are} done and recorded",
        ledger.steps
    ));
    if waiting > 0 {
        let were = if waiting == 1 { "was" } else { "were" };
        out.push_str(&format!("; {waiting} {were} not started"));
    }
    out.push('.');
    if !ledger.left.is_empty() {
        let left: Vec<String> = ledger.left.iter().map(ToString::to_string).collect();
        out.push_str(&format!(
            "\nLeft in flight: {}. The next run finds out what became of {}.",
            words::list(&left),
            if left.len() == 1 { "it" } else { "them" }
        ));
    }
    out
}

fn hints<'a>(hints: impl Iterator<Item = &'a String>, theme: &Theme) -> String {
    let mut seen = BTreeSet::new();
    hints
        .filter(|hint| seen.insert(hint.as_str()))
        .map(|hint| labelled("help:", Paint::Accent, hint, theme))
        .collect()
}

fn labelled(label: &str, paint: Paint, what: &str, theme: &Theme) -> String {
    let head = format!("{} ", theme.paint(paint, label));
    text::hang(
        &head,
        &theme.ours(&text::clean(what)),
        theme.width,
        &|line| line.to_owned(),
    )
}
