//! What watches and tells: log groups, alarms, dashboards, topics, subscriptions.

use mcpdeploy_testkit::check_kind::Case;
use serde_json::json;

use super::{REPLACE, UPDATE};
use crate::kinds::place::Place;

pub(in crate::kinds) fn log_group(place: &Place) -> Case {
    let inputs = json!({
        "name": "/mcp/calculator",
        "retention_days": 7,
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[("aws.logs.log_group.calculator", inputs)])
        .edit("retention", UPDATE, json!({"retention_days": 30}))
        .edit("no retention", UPDATE, json!({"retention_days": null}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "/mcp/other"}))
        .build()
}

pub(in crate::kinds) fn alarm(place: &Place) -> Case {
    let errors = json!({
        "namespace": "AWS/Lambda",
        "name": "Errors",
        "statistic": "Sum",
        "dimensions": {"FunctionName": "calculator", "Resource": "calculator:live"},
    });
    let latency = json!({
        "namespace": "AWS/Lambda",
        "name": "Duration",
        "statistic": "p95",
        "period_seconds": 300,
    });
    let inputs = json!({
        "name": "calculator-errors",
        "description": "what it means",
        "metric": errors,
        "threshold": 1,
        "comparison": "GreaterThanOrEqualToThreshold",
        "alarm_actions": ["${aws.sns.topic.alarms.arn}"],
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[
            ("aws.sns.topic.alarms", json!({"name": "alarms"})),
            ("aws.cloudwatch.alarm.errors", inputs),
        ])
        .edit(
            "threshold",
            UPDATE,
            json!({"threshold": 2.5, "missing_data": "notBreaching"}),
        )
        .edit("percentile", UPDATE, json!({"metric": latency}))
        .edit("description", UPDATE, json!({"description": null}))
        .edit(
            "periods",
            UPDATE,
            json!({"evaluation_periods": 3, "datapoints_to_alarm": 2}),
        )
        .edit(
            "actions",
            UPDATE,
            json!({"alarm_actions": null, "ok_actions": ["${aws.sns.topic.alarms.arn}"]}),
        )
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "calculator-failures"}))
        .build()
}

pub(in crate::kinds) fn dashboard(place: &Place) -> Case {
    let body = |text: &str| {
        json!({"widgets": [{
            "type": "text", "x": 0, "y": 0, "width": 6, "height": 3,
            "properties": {"markdown": text},
        }]})
    };
    let inputs = json!({"name": "calculator", "body": body("# Calculator")});
    place
        .case(&[("aws.cloudwatch.dashboard.calculator", inputs)])
        .edit("body", UPDATE, json!({"body": body("# Reckoner")}))
        .edit("name", REPLACE, json!({"name": "reckoner"}))
        .build()
}

pub(in crate::kinds) fn topic(place: &Place) -> Case {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "alarms",
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Resource": "*",
    }]});
    let inputs = json!({
        "name": "alarms",
        "display_name": "Alarms",
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[("aws.sns.topic.alarms", inputs)])
        .edit(
            "display name",
            UPDATE,
            json!({"display_name": "More alarms"}),
        )
        .edit("no display name", UPDATE, json!({"display_name": null}))
        .edit("policy", UPDATE, json!({"policy": policy}))
        .edit("key", UPDATE, json!({"kms_key": "alias/aws/sns"}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "other"}))
        .build()
}

pub(in crate::kinds) fn subscription(place: &Place) -> Case {
    let queue = |name: &str| format!("arn:aws:sqs:us-east-1:123456789012:{name}");
    let inputs = json!({
        "topic": "${aws.sns.topic.alarms.arn}",
        "protocol": "sqs",
        "endpoint": queue("a"),
    });
    place
        .case(&[
            ("aws.sns.topic.alarms", json!({"name": "alarms"})),
            ("aws.sns.subscription.queue", inputs),
        ])
        .edit("raw delivery", UPDATE, json!({"raw_delivery": true}))
        .edit("endpoint", REPLACE, json!({"endpoint": queue("b")}))
        .build()
}
