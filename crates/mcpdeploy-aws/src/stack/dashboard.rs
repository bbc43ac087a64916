//! The dashboard: what an operator looks for first, from the top left.

use mcpdeploy_engine::address::Address;
use serde_json::{Value, json};

use super::names::Names;
use super::{Place, Stack, reference};
use crate::kinds::{Dashboard, DashboardBody, DashboardInputs};

/// A widget's width; three fill a row of CloudWatch's 24 columns.
const WIDTH: u32 = 8;
/// A graph's height.
const HEIGHT: u32 = 6;

impl Stack<'_> {
    pub(super) fn dashboard(
        &mut self,
        names: &Names,
        place: &Place,
        function: &Address,
        api: &Address,
    ) {
        let body = body(
            names,
            place,
            &reference(function, "/name"),
            &reference(api, "/id"),
        );
        self.add::<Dashboard>(
            &names.full,
            &DashboardInputs {
                name: names.full.clone().into(),
                body: DashboardBody::new(&body),
            },
        );
        let Place { region, .. } = place;
        let domain = if place.partition == "aws-cn" {
            "amazonaws.cn"
        } else {
            "aws.amazon.com"
        };
        let url = format!(
            "https://{region}.console.{domain}/cloudwatch/home?region={region}#dashboards/dashboard/{}",
            names.full
        );
        self.output("dashboard", json!(url));
    }
}

fn body(names: &Names, place: &Place, function: &Value, api: &Value) -> Value {
    let region = &place.region;
    let lambda = |metric: &str, options: Value| {
        json!(["AWS/Lambda", metric, "FunctionName", function, options])
    };
    let gateway =
        |metric: &str, options: Value| json!(["AWS/ApiGateway", metric, "ApiId", api, options]);
    let graph = |title: &str, unit: &str, metrics: Vec<Value>| {
        json!({
            "title": title,
            "view": "timeSeries",
            "region": region,
            "period": 60,
            "metrics": metrics,
            "yAxis": {"left": {"min": 0, "label": unit, "showUnits": false}},
        })
    };
    let sum = |label: &str, color: &str| json!({"stat": "Sum", "label": label, "color": color});
    let stat = |stat: &str| json!({"stat": stat, "label": stat});
    let rows = [
        [
            graph(
                "Requests",
                "requests a minute",
                vec![gateway("Count", sum("requests", "#1f77b4"))],
            ),
            graph(
                "Errors",
                "a minute",
                vec![
                    lambda("Errors", sum("server failed", "#d62728")),
                    gateway("5xx", sum("5xx to callers", "#ff7f0e")),
                    gateway("4xx", sum("4xx to callers", "#c7c7c7")),
                ],
            ),
            graph(
                "Latency that callers see",
                "ms",
                vec![
                    gateway("Latency", stat("p50")),
                    gateway("Latency", stat("p95")),
                    gateway("Latency", stat("p99")),
                ],
            ),
        ],
        [
            graph(
                "Time in the server",
                "ms",
                vec![
                    lambda("Duration", stat("p50")),
                    lambda("Duration", stat("p95")),
                    lambda("Duration", stat("p99")),
                ],
            ),
            graph(
                "Running at once",
                "instances",
                vec![lambda(
                    "ConcurrentExecutions",
                    json!({"stat": "Maximum", "label": "instances"}),
                )],
            ),
            graph(
                "Turned away",
                "a minute",
                vec![lambda("Throttles", sum("throttled", "#9467bd"))],
            ),
        ],
    ];
    let mut widgets = vec![json!({
        "type": "text", "x": 0, "y": 0, "width": 24, "height": 1,
        "properties": {"markdown": format!("## {} · {region}", names.full), "background": "transparent"},
    })];
    for (row, graphs) in (0..).zip(rows) {
        for (column, properties) in (0..).zip(graphs) {
            widgets.push(json!({
                "type": "metric",
                "x": column * WIDTH, "y": 1 + row * HEIGHT, "width": WIDTH, "height": HEIGHT,
                "properties": properties,
            }));
        }
    }
    let below = 1 + 2 * HEIGHT;
    let logs = |title: &str, query: &str| {
        json!({
            "title": title,
            "region": region,
            "view": "table",
            "query": format!("SOURCE '{}' | {query}", names.log_group),
        })
    };
    let tables = [
        logs(
            "Cold starts",
            "filter @type = 'REPORT' and ispresent(@initDuration) | stats count() as starts, pct(@initDuration, 50) as p50_ms, max(@initDuration) as longest_ms by bin(1h)",
        ),
        logs(
            "Last errors in the log",
            "filter @message like /(?i)error|panic/ | fields @timestamp, @message | sort @timestamp desc | limit 20",
        ),
    ];
    for (column, properties) in (0..).zip(tables) {
        widgets.push(json!({
            "type": "log",
            "x": column * 12, "y": below, "width": 12, "height": HEIGHT,
            "properties": properties,
        }));
    }
    json!({"widgets": widgets})
}
