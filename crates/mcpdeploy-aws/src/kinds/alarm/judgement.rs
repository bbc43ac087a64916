//! How an alarm judges what it sees.

use aws_sdk_cloudwatch::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a value is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// Above.
    GreaterThanThreshold,
    /// At or above.
    GreaterThanOrEqualToThreshold,
    /// Below.
    LessThanThreshold,
    /// At or below.
    LessThanOrEqualToThreshold,
    /// Above a band of anomaly detection, which only others' alarms have.
    GreaterThanUpperThreshold,
    /// Below such a band.
    LessThanLowerThreshold,
    /// Outside such a band.
    LessThanLowerOrGreaterThanUpperThreshold,
}

impl Comparison {
    pub(super) fn to_sdk(self) -> sdk::ComparisonOperator {
        use sdk::ComparisonOperator as Sdk;
        match self {
            Self::GreaterThanThreshold => Sdk::GreaterThanThreshold,
            Self::GreaterThanOrEqualToThreshold => Sdk::GreaterThanOrEqualToThreshold,
            Self::LessThanThreshold => Sdk::LessThanThreshold,
            Self::LessThanOrEqualToThreshold => Sdk::LessThanOrEqualToThreshold,
            Self::GreaterThanUpperThreshold => Sdk::GreaterThanUpperThreshold,
            Self::LessThanLowerThreshold => Sdk::LessThanLowerThreshold,
            Self::LessThanLowerOrGreaterThanUpperThreshold => {
                Sdk::LessThanLowerOrGreaterThanUpperThreshold
            }
        }
    }

    pub(super) fn observed(operator: Option<&sdk::ComparisonOperator>) -> Self {
        let all = [
            Self::GreaterThanThreshold,
            Self::GreaterThanOrEqualToThreshold,
            Self::LessThanThreshold,
            Self::LessThanOrEqualToThreshold,
            Self::GreaterThanUpperThreshold,
            Self::LessThanLowerThreshold,
        ];
        let found = all
            .into_iter()
            .find(|comparison| Some(&comparison.to_sdk()) == operator);
        found.unwrap_or(Self::LessThanLowerOrGreaterThanUpperThreshold)
    }

    pub(super) fn is_band(self) -> bool {
        match self {
            Self::GreaterThanThreshold
            | Self::GreaterThanOrEqualToThreshold
            | Self::LessThanThreshold
            | Self::LessThanOrEqualToThreshold => false,
            Self::GreaterThanUpperThreshold
            | Self::LessThanLowerThreshold
            | Self::LessThanLowerOrGreaterThanUpperThreshold => true,
        }
    }
}

/// What a period without data counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// Nothing: with too little data, the state is "insufficient data".
    #[default]
    Missing,
    /// As if it were not there: the state stays.
    Ignore,
    /// A breach.
    Breaching,
    /// No breach: right for counts that are only published when there is something to count.
    NotBreaching,
}

impl MissingData {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ignore => "ignore",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
        }
    }

    pub(super) fn observed(text: Option<&str>) -> Self {
        [Self::Ignore, Self::Breaching, Self::NotBreaching]
            .into_iter()
            .find(|each| Some(each.as_str()) == text)
            .unwrap_or_default()
    }
}
