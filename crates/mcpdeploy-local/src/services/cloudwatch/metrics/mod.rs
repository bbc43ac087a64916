//! Metrics: what they are called, what was measured, and what is asked about it.

mod aggregate;
mod data;
mod listing;
mod log;
mod put;
mod query;
mod statistic;
mod statistics;
mod store;

pub(super) use data::evaluate;
pub(super) use query::{MetricStat, Query, Source, check_period, read_all};
pub(super) use statistic::Statistic;
pub(super) use store::Store;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{invalid_value, missing};
use super::input;
use crate::wire::Fault;

/// What CloudWatch keeps at full resolution, in milliseconds: 15 days.
pub(super) const KEPT: i64 = 15 * 24 * 3_600_000;

/// The name of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metric {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Names and values, by name.
    pub(super) dimensions: Vec<(String, String)>,
}

impl Metric {
    /// Reads the members `Namespace`, `MetricName` and `Dimensions`; `path` is how faults name them.
    pub(super) fn read(input: &Value, path: &str) -> Result<Self, Fault> {
        let namespace = input::required(input, "Namespace", &format!("{path}Namespace"))?;
        Self::in_namespace(namespace, input, path)
    }

    /// Reads the members `MetricName` and `Dimensions`.
    pub(super) fn in_namespace(namespace: &str, input: &Value, path: &str) -> Result<Self, Fault> {
        let name = input::required(input, "MetricName", &format!("{path}MetricName"))?;
        for (text, what) in [(namespace, "Namespace"), (name, "MetricName")] {
            if text.chars().count() > 255 || text.starts_with(':') && what == "Namespace" {
                return Err(invalid_value(format!(
                    "The value {text} for parameter {path}{what} is invalid."
                )));
            }
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: read_dimensions(input, path)?,
        })
    }

    /// As outputs name it.
    pub(super) fn output(&self) -> Value {
        json!({
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": self.output_dimensions(),
        })
    }

    pub(super) fn output_dimensions(&self) -> Value {
        self.dimensions
            .iter()
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect()
    }

    /// A key by which metrics of a region are told apart and ordered.
    fn key(&self, region: &str) -> String {
        let dimensions = self
            .dimensions
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()));
        key(region, &self.namespace, &self.name, dimensions)
    }
}

/// The key of a metric, whose dimensions come by name.
fn key<'a>(
    region: &str,
    namespace: &str,
    name: &str,
    dimensions: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut key = format!("{region}\0{namespace}\0{name}");
    for (name, value) in dimensions {
        key.push('\0');
        key.push_str(name);
        key.push('\0');
        key.push_str(value);
    }
    key
}

fn read_dimensions(input: &Value, path: &str) -> Result<Vec<(String, String)>, Fault> {
    let list = input::list(input, "Dimensions");
    if list.len() > 30 {
        return Err(invalid_value(format!(
            "The collection {path}Dimensions must not have a size greater than 30."
        )));
    }
    let mut dimensions = Vec::with_capacity(list.len());
    for (index, dimension) in list.iter().enumerate() {
        let at = format!("{path}Dimensions.member.{}", index + 1);
        let name = input::required(dimension, "Name", &format!("{at}.Name"))?;
        let value = input::required(dimension, "Value", &format!("{at}.Value"))?;
        if name.chars().count() > 255 || value.chars().count() > 1024 || name.starts_with(':') {
            return Err(invalid_value(format!(
                "The value for parameter {at} is invalid."
            )));
        }
        dimensions.push((name.to_owned(), value.to_owned()));
    }
    dimensions.sort();
    if let Some(pair) = dimensions.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(invalid_value(format!(
            "Dimension names must be unique within a metric: {} is given twice.",
            pair[0].0
        )));
    }
    Ok(dimensions)
}

/// The units that there are (model: StandardUnit).
const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// A unit, by its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Unit(usize);

impl Unit {
    pub(super) const NONE: Self = Self(UNITS.len() - 1);

    pub(super) fn parse(text: &str) -> Option<Self> {
        UNITS.iter().position(|unit| *unit == text).map(Self)
    }

    /// Reads the member `Unit`.
    pub(super) fn read(input: &Value, path: &str) -> Result<Option<Self>, Fault> {
        let Some(text) = input::text(input, "Unit") else {
            return Ok(None);
        };
        Self::parse(text).map(Some).ok_or_else(|| {
            invalid_value(format!(
                "The value {text} for parameter {path}Unit is not supported."
            ))
        })
    }

    pub(super) fn name(self) -> &'static str {
        UNITS[self.0]
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.name().to_owned()
    }
}

impl TryFrom<String> for Unit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or(format!("`{text}` is no unit"))
    }
}

/// Faults when a required member is not there.
pub(super) fn needed<T>(value: Option<T>, path: &str) -> Result<T, Fault> {
    value.ok_or_else(|| missing(path))
}
