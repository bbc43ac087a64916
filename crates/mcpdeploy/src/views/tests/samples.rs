//! Plans and states to look at.

use mcpdeploy_engine::plan::Plan;
use mcpdeploy_engine::state::State;
use serde_json::{Value, json};

pub(super) fn plan(parts: Value) -> Plan {
    let mut plan = json!({
        "format": 1,
        "lineage": "01985f0e-7a4c-7c11-9a55-3f0d5f5b8d1f",
        "serial": 7,
        "deployment": "calculator",
        "environment": "prod",
        "digest": "d",
        "options": {},
        "preamble": [],
        "actions": [],
        "unchanged": [],
        "steps": [],
        "outputs": {},
    });
    for (key, value) in parts.as_object().unwrap() {
        plan[key] = value.clone();
    }
    serde_json::from_value(plan).unwrap()
}

pub(super) const OLD_CODE: &str = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
pub(super) const NEW_CODE: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn unchanged(count: usize) -> Value {
    (0..count)
        .map(|n| json!(format!("mcpdeploy.data.same-{n}")))
        .collect()
}

/// The plan of the sketch.
pub(super) fn update() -> Plan {
    plan(json!({
        "actions": [
            {"address": "aws.logs.log_group.calculator", "action": "create", "reason": "new", "changes": [
                {"pointer": "/name", "before": null, "after": "/aws/lambda/calculator"},
                {"pointer": "/retention_days", "before": null, "after": 30},
                {"pointer": "/tags", "before": null, "after": {"mcpdeploy:deployment": "calculator", "team": "tools"}},
            ], "origin": "deploy.toml:4"},
            {"address": "aws.lambda.function.calculator", "action": "update",
             "reason": {"changed": {"pointers": ["/code", "/memory_mb"]}}, "changes": [
                {"pointer": "/code", "before": OLD_CODE, "after": NEW_CODE},
                {"pointer": "/memory_mb", "before": 512, "after": 256},
                {"pointer": "/tags/mcpdeploy:address", "before": null, "after": "aws.lambda.function.calculator"},
            ], "origin": "deploy.toml:9"},
            {"address": "aws.lambda.version.calculator", "action": "publish",
             "reason": {"dependency_changes": {"dependency": "aws.lambda.function.calculator", "pointers": ["/code"]}}, "changes": [
                {"pointer": "/code", "before": OLD_CODE, "after": NEW_CODE},
            ]},
            {"address": "aws.lambda.alias.live", "action": "update",
             "reason": {"dependency_changes": {"dependency": "aws.lambda.version.calculator", "pointers": ["/version"]}}, "changes": [
                {"pointer": "/version", "before": "7", "after": {"$unknown": "aws.lambda.version.calculator#/version"}},
            ]},
            {"address": "aws.apigatewayv2.stage.default", "action": "update",
             "reason": {"drifted": {"pointers": ["/throttling/rate_limit"]}}, "changes": [
                {"pointer": "/throttling/rate_limit", "before": 50, "after": 1000},
            ]},
            {"address": "aws.cloudwatch.alarm.old-latency", "action": "delete", "reason": "not_wanted"},
        ],
        "drift": [{"address": "aws.apigatewayv2.stage.default", "changes": [
            {"pointer": "/throttling/rate_limit", "before": 1000, "after": 50},
        ]}],
        "unchanged": unchanged(14),
        "steps": [
            {"address": "aws.logs.log_group.calculator", "op": {"create": {"wanted": {"inputs": {}}}}, "typical_ms": 300},
            {"address": "aws.lambda.function.calculator", "op": {"update": {"wanted": {"inputs": {},
                "depends_on": ["aws.logs.log_group.calculator"]}}}, "after": [0], "typical_ms": 4000},
            {"address": "aws.lambda.version.calculator", "op": {"create": {"wanted": {"inputs": {},
                "depends_on": ["aws.lambda.function.calculator"]}, "keeps": true}}, "after": [1], "typical_ms": 3000},
            {"address": "aws.lambda.alias.live", "op": {"update": {"wanted": {"inputs": {},
                "depends_on": ["aws.lambda.version.calculator"]}}}, "after": [2], "typical_ms": 400},
            {"address": "aws.cloudwatch.alarm.old-latency", "op": {"delete": {"slot": "current"}}, "typical_ms": 300},
        ],
    }))
}

