//! PutMetricAlarm, and what it has in common with PutCompositeAlarm.

use serde_json::Value;

use super::{Alarm, Comparison, MetricWatch, Points, State, Watch, key};
use crate::cloud::Cloud;
use crate::services::cloudwatch::faults::{
    combination, constraint, invalid_value, missing, validation,
};
use crate::services::cloudwatch::input::{double, flag, integer, millis, text, texts};
use crate::services::cloudwatch::metrics::{
    Metric, MetricStat, Query, Source, Statistic, Unit, check_period, evaluate, read_all,
};
use crate::services::cloudwatch::{CloudWatch, tags};
use crate::wire::{Call, Fault};

impl CloudWatch {
    pub(in super::super) fn put_metric_alarm(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        for name in ["ThresholdMetricId", "EvaluationCriteria"] {
            if call.input.get(name).is_some_and(|value| !value.is_null()) {
                return Err(Fault::absent(format!(
                    "cloudwatch.PutMetricAlarm with {name}"
                )));
            }
        }
        let watch = read(&call.input)?;
        self.put_alarm(cloud, call, Watch::Metric(watch))
    }

    /// Keeps an alarm; an old one of this name keeps its state and its tags.
    pub(super) fn put_alarm(
        &self,
        cloud: &Cloud,
        call: &Call,
        watch: Watch,
    ) -> Result<Value, Fault> {
        let name = read_name(&call.input)?;
        let now = millis(cloud.now());
        let mut alarm = common(&call.input, watch, now)?;
        let key = key(&call.region, &name);
        let mut state = self.lock();
        let old = state.alarms.get(&key);
        if let Some(old) = old {
            if old.kind() != alarm.kind() {
                return Err(validation(format!(
                    "An alarm named {name} of another type exists already."
                )));
            }
            alarm.tags.clone_from(&old.tags);
            alarm.state = old.state.clone();
        }
        let done = if old.is_some() { "updated" } else { "created" };
        let kind = alarm.kind();
        state.alarms.put(&key, alarm)?;
        state
            .history
            .configured(&call.region, &name, kind, done, now);
        Ok(Value::Null)
    }
}

fn read_name(input: &Value) -> Result<String, Fault> {
    let name = text(input, "AlarmName").unwrap_or_default();
    let length = name.chars().count();
    if !(1..=255).contains(&length) {
        return Err(constraint(
            name,
            "alarmName",
            "Member must have length between 1 and 255, inclusive",
        ));
    }
    Ok(name.to_owned())
}

/// The members that all alarms have.
fn common(input: &Value, watch: Watch, now: i64) -> Result<Alarm, Fault> {
    let actions = |name: &str| {
        let arns = texts(input, name);
        if arns.len() > 5 {
            return Err(constraint(
                &format!("[{}]", arns.join(", ")),
                name,
                "Member must have length less than or equal to 5",
            ));
        }
        match arns
            .iter()
            .find(|arn| arn.split(':').count() < 6 || !arn.starts_with("arn:"))
        {
            Some(arn) => Err(validation(format!("Invalid arn syntax: {arn}"))),
            None => Ok(arns),
        }
    };
    let description = text(input, "AlarmDescription").map(str::to_owned);
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > 1024)
    {
        return Err(constraint(
            description.as_deref().unwrap_or_default(),
            "alarmDescription",
            "Member must have length less than or equal to 1024",
        ));
    }
    Ok(Alarm {
        description,
        actions_enabled: flag(input, "ActionsEnabled").unwrap_or(true),
        ok_actions: actions("OKActions")?,
        alarm_actions: actions("AlarmActions")?,
        insufficient_data_actions: actions("InsufficientDataActions")?,
        tags: tags::read(input, "Tags")?,
        watch,
        configured: now,
        state: State::initial(now),
    })
}

fn read(input: &Value) -> Result<MetricWatch, Fault> {
    let periods =
        integer(input, "EvaluationPeriods")?.ok_or_else(|| missing("EvaluationPeriods"))?;
    if periods < 1 {
        return Err(constraint(
            &periods.to_string(),
            "evaluationPeriods",
            "Member must have value greater than or equal to 1",
        ));
    }
    let datapoints = integer(input, "DatapointsToAlarm")?;
    if let Some(datapoints) = datapoints
        && !(1..=periods).contains(&datapoints)
    {
        return Err(validation(
            "The parameter DatapointsToAlarm must be between 1 and the parameter EvaluationPeriods.",
        ));
    }
    let treat_missing_data = option(
        input,
        "TreatMissingData",
        &["breaching", "notBreaching", "ignore", "missing"],
    )?;
    let low_sample_count = option(
        input,
        "EvaluateLowSampleCountPercentile",
        &["evaluate", "ignore"],
    )?;
    let points = read_points(input)?;
    let period = period(&points);
    let most = if period >= 3600 { 604_800 } else { 86_400 };
    if periods.saturating_mul(period) > most {
        let what = if period >= 3600 {
            "seven days"
        } else {
            "a day"
        };
        return Err(validation(format!(
            "Metrics cannot be checked across more than {what} (EvaluationPeriods * Period must be <= {most})."
        )));
    }
    let threshold = double(input, "Threshold")?.ok_or_else(|| missing("Threshold"))?;
    if !threshold.is_finite() {
        return Err(invalid_value(format!(
            "The value {threshold} for parameter Threshold is invalid."
        )));
    }
    Ok(MetricWatch {
        points,
        evaluation_periods: periods,
        datapoints_to_alarm: datapoints,
        threshold,
        comparison: read_comparison(input)?,
        treat_missing_data,
        low_sample_count,
    })
}

