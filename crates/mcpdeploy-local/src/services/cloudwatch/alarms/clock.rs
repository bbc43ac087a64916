//! Looking at alarms: which are in another state by now, and who is to be told.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::judge::{Verdict, judge, reason_data, stamp, window};
use super::put::period;
use super::{Alarm, MetricWatch, Points, StateValue, Watch, arn, composite, key};
use crate::cloud::{ACCOUNT, Cloud};
use crate::services::cloudwatch::input::millis;
use crate::services::cloudwatch::metrics::{Query, Source, Statistic, evaluate};
use crate::services::cloudwatch::{CloudWatch, State};

/// An alarm that changed its state.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) region: String,
    pub(super) name: String,
    pub(super) old: StateValue,
    /// As it is now.
    pub(super) alarm: Alarm,
}

impl CloudWatch {
    /// Looks at all alarms, and tells who wants to know of those that changed.
    pub(in super::super) fn look_at_alarms(&self, cloud: &Cloud, now: OffsetDateTime) {
        let changes = self.lock().look(now);
        for change in changes {
            self.act(cloud, &change, now);
        }
    }

    /// Takes the actions of an alarm that changed its state.
    pub(super) fn act(&self, cloud: &Cloud, change: &Change, now: OffsetDateTime) {
        if !change.alarm.actions_enabled {
            return;
        }
        let state = change.alarm.state.value;
        for action in change.alarm.actions(state) {
            let sns = &cloud.services().sns;
            let done = if action.contains(":sns:") {
                let subject = format!(
                    "{}: \"{}\" in {}",
                    state.name(),
                    change.name,
                    region_name(&change.region)
                );
                let message = message(change).to_string();
                sns.notify(cloud, action, &subject, &message)
                    .map_err(|fault| fault.message)
            } else {
                Err("the embedded cloud has no actions but notifications by SNS yet".to_owned())
            };
            if let Err(why) = &done {
                tracing::warn!(
                    alarm = change.name,
                    action,
                    why,
                    "an action of an alarm failed"
                );
            }
            let mut state = self.lock();
            let kind = change.alarm.kind();
            state.history.acted(
                &change.region,
                &change.name,
                kind,
                action,
                &done,
                millis(now),
            );
        }
    }
}

impl State {
    /// Looks at all alarms; keeps those that changed, and tells which.
    fn look(&mut self, now: OffsetDateTime) -> Vec<Change> {
        let moment = millis(now);
        let mut changes = Vec::new();
        let keys: Vec<String> = self.alarms.iter().map(|(key, _)| key.to_owned()).collect();
        // Those that watch others come last.
        for composite in [false, true] {
            for key in &keys {
                let Some(alarm) = self.alarms.get(key) else {
                    continue;
                };
                let Some((region, name)) = key.split_once('/') else {
                    continue;
                };
                if alarm.state.held_until > moment
                    || matches!(alarm.watch, Watch::Composite(_)) != composite
                {
                    continue;
                }
                let found = match &alarm.watch {
                    Watch::Metric(watch) => {
                        self.judge_metric(region, watch, alarm.state.value, now)
                    }
                    Watch::Composite(watch) => self.judge_composite(region, &watch.rule, now),
                };
                let Some((verdict, data)) =
                    found.filter(|(verdict, _)| verdict.value != alarm.state.value)
                else {
                    continue;
                };
                changes.extend(self.transition(
                    region,
                    name,
                    verdict.value,
                    verdict.reason,
                    data,
                    moment,
                ));
            }
        }
        changes
    }

    fn judge_metric(
        &self,
        region: &str,
        watch: &MetricWatch,
        before: StateValue,
        now: OffsetDateTime,
    ) -> Option<(Verdict, Option<String>)> {
        let period = period(&watch.points);
        let (start, end) = window(watch, period, now);
        let single;
        let (queries, statistic) = match &watch.points {
            Points::Several(queries) => (queries.as_slice(), None),
            Points::One(stat) => {
                single = [Query {
                    id: "m".to_owned(),
                    source: Source::Metric(stat.clone()),
                    label: None,
                    return_data: None,
                }];
                (single.as_slice(), Some(stat.statistic.as_str()))
            }
        };
        let found = evaluate(
            Some(&self.metrics),
            region,
            queries,
            start * 1000,
            end * 1000,
        );
        let points: Vec<(i64, f64)> = match found {
            Ok(series) => series
                .into_iter()
                .next()
                .map_or_else(Vec::new, |(_, series)| series.points.into_iter().collect()),
            Err(fault) => {
                tracing::warn!(why = fault.message, "an alarm cannot be evaluated");
                return None;
            }
        };
        let verdict = judge(watch, &points, before)?;
        let data = reason_data(watch, period, statistic, &verdict, millis(now));
        Some((verdict, Some(data)))
    }

