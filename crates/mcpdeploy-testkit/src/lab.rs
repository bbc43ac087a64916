//! Runs the engine on a fake cloud the way the command line does: load, look, plan, lock, apply.

use std::path::{Path, PathBuf};

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::apply::{ApplyError, ApplyOptions, apply};
use mcpdeploy_engine::cancel::{self, Cancel};
use mcpdeploy_engine::event::{Event, Outcome, Summary};
use mcpdeploy_engine::graph::{Graph, GraphErrors};
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_engine::pace::Pace;
use mcpdeploy_engine::plan::{Mode, Plan, PlanErrors, PlanOptions, plan};
use mcpdeploy_engine::record::RunInfo;
use mcpdeploy_engine::refresh::{RefreshErrors, RefreshOptions, refresh};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{Store, StoreError};
use mcpdeploy_engine::value::{self, Lookup};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::FakeCloud;
use crate::disk::Disk;
use crate::fake::register;
use crate::killable::killable;

/// A folder for state and journal, a cloud, and the kinds that live in it.
pub struct Lab {
    /// The cloud.
    pub cloud: FakeCloud,
    /// The fake kinds.
    pub registry: Registry,
    /// Steps at the same time.
    pub parallelism: usize,
    /// How fast the services are called; each run begins with a new one.
    pub pace: Pace,
    /// Whether the state is read again before planning.
    pub read: bool,
    /// Who runs.
    pub by: RunInfo,
    /// The events of all runs.
    pub events: Vec<Event>,
    /// Where state and journal are.
    pub store: Store,
    // Removed when the lab goes.
    dir: TempDir,
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[expect(missing_docs, reason = "named after the stage that failed")]
pub enum Failed {
    Graph(#[from] GraphErrors),
    Store(#[from] StoreError),
    Refresh(#[from] RefreshErrors),
    Plan(#[from] PlanErrors),
    Apply(#[from] ApplyError),
}

/// How a run ended that could have been killed.
#[derive(Debug)]
pub enum Ran {
    /// By itself.
    Ended(Result<Summary, Failed>),
    /// A fault killed it: state and journal are as the process left them.
    Killed,
}

/// Who runs, in tests.
#[must_use]
pub fn run_info() -> RunInfo {
    RunInfo {
        run: "run".to_owned(),
        at: "2026-01-01T00:00:00Z".to_owned(),
        pid: 1,
        host: "host".to_owned(),
        command: "apply".to_owned(),
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl Lab {
    /// Nothing deployed, nothing in the cloud.
    ///
    /// # Panics
    /// When there is no temporary folder.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests want a panic")]
    pub fn new() -> Self {
        let cloud = FakeCloud::new();
        let mut registry = Registry::new();
        register(&mut registry, &cloud);
        // In memory where there is such a place: thousands of runs wait for the disk otherwise.
        let memory = Path::new("/dev/shm");
        let dir = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a temporary folder");
        Self {
            cloud,
            registry,
            parallelism: 8,
            pace: Pace::new(),
            read: true,
            by: run_info(),
            events: Vec::new(),
            store: Store::local(dir.path().join("deployment")),
            dir,
        }
    }

    /// The folder in which the deployment's folder is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The deployment's folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.dir().join("deployment")
    }

    /// The state's file.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.folder().join("state.json")
    }

    /// The journal's file.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        self.folder().join("journal.jsonl")
    }

    /// From now on this disk is told of each durable write.
    pub fn watch(&mut self, disk: &Disk) {
        self.store = Store::local_watched(self.folder(), disk.watch());
    }

    /// The state as the next run loads it; an empty one when nothing was ever deployed.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn state(&self) -> Result<State, Failed> {
        let loaded = self.store.load()?;
        Ok(loaded
            .state
            .unwrap_or_else(|| State::new("test", "default")))
    }

    /// Looks and plans from a state.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn plan_from(
        &mut self,
        state: &State,
        desired: &Desired,
        options: &PlanOptions,
    ) -> Result<Plan, Failed> {
        let graph = Graph::build(desired.clone(), &self.registry)?;
        let look = RefreshOptions {
            targets: options.targets.clone(),
            read: self.read,
            probe: true,
            parallelism: self.parallelism,
            pace: self.pace.clone(),
            mode: options.mode,
        };
        let events = &mut self.events;
        let mut sink = |event: &Event| events.push(event.clone());
        let findings = refresh(&graph, state, &self.registry, &look, &mut sink).await?;
        Ok(plan(&graph, state, findings, options, &self.registry)?)
    }

    /// Looks and plans from what is stored. Writes nothing.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn plan_with(
        &mut self,
        desired: &Desired,
        options: &PlanOptions,
    ) -> Result<Plan, Failed> {
        let state = self.state()?;
        self.plan_from(&state, desired, options).await
    }

    /// [`Lab::plan_with`] without options.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn plan(&mut self, desired: &Desired) -> Result<Plan, Failed> {
        self.plan_with(desired, &PlanOptions::default()).await
    }

