//! What changed outside, and what the plan does about it.

use std::collections::HashMap;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::diff::Change;
use mcpdeploy_engine::plan::{Action, Drift, Mode, Plan, PlannedAction};

use crate::views::style::{Paint, Theme};
use crate::views::text;
use crate::views::value;

/// More than these are only for `-v`.
const SHOWN: usize = 10;
/// A value longer than this is shortened.
const LONGEST: usize = 40;

/// A line for each thing that changed outside.
pub(super) fn render(plan: &Plan, verbose: bool, theme: &Theme) -> String {
    let actions: HashMap<&Address, &PlannedAction> = plan
        .actions
        .iter()
        .rev()
        .map(|action| (&action.address, action))
        .collect();
    let mut sentences = Vec::new();
    for drift in &plan.drift {
        sentences.extend(sentences_of(
            drift,
            actions.get(&drift.address).copied(),
            plan.options.mode,
            theme,
        ));
    }
    let shown = if verbose { sentences.len() } else { SHOWN };
    let mut out = String::new();
    for sentence in sentences.iter().take(shown) {
        let head = format!("  {} ", theme.paint(Paint::Warn, "Drift:"));
        out.push_str(&text::hang(&head, sentence, theme.width, &|line| {
            line.to_owned()
        }));
    }
    if sentences.len() > shown {
        out.push_str(&format!(
            "  {} {} more (-v shows them)\n",
            theme.ellipsis(),
            sentences.len() - shown
        ));
    }
    out
}

fn sentences_of(
    drift: &Drift,
    action: Option<&PlannedAction>,
    mode: Mode,
    theme: &Theme,
) -> Vec<String> {
    let address = &drift.address;
    if drift.changes.is_empty() {
        let so = match (mode, action.map(|action| action.action)) {
            (Mode::RefreshOnly, _) => "; apply takes it out of the state.",
            (Mode::Normal, Some(Action::Create)) => "; this plan creates it again.",
            (Mode::Normal | Mode::Destroy, _) => ".",
        };
        return vec![format!("{address} is gone from the cloud{so}")];
    }
    let told = drift
        .changes
        .iter()
        .filter(|change| !value::is_ours(&change.pointer));
    told.map(|change| {
        let (asked, there) = (
            side(change, &change.before, theme),
            side(change, &change.after, theme),
        );
        let so = follows(change, action, mode);
        let name = value::property(&change.pointer);
        format!(
            "{address} {name} was changed outside ({asked} {} {there}); {so}.",
            theme.arrow()
        )
    })
    .collect()
}

fn side(change: &Change, value: &serde_json::Value, theme: &Theme) -> String {
    let value = value::without_ours(&change.pointer, value);
    text::cut(
        &theme.ours(&text::one_line(&value::shown(&change.pointer, &value))),
        LONGEST,
        theme,
    )
}

fn follows(change: &Change, action: Option<&PlannedAction>, mode: Mode) -> &'static str {
    if mode == Mode::RefreshOnly {
        return "apply takes it into the state";
    }
    let Some(action) = action else {
        return "it is left so";
    };
    let touched = action.changes.iter().any(|planned| {
        let (one, other) = (planned.pointer.as_str(), change.pointer.as_str());
        one == other
            || one.starts_with(&format!("{other}/"))
            || other.starts_with(&format!("{one}/"))
    });
    match action.action {
        Action::Create
        | Action::Adopt
        | Action::Update
        | Action::Replace { .. }
        | Action::Publish
            if touched =>
        {
            "this plan sets it back"
        }
        Action::Create
        | Action::Adopt
        | Action::Update
        | Action::Replace { .. }
        | Action::Publish => "it is left so",
        Action::Delete | Action::DeleteReplaced => "the resource goes anyway",
        Action::Forget => "the resource leaves the state anyway",
    }
}
