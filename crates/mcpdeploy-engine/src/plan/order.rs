//! Settles in which order each replacement happens: create first where it can be, delete first
//! where the two would be in each other's way.

use std::collections::VecDeque;

use super::decide::{Decision, Decisions};
use super::error::{PlanError, PlanErrors};
use super::planner::Planner;
use crate::address::Address;
use crate::kind::ReplaceOrder;

/// Turns orders that cannot work into ones that can.
///
/// - A new one whose identity is the old one's must wait until that is gone: delete first.
/// - When a resource is deleted first, whoever depends on it and is replaced too must be gone
///   before it, so it cannot be created first either.
pub(super) fn settle(planner: &Planner<'_>, decisions: &mut Decisions) -> Result<(), PlanErrors> {
    let mut errors = Vec::new();
    let mut delete_first: VecDeque<Address> = VecDeque::new();
    for node in planner.graph.in_order() {
        let address = &node.resource.address;
        let Some(Decision::Replace {
            order,
            keeps: false,
            inputs,
            ..
        }) = decisions.get_mut(address)
        else {
            continue;
        };
        let old = planner
            .state
            .current(address)
            .and_then(|instance| node.kind.identity(&instance.inputs));
        let new = node.kind.identity(inputs);
        let clash = matches!((old, new), (Some(old), Some(new)) if old.clashes(&new));
        if clash && insists(planner, address) {
            errors.push(PlanError::NameClash(address.clone()));
        } else if clash {
            *order = ReplaceOrder::DeleteFirst;
        }
        if *order == ReplaceOrder::DeleteFirst {
            delete_first.push_back(address.clone());
        }
    }

    if !delete_first.is_empty() {
        let dependents = planner.state.dependents();
        while let Some(address) = delete_first.pop_front() {
            for dependent in dependents.get(&address).into_iter().flatten() {
                let Some(Decision::Replace {
                    order: order @ ReplaceOrder::CreateFirst,
                    keeps: false,
                    ..
                }) = decisions.get_mut(dependent)
                else {
                    continue;
                };
                if insists(planner, dependent) {
                    errors.push(PlanError::NoOrder(vec![address.clone(), dependent.clone()]));
                }
                *order = ReplaceOrder::DeleteFirst;
                delete_first.push_back(dependent.clone());
            }
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(PlanErrors(errors))
    }
}

/// Whether the file asks for the new one before the old one goes.
fn insists(planner: &Planner<'_>, address: &Address) -> bool {
    planner
        .graph
        .get(address)
        .is_some_and(|node| node.resource.lifecycle.create_before_destroy == Some(true))
}

/// Of resources whose steps wait for each other in a circle, e.g. because two swap their names,
/// lets those be deleted first that can be. Whether that was any.
pub(super) fn loosen(planner: &Planner<'_>, decisions: &mut Decisions, stuck: &[Address]) -> bool {
    let mut any = false;
    for address in stuck {
        if let Some(Decision::Replace {
            order: order @ ReplaceOrder::CreateFirst,
            keeps: false,
            ..
        }) = decisions.get_mut(address)
            && !insists(planner, address)
        {
            *order = ReplaceOrder::DeleteFirst;
            any = true;
        }
    }
    any
}