    /// Applies a plan to a state under the lock.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn apply_to(
        &mut self,
        state: &mut State,
        plan: &Plan,
        cancel: Cancel,
    ) -> Result<Summary, Failed> {
        let lock = self.store.lock(&self.by)?;
        let options = ApplyOptions {
            parallelism: self.parallelism,
            pace: self.pace.clone(),
        };
        let events = &mut self.events;
        let mut sink = |event: &Event| events.push(event.clone());
        let summary = apply(
            plan,
            state,
            &self.store,
            &lock,
            &self.registry,
            self.by.clone(),
            &options,
            cancel,
            &mut sink,
        )
        .await?;
        Ok(summary)
    }

    /// Applies a plan that was made before to what is stored now.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn apply(&mut self, plan: &Plan) -> Result<Summary, Failed> {
        let mut state = self.state()?;
        self.apply_to(&mut state, plan, cancel::channel().1).await
    }

    /// Plans and applies, with options and a way to stop it.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn run_with(
        &mut self,
        desired: &Desired,
        options: &PlanOptions,
        cancel: Cancel,
    ) -> Result<Summary, Failed> {
        self.pace = Pace::new();
        let mut state = self.state()?;
        let plan = self.plan_from(&state, desired, options).await?;
        self.apply_to(&mut state, &plan, cancel).await
    }

    /// Plans and applies.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn run(&mut self, desired: &Desired) -> Result<Summary, Failed> {
        self.run_with(desired, &PlanOptions::default(), cancel::channel().1)
            .await
    }

    /// Removes everything.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn destroy(&mut self, desired: &Desired) -> Result<Summary, Failed> {
        self.run_with(desired, &destroy(), cancel::channel().1)
            .await
    }

    /// Plans and applies until that ends or a fault kills it; then the faults are taken away.
    pub async fn run_until_killed(&mut self, desired: &Desired, options: &PlanOptions) -> Ran {
        let cloud = self.cloud.clone();
        let run = self.run_with(desired, options, cancel::channel().1);
        let ran = killable(&cloud, run).await.map_or(Ran::Killed, Ran::Ended);
        self.cloud.disarm();
        ran
    }

    /// Runs again until everything is as wanted, then checks that it really is: see
    /// [`Lab::check`].
    ///
    /// # Panics
    /// When it is not.
    #[expect(clippy::expect_used, reason = "tests want a panic")]
    pub async fn converge(&mut self, desired: &Desired) {
        let first = self.events.len();
        let summary = self.run(desired).await.expect("a run without faults");
        let faults: Vec<&Event> = self.events[first..]
            .iter()
            .filter(|event| {
                let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
                matches!(event, Event::NodeFinished { outcome, .. } if failed(outcome))
            })
            .collect();
        assert!(summary.is_complete(), "{summary:?} {faults:#?}");
        self.check(desired).await;
    }

    /// Checks that the cloud has what is wanted and nothing else, that nothing is left to do, and
    /// that nothing is left open.
    ///
    /// # Panics
    /// When it is not so.
    #[expect(clippy::expect_used, reason = "tests want a panic")]
    pub async fn check(&mut self, desired: &Desired) {
        self.check_cloud(desired);
        let plan = self.plan(desired).await.expect("a plan");
        assert!(
            plan.is_empty(),
            "a second plan is not empty: {:#?}",
            plan.actions
        );
        assert!(plan.drift.is_empty(), "nothing drifted: {:#?}", plan.drift);
        let state = self.state().expect("a state");
        assert!(state.pending.is_empty(), "{:#?}", state.pending);
        let deposed: usize = state.resources.values().map(|r| r.deposed.len()).sum();
        assert_eq!(deposed, 0, "replaced ones were left behind");
        let journal = self.store.has_journal().expect("a store");
        assert!(!journal, "the journal was left");
    }

    /// Checks that the cloud has one object for each wanted resource, as it is wanted, and
    /// besides only kept versions.
    ///
    /// # Panics
    /// When it is not so.
    pub fn check_cloud(&self, desired: &Desired) {
        let objects = self.cloud.objects();
        for object in &objects {
            let wanted = desired
                .resources
                .iter()
                .any(|r| r.address == object.address);
            assert!(
                wanted || object.kind == crate::fake::VERSION,
                "an orphan: {object:#?}"
            );
        }
        for resource in &desired.resources {
            let address = &resource.address;
            if !address.kind().as_str().starts_with("fake.") {
                continue;
            }
            let mut found = self.cloud.of(address);
            let newest = found.pop();
            assert!(newest.is_some(), "{address} does not exist");
            assert!(
                found.is_empty() || address.kind().as_str() == crate::fake::VERSION,
                "{address} exists more than once: {found:#?} {newest:#?}"
            );
            let Some(newest) = newest else { continue };
            let Ok(there) = serde_json::to_value(&newest.inputs) else {
                continue;
            };
            let wanted = value::resolve(&resource.inputs, &mut |reference| {
                self.true_output(desired, &reference.address, &reference.pointer)
            });
            let wanted = wanted.unwrap_or_default();
            for (key, value) in wanted.as_object().into_iter().flatten() {
                if key != "ms" {
                    assert_eq!(&there[key], value, "{key} of {address}");
                }
            }
        }
    }

    /// An output as the cloud's own truth has it.
    fn true_output(&self, desired: &Desired, address: &Address, pointer: &str) -> Lookup {
        if address.kind().as_str() == "mcpdeploy.data" {
            let data = desired.resources.iter().find(|r| r.address == *address);
            let resolved = data.and_then(|data| {
                value::resolve(&data.inputs, &mut |reference| {
                    self.true_output(desired, &reference.address, &reference.pointer)
                })
                .ok()
            });
            return match resolved.as_ref().and_then(|inputs| inputs.pointer(pointer)) {
                Some(value) => Lookup::Known(value.clone()),
                None => Lookup::Missing,
            };
        }
        let Some(object) = self.cloud.of(address).pop() else {
            return Lookup::Missing;
        };
        let outputs: Value = json!({
            "uid": object.uid, "text": object.inputs.text, "revision": object.revision,
        });
        match outputs.pointer(pointer) {
            Some(value) => Lookup::Known(value.clone()),
            None => Lookup::Missing,
        }
    }

    /// Every file of the deployment with its bytes, to see whether something was written.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let entries = std::fs::read_dir(self.folder()).into_iter().flatten();
        let mut files: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let bytes = std::fs::read(entry.path()).ok()?;
                Some((name, String::from_utf8_lossy(&bytes).into_owned()))
            })
            .collect();
        files.sort();
        files
    }
}

/// The options of a destruction.
#[must_use]
pub(crate) fn destroy() -> PlanOptions {
    PlanOptions {
        mode: Mode::Destroy,
        ..PlanOptions::default()
    }
}