/// Every action and every reason.
pub(super) fn everything() -> Plan {
    let statement =
        |actions: Value| json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]);
    let board = |period: u32| {
        json!({"widgets": [
        {"type": "metric", "properties": {"metrics": [["AWS/Lambda", "Errors", "FunctionName", "calculator"]], "period": period}},
        {"type": "text", "properties": {"markdown": "# calculator"}},
    ]}).to_string()
    };
    plan(json!({
        "recovered": [
            {"address": "aws.apigatewayv2.api.calculator", "finding": "adopted"},
            {"address": "aws.iam.role.exec", "finding": "not_created"},
        ],
        "actions": [
            {"address": "aws.iam.role.exec", "action": {"replace": {"order": "create_first"}},
             "reason": {"cannot_update": {"pointers": ["/path"]}}, "changes": [
                {"pointer": "/path", "before": "/", "after": "/mcp/"},
                {"pointer": "/inline_policies/logs/Statement",
                 "before": statement(json!(["logs:CreateLogStream", "logs:PutLogEvents"])),
                 "after": statement(json!(["logs:PutLogEvents"]))},
            ]},
            {"address": "aws.lambda.function.calculator", "action": "update",
             "reason": {"dependency_changes": {"dependency": "aws.iam.role.exec", "pointers": ["/role"]}}, "changes": [
                {"pointer": "/role", "before": "arn:aws:iam::123456789012:role/a-rather-long-name-of-a-role-for-the-calculator",
                 "after": {"$unknown": "aws.iam.role.exec#/arn"}},
            ]},
            {"address": "aws.dynamodb.table.sessions", "action": {"replace": {"order": "delete_first"}}, "reason": "relocated"},
            {"address": "aws.lambda.permission.gateway", "action": "create", "reason": "gone", "changes": [
                {"pointer": "/action", "before": null, "after": "lambda:InvokeFunction"},
            ]},
            {"address": "aws.apigatewayv2.integration.calculator-with-a-long-name", "action": "create", "reason": "new", "changes": [
                {"pointer": "/api", "before": null, "after": {"$unknown": "aws.apigatewayv2.api.calculator#/id"}},
                {"pointer": "/timeout_ms", "before": null, "after": 30000},
                {"pointer": "/payload_format_version", "before": null, "after": "2.0"},
            ]},
            {"address": "aws.lambda.function.worker", "action": "create", "reason": "new", "changes": [
                {"pointer": "/name", "before": null, "after": "worker"},
                {"pointer": "/code", "before": null, "after": NEW_CODE},
                {"pointer": "/memory_mb", "before": null, "after": 512},
                {"pointer": "/timeout_seconds", "before": null, "after": 30},
                {"pointer": "/architecture", "before": null, "after": "arm64"},
                {"pointer": "/tags", "before": null, "after": {"mcpdeploy:deployment": "calculator"}},
            ], "origin": "deploy.toml:30"},
            {"address": "aws.apigatewayv2.api.calculator", "action": "adopt", "reason": "owned", "changes": [
                {"pointer": "/cors/allow_origins", "before": ["https://a.example"], "after": ["https://a.example", "https://b.example"]},
                {"pointer": "/description", "before": null, "after": "An MCP server that adds, subtracts, multiplies and divides, and explains how it came to its results, step by step"},
            ]},
            {"address": "aws.cloudwatch.dashboard.calculator", "action": "update",
             "reason": {"changed": {"pointers": ["/body"]}}, "changes": [
                {"pointer": "/body", "before": board(300), "after": board(60)},
            ]},
            {"address": "aws.cloudwatch.alarm.errors", "action": "update", "reason": "incomplete"},
            {"address": "mcpdeploy.data.settings", "action": {"replace": {"order": "create_first"}}, "reason": "requested"},
            {"address": "aws.lambda.alias.live", "action": "update",
             "reason": {"changed": {"pointers": ["/description", "/name", "/routing", "/function", "/version"]}}, "changes": [
                {"pointer": "/version", "before": "7", "after": 7},
                {"pointer": "/routing/additional_versions_with_their_weights", "before": {"6": 0.1}, "after": null},
            ]},
            {"address": "aws.sns.topic.alarms", "action": "forget", "reason": "not_wanted"},
            {"address": "aws.iam.role.exec", "action": "delete_replaced", "reason": "replaced"},
            {"address": "aws.sqs.queue.old", "action": "delete", "reason": "destroy"},
        ],
        "drift": [
            {"address": "aws.lambda.permission.gateway", "changes": []},
            {"address": "aws.s3.bucket.artifacts", "changes": [
                {"pointer": "/versioning", "before": true, "after": false},
                {"pointer": "/tags/mcpdeploy:address", "before": "a", "after": "b"},
            ]},
        ],
        "unchanged": unchanged(3),
    }))
}

