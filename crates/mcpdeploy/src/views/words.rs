//! The words for what the engine tells: one word for one thing, the same everywhere.

use mcpdeploy_engine::event::{Finding, NodeOp};
use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_engine::plan::Action;

use super::style::{Paint, Theme};

/// What an action does.
pub(crate) fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Adopt => "adopt",
        Action::Update => "update",
        Action::Replace { .. } => "replace",
        Action::Publish => "publish",
        Action::Delete | Action::DeleteReplaced => "delete",
        Action::Forget => "forget",
    }
}

/// The sign before an action.
pub(crate) fn sign(action: Action, theme: &Theme) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Adopt => "=",
        Action::Update => "~",
        Action::Replace { .. } | Action::Publish if theme.unicode => "±",
        Action::Replace { .. } | Action::Publish => "+/-",
        Action::Delete | Action::DeleteReplaced => "-",
        Action::Forget => "<",
    }
}

/// The colour of an action.
pub(crate) fn paint(action: Action) -> Paint {
    match action {
        Action::Create | Action::Publish => Paint::Good,
        Action::Adopt | Action::Forget => Paint::Accent,
        Action::Update | Action::Replace { .. } => Paint::Warn,
        Action::Delete | Action::DeleteReplaced => Paint::Bad,
    }
}

/// What could not be done, after "failed to".
pub(crate) fn infinitive(op: NodeOp) -> &'static str {
    match op {
        NodeOp::Create => "create",
        NodeOp::Update => "update",
        NodeOp::Delete => "delete",
        NodeOp::DeleteReplaced => "delete the replaced",
    }
}

/// What is being done.
pub(crate) fn doing(op: NodeOp) -> &'static str {
    match op {
        NodeOp::Create => "creating",
        NodeOp::Update => "updating",
        NodeOp::Delete => "deleting",
        NodeOp::DeleteReplaced => "deleting the replaced one",
    }
}

/// What was done.
pub(crate) fn past(op: NodeOp) -> &'static str {
    match op {
        NodeOp::Create => "created",
        NodeOp::Update => "updated",
        NodeOp::Delete => "deleted",
        NodeOp::DeleteReplaced => "old deleted",
    }
}

/// Why a call is tried again.
pub(crate) fn fault(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Propagation => "not visible yet",
        FaultClass::Pending => "still busy",
        FaultClass::Exists => "exists already",
        FaultClass::Concurrent => "another change goes first",
        FaultClass::Throttled => "throttled",
        FaultClass::Transient => "the service faltered",
        FaultClass::Gone => "not there",
        FaultClass::Denied => "not allowed",
        FaultClass::Fatal => "failed",
    }
}

/// What was found of an operation that an earlier run left open.
pub(crate) fn finding(finding: Finding) -> &'static str {
    match finding {
        Finding::Adopted => "had been created; adopted",
        Finding::NotCreated => "had not been created; planned again",
        Finding::Reread => "may have been changed in part; planned from what is there",
        Finding::Deleted => "had been deleted",
        Finding::NotDeleted => "had not been deleted; planned again",
    }
}

/// "1 resource", "2 resources".
pub(crate) fn count(number: usize, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// "a", "a and b", "a, b and c", "a, b, c and 4 more".
pub(crate) fn list(items: &[String]) -> String {
    const SHOWN: usize = 3;
    let (shown, more) = if items.len() > SHOWN + 1 {
        (&items[..SHOWN], items.len() - SHOWN)
    } else {
        (items, 0)
    };
    if more > 0 {
        return format!("{} and {more} more", shown.join(", "));
    }
    match shown {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_with_and() {
        let check = |items: &[&str], expected: &str| {
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            assert_eq!(list(&items), expected);
        };
        check(&[], "");
        check(&["a"], "a");
        check(&["a", "b"], "a and b");
        check(&["a", "b", "c", "d"], "a, b, c and d");
        check(&["a", "b", "c", "d", "e"], "a, b, c and 2 more");
    }
}
