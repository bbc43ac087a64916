//! PutMetricData.

use serde_json::Value;

use super::aggregate::Aggregate;
use super::store::Datum;
use super::{Metric, Unit, needed};
use crate::cloud::Cloud;
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{combination, invalid_value, missing};
use crate::services::cloudwatch::input::{
    self, double, integer, list, millis, moment, number, required,
};
use crate::wire::{Call, Fault};

const HOUR: i64 = 3_600_000;
/// A value can be two weeks old, and two hours ahead (PutMetricData).
const OLDEST: i64 = 14 * 24 * HOUR;
const NEWEST: i64 = 2 * HOUR;

impl CloudWatch {
    pub(in super::super) fn put_metric_data(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let namespace = required(&call.input, "Namespace", "Namespace")?;
        if namespace.starts_with("AWS/") {
            return Err(invalid_value(
                "The value AWS/ for parameter Namespace is invalid.",
            ));
        }
        let list = list(&call.input, "MetricData");
        if !input::list(&call.input, "EntityMetricData").is_empty() {
            return Err(Fault::absent("cloudwatch.PutMetricData with entities"));
        }
        if list.is_empty() {
            return Err(missing("MetricData"));
        }
        if list.len() > 1000 {
            return Err(invalid_value(
                "The collection MetricData must not have a size greater than 1000.",
            ));
        }
        let now = millis(cloud.now());
        let data = list
            .iter()
            .enumerate()
            .map(|(index, datum)| {
                read(
                    namespace,
                    datum,
                    &format!("MetricData.member.{}.", index + 1),
                    now,
                )
            })
            .collect::<Result<Vec<Datum>, Fault>>()?;
        self.lock().metrics.put(&call.region, data)?;
        Ok(Value::Null)
    }
}

fn read(namespace: &str, input: &Value, path: &str, now: i64) -> Result<Datum, Fault> {
    let metric = Metric::in_namespace(namespace, input, path)?;
    let unit = Unit::read(input, path)?.unwrap_or(Unit::NONE);
    let at = moment(input, "Timestamp")?.unwrap_or(now);
    if at < now - OLDEST {
        return Err(invalid_value(format!(
            "The parameter {path}Timestamp must specify a time no more than two weeks in the past."
        )));
    }
    if at > now + NEWEST {
        return Err(invalid_value(format!(
            "The parameter {path}Timestamp must specify a time no more than two hours in the future."
        )));
    }
    let resolution = match integer(input, "StorageResolution")? {
        None | Some(60) => 60,
        Some(1) => 1,
        Some(other) => {
            return Err(invalid_value(format!(
                "The value {other} for parameter {path}StorageResolution is not supported. Supported values are 1 and 60."
            )));
        }
    };
    let seconds = at.div_euclid(1000);
    Ok(Datum {
        metric,
        bucket: seconds - seconds.rem_euclid(resolution),
        unit,
        values: read_values(input, path)?,
    })
}

fn read_values(input: &Value, path: &str) -> Result<Aggregate, Fault> {
    let exclusive = |a: &str, b: &str| {
        combination(format!(
            "The parameters {path}{a} and {path}{b} are mutually exclusive and you have specified both."
        ))
    };
    let value = double(input, "Value")?;
    let values = list(input, "Values");
    let statistics = input
        .get("StatisticValues")
        .filter(|value| value.is_object());
    match (value, !values.is_empty(), statistics) {
        (Some(_), true, _) => Err(exclusive("Value", "Values")),
        (Some(_), _, Some(_)) => Err(exclusive("Value", "StatisticValues")),
        (None, true, Some(_)) => Err(exclusive("Values", "StatisticValues")),
        (Some(value), false, None) => Ok(Aggregate::of(finite(value, path, "Value")?, 1.0)),
        (None, true, None) => read_list(values, list(input, "Counts"), path),
        (None, false, Some(statistics)) => read_statistics(statistics, path),
        (None, false, None) => Err(missing(&format!("{path}Value"))),
    }
}

/// CloudWatch takes numbers of up to 2^360 (PutMetricData).
fn finite(value: f64, path: &str, name: &str) -> Result<f64, Fault> {
    if value.is_finite() && value.abs() <= 2_f64.powi(360) {
        Ok(value)
    } else {
        Err(invalid_value(format!(
            "The value {value} for parameter {path}{name} is invalid."
        )))
    }
}

