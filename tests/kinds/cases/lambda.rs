//! Functions and what belongs to one.

use mcpdeploy_engine::plan::Action;
use mcpdeploy_testkit::check_kind::Case;
use serde_json::{Value, json};

use super::data::trust;
use super::{REPLACE, SUCCEED, UPDATE};
use crate::kinds::place::{Place, zips};
use crate::support::emulator::Product;

const ROLE: &str = "aws.iam.role.exec";
const FUNCTION: &str = "aws.lambda.function.calculator";
const VERSION: &str = "aws.lambda.version.calculator";
const ALIAS: &str = "aws.lambda.alias.live";

fn of_role() -> (&'static str, Value) {
    let inputs = json!({"name": "exec", "assume_role_policy": trust("lambda.amazonaws.com")});
    (ROLE, inputs)
}

fn of_function() -> (&'static str, Value) {
    let [code, _] = zips();
    let inputs = json!({
        "name": "calculator",
        "role": "${aws.iam.role.exec.arn}",
        "code": {"sha256": code.sha256, "size": code.size},
        "tags": {"team": "a", "cost": "1"},
    });
    (FUNCTION, inputs)
}

fn of_version() -> (&'static str, Value) {
    let inputs = json!({
        "function": "${aws.lambda.function.calculator.name}",
        "fingerprint": "${aws.lambda.function.calculator.fingerprint}",
    });
    (VERSION, inputs)
}

fn of_alias() -> (&'static str, Value) {
    let inputs = json!({
        "function": "${aws.lambda.function.calculator.name}",
        "name": "live",
        "version": "${aws.lambda.version.calculator.version}",
    });
    (ALIAS, inputs)
}

pub(in crate::kinds) fn function(place: &Place) -> Case {
    let [_, other] = zips();
    let other = json!({"sha256": other.sha256, "size": other.size});
    let settings = json!({
        "memory_mb": 256,
        "timeout_seconds": 30,
        "description": "what it is for",
        "environment": {"MODE": "fast"},
    });
    let logs = json!({"tracing": "Active", "log_group": "/mcp/calculator"});
    place
        .case(&[of_role(), of_function()])
        .edit("settings", UPDATE, settings)
        .edit("tracing and logs", UPDATE, logs)
        .edit("code", UPDATE, json!({"code": other}))
        .edit(
            "code and settings",
            UPDATE,
            json!({"code": other, "memory_mb": 512}),
        )
        .edit("concurrency", UPDATE, json!({"reserved_concurrency": 2}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "other"}))
        .build()
}

pub(in crate::kinds) fn version(place: &Place) -> Case {
    place
        .case(&[of_role(), of_function(), of_version()])
        .edit_of(
            "the function",
            FUNCTION,
            json!({"memory_mb": 256}),
            Action::Publish,
            Action::Publish,
        )
        .edit_of(
            "another function",
            FUNCTION,
            json!({"name": "other"}),
            REPLACE,
            REPLACE,
        )
        .build()
}

pub(in crate::kinds) fn alias(place: &Place) -> Case {
    place
        .case(&[of_role(), of_function(), of_version(), of_alias()])
        .edit(
            "description",
            UPDATE,
            json!({"description": "what it is for"}),
        )
        .edit_of(
            "the version",
            FUNCTION,
            json!({"memory_mb": 256}),
            UPDATE,
            UPDATE,
        )
        .edit("latest", UPDATE, json!({"version": "$LATEST"}))
        .edit(
            "provisioned concurrency",
            UPDATE,
            json!({"provisioned_concurrency": 1}),
        )
        .edit("name", REPLACE, json!({"name": "next"}))
        .build()
}

pub(in crate::kinds) fn permission(place: &Place) -> Case {
    let mut inputs = json!({
        "function": "${aws.lambda.function.calculator.name}",
        "statement_id": "api",
        "principal": "apigateway.amazonaws.com",
        "source_arn": "arn:aws:execute-api:us-east-1:123456789012:abc/*/*",
    });
    // Moto does not know the policy of an alias: there it is the function's.
    if place.product == Product::Ministack {
        inputs["qualifier"] = json!("${aws.lambda.alias.live.name}");
    }
    let subject = ("aws.lambda.permission.api", inputs);
    place
        .case(&[of_role(), of_function(), of_version(), of_alias(), subject])
        .edit(
            "source",
            SUCCEED,
            json!({"source_arn": "arn:aws:execute-api:us-east-1:123456789012:def/*/*"}),
        )
        .edit(
            "principal",
            SUCCEED,
            json!({"principal": "210987654321", "source_arn": null}),
        )
        .edit("statement", REPLACE, json!({"statement_id": "gateway"}))
        .build()
}
