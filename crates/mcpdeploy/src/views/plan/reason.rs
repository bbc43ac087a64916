//! Why a resource changes, as a sentence.

use std::collections::HashMap;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::ReplaceOrder;
use mcpdeploy_engine::plan::{Action, PlannedAction, Reason};

use crate::views::value;

/// The reason of an action; `others`: what happens to the resources of the same plan.
pub(super) fn sentence(action: &PlannedAction, others: &HashMap<&Address, Action>) -> String {
    let mut sentence = match &action.reason {
        Reason::New => String::new(),
        Reason::Gone => "because it is gone from the cloud".to_owned(),
        Reason::Owned => "exists and has our tags".to_owned(),
        Reason::Changed { pointers } => about("because its", pointers, "changed"),
        Reason::Drifted { pointers } => about("because its", pointers, "changed outside"),
        Reason::CannotUpdate { pointers } => about(
            "because its",
            pointers,
            "changed, which cannot be done in place",
        ),
        Reason::DependencyChanges { dependency, .. } => {
            because_of(dependency, others.get(dependency).copied())
        }
        Reason::Relocated => "because its region or account changed".to_owned(),
        Reason::Incomplete => "because a change of it was interrupted".to_owned(),
        Reason::Requested => "as asked with --replace".to_owned(),
        Reason::NotWanted => match &action.origin {
            Some(origin) => format!("no longer in {origin}"),
            None => "no longer in deploy.toml".to_owned(),
        },
        Reason::Destroy => "because everything goes".to_owned(),
        Reason::Replaced => "left over from an earlier replacement".to_owned(),
    };
    match action.action {
        Action::Forget => sentence = "no longer in deploy.toml; it stays in the cloud".to_owned(),
        Action::Replace {
            order: ReplaceOrder::DeleteFirst,
        } => sentence.push_str("; the old one goes first"),
        Action::Replace {
            order: ReplaceOrder::CreateFirst,
        }
        | Action::Create
        | Action::Adopt
        | Action::Update
        | Action::Publish
        | Action::Delete
        | Action::DeleteReplaced => {}
    }
    if action.action == Action::Forget && action.reason == Reason::Destroy {
        sentence = "is retained: it stays in the cloud".to_owned();
    }
    sentence
}

fn about(before: &str, pointers: &[String], after: &str) -> String {
    match value::topics(pointers).as_str() {
        "" => format!("{before} inputs {after}"),
        topics => format!("{before} {topics} {after}"),
    }
}

/// The dependency is told by what it is, since whoever refers to it knows which one it is.
fn because_of(dependency: &Address, action: Option<Action>) -> String {
    let kind = dependency.kind().as_str();
    let what = kind.rsplit('.').next().unwrap_or(kind).replace('_', " ");
    match action {
        Some(Action::Create) => format!("because its {what} is created"),
        Some(Action::Replace { .. }) => format!("because its {what} is replaced"),
        Some(Action::Publish) => format!("because a new {what} is published"),
        Some(Action::Adopt) => format!("because its {what} is adopted"),
        Some(Action::Update | Action::Delete | Action::DeleteReplaced | Action::Forget) | None => {
            format!("because its {what} changes")
        }
    }
}