    fn judge_composite(
        &self,
        region: &str,
        rule: &str,
        now: OffsetDateTime,
    ) -> Option<(Verdict, Option<String>)> {
        let rule = composite::Rule::read(rule).ok()?;
        let state_of = |name: &str| {
            self.alarms
                .get(&key(region, name))
                .map(|alarm| alarm.state.value)
        };
        let value = if rule.holds(&state_of) {
            StateValue::Alarm
        } else {
            StateValue::Ok
        };
        let mut latest: Vec<(i64, &str, StateValue)> = rule
            .names()
            .into_iter()
            .filter_map(|name| {
                let alarm = self.alarms.get(&key(region, name))?;
                Some((alarm.state.transitioned, name, alarm.state.value))
            })
            .collect();
        latest.sort_by_key(|(at, _, _)| std::cmp::Reverse(*at));
        let reason = match latest.first() {
            Some((at, name, state)) => format!(
                "{} transitioned to {} at {}",
                arn(region, name),
                state.name(),
                composite::moment(*at)
            ),
            None => format!(
                "The alarm rule was evaluated at {}",
                composite::moment(millis(now))
            ),
        };
        let verdict = Verdict {
            value,
            reason,
            evaluated: Vec::new(),
        };
        Some((verdict, None))
    }

    /// Puts an alarm into a state; tells nothing when it was in that state, or cannot be kept.
    pub(super) fn transition(
        &mut self,
        region: &str,
        name: &str,
        value: StateValue,
        reason: String,
        reason_data: Option<String>,
        now: i64,
    ) -> Option<Change> {
        let key = key(region, name);
        let old = self.alarms.get(&key)?.state.clone();
        let updated = self.alarms.update(&key, |alarm| {
            alarm.state.value = value;
            alarm.state.reason = reason;
            alarm.state.reason_data = reason_data;
            alarm.state.updated = now;
            if value != old.value {
                alarm.state.transitioned = now;
            }
            alarm.clone()
        });
        let alarm = match updated {
            Ok(alarm) => alarm?,
            Err(error) => {
                tracing::warn!(%error, name, "the state of an alarm cannot be kept");
                return None;
            }
        };
        if value == old.value {
            return None;
        }
        self.history
            .changed(region, name, alarm.kind(), &old, &alarm.state);
        Some(Change {
            region: region.to_owned(),
            name: name.to_owned(),
            old: old.value,
            alarm,
        })
    }
}

/// What a topic is told of an alarm. Source: "Amazon SNS notifications" of the user guide.
fn message(change: &Change) -> Value {
    let alarm = &change.alarm;
    let state = &alarm.state;
    let mut message = json!({
        "AlarmName": change.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured),
        "NewStateValue": state.value.name(),
        "NewStateReason": state.reason,
        "StateChangeTime": stamp(state.transitioned),
        "Region": region_name(&change.region),
        "AlarmArn": arn(&change.region, &change.name),
        "OldStateValue": change.old.name(),
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    });
    match &alarm.watch {
        Watch::Metric(watch) => message["Trigger"] = trigger(watch),
        Watch::Composite(watch) => message["AlarmRule"] = watch.rule.as_str().into(),
    }
    message
}

fn trigger(watch: &MetricWatch) -> Value {
    let treatment = watch.treat_missing_data.as_deref().unwrap_or("missing");
    let mut trigger = json!({
        "Period": period(&watch.points),
        "EvaluationPeriods": watch.evaluation_periods,
        "DatapointsToAlarm": watch.datapoints_to_alarm,
        "ComparisonOperator": watch.comparison.name(),
        "Threshold": watch.threshold,
        "TreatMissingData": treatment,
        "EvaluateLowSampleCountPercentile": watch.low_sample_count.as_deref().unwrap_or_default(),
    });
    match &watch.points {
        Points::One(stat) => {
            trigger["MetricName"] = stat.metric.name.as_str().into();
            trigger["Namespace"] = stat.metric.namespace.as_str().into();
            let simple = stat.statistic().is_some_and(Statistic::is_simple);
            if simple {
                trigger["StatisticType"] = "Statistic".into();
                trigger["Statistic"] = stat.statistic.to_uppercase().into();
            } else {
                trigger["StatisticType"] = "ExtendedStatistic".into();
                trigger["ExtendedStatistic"] = stat.statistic.as_str().into();
            }
            trigger["Unit"] = stat.unit.map(|unit| unit.name()).into();
            trigger["Dimensions"] = stat
                .metric
                .dimensions
                .iter()
                .map(|(name, value)| json!({"value": value, "name": name}))
                .collect();
        }
        Points::Several(queries) => {
            trigger["Metrics"] = queries.iter().map(Query::output).collect()
        }
    }
    trigger
}

