//! Queries of GetMetricData and of alarms: a metric's statistic, or an expression of others.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::statistic::Statistic;
use super::{Metric, Unit, needed};
use crate::services::cloudwatch::faults::{combination, validation};
use crate::services::cloudwatch::input::{flag, integer, list, required, text};
use crate::services::cloudwatch::math::Expression;
use crate::wire::Fault;

/// A query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Query {
    pub(in super::super) id: String,
    pub(in super::super) source: Source,
    pub(in super::super) label: Option<String>,
    /// As given; it is so when not given.
    pub(in super::super) return_data: Option<bool>,
}

/// Where a query's points come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Source {
    Metric(MetricStat),
    Expression {
        text: String,
        /// Seconds.
        period: Option<i64>,
    },
}

/// A statistic of a metric for each period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct MetricStat {
    pub(in super::super) metric: Metric,
    /// Seconds.
    pub(in super::super) period: i64,
    /// As given, e.g. `Sum` or `p95`; reads as a [`Statistic`].
    pub(in super::super) statistic: String,
    pub(in super::super) unit: Option<Unit>,
}

impl MetricStat {
    pub(in super::super) fn statistic(&self) -> Option<Statistic> {
        Statistic::parse(&self.statistic)
    }
}

/// Faults when a period is none that CloudWatch has: 1, 5, 10, 20, 30 and the multiples of 60.
pub(in super::super) fn check_period(period: i64, path: &str) -> Result<i64, Fault> {
    if [1, 5, 10, 20, 30].contains(&period) || period >= 60 && period % 60 == 0 {
        Ok(period)
    } else {
        Err(validation(format!(
            "The parameter {path} must be 1, 5, 10, 20, 30 or a multiple of 60."
        )))
    }
}

impl Query {
    fn read(input: &Value, path: &str) -> Result<Self, Fault> {
        let id = required(input, "Id", &format!("{path}Id"))?;
        let first = id.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        if !first || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || id.len() > 255 {
            return Err(validation(format!(
                "The value {id} for parameter {path}Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            )));
        }
        let stat = input.get("MetricStat").filter(|value| value.is_object());
        let source = match (stat, text(input, "Expression")) {
            (Some(_), Some(_)) => {
                return Err(combination(format!(
                    "The parameters {path}Expression and {path}MetricStat are mutually exclusive and you have specified both."
                )));
            }
            (None, None) => {
                return Err(validation(format!(
                    "Either the parameter {path}Expression or the parameter {path}MetricStat must be specified."
                )));
            }
            (Some(stat), None) => Source::Metric(read_stat(stat, &format!("{path}MetricStat."))?),
            (None, Some(expression)) => {
                Expression::read(expression).map_err(|why| wrong(id, &why))?;
                let period = integer(input, "Period")?;
                Source::Expression {
                    text: expression.to_owned(),
                    period: period
                        .map(|p| check_period(p, &format!("{path}Period")))
                        .transpose()?,
                }
            }
        };
        Ok(Self {
            id: id.to_owned(),
            source,
            label: text(input, "Label").map(str::to_owned),
            return_data: flag(input, "ReturnData"),
        })
    }

    /// Whether its points are part of the answer.
    pub(in super::super) fn returns_data(&self) -> bool {
        self.return_data.unwrap_or(true)
    }

    /// As outputs show it.
    pub(in super::super) fn output(&self) -> Value {
        let (stat, expression, period) = match &self.source {
            Source::Metric(stat) => (Some(stat), None, None),
            Source::Expression { text, period } => (None, Some(text), *period),
        };
        json!({
            "Id": self.id,
            "MetricStat": stat.map(|stat| json!({
                "Metric": stat.metric.output(),
                "Period": stat.period,
                "Stat": stat.statistic,
                "Unit": stat.unit.map(Unit::name),
            })),
            "Expression": expression,
            "Label": self.label,
            "ReturnData": self.returns_data(),
            "Period": period,
        })
    }
}

fn read_stat(input: &Value, path: &str) -> Result<MetricStat, Fault> {
    let metric = input.get("Metric").unwrap_or(&Value::Null);
    let period = needed(integer(input, "Period")?, &format!("{path}Period"))?;
    let statistic = required(input, "Stat", &format!("{path}Stat"))?;
    if Statistic::parse(statistic).is_none() {
        return Err(validation(format!(
            "The value {statistic} for parameter {path}Stat is not supported."
        )));
    }
    Ok(MetricStat {
        metric: Metric::read(metric, &format!("{path}Metric."))?,
        period: check_period(period, &format!("{path}Period"))?,
        statistic: statistic.to_owned(),
        unit: Unit::read(input, path)?,
    })
}

/// An expression that does not read or cannot be told.
pub(super) fn wrong(id: &str, why: &str) -> Fault {
    validation(format!("Error in expression '{id}': {why}"))
}

/// Reads a list of queries, whose ids must differ.
pub(in super::super) fn read_all(input: &Value, name: &str) -> Result<Vec<Query>, Fault> {
    let queries = list(input, name)
        .iter()
        .enumerate()
        .map(|(index, query)| Query::read(query, &format!("{name}.member.{}.", index + 1)))
        .collect::<Result<Vec<Query>, Fault>>()?;
    let mut ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(validation(format!(
            "The values for parameter id in {name} are not unique."
        )));
    }
    Ok(queries)
}
