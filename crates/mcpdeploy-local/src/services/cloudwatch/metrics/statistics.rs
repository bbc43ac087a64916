//! GetMetricStatistics.

use serde_json::{Map, Value, json};

use super::aggregate::Aggregate;
use super::data::align;
use super::query::check_period;
use super::statistic::Statistic;
use super::store::Window;
use super::{Metric, Unit};
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{combination, constraint, invalid_value, missing};
use crate::services::cloudwatch::input::{integer, moment, output_moment, texts};
use crate::wire::{Call, Fault};

/// How many points an answer holds at most.
const MOST: i64 = 1440;

impl CloudWatch {
    pub(in super::super) fn get_metric_statistics(&self, call: &Call) -> Result<Value, Fault> {
        let input = &call.input;
        let metric = Metric::read(input, "")?;
        let start = moment(input, "StartTime")?.ok_or_else(|| missing("StartTime"))?;
        let end = moment(input, "EndTime")?.ok_or_else(|| missing("EndTime"))?;
        if start >= end {
            return Err(invalid_value(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let period = integer(input, "Period")?.ok_or_else(|| missing("Period"))?;
        check_period(period, "Period").map_err(|fault| invalid_value(fault.message))?;
        let names = texts(input, "Statistics");
        let extended = texts(input, "ExtendedStatistics");
        if names.is_empty() && extended.is_empty() {
            return Err(combination(
                "Must specify either Statistics or ExtendedStatistics",
            ));
        }
        let read = |name: &String, simple: bool| match Statistic::parse(name) {
            Some(statistic) if statistic.is_simple() == simple => Ok((name.clone(), statistic)),
            _ if simple => Err(constraint(
                name,
                "statistics",
                "Member must satisfy enum value set: [SampleCount, Average, Sum, Minimum, Maximum]",
            )),
            _ => Err(invalid_value(format!(
                "The value {name} for parameter ExtendedStatistics.member.1 is not supported."
            ))),
        };
        let simple = names
            .iter()
            .map(|name| read(name, true))
            .collect::<Result<Vec<_>, _>>()?;
        let extended = extended
            .iter()
            .map(|name| read(name, false))
            .collect::<Result<Vec<_>, _>>()?;
        let unit = Unit::read(input, "")?;
        let window = Window {
            start: align(start, period),
            end: end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0),
            period,
        };
        let points = (window.end - window.start + period - 1) / period;
        if points > MOST {
            return Err(combination(format!(
                "You have requested up to {points} datapoints, which exceeds the limit of {MOST}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
            )));
        }
        let mut output = Vec::new();
        self.lock()
            .metrics
            .each_period(&call.region, &metric, window, |at, parts| {
                // A point for each unit, when nobody asks for one.
                let mut units: Vec<Unit> = parts.iter().map(|(unit, _)| *unit).collect();
                units.sort();
                units.dedup();
                for known in units
                    .into_iter()
                    .filter(|known| unit.is_none_or(|unit| unit == *known))
                {
                    let of_unit: Vec<&Aggregate> = parts
                        .iter()
                        .filter(|(unit, _)| *unit == known)
                        .map(|(_, values)| values)
                        .collect();
                    let mut point = Map::new();
                    point.insert("Timestamp".to_owned(), output_moment(at * 1000));
                    for (name, statistic) in &simple {
                        point.insert(name.clone(), json!(statistic.of(&of_unit)));
                    }
                    if !extended.is_empty() {
                        let told = extended.iter().filter_map(|(name, statistic)| {
                            Some((name.clone(), json!(statistic.of(&of_unit)?)))
                        });
                        point.insert("ExtendedStatistics".to_owned(), crate::wire::map(told));
                    }
                    point.insert("Unit".to_owned(), json!(known.name()));
                    output.push(Value::Object(point));
                }
            });
        Ok(json!({"Label": metric.name, "Datapoints": output}))
    }
}
