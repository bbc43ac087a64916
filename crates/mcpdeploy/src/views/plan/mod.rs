//! A plan as text: what happens to which resource, why, and what differs.

mod changes;
mod creation;
mod document;
mod drift;
mod layout;
mod reason;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::plan::{Action, Mode, Plan, PlannedAction, Reason};
use mcpdeploy_engine::record::RunInfo;

use layout::Layout;

use super::recovered;
use super::style::{Paint, Theme};
use super::text;
use super::value;

/// What the plan itself does not tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanContext {
    /// The command that shows it, e.g. `plan`.
    pub(crate) command: &'static str,
    /// The region.
    pub(crate) region: Option<String>,
    /// The account.
    pub(crate) account: Option<String>,
    /// How long applying it takes, about; see [`about`].
    pub(crate) estimated: Option<Duration>,
    /// What it costs, e.g. `1.92 → 1.61 USD a month`.
    pub(crate) cost: Option<String>,
    /// The run that left what was recovered.
    pub(crate) interrupted: Option<RunInfo>,
    /// More to say on an action, e.g. `version 7 stays for rollback`.
    pub(crate) notes: BTreeMap<Address, String>,
    /// The sizes of artifacts, by their digest as it stands in the inputs.
    pub(crate) sizes: BTreeMap<String, u64>,
    /// Every input of what is created, every value in full.
    pub(crate) verbose: bool,
    /// What to do next, e.g. `mcpdeploy apply`.
    pub(crate) next: Option<String>,
}

/// The plan as text.
pub(crate) fn render_plan(plan: &Plan, context: &PlanContext, theme: &Theme) -> String {
    let mut out = header(plan, context, theme);
    if !plan.recovered.is_empty() {
        out.push('\n');
        out.push_str(&recovered::render(
            context.interrupted.as_ref(),
            &plan.recovered,
            theme,
        ));
    }
    out.push('\n');
    if plan.actions.is_empty() {
        out.push_str(&text::hang("", nothing(plan), theme.width, &|line| {
            line.to_owned()
        }));
    } else {
        out.push_str(&actions(plan, context, theme));
        out.push('\n');
        out.push_str(&totals(plan, context, theme));
    }
    out.push_str(&drift::render(plan, context.verbose, theme));
    if let Some(next) = &context.next {
        out.push('\n');
        out.push_str(&next_line(next, theme));
    }
    out
}

/// The last line of a command: what to do next.
pub(crate) fn next_line(next: &str, theme: &Theme) -> String {
    let head = format!("{} ", theme.paint(Paint::Strong, "Next:"));
    text::hang(&head, &theme.ours(next), theme.width, &|line| {
        theme.paint(Paint::Accent, line).into_owned()
    })
}

/// About how long the steps of a plan take when those that can run at once do.
pub(crate) fn about(plan: &Plan) -> Duration {
    // Each step stands after those that it waits for.
    let mut ends: Vec<u64> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let begins = step
            .after
            .iter()
            .filter_map(|&before| ends.get(before as usize))
            .max();
        ends.push(begins.copied().unwrap_or(0) + u64::from(step.typical_ms));
    }
    Duration::from_millis(ends.into_iter().max().unwrap_or(0))
}

fn header(plan: &Plan, context: &PlanContext, theme: &Theme) -> String {
    let command = if context.command.is_empty() {
        "plan"
    } else {
        context.command
    };
    let mut facts = vec![
        format!("mcpdeploy {command}"),
        text::one_line(&plan.deployment),
        format!("environment {}", text::one_line(&plan.environment)),
    ];
    facts.extend(context.region.clone());
    facts.extend(
        context
            .account
            .as_deref()
            .map(|id| format!("account {}", grouped(id))),
    );
    let mut out = String::new();
    let mut used = 0;
    for (index, fact) in facts.iter().enumerate() {
        let wide = text::width(fact);
        if index > 0 && used + 3 + wide > theme.width {
            out.push('\n');
            used = 0;
        } else if index > 0 {
            out.push_str(&theme.paint(Paint::Faint, theme.dot()));
            used += 3;
        }
        out.push_str(&theme.paint(
            if index == 0 {
                Paint::Strong
            } else {
                Paint::Plain
            },
            fact.as_str(),
        ));
        used += wide;
    }
    out.push('\n');
    out
}

/// An account's number as people compare it: 1234-5678-9012.
fn grouped(account: &str) -> String {
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return text::one_line(account);
    }
    format!("{}-{}-{}", &account[..4], &account[4..8], &account[8..])
}

fn nothing(plan: &Plan) -> &'static str {
    match plan.options.mode {
        Mode::Destroy => "Nothing is there to be destroyed.",
        Mode::RefreshOnly if plan.preamble.is_empty() => "The state is as the cloud is.",
        Mode::RefreshOnly => {
            "Apply takes into the state what was found; it changes nothing in the cloud."
        }
        Mode::Normal if plan.preamble.is_empty() => "No changes. The cloud is as deploy.toml says.",
        Mode::Normal => {
            "No changes. The cloud is as deploy.toml says; apply brings the state up to date with it."
        }
    }
}

fn actions(plan: &Plan, context: &PlanContext, theme: &Theme) -> String {
    // What an earlier replacement left behind stands under the address of its successor.
    let present = plan
        .actions
        .iter()
        .filter(|action| action.action != Action::DeleteReplaced);
    let others: HashMap<&Address, Action> = present
        .map(|action| (&action.address, action.action))
        .collect();
    let layout = Layout::of(plan, theme);
    let mut out = String::new();
    for action in &plan.actions {
        let sentence = sentence(action, &others, context);
        out.push_str(&layout.line(action, &theme.ours(&sentence), theme));
        out.push_str(&changes::render(action, context, theme));
    }
    out
}

/// What stands behind an action: why, or what is created.
fn sentence(
    action: &PlannedAction,
    others: &HashMap<&Address, Action>,
    context: &PlanContext,
) -> String {
    let mut sentence = match (&action.action, &action.reason) {
        (Action::Create, Reason::New) if !context.verbose => creation::summary(action, context),
        _ => reason::sentence(action, others),
    };
    let note = context.notes.get(&action.address).map(String::as_str);
    let kept = (action.action == Action::Publish).then_some("the present one stays for rollback");
    for more in [
        note.or(kept),
        action.origin.as_deref().filter(|_| context.verbose),
    ]
    .into_iter()
    .flatten()
    {
        if !sentence.is_empty() {
            sentence.push_str("; ");
        }
        sentence.push_str(more);
    }
    sentence
}

fn totals(plan: &Plan, context: &PlanContext, theme: &Theme) -> String {
    let counts = plan.counts();
    let parts: Vec<String> = [
        (counts.create, "to create"),
        (counts.adopt, "to adopt"),
        (counts.update, "to update"),
        (counts.replace, "to replace"),
        (counts.publish, "to publish"),
        (counts.delete, "to delete"),
        (counts.forget, "to forget"),
        (counts.unchanged, "unchanged"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let mut facts = vec![parts.join(", ")];
    if let Some(estimated) = context.estimated {
        let seconds = estimated.as_millis().div_ceil(1_000).max(1);
        let shown = if seconds < 120 {
            format!("{seconds} s")
        } else {
            value::span(u64::try_from(estimated.as_millis()).unwrap_or(u64::MAX))
        };
        facts.push(format!("about {shown}"));
    }
    if let Some(cost) = &context.cost {
        facts.push(format!("cost {}", theme.ours(cost)));
    }
    text::hang("  ", &facts.join(theme.dot()), theme.width, &|line| {
        theme.paint(Paint::Strong, line).into_owned()
    })
}
