//! What many tests use.

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::plan::{Action, Plan, Reason};
use mcpdeploy_testkit::{CallOp, Lab};

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// What a plan does, one text an action: `address: action`.
pub(crate) fn actions(plan: &Plan) -> Vec<String> {
    plan.actions
        .iter()
        .map(|a| {
            let action = match a.action {
                Action::Create => "create",
                Action::Adopt => "adopt",
                Action::Update => "update",
                Action::Replace { order } => match order {
                    mcpdeploy_engine::kind::ReplaceOrder::CreateFirst => "replace, create first",
                    mcpdeploy_engine::kind::ReplaceOrder::DeleteFirst => "replace, delete first",
                },
                Action::Publish => "publish",
                Action::Delete => "delete",
                Action::DeleteReplaced => "delete replaced",
                Action::Forget => "forget",
            };
            format!("{}: {action}", a.address)
        })
        .collect()
}

pub(crate) fn reason<'a>(plan: &'a Plan, at: &str) -> &'a Reason {
    let found = plan.actions.iter().find(|a| a.address.as_str() == at);
    &found.unwrap_or_else(|| panic!("no action on {at}")).reason
}

/// The calls that change something, since call number `since`: `op address`.
pub(crate) fn changes_since(lab: &Lab, since: usize) -> Vec<String> {
    lab.cloud.calls()[since..]
        .iter()
        .filter(|call| match call.op {
            CallOp::Create | CallOp::Configure | CallOp::Delete => true,
            CallOp::Read | CallOp::ReadTags | CallOp::Settle => false,
        })
        .map(|call| format!("{:?} {}", call.op, call.address))
        .collect()
}
