//! What an alarm watches: one metric, or metrics and expressions over them.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types as sdk;
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::inputs::{int, some_text, uint, wrong};

const STATISTICS: [&str; 5] = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"];

/// A metric and how its values are summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricStat {
    /// Its namespace, e.g. `AWS/Lambda`.
    pub namespace: String,
    /// Its name, e.g. `Errors`.
    pub name: String,
    /// Its dimensions.
    #[serde(default)]
    pub dimensions: BTreeMap<String, Input<String>>,
    /// `Average`, `Maximum`, `Minimum`, `SampleCount`, `Sum`, or a percentile such as `p95` or
    /// another extended statistic such as `tm99`.
    pub statistic: String,
    /// Over how many seconds: 10, 20, 30 or a multiple of 60.
    #[serde(default = "minute")]
    pub period_seconds: u32,
    /// Only values of this unit; all when not set.
    #[serde(default)]
    pub unit: Option<String>,
}

/// A metric or an expression over the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricQuery {
    /// The metric.
    #[serde(default)]
    pub metric: Option<MetricStat>,
    /// The expression, in which the others stand by their ids.
    #[serde(default)]
    pub expression: Option<String>,
    /// What it is called in graphs.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether this is what the threshold is compared with.
    #[serde(default)]
    pub return_data: bool,
}

fn minute() -> u32 {
    60
}

impl MetricStat {
    pub(super) fn validate(&self, at: &str) -> Result<(), (String, String)> {
        let period = self.period_seconds;
        if ![10, 20, 30].contains(&period) && (period == 0 || !period.is_multiple_of(60)) {
            return wrong(
                &format!("{at}/period_seconds"),
                "10, 20, 30 or a multiple of 60 seconds",
            );
        }
        if period > 86_400 {
            return wrong(&format!("{at}/period_seconds"), "86400 seconds at most");
        }
        if !self.is_extended() {
            return Ok(());
        }
        let statistic = &self.statistic;
        // p95, p99.9, tm90, TM(10%:90%), IQM, PR(:300), …
        let shape = statistic.starts_with(|c: char| c.is_ascii_alphabetic())
            && (statistic.contains(|c: char| c.is_ascii_digit()) || statistic == "IQM");
        if !shape {
            return wrong(
                &format!("{at}/statistic"),
                format!(
                    "`{statistic}` is no statistic: {}, or e.g. p95",
                    STATISTICS.join(", ")
                ),
            );
        }
        Ok(())
    }

    fn is_extended(&self) -> bool {
        !STATISTICS.contains(&self.statistic.as_str())
    }

    fn sdk_dimensions(&self) -> Option<Vec<sdk::Dimension>> {
        let dimension = |(name, value): (&String, &Input<String>)| {
            sdk::Dimension::builder()
                .name(name)
                .value(value.get())
                .build()
        };
        (!self.dimensions.is_empty()).then(|| self.dimensions.iter().map(dimension).collect())
    }

    fn sdk_unit(&self) -> Option<sdk::StandardUnit> {
        self.unit.as_deref().map(sdk::StandardUnit::from)
    }

    /// As the one metric of an alarm.
    pub(super) fn put(&self, call: PutMetricAlarmFluentBuilder) -> PutMetricAlarmFluentBuilder {
        let call = call
            .namespace(&self.namespace)
            .metric_name(&self.name)
            .set_dimensions(self.sdk_dimensions())
            .period(int(self.period_seconds))
            .set_unit(self.sdk_unit());
        if self.is_extended() {
            call.extended_statistic(&self.statistic)
        } else {
            call.statistic(self.statistic.as_str().into())
        }
    }

    /// The one metric of an alarm.
    pub(super) fn observed_alarm(alarm: &sdk::MetricAlarm) -> Option<Self> {
        let name = alarm.metric_name().filter(|name| !name.is_empty())?;
        let statistic = some_text(alarm.extended_statistic());
        Some(Self {
            namespace: alarm.namespace().unwrap_or_default().to_owned(),
            name: name.to_owned(),
            dimensions: observed_dimensions(alarm.dimensions()),
            statistic: statistic
                .or_else(|| {
                    alarm
                        .statistic()
                        .map(|statistic| statistic.as_str().to_owned())
                })
                .unwrap_or_default(),
            period_seconds: uint(alarm.period()),
            unit: alarm.unit().and_then(|unit| some_text(Some(unit.as_str()))),
        })
    }

    fn to_sdk(&self) -> sdk::MetricStat {
        let metric = sdk::Metric::builder()
            .namespace(&self.namespace)
            .metric_name(&self.name)
            .set_dimensions(self.sdk_dimensions())
            .build();
        sdk::MetricStat::builder()
            .metric(metric)
            .period(int(self.period_seconds))
            .stat(&self.statistic)
            .set_unit(self.sdk_unit())
            .build()
    }

    fn observed(stat: &sdk::MetricStat) -> Self {
        let metric = stat.metric();
        Self {
            namespace: metric
                .and_then(sdk::Metric::namespace)
                .unwrap_or_default()
                .to_owned(),
            name: metric
                .and_then(sdk::Metric::metric_name)
                .unwrap_or_default()
                .to_owned(),
            dimensions: metric
                .map(|metric| observed_dimensions(metric.dimensions()))
                .unwrap_or_default(),
            statistic: stat.stat().unwrap_or_default().to_owned(),
            period_seconds: uint(stat.period()),
            unit: stat.unit().and_then(|unit| some_text(Some(unit.as_str()))),
        }
    }
}

