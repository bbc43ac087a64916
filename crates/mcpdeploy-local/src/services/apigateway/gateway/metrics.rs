//! What CloudWatch learns of a request.
//!
//! Source: "Working with metrics for HTTP APIs": by API, by API and stage and, where detailed metrics
//! are on, by API, stage, method and path.

use crate::cloud::Cloud;
use crate::services::cloudwatch::Sample;

use super::exchange::Exchange;

#[expect(
    clippy::cast_precision_loss,
    reason = "lengths of requests are far below 2^52"
)]
pub(super) fn record(cloud: &Cloud, exchange: &Exchange) {
    let outcome = &exchange.outcome;
    let one = |is: bool| if is { 1.0 } else { 0.0 };
    let length = exchange.body.len() + outcome.response_length;
    let integration = outcome
        .integration_latency
        .map(|latency| latency.as_secs_f64() * 1000.0);
    let values = [
        ("Count", Some(1.0), "Count"),
        (
            "4xx",
            Some(one((400..500).contains(&outcome.status))),
            "Count",
        ),
        ("5xx", Some(one(outcome.status >= 500)), "Count"),
        (
            "Latency",
            Some(exchange.began.elapsed().as_secs_f64() * 1000.0),
            "Milliseconds",
        ),
        ("IntegrationLatency", integration, "Milliseconds"),
        ("DataProcessed", Some(length as f64), "Bytes"),
    ];
    let api = ("ApiId", exchange.api.id.as_str());
    let stage = ("Stage", exchange.stage.name.as_str());
    let by_api = [api];
    let by_stage = [api, stage];
    let by_route = exchange
        .route
        .as_ref()
        .filter(|route| route.detailed_metrics)
        .map(|route| {
            let (path, method) = route.resource();
            [api, ("Method", method), ("Resource", path), stage]
        });
    let lists: [Option<&[(&str, &str)]>; 3] = [
        Some(&by_api),
        Some(&by_stage),
        by_route.as_ref().map(|list| list.as_slice()),
    ];
    for dimensions in lists.into_iter().flatten() {
        for (metric, value, unit) in values {
            let Some(value) = value else { continue };
            let sample = Sample {
                namespace: "AWS/ApiGateway",
                metric,
                dimensions,
                value,
                unit,
                at: exchange.at,
                region: &exchange.api.region,
            };
            cloud.services().cloudwatch.record(cloud, sample);
        }
    }
}
