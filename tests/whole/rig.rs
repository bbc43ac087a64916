//! The engine with the real kinds, in an embedded cloud of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use mcpdeploy_aws::clients::{ClientFactory, Clients};
use mcpdeploy_aws::kinds;
use mcpdeploy_aws::stack::{self, Code, Place, Setting};
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::{Event, Outcome, Summary};
use mcpdeploy_engine::kind::{ClientSource, Placement, Registry};
use mcpdeploy_engine::plan::{Plan, PlanOptions};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_local::{Cloud, Settings, Switches};
use mcpdeploy_testkit::check_kind::Calls;
use mcpdeploy_testkit::{Failed, Fault, Lab};
use serde_json::Value;

use crate::kinds::inventory::{self, Lister};
use crate::kinds::place::{Zip, zips};
use crate::kinds::wire::Wire;
use crate::support::emulator::{Product, REGION};

/// The account of the embedded cloud.
const ACCOUNT: &str = "000000000000";

/// What there is of each kind: sorted ids by kind. One that is there twice is in it twice.
pub(super) type Listed = BTreeMap<String, Vec<String>>;

/// The kind whose ids no list tells as long as nobody has confirmed.
const SUBSCRIPTION: &str = "aws.sns.subscription";

/// An embedded cloud, a folder for state and journal, and the wire between.
pub(super) struct Rig {
    pub(super) lab: Lab,
    pub(super) wire: Wire,
    /// Clients that the wire does not see: other people.
    pub(super) others: Arc<Clients>,
    cloud: Cloud,
    factory: Arc<ClientFactory>,
}

impl Rig {
    pub(super) async fn new() -> Self {
        let cloud = Cloud::start(Settings::default()).await;
        let cloud = cloud.expect("an embedded cloud starts");
        let endpoint = cloud.endpoint();
        let wire = Wire::over(cloud.http_client());
        let noted = wire.clone();
        let factory = ClientFactory::embedded(&endpoint, REGION, Some(wire.client()));
        let factory = Arc::new(factory.watched(Arc::new(move |service, operation| {
            noted.note(service, operation);
        })));
        for zip in zips() {
            factory.artifacts().insert(zip.sha256.clone(), zip.path());
        }
        let others = ClientFactory::embedded(&endpoint, REGION, Some(cloud.http_client()));
        let others = others.clients(&Placement::default());
        let mut lab = Lab::new();
        lab.registry = Registry::new();
        kinds::register(&mut lab.registry, &factory);
        Self {
            lab,
            wire,
            others: others.expect("a region is set"),
            cloud,
            factory,
        }
    }

    /// What a deploy.toml wants, with that code.
    pub(super) fn desired(&self, toml: &str, zip: &Zip) -> Desired {
        let loaded = mcpdeploy_config::load("deploy.toml", toml, "default");
        let loaded = loaded.expect("the test's deploy.toml is right");
        let place = Place {
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            partition: "aws".to_owned(),
            emulator: None,
        };
        let code = Code {
            sha256: zip.sha256.clone(),
            size: zip.size,
        };
        let state = self.lab.state().expect("the state can be loaded");
        let known = !state.is_empty();
        let setting = Setting {
            environment: "default",
            place: Some(&place),
            code: Some(&code),
            // What the facade is made of; nobody runs it.
            runtime: Some(&code),
            deployed_as: known.then_some(state.deployment.as_str()),
            root: Path::new("."),
            artifacts: self.factory.artifacts(),
        };
        stack::desired(&loaded.config, &setting, &self.lab.registry).expect("the stack is right")
    }

    /// Makes the cloud worse, or better again.
    pub(super) fn switch(&self, switches: Switches) {
        self.cloud.switch(switches);
    }

    /// Plans from what is stored.
    pub(super) async fn plan(&mut self, desired: &Desired, options: &PlanOptions) -> Plan {
        let plan = self.lab.plan_with(desired, options).await;
        plan.expect("a plan")
    }

    /// Plans, and applies with a fault at the call of that number. How it ended, `None` when the
    /// run was killed; and whether there was such a call.
    pub(super) async fn run_with(
        &mut self,
        desired: &Desired,
        options: &PlanOptions,
        number: usize,
        fault: Fault,
    ) -> (Option<Result<Summary, Failed>>, bool) {
        let mut state = self.lab.state().expect("the state can be loaded");
        let plan = self.lab.plan_from(&state, desired, options).await;
        let plan = plan.expect("a plan");
        self.wire.reset();
        self.wire.fail(number, fault);
        let ended = tokio::select! {
            biased;
            () = self.wire.killed() => None,
            ended = self.lab.apply_to(&mut state, &plan, cancel::channel().1) => Some(ended),
        };
        let struck = self.wire.count() > number;
        self.wire.reset();
        (ended, struck)
    }

    /// That a run did all that it had planned.
    #[track_caller]
    pub(super) fn ended_well(&mut self, ended: Result<Summary, Failed>, what: &str) {
        let events = std::mem::take(&mut self.lab.events);
        let failed = events.iter().filter(|event| {
            matches!(
                event,
                Event::NodeFinished {
                    outcome: Outcome::Failed(_),
                    ..
                }
            )
        });
        let failed: Vec<&Event> = failed.collect();
        let summary = ended.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(summary.is_complete(), "{what}: {summary:?} {failed:#?}");
    }

    /// Everything that there is of every kind, asked of the cloud without our kinds.
    pub(super) async fn listed(&self) -> Listed {
        let endpoint = self.cloud.endpoint();
        let lister = Lister {
            clients: &self.others,
            product: Product::Embedded,
            endpoint: &endpoint,
            key: ACCOUNT,
        };
        let mut listed = Listed::new();
        for kind in self.lab.registry.iter() {
            let found = match kind.name() {
                SUBSCRIPTION => self.subscriptions().await,
                other => inventory::list(&lister, other).await.into_keys().collect(),
            };
            listed.insert(kind.name().to_owned(), found);
        }
        listed
    }

    /// Who is subscribed to what, since lists do not tell the ids of the unconfirmed.
    async fn subscriptions(&self) -> Vec<String> {
        let answer = self.others.sns().list_subscriptions().send().await;
        let found = answer.expect("subscriptions are listed").subscriptions;
        let mut lines = Vec::new();
        for found in found.iter().flatten() {
            let parts = [&found.topic_arn, &found.protocol, &found.endpoint];
            lines.push(parts.map(|part| part.as_deref().unwrap_or("")).join(" "));
        }
        lines.sort();
        lines
    }

    /// What the state has of every kind, in the same form.
    pub(super) fn known(&self) -> Listed {
        let state = self.lab.state().expect("the state can be loaded");
        let kinds = self.lab.registry.iter();
        let mut known: Listed = kinds
            .map(|kind| (kind.name().to_owned(), Vec::new()))
            .collect();
        for (address, resource) in &state.resources {
            let ids = known.entry(address.kind().as_str().to_owned()).or_default();
            if address.kind().as_str() == SUBSCRIPTION {
                let inputs = resource.current.iter().map(|now| &now.inputs);
                let part =
                    |inputs: &Value, key: &str| inputs[key].as_str().unwrap_or("").to_owned();
                ids.extend(inputs.map(|inputs| {
                    ["topic", "protocol", "endpoint"]
                        .map(|key| part(inputs, key))
                        .join(" ")
                }));
            } else {
                ids.extend(resource.ids().map(ToString::to_string));
            }
        }
        known.values_mut().for_each(|ids| ids.sort());
        known
    }
}

/// A runtime for one test.
pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}
