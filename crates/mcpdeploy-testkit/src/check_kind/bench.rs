//! Runs the engine on the cloud under test, and looks whether all is as it should be.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use mcpdeploy_engine::address::KindName;
use mcpdeploy_engine::apply::{ApplyOptions, apply};
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::{Event, Outcome};
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_engine::pace::Pace;
use mcpdeploy_engine::plan::{Action, Mode, Plan, PlanOptions, plan};
use mcpdeploy_engine::refresh::{RefreshErrors, RefreshOptions, refresh};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::Store;
use tempfile::TempDir;

use super::{Calls, Case, Checked, Cloud, Inventory};
use crate::fault::Fault;
use crate::lab::{Failed, run_info};

/// How often a run may be needed until everything is as wanted.
const RUNS: usize = 3;
/// Few steps at a time: then the calls come in nearly the same order each time.
const PARALLELISM: usize = 4;

/// A cloud, a case, and a folder for state and journal.
pub(super) struct Bench<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) case: &'a Case,
    /// What the resource under test needs, without it.
    pub(super) base: Desired,
    pub(super) store: Store,
    // Removed when the bench goes.
    dir: TempDir,
}

impl<'a> Bench<'a> {
    pub(super) fn new(cloud: &'a dyn Cloud, case: &'a Case) -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let dir = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let dir = dir.map_err(|error| format!("no temporary folder: {error}"))?;
        let mut base = case.desired.clone();
        base.resources
            .retain(|resource| resource.address != case.subject);
        if base.resources.len() + 1 != case.desired.resources.len() {
            return Err(format!("{} is not among what is wanted", case.subject));
        }
        Ok(Self {
            cloud,
            case,
            base,
            store: Store::local(dir.path().join("deployment")),
            dir,
        })
    }

    pub(super) fn registry(&self) -> &Registry {
        self.cloud.registry()
    }

    pub(super) fn calls(&self) -> &dyn Calls {
        self.cloud.calls()
    }

    /// The kind of the resource under test.
    pub(super) fn kind(&self) -> &KindName {
        self.case.subject.kind()
    }

    pub(super) fn state(&self) -> Result<State, String> {
        let loaded = self.store.load().map_err(told)?;
        Ok(loaded.state.unwrap_or_else(|| {
            State::new(
                &self.case.desired.deployment,
                &self.case.desired.environment,
            )
        }))
    }

    pub(super) fn graph(&self, desired: &Desired) -> Result<Graph, String> {
        Graph::build(desired.clone(), self.registry()).map_err(told)
    }

    /// Looks and plans; nothing is written.
    pub(super) async fn try_plan(&self, desired: &Desired) -> Result<Plan, Failed> {
        self.plan_with(desired, true).await
    }

    /// Plans; looks at what the state has and at what may exist already only when `look` says so.
    async fn plan_with(&self, desired: &Desired, look: bool) -> Result<Plan, Failed> {
        let state = self.store.load()?.state.unwrap_or_else(|| {
            State::new(
                &self.case.desired.deployment,
                &self.case.desired.environment,
            )
        });
        let graph = Graph::build(desired.clone(), self.registry())?;
        let look = RefreshOptions {
            targets: Vec::new(),
            read: look,
            probe: look,
            parallelism: PARALLELISM,
            pace: Pace::new(),
            mode: Mode::Normal,
        };
        let mut sink = |_: &Event| ();
        let findings = refresh(&graph, &state, self.registry(), &look, &mut sink).await?;
        let options = PlanOptions::default();
        Ok(plan(&graph, &state, findings, &options, self.registry())?)
    }

    pub(super) async fn plan(&self, desired: &Desired) -> Result<Plan, String> {
        self.try_plan(desired).await.map_err(told)
    }

    /// Applies a plan. What failed is told, one sentence a resource; empty when nothing did.
    pub(super) async fn apply(&self, plan: &Plan) -> Result<Vec<String>, String> {
        let mut state = self.state()?;
        let lock = self.store.lock(&run_info()).map_err(told)?;
        let mut failed = Vec::new();
        let mut sink = |event: &Event| {
            if let Event::NodeFinished {
                address,
                outcome: Outcome::Failed(fault),
                ..
            } = event
            {
                failed.push(format!("{address}: {fault:?}"));
            }
        };
        let summary = apply(
            plan,
            &mut state,
            &self.store,
            &lock,
            self.registry(),
            run_info(),
            &ApplyOptions {
                parallelism: PARALLELISM,
                pace: Pace::new(),
            },
            cancel::channel().1,
            &mut sink,
        )
        .await
        .map_err(told)?;
        if failed.is_empty() && !summary.is_complete() {
            failed.push(format!("{summary:?}"));
        }
        Ok(failed)
    }

    /// Plans and applies without faults, holding the calls to what the kinds declare, and looks
    /// that all is well.
    pub(super) async fn run(&self, desired: &Desired) -> Result<Inventory, String> {
        self.calls().reset();
        let plan = self.plan(desired).await?;
        self.check_reads(desired)?;
        self.apply_checked(desired, &plan).await?;
        self.settled(desired).await
    }

    /// Applies without faults, holding the calls to what the kinds declare.
    pub(super) async fn apply_checked(&self, desired: &Desired, plan: &Plan) -> Checked {
        let before = self.state()?;
        self.calls().reset();
        let failed = self.apply(plan).await?;
        none(&failed)?;
        self.check_writes(desired, &before, plan, false)
    }

    /// Plans, lets a fault strike the call of that number while applying, and runs again until
    /// all is well. Whether there was such a call.
    pub(super) async fn run_with(
        &self,
        desired: &Desired,
        number: usize,
        fault: Fault,
    ) -> Result<(bool, Inventory), String> {
        let at = |what: String| format!("{fault:?} at call {number}: {what}");
        // What is there has just been looked at.
        let plan = self.plan_with(desired, false).await;
        let plan = plan.map_err(|error| at(told(error)))?;
        let before = self.state().map_err(at)?;
        self.calls().reset();
        self.calls().fail(number, fault);
        let first = tokio::select! {
            biased;
            () = self.calls().killed() => None,
            ended = self.apply(&plan) => Some(ended.map_err(at)?),
        };
        let recorded = self.calls().recorded();
        let struck = self.calls().count() > number;
        let named = recorded.get(number).map_or("?", |call| call.1.as_str());
        let at = |what: String| format!("{fault:?} at call {number} ({named}): {what}");
        self.check_writes(desired, &before, &plan, true)
            .map_err(at)?;
        self.calls().reset();
        let mut runs = 1;
        let mut failed = first.unwrap_or_else(|| vec!["killed".to_owned()]);
        while !failed.is_empty() {
            if runs == RUNS {
                return Err(at(format!("still fails: {}", failed.join("; "))));
            }
            runs += 1;
            let plan = self.plan(desired).await.map_err(at)?;
            failed = self.apply(&plan).await.map_err(at)?;
        }
        let there = self.settled(desired).await.map_err(at)?;
        Ok((struck, there))
    }

    /// Looks that nothing is left to do or open, and that the cloud has exactly what the state
    /// has.
    pub(super) async fn settled(&self, desired: &Desired) -> Result<Inventory, String> {
        let plan = self.plan(desired).await?;
        if !plan.is_empty() || !plan.drift.is_empty() {
            return Err(format!(
                "a second plan is not empty: {:#?} {:#?}",
                plan.actions, plan.drift
            ));
        }
        let state = self.state()?;
        if !state.pending.is_empty() {
            return Err(format!("left open: {:#?}", state.pending));
        }
        for (address, resource) in &state.resources {
            if !resource.deposed.is_empty() {
                return Err(format!("{address} has left one behind that was replaced"));
            }
            if resource.current.as_ref().is_some_and(|now| now.incomplete) {
                return Err(format!("{address} is incomplete"));
            }
        }
        let journal = self.store.has_journal().map_err(|e| e.to_string())?;
        if journal {
            return Err("the journal was left".to_owned());
        }
        self.same_inventory(&state, self.kind()).await
    }

    /// Removes everything, and looks that nothing is left.
    pub(super) async fn clear(&self) -> Checked {
        let at = |what: String| format!("delete all: {what}");
        let mut nothing = self.case.desired.clone();
        nothing.resources.clear();
        self.run(&nothing).await.map_err(at)?;
        let state = self.state()?;
        let wanted = self.case.desired.resources.iter();
        let kinds: BTreeSet<_> = wanted.map(|resource| resource.address.kind()).collect();
        for kind in kinds {
            self.same_inventory(&state, kind).await.map_err(at)?;
        }
        Ok(())
    }

    /// Looks that the cloud has exactly what the state has of a kind.
    pub(super) async fn same_inventory(
        &self,
        state: &State,
        kind: &KindName,
    ) -> Result<Inventory, String> {
        let known: BTreeSet<String> = state
            .resources
            .iter()
            .filter(|(address, _)| address.kind() == kind)
            .flat_map(|(_, resource)| resource.ids())
            .map(ToString::to_string)
            .collect();
        let inventory = self.cloud.inventory(kind).await;
        let there: BTreeSet<String> = inventory.keys().cloned().collect();
        if there == known {
            Ok(inventory)
        } else {
            Err(format!("the cloud has {there:?}, the state {known:?}"))
        }
    }

    /// What the plan does to the resource under test.
    pub(super) fn action(&self, plan: &Plan) -> Option<Action> {
        let mut actions = plan.actions.iter();
        let ours = actions.find(|action| action.address == self.case.subject)?;
        Some(ours.action)
    }

    /// Forgets everything, as when the state is lost.
    pub(super) fn lose_state(&self) -> Checked {
        match std::fs::remove_dir_all(self.dir.path().join("deployment")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.to_string()),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// An error with all its causes.
pub(super) fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// That nothing failed.
pub(super) fn none(failed: &[String]) -> Checked {
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("; "))
    }
}

/// Whether the plan could not be made because somebody else seems to have the name.
pub(super) fn is_taken(failed: &Failed) -> bool {
    use mcpdeploy_engine::refresh::Problem;
    matches!(
        failed,
        Failed::Refresh(RefreshErrors::Problems(problems))
            if problems.iter().all(|problem| matches!(problem, Problem::Taken { .. }))
    )
}
