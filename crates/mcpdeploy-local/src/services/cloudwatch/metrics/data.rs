//! GetMetricData, and what alarms ask: points of metrics, and what expressions make of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::query::{Query, Source, read_all, wrong};
use super::store::{Store, Window};
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{bad_token, missing, validation};
use crate::services::cloudwatch::input::{integer, moment, output_moment, text};
use crate::services::cloudwatch::math::{Evaluator, Expression, Grid, Series, Term};
use crate::wire::{Call, Fault};

/// How many points an answer holds at most (GetMetricData).
const PAGE: i64 = 100_800;

/// Rounds a moment in milliseconds down to where periods start: a minute, or what is shorter.
pub(super) fn align(millis: i64, period: i64) -> i64 {
    let seconds = millis.div_euclid(1000);
    seconds - seconds.rem_euclid(period.min(60))
}

/// The points of each query that returns data, in the order of the queries. Without a store there
/// are none, but what is wrong with the queries shows.
pub(in super::super) fn evaluate(
    store: Option<&Store>,
    region: &str,
    queries: &[Query],
    start: i64,
    end: i64,
) -> Result<Vec<(String, Series)>, Fault> {
    let mut terms: BTreeMap<&str, Term> = BTreeMap::new();
    let mut metrics = Vec::new();
    let mut shortest: Option<i64> = None;
    for query in queries {
        match &query.source {
            Source::Metric(stat) => {
                let statistic = stat.statistic().ok_or_else(|| missing("Stat"))?;
                let window = Window {
                    start: align(start, stat.period),
                    end: end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0),
                    period: stat.period,
                };
                let points = store.map_or_else(BTreeMap::new, |store| {
                    store.points(region, &stat.metric, statistic, stat.unit, window)
                });
                shortest = Some(shortest.map_or(stat.period, |least| least.min(stat.period)));
                let series = Series {
                    label: query
                        .label
                        .clone()
                        .unwrap_or_else(|| stat.metric.name.clone()),
                    period: stat.period,
                    points,
                };
                metrics.push((query.id.clone(), series.clone()));
                terms.insert(&query.id, Term::Series(series));
            }
            Source::Expression { text, .. } => {
                let read = Expression::read(text).map_err(|why| wrong(&query.id, &why))?;
                terms.insert(&query.id, Term::Expression(read));
            }
        }
    }
    let mut results = Vec::new();
    for query in queries.iter().filter(|query| query.returns_data()) {
        let (asked, is_expression) = match &query.source {
            Source::Metric(_) => (None, false),
            Source::Expression { period, .. } => (*period, true),
        };
        let period = asked.or(shortest).unwrap_or(60);
        let grid = Grid {
            start: align(start, period),
            end: end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0),
            period,
        };
        let evaluator = Evaluator::new(&terms, &metrics, grid);
        let found = evaluator
            .series(&query.id)
            .map_err(|why| wrong(&query.id, &why))?;
        let several = found.len() > 1;
        for mut series in found {
            if is_expression {
                series.label = match &query.label {
                    Some(label) if several => format!("{label} {}", series.label),
                    Some(label) => label.clone(),
                    None if several => format!("{} {}", query.id, series.label),
                    None => query.id.clone(),
                };
            }
            results.push((query.id.clone(), series));
        }
    }
    Ok(results)
}

impl CloudWatch {
    pub(in super::super) fn get_metric_data(&self, call: &Call) -> Result<Value, Fault> {
        let input = &call.input;
        let start = moment(input, "StartTime")?.ok_or_else(|| missing("StartTime"))?;
        let end = moment(input, "EndTime")?.ok_or_else(|| missing("EndTime"))?;
        if start == end {
            return Err(validation(
                "The parameter StartTime must not equal parameter EndTime.",
            ));
        }
        if start > end {
            return Err(validation(
                "The parameter EndTime must be greater than StartTime.",
            ));
        }
        let ascending = match text(input, "ScanBy") {
            None | Some("TimestampDescending") => false,
            Some("TimestampAscending") => true,
            Some(other) => {
                return Err(super::super::faults::constraint(
                    other,
                    "scanBy",
                    "Member must satisfy enum value set: [TimestampDescending, TimestampAscending]",
                ));
            }
        };
        let queries = read_all(input, "MetricDataQueries")?;
        if queries.is_empty() {
            return Err(missing("MetricDataQueries"));
        }
        if queries.len() > 500 {
            return Err(validation(
                "The collection MetricDataQueries must not have a size greater than 500.",
            ));
        }
        let most = integer(input, "MaxDatapoints")?
            .unwrap_or(PAGE)
            .clamp(1, PAGE);
        let skip: usize = match text(input, "NextToken") {
            None => 0,
            Some(token) => token.parse().map_err(|_| bad_token())?,
        };
        let results = evaluate(
            Some(&self.lock().metrics),
            &call.region,
            &queries,
            start,
            end,
        )?;
        let mut left = usize::try_from(most).unwrap_or(usize::MAX);
        let mut skipping = skip;
        let mut more = false;
        let mut output = Vec::new();
        for (id, series) in results {
            let mut points: Vec<(i64, f64)> = series.points.into_iter().collect();
            if !ascending {
                points.reverse();
            }
            let from = skipping.min(points.len());
            skipping -= from;
            let until = points.len().min(from + left);
            left -= until - from;
            let complete = until == points.len();
            more |= !complete;
            let shown = &points[from..until];
            let times: Vec<Value> = shown
                .iter()
                .map(|(at, _)| output_moment(at * 1000))
                .collect();
            let values: Vec<f64> = shown.iter().map(|(_, value)| *value).collect();
            output.push(json!({
                "Id": id,
                "Label": series.label,
                "Timestamps": times,
                "Values": values,
                "StatusCode": if complete { "Complete" } else { "PartialData" },
            }));
        }
        let next = skip + usize::try_from(most).unwrap_or(usize::MAX);
        Ok(json!({
            "MetricDataResults": output,
            "NextToken": more.then(|| next.to_string()),
            "Messages": [],
        }))
    }
}