fn option(input: &Value, name: &str, options: &[&str]) -> Result<Option<String>, Fault> {
    match text(input, name) {
        Some(value) if !options.contains(&value) => Err(validation(format!(
            "Option {value} is not supported. Supported options for parameter {name} are {}.",
            match options {
                [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
                [] => String::new(),
            }
        ))),
        value => Ok(value.map(str::to_owned)),
    }
}

fn read_comparison(input: &Value) -> Result<Comparison, Fault> {
    let comparison =
        text(input, "ComparisonOperator").ok_or_else(|| missing("ComparisonOperator"))?;
    match comparison {
        "LessThanLowerOrGreaterThanUpperThreshold" | "LessThanLowerThreshold" | "GreaterThanUpperThreshold" => {
            Err(Fault::absent("cloudwatch alarms on anomalies"))
        }
        _ => Comparison::parse(comparison).ok_or_else(|| {
            constraint(
                comparison,
                "comparisonOperator",
                "Member must satisfy enum value set: [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold, LessThanLowerOrGreaterThanUpperThreshold, LessThanLowerThreshold, GreaterThanUpperThreshold]",
            )
        }),
    }
}

fn read_points(input: &Value) -> Result<Points, Fault> {
    let queries = read_all(input, "Metrics")?;
    if queries.is_empty() {
        return read_one(input).map(Points::One);
    }
    for name in [
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Unit",
    ] {
        if input.get(name).is_some_and(|value| !value.is_null()) {
            return Err(combination(format!(
                "The parameters {name} and Metrics are mutually exclusive and you have specified both."
            )));
        }
    }
    if queries.len() > 20 {
        return Err(validation(
            "The collection Metrics must not have a size greater than 20.",
        ));
    }
    if queries.iter().filter(|query| query.returns_data()).count() != 1 {
        return Err(validation(
            "Exactly one element of the metrics list should return data.",
        ));
    }
    check_references(&queries)?;
    Ok(Points::Several(queries))
}

/// Expressions must refer to what is there and be one series: this shows without any values.
fn check_references(queries: &[Query]) -> Result<(), Fault> {
    let found = evaluate(None, "", queries, 0, 60_000)?;
    if found.len() == 1 {
        Ok(())
    } else {
        Err(validation(
            "The expression of an alarm must return exactly one time series.",
        ))
    }
}

fn read_one(input: &Value) -> Result<MetricStat, Fault> {
    let metric = Metric::read(input, "")?;
    let period = integer(input, "Period")?.ok_or_else(|| missing("Period"))?;
    let statistic = match (text(input, "Statistic"), text(input, "ExtendedStatistic")) {
        (Some(_), Some(_)) => {
            return Err(combination(
                "The parameters Statistic and ExtendedStatistic are mutually exclusive and you have specified both.",
            ));
        }
        (None, None) => {
            return Err(validation(
                "Statistic or ExtendedStatistic must be specified.",
            ));
        }
        (Some(name), None) if Statistic::parse(name).is_some_and(Statistic::is_simple) => name,
        (Some(name), None) => {
            return Err(constraint(
                name,
                "statistic",
                "Member must satisfy enum value set: [SampleCount, Average, Sum, Minimum, Maximum]",
            ));
        }
        (None, Some(name)) if Statistic::parse(name).is_some_and(|s| !s.is_simple()) => name,
        (None, Some(name)) => {
            return Err(invalid_value(format!(
                "The value {name} for parameter ExtendedStatistic is not supported."
            )));
        }
    };
    Ok(MetricStat {
        metric,
        period: check_period(period, "Period")
            .map_err(|_| validation("Period must be 10, 20, 30 or a multiple of 60"))?,
        statistic: statistic.to_owned(),
        unit: Unit::read(input, "")?,
    })
}

/// The time that one point stands for, in seconds.
pub(super) fn period(points: &Points) -> i64 {
    match points {
        Points::One(stat) => stat.period,
        Points::Several(queries) => {
            let asked = queries.iter().find(|query| query.returns_data());
            let own = asked.and_then(|query| match &query.source {
                Source::Expression { period, .. } => *period,
                Source::Metric(stat) => Some(stat.period),
            });
            let shortest = queries.iter().filter_map(|query| match &query.source {
                Source::Metric(stat) => Some(stat.period),
                Source::Expression { .. } => None,
            });
            own.or_else(|| shortest.min()).unwrap_or(60)
        }
    }
}
