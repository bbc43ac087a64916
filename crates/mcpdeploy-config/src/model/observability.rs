//! `[observability]`: logs, traces, dashboard and alarms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// Logs, traces, dashboard and alarms. Without the section: logs for 30 days, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Observability {
    /// How long CloudWatch keeps the logs, in days; only certain numbers exist.
    #[schemars(extend(
        "enum" = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
        "x-by" = "CloudWatch"
    ))]
    pub log_retention_days: u32,
    /// Trace requests with X-Ray.
    pub enable_xray: bool,
    /// Make a CloudWatch dashboard for the server.
    pub create_dashboard: bool,
    /// Who gets a mail when an alarm goes off.
    #[schemars(regex(pattern = shapes::EMAIL))]
    pub alarm_email: Option<String>,
    /// When an alarm goes off; an alarm that is not named here is not made.
    pub alarms: Alarms,
}

impl Default for Observability {
    fn default() -> Self {
        Self {
            log_retention_days: 30,
            enable_xray: false,
            create_dashboard: false,
            alarm_email: None,
            alarms: Alarms::default(),
        }
    }
}

/// When an alarm goes off; each is made only when its threshold is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alarms {
    /// Failed requests within five minutes.
    #[schemars(range(min = 1))]
    pub error_threshold: Option<u32>,
    /// How long the slowest requests may take, in milliseconds.
    #[schemars(range(min = 1, max = 900_000))]
    pub latency_threshold_ms: Option<u32>,
    /// Failed requests in a hundred, above 0 and up to 100.
    #[schemars(range(min = 0.01, max = 100))]
    pub error_rate_percent: Option<f64>,
    /// Throttled requests within five minutes.
    #[schemars(range(min = 1))]
    pub throttles: Option<u32>,
}