/// More than fits, of every sort.
pub(super) fn hostile() -> Plan {
    let long = "x".repeat(128);
    let paragraphs =
        "a line that is rather long, as lines of documents tend to be when nobody breaks them\n"
            .repeat(60);
    plan(json!({
        "deployment": "calc\u{1b}[2Julator",
        "actions": [
            {"address": format!("aws.lambda.function.{long}"), "action": "update",
             "reason": {"changed": {"pointers": [format!("/{long}"), "/a~1b"]}}, "changes": [
                {"pointer": format!("/{long}"), "before": long, "after": format!("{long}y")},
                {"pointer": "/text", "before": paragraphs, "after": paragraphs.replace("rather", "too")},
                {"pointer": "/日本", "before": "日本語".repeat(40), "after": "\u{1b}]0;title\u{7}"},
                {"pointer": "", "before": null, "after": {"$unknown": "mcpdeploy.data.x#/id"}},
            ]},
        ],
        "drift": (0..30).map(|n| json!({"address": format!("mcpdeploy.data.d-{n}"), "changes": [
            {"pointer": "/value", "before": long, "after": "\u{202e}evil"},
        ]})).collect::<Vec<_>>(),
    }))
}

pub(super) fn state() -> State {
    serde_json::from_value(json!({
        "format": 1, "lineage": "l", "serial": 7, "deployment": "calculator", "environment": "prod",
        "resources": {
            "aws.iam.role.exec": {
                "current": {"id": "calculator-exec-2", "inputs": {"name": "calculator-exec-2"}, "outputs": {}, "incomplete": true},
                "deposed": {"0": {"id": "calculator-exec", "inputs": {"name": "calculator-exec"}, "outputs": {}}},
            },
            "aws.lambda.function.calculator": {"current": {
                "id": "calculator",
                "inputs": {
                    "name": "calculator", "memory_mb": 512, "code": NEW_CODE, "layers": [], "description": null,
                    "environment": {"RUST_LOG": "info"},
                    "tags": {"team": "tools", "mcpdeploy:deployment": "calculator"},
                    "policy": {"Statement": [{"Effect": "Allow", "Action": "logs:*"}]},
                },
                "outputs": {"arn": "arn:aws:lambda:us-east-1:123456789012:function:calculator", "code_size": 2_718_281},
                "depends_on": ["aws.iam.role.exec", "aws.logs.log_group.calculator"],
                "placement": {"region": "us-east-1", "account": "123456789012"},
                "protect": true,
            }},
            "aws.lambda.version.calculator": {
                "current": {"id": "8", "inputs": {}, "outputs": {"version": "8"}},
                "history": [{"id": "6", "inputs": {}}, {"id": "7", "inputs": {}}],
            },
        },
        "pending": {"3": {"intent": {
            "op": 3, "address": "aws.apigatewayv2.api.calculator", "action": {"create": {}}, "inputs": {},
        }}},
    }))
    .unwrap()
}
