//! Alarms: what they watch, what state they are in, what they do when it changes.

mod clock;
mod composite;
mod describe;
mod history;
mod judge;
mod manage;
mod put;

pub(super) use history::History;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{MetricStat, Query};
use crate::cloud::ACCOUNT;

/// How long a new alarm is in its first state at least, in milliseconds; with AWS, up to a minute.
const FRESH: i64 = 5_000;

/// An alarm's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alarm {
    pub(super) description: Option<String>,
    pub(super) actions_enabled: bool,
    pub(super) ok_actions: Vec<String>,
    pub(super) alarm_actions: Vec<String>,
    pub(super) insufficient_data_actions: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) watch: Watch,
    /// Milliseconds since 1970.
    pub(super) configured: i64,
    pub(super) state: State,
}

impl Alarm {
    /// The ARNs that are told when it goes into a state.
    fn actions(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.ok_actions,
            StateValue::Alarm => &self.alarm_actions,
            StateValue::InsufficientData => &self.insufficient_data_actions,
        }
    }

    /// How `DescribeAlarms` calls its kind.
    fn kind(&self) -> &'static str {
        match self.watch {
            Watch::Metric(_) => "MetricAlarm",
            Watch::Composite(_) => "CompositeAlarm",
        }
    }
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Watch {
    Metric(MetricWatch),
    Composite(CompositeWatch),
}

/// Points against a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MetricWatch {
    pub(super) points: Points,
    pub(super) evaluation_periods: i64,
    /// All periods when not set.
    pub(super) datapoints_to_alarm: Option<i64>,
    pub(super) threshold: f64,
    pub(super) comparison: Comparison,
    /// As given; `missing` when not given.
    pub(super) treat_missing_data: Option<String>,
    pub(super) low_sample_count: Option<String>,
}

/// Whose points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Points {
    One(MetricStat),
    /// Queries of which exactly one returns data.
    Several(Vec<Query>),
}

/// Other alarms' states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CompositeWatch {
    pub(super) rule: String,
}

/// When a point is beyond the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Comparison {
    #[serde(rename = "GreaterThanOrEqualToThreshold")]
    GreaterOrEqual,
    #[serde(rename = "GreaterThanThreshold")]
    Greater,
    #[serde(rename = "LessThanThreshold")]
    Less,
    #[serde(rename = "LessThanOrEqualToThreshold")]
    LessOrEqual,
}

impl Comparison {
    fn name(self) -> &'static str {
        match self {
            Self::GreaterOrEqual => "GreaterThanOrEqualToThreshold",
            Self::Greater => "GreaterThanThreshold",
            Self::Less => "LessThanThreshold",
            Self::LessOrEqual => "LessThanOrEqualToThreshold",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::GreaterOrEqual,
            Self::Greater,
            Self::Less,
            Self::LessOrEqual,
        ]
        .into_iter()
        .find(|comparison| comparison.name() == text)
    }
}

/// OK, ALARM or INSUFFICIENT_DATA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StateValue {
    Ok,
    Alarm,
    InsufficientData,
}

impl StateValue {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData]
            .into_iter()
            .find(|state| state.name() == text)
    }
}

/// The state that an alarm is in, and why. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) value: StateValue,
    pub(super) reason: String,
    /// JSON.
    pub(super) reason_data: Option<String>,
    pub(super) updated: i64,
    pub(super) transitioned: i64,
    /// Nobody looks at the alarm before: it is new, or somebody set its state.
    pub(super) held_until: i64,
}

impl State {
    fn initial(now: i64) -> Self {
        Self {
            value: StateValue::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            updated: now,
            transitioned: now,
            held_until: now + FRESH,
        }
    }
}

/// The key of an alarm's row.
fn key(region: &str, name: &str) -> String {
    format!("{region}/{name}")
}

/// An alarm's ARN.
pub(super) fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}")
}
