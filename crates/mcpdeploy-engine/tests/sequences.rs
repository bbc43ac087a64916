//! Random sequences of all that one can do to a deployment, with faults at any call and any write:
//! in the end the cloud is as a model says that knows nothing of the engine.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::{Event, NodeOp, Outcome, Summary};
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::import;
use mcpdeploy_engine::plan::{Mode, Plan, PlanOptions};
use mcpdeploy_engine::record::{IntentAction, Record, Slot as Which};
use mcpdeploy_engine::state::State;
use mcpdeploy_testkit::{At, Call, CallOp, Disk, Failed, Lab, killable, run_info};
use proptest::prelude::*;

use crate::deeds::{Deed, Trouble, What, deed};
use crate::model::{SHAPES, Shape, Slot, World, slot_of};
use crate::random::{check_events, check_order, config, run};
use crate::support::changes_since;

struct Story {
    world: World,
    lab: Lab,
    disk: Disk,
}

impl Story {
    fn new(parallelism: usize) -> Self {
        let mut lab = Lab::new();
        lab.parallelism = parallelism;
        lab.cloud.set_lax(true);
        let disk = Disk::new();
        lab.watch(&disk);
        Self {
            world: World::default(),
            lab,
            disk,
        }
    }

    async fn act(&mut self, deed: Deed) {
        let mode = |mode| PlanOptions {
            mode,
            ..PlanOptions::default()
        };
        match deed {
            Deed::Set(slot, want) => self.world.set(slot, want),
            Deed::Unset(slot) => self.world.unset(slot),
            Deed::Moved(slot) => self.rename(slot, true),
            Deed::Mv(slot) => self.rename(slot, false),
            Deed::Plan => drop(self.plan(&PlanOptions::default()).await),
            Deed::Apply(troubles) => {
                let quiet = troubles.is_empty();
                let summary = self.run(&PlanOptions::default(), troubles).await;
                if quiet {
                    self.settled(&summary).await;
                }
            }
            Deed::Refresh(troubles) => {
                let calls = self.lab.cloud.call_count();
                self.run(&mode(Mode::RefreshOnly), troubles).await;
                assert_eq!(changes_since(&self.lab, calls), [""; 0]);
            }
            Deed::Destroy(troubles) if self.world.forgotten.is_empty() => {
                let quiet = troubles.is_empty();
                let summary = self.run(&mode(Mode::Destroy), troubles).await;
                if quiet {
                    assert!(summary.is_some_and(|summary| summary.is_complete()));
                    World::default().check(&self.lab.cloud);
                }
            }
            Deed::Target(slot, troubles) if self.world.has(slot) => {
                let calls = self.lab.cloud.call_count();
                let options = PlanOptions {
                    targets: vec![self.world.address(slot)],
                    ..PlanOptions::default()
                };
                self.run(&options, troubles).await;
                let needed = self.world.with_needs(slot);
                let addresses: BTreeSet<String> = needed
                    .into_iter()
                    .map(|slot| self.world.address(slot).to_string())
                    .collect();
                for change in changes_since(&self.lab, calls) {
                    let (_, address) = change.split_once(' ').unwrap();
                    assert!(addresses.contains(address), "{change} was not asked for");
                }
            }
            Deed::Replace(slot, troubles) if self.world.has(slot) => {
                let address = self.world.address(slot);
                let quiet = troubles.is_empty();
                let before = self.uids(slot);
                let options = PlanOptions {
                    replace: vec![address],
                    ..PlanOptions::default()
                };
                let summary = self.run(&options, troubles).await;
                if quiet {
                    self.settled(&summary).await;
                    let kept = self.uids(slot).is_subset(&before);
                    assert!(!kept || SHAPES[slot] == Shape::Data, "it was not replaced");
                }
            }
            Deed::Rm(slot) => self.rm(slot),
            Deed::Import(slot) => self.import(slot).await,
            Deed::Tamper(slot, text) => {
                for uid in self.uids(slot) {
                    let text = format!("t{text}");
                    self.lab
                        .cloud
                        .tamper(&uid, |inputs| inputs.text = text.as_str().into());
                }
            }
            Deed::Vanish(slot) => {
                for uid in self.uids(slot) {
                    self.lab.cloud.vanish(&uid);
                }
            }
            Deed::Destroy(_) | Deed::Target(..) | Deed::Replace(..) => {}
        }
    }

    /// What a run without faults left is what the model says, and the next plan is empty.
    async fn settled(&mut self, summary: &Option<Summary>) {
        let mut complete = summary.as_ref().is_some_and(Summary::is_complete);
        if !complete && !self.world.forgotten.is_empty() {
            // What has a name and refers to something new is only found to be there when it is
            // created; what lives in it was then planned for another parent.
            let again = self.run(&PlanOptions::default(), Vec::new()).await;
            complete = again.is_some_and(|summary| summary.is_complete());
        }
        assert!(complete, "{summary:?} {:#?}", self.lab.events);
        self.world.check(&self.lab.cloud);
        let plan = self.plan(&PlanOptions::default()).await.unwrap();
        assert!(plan.is_empty(), "{:#?}", plan.actions);
        assert!(self.lab.state().unwrap().pending.is_empty());
        assert!(!self.lab.journal_path().exists());
        self.world.settled();
    }