fn read_list(values: &[Value], counts: &[Value], path: &str) -> Result<Aggregate, Fault> {
    if values.len() > 150 {
        return Err(invalid_value(format!(
            "The collection {path}Values must not have a size greater than 150."
        )));
    }
    if !counts.is_empty() && counts.len() != values.len() {
        return Err(invalid_value(format!(
            "The parameters {path}Values and {path}Counts must be of the same size."
        )));
    }
    let mut all: Option<Aggregate> = None;
    for (index, value) in values.iter().enumerate() {
        let value = finite(number(value).unwrap_or(f64::NAN), path, "Values")?;
        let count = counts
            .get(index)
            .map_or(Some(1.0), number)
            .unwrap_or(f64::NAN);
        if finite(count, path, "Counts")? <= 0.0 {
            return Err(invalid_value(format!(
                "The value {count} for parameter {path}Counts must be greater than 0."
            )));
        }
        let more = Aggregate::of(value, count);
        match &mut all {
            Some(all) => all.merge(&more),
            None => all = Some(more),
        }
    }
    needed(all, &format!("{path}Values"))
}

fn read_statistics(input: &Value, path: &str) -> Result<Aggregate, Fault> {
    let path = format!("{path}StatisticValues.");
    let read = |name: &str| {
        let value = needed(double(input, name)?, &format!("{path}{name}"))?;
        finite(value, &path, name)
    };
    let (count, sum) = (read("SampleCount")?, read("Sum")?);
    let (min, max) = (read("Minimum")?, read("Maximum")?);
    if min > max {
        return Err(combination(format!(
            "The parameter {path}Maximum must be greater than or equal to the parameter {path}Minimum."
        )));
    }
    if count <= 0.0 {
        return Err(invalid_value(format!(
            "The value {count} for parameter {path}SampleCount must be greater than 0."
        )));
    }
    Ok(Aggregate::of_statistics(count, sum, min, max))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn code(input: Value) -> String {
        match read("N", &input, "MetricData.member.1.", NOW) {
            Ok(_) => "fine".to_owned(),
            Err(fault) => fault.code,
        }
    }

    #[test]
    fn what_can_be_put() {
        let datum = read("N", &json!({"MetricName": "M", "Values": [1, "2"], "Counts": ["3", 4.0], "Timestamp": 1_799_999_999.0}), "", NOW).unwrap();
        assert_eq!((datum.values.count, datum.values.sum), (7.0, 11.0));
        assert_eq!(datum.bucket, 1_799_999_940);
        let datum = read("N", &json!({"MetricName": "M", "Value": "0", "StorageResolution": "1", "Timestamp": "2027-01-15T07:59:59Z"}), "", NOW).unwrap();
        assert_eq!(datum.bucket, 1_799_999_999);
        let set = json!({"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2});
        assert_eq!(
            code(json!({"MetricName": "M", "StatisticValues": set, "Unit": "Count"})),
            "fine"
        );
    }

    #[test]
    fn what_cannot_be_put() {
        let set = json!({"SampleCount": 2, "Sum": 3, "Minimum": 2, "Maximum": 1});
        for (input, wanted) in [
            (json!({"Value": 1}), "MissingRequiredParameterException"),
            (
                json!({"MetricName": "M"}),
                "MissingRequiredParameterException",
            ),
            (
                json!({"MetricName": "M", "Value": null}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": "x"}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": 1e200}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "Values": [1]}),
                "InvalidParameterCombinationException",
            ),
            (
                json!({"MetricName": "M", "Values": [1], "Counts": [1, 2]}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "StatisticValues": set}),
                "InvalidParameterCombinationException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "Unit": "Parsec"}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "StorageResolution": 5}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "Timestamp": 1_798_000_000}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "Timestamp": 1_800_010_000}),
                "InvalidParameterValueException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "Dimensions": [{"Name": "a"}]}),
                "MissingRequiredParameterException",
            ),
            (
                json!({"MetricName": "M", "Value": 1, "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}),
                "InvalidParameterValueException",
            ),
        ] {
            assert_eq!(code(input.clone()), wanted, "{input}");
        }
    }
}
