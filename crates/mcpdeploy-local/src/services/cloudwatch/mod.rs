//! CloudWatch: metrics, alarms and dashboards.

mod alarms;
mod dashboards;
mod faults;
mod input;
mod math;
mod metrics;
mod tags;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};
use alarms::{Alarm, History};
use dashboards::Dashboard;

/// How often alarms are looked at and values written. AWS looks once a minute; whoever waits for an
/// alarm on their own machine should not have to.
const TICK: Duration = Duration::from_secs(2);

/// The service.
#[derive(Debug)]
pub(crate) struct CloudWatch {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    metrics: metrics::Store,
    /// By `region/name`.
    alarms: Collection<Alarm>,
    history: History,
    /// By name: dashboards belong to no region.
    dashboards: Collection<Dashboard>,
}

/// A measured value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'a> {
    /// E.g. `AWS/Lambda`.
    pub(crate) namespace: &'a str,
    /// E.g. `Duration`.
    pub(crate) metric: &'a str,
    /// Names and values, e.g. `("FunctionName", "x")`. Each list is a metric of its own.
    pub(crate) dimensions: &'a [(&'a str, &'a str)],
    pub(crate) value: f64,
    /// E.g. `Milliseconds`.
    pub(crate) unit: &'a str,
    pub(crate) at: OffsetDateTime,
    pub(crate) region: &'a str,
}

impl CloudWatch {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let now = input::millis(OffsetDateTime::now_utc());
        Ok(Self {
            state: Mutex::new(State {
                metrics: metrics::Store::open(&storage.folder("cloudwatch")?, now)?,
                alarms: storage.collection("cloudwatch.alarms")?,
                history: History::open(storage, now)?,
                dashboards: storage.collection("cloudwatch.dashboards")?,
            }),
        })
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let output = match call.operation.as_str() {
            "PutMetricData" => self.put_metric_data(cloud, call),
            "GetMetricData" => self.get_metric_data(call),
            "GetMetricStatistics" => self.get_metric_statistics(call),
            "ListMetrics" => self.list_metrics(cloud, call),
            "PutMetricAlarm" => self.put_metric_alarm(cloud, call),
            "PutCompositeAlarm" => self.put_composite_alarm(cloud, call),
            "DescribeAlarms" => self.describe_alarms(call),
            "DescribeAlarmsForMetric" => self.describe_alarms_for_metric(call),
            "DescribeAlarmHistory" => self.describe_alarm_history(call),
            "DeleteAlarms" => self.delete_alarms(cloud, call),
            "SetAlarmState" => self.set_alarm_state(cloud, call),
            "EnableAlarmActions" => self.enable_alarm_actions(call, true),
            "DisableAlarmActions" => self.enable_alarm_actions(call, false),
            "PutDashboard" => self.put_dashboard(cloud, call),
            "GetDashboard" => self.get_dashboard(call),
            "ListDashboards" => self.list_dashboards(call),
            "DeleteDashboards" => self.delete_dashboards(call),
            "ListTagsForResource" => self.list_tags(call),
            "TagResource" => self.tag(call),
            "UntagResource" => self.untag(call),
            other => Err(Fault::absent(format!("cloudwatch.{other}"))),
        };
        match output {
            Ok(Value::Null) => Ok(Reply::output(json!({}))),
            Ok(output) => Ok(Reply::output(output)),
            Err(fault) => Err(faults::dress(call, fault)),
        }
    }

    /// Starts the clock by which alarms are looked at.
    pub(crate) fn start(&self, cloud: &Cloud) {
        let cloud = cloud.clone();
        let owner = cloud.clone();
        owner.tasks().spawn(async move {
            let service = &cloud.services().cloudwatch;
            let mut forgotten = cloud.now();
            loop {
                tokio::select! {
                    () = cloud.ending().cancelled() => break,
                    () = tokio::time::sleep(TICK) => {}
                }
                let now = cloud.now();
                let mut state = service.lock();
                state.metrics.flush();
                if now - forgotten > time::Duration::HOUR {
                    forgotten = now;
                    state.metrics.forget(input::millis(now));
                }
                drop(state);
                service.look_at_alarms(&cloud, now);
            }
            service.lock().metrics.flush();
        });
    }

    /// Takes a value that a service measured, e.g. `AWS/Lambda` `Duration` of `FunctionName=x`.
    pub(crate) fn record(&self, _cloud: &Cloud, sample: Sample<'_>) {
        self.lock().metrics.record(&sample);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
