//! Holds the calls that were made to the permissions that the kinds declare.

use std::collections::BTreeSet;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::kind::Op;
use mcpdeploy_engine::plan::{Action, Plan};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_engine::state::{Instance, State};

use super::Checked;
use super::bench::Bench;

impl Bench<'_> {
    /// That the calls recorded since the last reset are what reading declares.
    pub(super) fn check_reads(&self, desired: &Desired) -> Checked {
        let graph = self.graph(desired)?;
        let state = self.state()?;
        self.check_calls(&self.reads(&graph, &state), "reading")
    }

    /// That the calls recorded since the last reset are what the plan's operations declare.
    /// `lenient`: a call failed, and then what is there is read.
    pub(super) fn check_writes(
        &self,
        desired: &Desired,
        before: &State,
        plan: &Plan,
        lenient: bool,
    ) -> Checked {
        let graph = self.graph(desired)?;
        let mut allowed = if lenient {
            self.reads(&graph, before)
        } else {
            BTreeSet::new()
        };
        for planned in &plan.actions {
            let address = &planned.address;
            let ops: &[Op] = match planned.action {
                Action::Create | Action::Publish => &[Op::Create],
                Action::Adopt | Action::Update => &[Op::Update],
                Action::Replace { .. } => &[Op::Create, Op::Delete],
                Action::Delete | Action::DeleteReplaced => &[Op::Delete],
                Action::Forget => &[],
            };
            for op in ops {
                allowed.extend(self.declared(*op, address, &graph, before));
            }
        }
        let what: Vec<String> = plan
            .actions
            .iter()
            .map(|planned| format!("{:?} of {}", planned.action, planned.address))
            .collect();
        self.check_calls(&allowed, &what.join(", "))
    }

    fn reads(&self, graph: &Graph, state: &State) -> BTreeSet<String> {
        let wanted = graph.in_order().map(|node| &node.resource.address);
        wanted
            .chain(state.resources.keys())
            .flat_map(|address| self.declared(Op::Read, address, graph, state))
            .collect()
    }

    /// What a resource's kind declares for an operation.
    fn declared(&self, op: Op, address: &Address, graph: &Graph, before: &State) -> Vec<String> {
        let Some(kind) = self.registry().get(address.kind().as_str()) else {
            return Vec::new();
        };
        let node = graph.get(address).map(|node| &node.resource);
        let wanted = node.map(|resource| (&resource.inputs, &resource.placement));
        let of = |instance: &Instance| (instance.inputs.clone(), instance.placement.clone());
        let known = before.resources.get(address);
        let old = known
            .into_iter()
            .flat_map(|resource| resource.current.iter().chain(resource.deposed.values()))
            .map(of);
        let all: Vec<_> = match (op, wanted) {
            (Op::Create | Op::Update, Some((inputs, placement))) => {
                vec![(inputs.clone(), placement.clone())]
            }
            (Op::Read, Some((inputs, placement))) => {
                old.chain([(inputs.clone(), placement.clone())]).collect()
            }
            _ => old.collect(),
        };
        all.iter()
            .flat_map(|(inputs, placement)| kind.permissions(op, inputs, placement))
            .map(|permission| permission.action)
            .collect()
    }

    fn check_calls(&self, allowed: &BTreeSet<String>, what: &str) -> Checked {
        for call in self.calls().recorded() {
            if let Some(action) = self.cloud.action(&call)
                && !allowed.contains(&action)
            {
                return Err(format!(
                    "{}:{} needs {action}, which is not declared for {what}: {allowed:?}",
                    call.0, call.1
                ));
            }
        }
        Ok(())
    }
}