    fn uids(&self, slot: Slot) -> BTreeSet<String> {
        let objects = self.lab.cloud.objects().into_iter();
        let of_slot = objects.filter(|object| slot_of(object) == slot);
        of_slot.map(|object| object.uid).collect()
    }

    /// Plans, and checks that this wrote nothing, here and there.
    async fn plan(&mut self, options: &PlanOptions) -> Result<Plan, Failed> {
        let (files, calls) = (self.lab.files(), self.lab.cloud.call_count());
        let stack = self.world.stack();
        let plan = self.lab.plan_with(&stack.desired, options).await;
        assert!(self.lab.files() == files, "planning wrote something");
        assert_eq!(changes_since(&self.lab, calls), [""; 0]);
        plan
    }

    /// Plans and applies with troubles; `None` when it came to no end of its own.
    async fn run(&mut self, options: &PlanOptions, troubles: Vec<Trouble>) -> Option<Summary> {
        let quiet = troubles.is_empty();
        for Trouble { at, what } in troubles {
            match what {
                What::Call(fault) => {
                    let call = At::Number(self.lab.cloud.call_count() + at);
                    self.lab.cloud.arm(call, fault, 1);
                }
                What::Killed(moment) => {
                    let write = self.disk.writes().len() + at;
                    self.disk.kill(write, moment, &self.lab.cloud);
                }
                What::Full => self.disk.fail(self.disk.writes().len() + at, usize::MAX),
            }
        }
        let (cloud, before) = (self.lab.cloud.clone(), self.lab.state().unwrap());
        self.lab.events.clear();
        let ran = killable(&cloud, async {
            let plan = self.plan(options).await?;
            let stack = self.world.stack();
            let graph = Graph::build(stack.desired, &self.lab.registry)?;
            if options.mode == Mode::Normal && options.targets.is_empty() {
                check_order(&plan, &before, &graph);
            }
            let calls = self.lab.cloud.call_count();
            let mut state = before.clone();
            let none = cancel::channel().1;
            let summary = self.lab.apply_to(&mut state, &plan, none).await;
            Ok::<_, Failed>((plan, calls, summary))
        })
        .await;
        self.lab.cloud.disarm();
        self.disk.mend();
        self.every_prefix_folds();
        match ran {
            Some(Ok((plan, calls, Ok(summary)))) => {
                check_events(&plan, &self.lab.events);
                check_skips(&plan, &self.lab.events);
                check_deletes(&before, &plan, &self.lab.cloud.calls()[calls..]);
                Some(summary)
            }
            Some(Ok((_, _, Err(error))) | Err(error)) => {
                assert!(!quiet, "{error:?}");
                None
            }
            None => None,
        }
    }

    /// Whatever of the journal had reached the disk, it would make a state.
    fn every_prefix_folds(&self) {
        let path = self.lab.journal_path();
        let Ok(bytes) = std::fs::read(&path) else {
            return;
        };
        let put = |bytes: &[u8]| {
            use std::io::Write as _;
            std::fs::File::create(&path)
                .unwrap()
                .write_all(bytes)
                .unwrap();
        };
        for (end, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            for end in [end / 2, end, end + 1] {
                put(&bytes[..end]);
                let state = self.lab.store.load().unwrap().state;
                if let Some(state) = state {
                    let text = serde_json::to_string(&state).unwrap();
                    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
                }
            }
        }
        put(&bytes);
    }

    /// As the command line does it: a record folded by hand, with a copy of the state before.
    fn surgery(&mut self, records: &[Record]) {
        let old = self.lab.state().unwrap();
        let mut new = old.clone();
        for record in records {
            new.fold(record).unwrap();
        }
        let lock = self.lab.store.lock(&run_info()).unwrap();
        let backup = self
            .lab
            .store
            .replace_with_backup(&lock, Some(&old), &mut new);
        let backup = std::fs::read(backup.unwrap().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<State>(&backup).unwrap(), old);
    }

    fn rename(&mut self, slot: Slot, told: bool) {
        let state = self.lab.state().unwrap();
        let from = self.world.address(slot);
        let known = state.resources.contains_key(&from);
        if !known || !self.world.has(slot) || self.world.is_moving(slot) {
            return;
        }
        let mut renamed = self.world.clone();
        renamed.rename(slot, told);
        let to = renamed.address(slot);
        // Not while something is left under the other name.
        if state.resources.contains_key(&to) {
            return;
        }
        self.world = renamed;
        if !told {
            self.surgery(&[Record::Moved { from, to }]);
        }
    }

