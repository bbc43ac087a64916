//! ListMetrics.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{invalid_value, missing};
use crate::services::cloudwatch::input::{list, millis, text};
use crate::wire::{Call, Fault};

/// How many metrics an answer holds at most.
const PAGE: usize = 500;

impl CloudWatch {
    pub(in super::super) fn list_metrics(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = &call.input;
        let (namespace, name) = (text(input, "Namespace"), text(input, "MetricName"));
        let mut dimensions = Vec::new();
        for (index, dimension) in list(input, "Dimensions").iter().enumerate() {
            let name = text(dimension, "Name")
                .ok_or_else(|| missing(&format!("Dimensions.member.{}.Name", index + 1)))?;
            dimensions.push((name, text(dimension, "Value")));
        }
        let hours = match text(input, "RecentlyActive") {
            None => 14 * 24,
            Some("PT3H") => 3,
            Some(other) => {
                return Err(invalid_value(format!(
                    "The value {other} for parameter RecentlyActive is not supported."
                )));
            }
        };
        let oldest = millis(cloud.now()) / 1000 - hours * 3600;
        let bad = || invalid_value("Request parameter NextToken is invalid");
        let after = text(input, "NextToken")
            .map(|token| {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
                String::from_utf8(bytes).map_err(|_| bad())
            })
            .transpose()?;
        let state = self.lock();
        let mut found = state
            .metrics
            .list(&call.region, after.as_deref(), oldest)
            .filter(|(_, metric)| {
                namespace.is_none_or(|one| one == metric.namespace)
                    && name.is_none_or(|one| one == metric.name)
                    && dimensions.iter().all(|(name, value)| {
                        metric
                            .dimensions
                            .iter()
                            .any(|(n, v)| n == name && value.is_none_or(|value| value == v))
                    })
            });
        let page: Vec<_> = found.by_ref().take(PAGE).collect();
        let next = found.next().and(page.last());
        let next = next.map(|(key, _)| BASE64_URL_SAFE_NO_PAD.encode(key));
        let metrics: Vec<Value> = page
            .into_iter()
            .map(|(_, metric)| metric.output())
            .collect();
        Ok(json!({"Metrics": metrics, "NextToken": next}))
    }
}