/// The name by which mails speak of a region.
fn region_name(region: &str) -> &str {
    match region {
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-1" => "US West (N. California)",
        "us-west-2" => "US West (Oregon)",
        "eu-central-1" => "EU (Frankfurt)",
        "eu-west-1" => "EU (Ireland)",
        "eu-west-2" => "EU (London)",
        "eu-north-1" => "EU (Stockholm)",
        "ap-southeast-1" => "Asia Pacific (Singapore)",
        "ap-southeast-2" => "Asia Pacific (Sydney)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::super::{Comparison, CompositeWatch};
    use super::*;
    use crate::services::cloudwatch::Sample;
    use crate::services::cloudwatch::alarms::History;
    use crate::services::cloudwatch::metrics::{Metric, MetricStat, Store};
    use crate::storage::Storage;

    const START: OffsetDateTime = datetime!(2026-11-21 12:00:10 UTC);

    fn state(storage: &Storage) -> State {
        State {
            metrics: Store::open(&storage.folder("metrics").unwrap(), 0).unwrap(),
            alarms: storage.collection("alarms").unwrap(),
            history: History::open(storage, 0).unwrap(),
            dashboards: storage.collection("dashboards").unwrap(),
        }
    }

    fn alarm(watch: Watch) -> Alarm {
        Alarm {
            description: None,
            actions_enabled: true,
            ok_actions: Vec::new(),
            alarm_actions: Vec::new(),
            insufficient_data_actions: Vec::new(),
            tags: std::collections::BTreeMap::new(),
            watch,
            configured: millis(START),
            state: super::super::State::initial(millis(START)),
        }
    }

    fn sum_of_errors(missing: Option<&str>, comparison: Comparison) -> Watch {
        Watch::Metric(MetricWatch {
            points: Points::One(MetricStat {
                metric: Metric {
                    namespace: "N".to_owned(),
                    name: "Errors".to_owned(),
                    dimensions: Vec::new(),
                },
                period: 60,
                statistic: "Sum".to_owned(),
                unit: None,
            }),
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: 2.0,
            comparison,
            treat_missing_data: missing.map(str::to_owned),
            low_sample_count: None,
        })
    }

    /// The states that alarms are in at moments after the start, as values come in.
    #[test]
    fn alarms_change_with_the_clock() {
        let storage = Storage::open(None).unwrap();
        let mut state = state(&storage);
        let above = Comparison::GreaterOrEqual;
        for (name, watch) in [
            ("quiet", sum_of_errors(Some("notBreaching"), above)),
            ("unsure", sum_of_errors(None, above)),
            ("below", sum_of_errors(Some("breaching"), Comparison::Less)),
            (
                "both",
                Watch::Composite(CompositeWatch {
                    rule: "ALARM(quiet) AND ALARM(unsure)".to_owned(),
                }),
            ),
        ] {
            state.alarms.put(&key("r", name), alarm(watch)).unwrap();
        }
        // Seconds after the start, errors that come then, and the states that follow of: below,
        // both (a composite), quiet, unsure.
        for (second, errors, wanted) in [
            // Fresh alarms are left alone at first.
            (1, 0, ["INSUFFICIENT_DATA"; 4]),
            (6, 0, ["ALARM", "OK", "OK", "INSUFFICIENT_DATA"]),
            // One is not enough.
            (10, 1, ["ALARM", "OK", "OK", "OK"]),
            // With the second, the minute is beyond its threshold before it is over.
            (20, 1, ["ALARM", "ALARM", "ALARM", "ALARM"]),
            // Below a threshold is only what is complete: 2 is not less than 2.
            (60, 0, ["OK", "ALARM", "ALARM", "ALARM"]),
            // While nothing comes, the last point counts as long as it can be seen, for 3 periods.
            (170, 0, ["OK", "OK", "OK", "INSUFFICIENT_DATA"]),
            (230, 0, ["ALARM", "OK", "OK", "INSUFFICIENT_DATA"]),
        ] {
            let now = START + Duration::seconds(second);
            for _ in 0..errors {
                state.metrics.record(&Sample {
                    namespace: "N",
                    metric: "Errors",
                    dimensions: &[],
                    value: 1.0,
                    unit: "Count",
                    at: now,
                    region: "r",
                });
            }
            state.look(now);
            let found: Vec<&str> = state
                .alarms
                .iter()
                .map(|(_, alarm)| alarm.state.value.name())
                .collect();
            assert_eq!(found, wanted, "after {second} s");
        }
    }

    #[test]
    fn a_state_that_was_set_holds_for_a_while() {
        let storage = Storage::open(None).unwrap();
        let mut state = state(&storage);
        let watch = sum_of_errors(Some("notBreaching"), Comparison::Greater);
        state.alarms.put("r/a", alarm(watch)).unwrap();
        let held = millis(START) + 60_000;
        state
            .alarms
            .update("r/a", |alarm| alarm.state.held_until = held)
            .unwrap();
        let change = state.transition(
            "r",
            "a",
            StateValue::Alarm,
            "set".to_owned(),
            None,
            millis(START),
        );
        assert_eq!(
            change.map(|change| change.old),
            Some(StateValue::InsufficientData)
        );
        assert!(state.look(START + Duration::seconds(59)).is_empty());
        let changes = state.look(START + Duration::seconds(60));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].alarm.state.value, StateValue::Ok);
    }
}