    fn rm(&mut self, slot: Slot) {
        let state = self.lab.state().unwrap();
        let address = self.world.address(slot);
        let Some(resource) = state.resources.get(&address) else {
            return;
        };
        // What was replaced, or is being replaced, has the tags of the one that is there: nothing
        // could tell them apart any more.
        let creates = state.pending.values().any(|pending| {
            let create = matches!(pending.intent.action, IntentAction::Create { .. });
            create && pending.intent.address == address
        });
        if !self.world.has(slot)
            || !self.world.is_known_by_its_tags(slot)
            || !resource.deposed.is_empty()
            || creates
            || resource.current.is_none()
        {
            return;
        }
        self.surgery(&[Record::Forgotten {
            address,
            slot: Which::Current,
        }]);
        self.world.forget(slot);
    }

    async fn import(&mut self, slot: Slot) {
        let uids = self.uids(slot);
        let (Some(uid), 1, true) = (uids.first(), uids.len(), self.world.has(slot)) else {
            return;
        };
        let name = self.lab.cloud.objects().into_iter().find(|o| o.uid == *uid);
        let id = match SHAPES[slot] {
            Shape::Named | Shape::Fixed => name.unwrap().inputs.name.get().clone(),
            Shape::Tagged | Shape::Child(_) | Shape::Version(_) | Shape::Data => uid.clone(),
        };
        let graph = Graph::build(self.world.stack().desired, &self.lab.registry).unwrap();
        let state = self.lab.state().unwrap();
        let address = self.world.address(slot);
        let id = PhysicalId::new(id);
        let Ok(plan) = import::plan(&graph, &state, &self.lab.registry, &address, id).await else {
            return;
        };
        let summary = self.lab.apply(&plan).await.unwrap();
        assert!(summary.is_complete());
        self.world.forgotten.remove(&slot);
    }
}

/// A failure skips exactly what comes after it.
fn check_skips(plan: &Plan, events: &[Event]) {
    let mut ends: BTreeMap<(String, String), Vec<&Outcome>> = BTreeMap::new();
    let key = |address: &str, op: NodeOp| (address.to_owned(), format!("{op:?}"));
    for event in events {
        if let Event::NodeFinished {
            address,
            op,
            outcome,
            ..
        } = event
        {
            ends.entry(key(address.as_str(), *op))
                .or_default()
                .push(outcome);
        }
    }
    let mut lost: HashSet<usize> = HashSet::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let after_lost = step
            .after
            .iter()
            .any(|&before| lost.contains(&(before as usize)));
        // What an earlier run left is deleted in several steps of one name.
        let name = key(step.address.as_str(), step.node_op());
        let one = ends.get(&name).map(Vec::as_slice);
        match one {
            Some([outcome]) => {
                let skipped = matches!(outcome, Outcome::Skipped { .. });
                assert_eq!(skipped, after_lost, "{step:?}: {outcome:?}");
                if !matches!(outcome, Outcome::Succeeded) {
                    lost.insert(index);
                }
            }
            // It went by itself, or cannot be told from another.
            Some(_) | None => {
                if after_lost {
                    lost.insert(index);
                }
            }
        }
    }
}

/// What recorded a dependency went before that did, by the cloud's own clock.
fn check_deletes(before: &State, plan: &Plan, calls: &[Call]) {
    let deletes = |address: &Address| {
        let steps = plan.steps.iter().filter(|step| step.address == *address);
        let ops: Vec<NodeOp> = steps.map(|step| step.node_op()).collect();
        // Only what goes for good: of what is replaced, one goes and another comes.
        let goes = ops == [NodeOp::Delete];
        calls
            .iter()
            .find(|call| goes && call.op == CallOp::Delete && call.address == *address && call.ok)
    };
    for (address, resource) in &before.resources {
        let Some(dependent) = deletes(address) else {
            continue;
        };
        for needed in resource
            .current
            .iter()
            .flat_map(|instance| &instance.depends_on)
        {
            if let Some(needed) = deletes(needed) {
                assert!(
                    dependent.ended < Some(needed.began),
                    "{} went after {}",
                    dependent.address,
                    needed.address
                );
            }
        }
    }
}

async fn tell(parallelism: usize, deeds: Vec<Deed>) {
    let mut story = Story::new(parallelism);
    for deed in deeds {
        story.act(deed).await;
    }
    story.act(Deed::Apply(Vec::new())).await;
    story.act(Deed::Destroy(Vec::new())).await;
    assert!(story.lab.state().unwrap().is_empty());
    assert_eq!(story.lab.cloud.objects(), []);
}

proptest! {
    #![proptest_config(config(150))]
    #[test]
    fn whatever_is_done_the_cloud_is_as_the_model_says(
        parallelism in 1_usize..5,
        deeds in prop::collection::vec(deed(), 1..24),
    ) {
        run(tell(parallelism, deeds));
    }
}
