//! What Lambda tells CloudWatch about runs.
//!
//! Source: "Types of metrics for Lambda functions". Each value goes to several metrics: of the
//! function, of the resource that was invoked (the function, a version or an alias), of the version
//! that an alias led to, and of all functions together.

use std::time::Duration;

use time::OffsetDateTime;

use crate::cloud::Cloud;
use crate::services::cloudwatch::Sample;

/// Whose metrics they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metered {
    pub(super) region: String,
    pub(super) function: String,
    /// As it was invoked: `f`, `f:1` or `f:live`.
    pub(super) resource: String,
    /// The version that ran, when it was invoked by an alias.
    pub(super) executed: Option<String>,
}

impl Metered {
    /// A run came to its end.
    pub(super) fn ran(&self, cloud: &Cloud, failed: bool, duration: Duration, concurrent: u32) {
        let at = cloud.now();
        self.record(cloud, at, "Invocations", 1.0, "Count");
        self.record(cloud, at, "Errors", f64::from(u8::from(failed)), "Count");
        self.record(cloud, at, "Throttles", 0.0, "Count");
        let millis = duration.as_secs_f64() * 1000.0;
        self.record(cloud, at, "Duration", millis, "Milliseconds");
        let concurrent = f64::from(concurrent);
        self.record(cloud, at, "ConcurrentExecutions", concurrent, "Count");
    }

    /// A run was refused for want of concurrency.
    pub(super) fn throttled(&self, cloud: &Cloud) {
        self.record(cloud, cloud.now(), "Throttles", 1.0, "Count");
    }

    /// An asynchronous event was accepted, or dropped without having been handled.
    pub(super) fn event(&self, cloud: &Cloud, dropped: bool) {
        let metric = if dropped {
            "AsyncEventsDropped"
        } else {
            "AsyncEventsReceived"
        };
        self.record(cloud, cloud.now(), metric, 1.0, "Count");
    }

    fn record(&self, cloud: &Cloud, at: OffsetDateTime, metric: &str, value: f64, unit: &str) {
        self.each(|dimensions| {
            cloud.services().cloudwatch.record(
                cloud,
                Sample {
                    namespace: "AWS/Lambda",
                    metric,
                    dimensions,
                    value,
                    unit,
                    at,
                    region: &self.region,
                },
            );
        });
    }

    /// Each list of dimensions that a value has.
    fn each(&self, mut take: impl FnMut(&[(&str, &str)])) {
        let function = ("FunctionName", self.function.as_str());
        let resource = ("Resource", self.resource.as_str());
        take(&[]);
        take(&[function]);
        take(&[function, resource]);
        if let Some(executed) = &self.executed {
            take(&[function, resource, ("ExecutedVersion", executed)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_lists_of_dimensions_that_aws_documents() {
        let lists = |executed: Option<&str>| {
            let metered = Metered {
                region: "us-east-1".to_owned(),
                function: "f".to_owned(),
                resource: "f:live".to_owned(),
                executed: executed.map(str::to_owned),
            };
            let mut lists = Vec::new();
            metered.each(|list| {
                let list: Vec<String> = list.iter().map(|(k, v)| format!("{k}={v}")).collect();
                lists.push(list.join(" "));
            });
            lists
        };
        assert_eq!(
            lists(Some("1")),
            [
                "",
                "FunctionName=f",
                "FunctionName=f Resource=f:live",
                "FunctionName=f Resource=f:live ExecutedVersion=1"
            ]
        );
        assert_eq!(lists(None).len(), 3);
    }
}