fn observed_dimensions(dimensions: &[sdk::Dimension]) -> BTreeMap<String, Input<String>> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    dimensions
        .iter()
        .map(|dimension| (text(dimension.name()), text(dimension.value()).into()))
        .collect()
}

impl MetricQuery {
    /// An expression, which does not return data itself.
    #[must_use]
    pub fn expression(expression: impl Into<String>) -> Self {
        Self {
            metric: None,
            expression: Some(expression.into()),
            label: None,
            return_data: false,
        }
    }

    /// A metric, which does not return data itself.
    #[must_use]
    pub fn metric(metric: MetricStat) -> Self {
        Self {
            metric: Some(metric),
            expression: None,
            label: None,
            return_data: false,
        }
    }

    /// Makes it what the threshold is compared with.
    #[must_use]
    pub fn returned(mut self, label: &str) -> Self {
        self.return_data = true;
        self.label = Some(label.to_owned());
        self
    }

    pub(super) fn period_seconds(&self) -> Option<u32> {
        self.metric.as_ref().map(|metric| metric.period_seconds)
    }
}

pub(super) fn validate(queries: &BTreeMap<String, MetricQuery>) -> Result<(), (String, String)> {
    for (id, query) in queries {
        let at = format!("/metrics/{id}");
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !id.starts_with(|c: char| c.is_ascii_lowercase())
            || !id.chars().all(fits)
            || id.len() > 255
        {
            return wrong(
                &at,
                format!("`{id}` is no metric's id: a small letter, then letters, digits and `_`"),
            );
        }
        match (&query.metric, &query.expression) {
            (Some(metric), None) => metric.validate(&format!("{at}/metric"))?,
            (None, Some(_)) => {}
            (Some(_), Some(_)) | (None, None) => {
                return wrong(&at, "either a `metric` or an `expression`");
            }
        }
    }
    match queries.values().filter(|query| query.return_data).count() {
        1 => Ok(()),
        several => wrong(
            "/metrics",
            format!("exactly one of them returns data, not {several}"),
        ),
    }
}

pub(super) fn to_sdk(queries: &BTreeMap<String, MetricQuery>) -> Vec<sdk::MetricDataQuery> {
    let query = |(id, query): (&String, &MetricQuery)| {
        sdk::MetricDataQuery::builder()
            .id(id)
            .set_metric_stat(query.metric.as_ref().map(MetricStat::to_sdk))
            .set_expression(query.expression.clone())
            .set_label(query.label.clone())
            .return_data(query.return_data)
            .build()
    };
    queries.iter().map(query).collect()
}

pub(super) fn observed(queries: &[sdk::MetricDataQuery]) -> BTreeMap<String, MetricQuery> {
    let query = |query: &sdk::MetricDataQuery| {
        let observed = MetricQuery {
            metric: query.metric_stat().map(MetricStat::observed),
            expression: some_text(query.expression()),
            label: some_text(query.label()),
            // What is left out returns data.
            return_data: query.return_data().unwrap_or(true),
        };
        (query.id().unwrap_or_default().to_owned(), observed)
    };
    queries.iter().map(query).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stat(statistic: &str, period_seconds: u32) -> MetricStat {
        MetricStat {
            namespace: "AWS/Lambda".to_owned(),
            name: "Duration".to_owned(),
            dimensions: BTreeMap::from([("FunctionName".to_owned(), "x".into())]),
            statistic: statistic.to_owned(),
            period_seconds,
            unit: None,
        }
    }

    #[test]
    fn statistics_and_periods() {
        for statistic in [
            "Sum",
            "Average",
            "p95",
            "p99.9",
            "tm90",
            "TM(10%:90%)",
            "IQM",
            "PR(:300)",
        ] {
            assert_eq!(stat(statistic, 60).validate(""), Ok(()), "{statistic}");
        }
        for statistic in ["", "sum", "95", "Percentile"] {
            assert!(stat(statistic, 60).validate("").is_err(), "{statistic}");
        }
        for (period, fine) in [
            (0, false),
            (10, true),
            (30, true),
            (45, false),
            (60, true),
            (90, false),
            (86_400, true),
        ] {
            assert_eq!(stat("Sum", period).validate("").is_ok(), fine, "{period}");
        }
    }

    #[test]
    fn queries_survive_the_way_there_and_back() {
        let queries = BTreeMap::from([
            ("errors".to_owned(), MetricQuery::metric(stat("Sum", 60))),
            (
                "rate".to_owned(),
                MetricQuery::expression("100 * errors").returned("error rate"),
            ),
        ]);
        assert_eq!(validate(&queries), Ok(()));
        assert_eq!(observed(&to_sdk(&queries)), queries);
    }

    #[test]
    fn exactly_one_returns_data() {
        for queries in [
            json!({"a": {"expression": "b"}}),
            json!({"a": {"expression": "b", "return_data": true}, "b": {"expression": "a", "return_data": true}}),
            json!({"A": {"expression": "b", "return_data": true}}),
            json!({"a": {"return_data": true}}),
        ] {
            assert!(validate(&serde_json::from_value(queries).unwrap()).is_err());
        }
    }
}
