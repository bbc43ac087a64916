//! DescribeAlarms and DescribeAlarmsForMetric.

use serde_json::{Map, Value, json};

use super::{Alarm, CompositeWatch, MetricWatch, Points, StateValue, Watch, arn};
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{bad_token, combination, constraint};
use crate::services::cloudwatch::input::{integer, output_moment, text, texts};
use crate::services::cloudwatch::metrics::{Metric, Query, Statistic, Unit};
use crate::wire::{Call, Fault};

/// How many records an answer holds: 1 to 100, 50 when nobody says.
pub(super) fn limit(asked: Option<i64>) -> Result<usize, Fault> {
    match asked.unwrap_or(50) {
        limit @ 1..=100 => Ok(usize::try_from(limit).unwrap_or(50)),
        limit => Err(constraint(
            &limit.to_string(),
            "maxRecords",
            "Member must have value between 1 and 100, inclusive",
        )),
    }
}

impl CloudWatch {
    pub(in super::super) fn describe_alarms(&self, call: &Call) -> Result<Value, Fault> {
        let input = &call.input;
        let names = texts(input, "AlarmNames");
        let prefix = text(input, "AlarmNamePrefix").unwrap_or_default();
        if !names.is_empty() && !prefix.is_empty() {
            return Err(combination(
                "The parameters AlarmNames and AlarmNamePrefix are mutually exclusive and you have specified both.",
            ));
        }
        for name in ["ChildrenOfAlarmName", "ParentsOfAlarmName"] {
            if text(input, name).is_some() {
                return Err(Fault::absent(format!(
                    "cloudwatch.DescribeAlarms with {name}"
                )));
            }
        }
        let types = texts(input, "AlarmTypes");
        let state = text(input, "StateValue").map(read_state).transpose()?;
        let action = text(input, "ActionPrefix");
        let limit = limit(integer(input, "MaxRecords")?)?;
        let after = text(input, "NextToken");
        let region = format!("{}/", call.region);
        if after.is_some_and(|after| !after.starts_with(&region)) {
            return Err(bad_token());
        }
        let all = self.lock();
        let mut found = all.alarms.under(&region).filter(|(key, alarm)| {
            let name = &key[region.len()..];
            let mut actions = [
                &alarm.ok_actions,
                &alarm.alarm_actions,
                &alarm.insufficient_data_actions,
            ]
            .into_iter()
            .flatten();
            let kind = alarm.kind();
            // Composite alarms are for those who ask for them.
            let fits = if types.is_empty() {
                kind == "MetricAlarm"
            } else {
                types.iter().any(|one| one == kind)
            };
            fits && (names.is_empty() || names.iter().any(|one| one == name))
                && name.starts_with(prefix)
                && state.is_none_or(|state| state == alarm.state.value)
                && action.is_none_or(|prefix| actions.any(|action| action.starts_with(prefix)))
                && after.is_none_or(|after| *key > after)
        });
        let page: Vec<(&str, &Alarm)> = found.by_ref().take(limit).collect();
        let next = found
            .next()
            .and(page.last())
            .map(|(key, _)| (*key).to_owned());
        let (mut metric, mut composite) = (Vec::new(), Vec::new());
        for (key, alarm) in page {
            let output = output(&call.region, &key[region.len()..], alarm);
            match &alarm.watch {
                Watch::Metric(_) => metric.push(output),
                Watch::Composite(_) => composite.push(output),
            }
        }
        Ok(json!({"MetricAlarms": metric, "CompositeAlarms": composite, "NextToken": next}))
    }

    pub(in super::super) fn describe_alarms_for_metric(&self, call: &Call) -> Result<Value, Fault> {
        let input = &call.input;
        let metric = Metric::read(input, "")?;
        let statistic = text(input, "Statistic").or_else(|| text(input, "ExtendedStatistic"));
        let period = integer(input, "Period")?;
        let unit = Unit::read(input, "")?;
        let region = format!("{}/", call.region);
        let all = self.lock();
        let alarms: Vec<Value> = all
            .alarms
            .under(&region)
            .filter(|(_, alarm)| match &alarm.watch {
                Watch::Metric(MetricWatch {
                    points: Points::One(stat),
                    ..
                }) => {
                    stat.metric == metric
                        && statistic.is_none_or(|statistic| statistic == stat.statistic)
                        && period.is_none_or(|period| period == stat.period)
                        && (unit.is_none() || unit == stat.unit)
                }
                Watch::Metric(_) | Watch::Composite(_) => false,
            })
            .map(|(key, alarm)| output(&call.region, &key[region.len()..], alarm))
            .collect();
        Ok(json!({"MetricAlarms": alarms}))
    }
}

pub(super) fn read_state(text: &str) -> Result<StateValue, Fault> {
    StateValue::parse(text).ok_or_else(|| {
        constraint(
            text,
            "stateValue",
            "Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]",
        )
    })
}

fn output(region: &str, name: &str, alarm: &Alarm) -> Value {
    let common = json!({
        "AlarmName": name,
        "AlarmArn": arn(region, name),
        "AlarmDescription": alarm.description,
        "AlarmConfigurationUpdatedTimestamp": output_moment(alarm.configured),
        "ActionsEnabled": alarm.actions_enabled,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "StateValue": alarm.state.value.name(),
        "StateReason": alarm.state.reason,
        "StateReasonData": alarm.state.reason_data,
        "StateUpdatedTimestamp": output_moment(alarm.state.updated),
        "StateTransitionedTimestamp": output_moment(alarm.state.transitioned),
    });
    let more = match &alarm.watch {
        Watch::Metric(watch) => output_watch(watch),
        Watch::Composite(CompositeWatch { rule }) => json!({"AlarmRule": rule}),
    };
    let mut fields = Map::new();
    for value in [common, more] {
        if let Value::Object(value) = value {
            fields.extend(value.into_iter().filter(|(_, value)| !value.is_null()));
        }
    }
    Value::Object(fields)
}

fn output_watch(watch: &MetricWatch) -> Value {
    let mut fields = json!({
        "EvaluationPeriods": watch.evaluation_periods,
        "DatapointsToAlarm": watch.datapoints_to_alarm,
        "Threshold": watch.threshold,
        "ComparisonOperator": watch.comparison.name(),
        "TreatMissingData": watch.treat_missing_data,
        "EvaluateLowSampleCountPercentile": watch.low_sample_count,
    });
    match &watch.points {
        Points::One(stat) => {
            fields["MetricName"] = stat.metric.name.as_str().into();
            fields["Namespace"] = stat.metric.namespace.as_str().into();
            fields["Dimensions"] = stat.metric.output_dimensions();
            fields["Period"] = stat.period.into();
            fields["Unit"] = stat.unit.map(Unit::name).into();
            let simple = stat.statistic().is_some_and(Statistic::is_simple);
            let member = if simple {
                "Statistic"
            } else {
                "ExtendedStatistic"
            };
            fields[member] = stat.statistic.as_str().into();
        }
        Points::Several(queries) => {
            // As AWS does, no dimensions rather than none said.
            fields["Dimensions"] = json!([]);
            fields["Metrics"] = queries.iter().map(Query::output).collect();
        }
    }
    fields
}
