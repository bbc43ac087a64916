//! The kinds: one file and one line here for each.

mod account;
mod alarm;
mod api;
mod dashboard;
mod inputs;
mod integration;
mod log_group;
mod route;
mod stage;
mod subscription;
mod topic;

use std::sync::Arc;

use mcpdeploy_engine::kind::Registry;

use crate::clients::ClientFactory;

pub use log_group::{LogGroup, LogGroupInputs, LogGroupOutputs};
pub use api::{Api, ApiInputs, ApiOutputs, Cors};
pub use inputs::InputSet;
pub use integration::{Integration, IntegrationInputs, IntegrationOutputs};
pub use route::{Authorization, Route, RouteInputs, RouteOutputs};
pub use stage::{AccessLogs, Stage, StageInputs, StageOutputs, Throttling};
pub use subscription::{Subscription, SubscriptionInputs, SubscriptionOutputs};
pub use topic::{Topic, TopicInputs, TopicOutputs};
pub use alarm::{Alarm, AlarmInputs, AlarmOutputs, Comparison, MetricQuery, MetricStat, MissingData};
pub use dashboard::{Dashboard, DashboardBody, DashboardInputs, DashboardOutputs};

/// Adds every kind of this crate.
pub fn register(registry: &mut Registry, source: &Arc<ClientFactory>) {
    registry.add::<LogGroup>(source.clone());
    registry.add::<Api>(source.clone());
    registry.add::<Integration>(source.clone());
    registry.add::<Route>(source.clone());
    registry.add::<Stage>(source.clone());
    registry.add::<Topic>(source.clone());
    registry.add::<Subscription>(source.clone());
    registry.add::<Alarm>(source.clone());
    registry.add::<Dashboard>(source.clone());
}
