//! Roles and what holds data: buckets, objects, tables, secrets, parameters.

use mcpdeploy_testkit::check_kind::Case;
use serde_json::{Value, json};

use super::{REPLACE, SUCCEED, UPDATE};
use crate::kinds::place::{Place, zips};
use crate::support::emulator::REGION;

const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// A policy with one statement.
fn policy(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// Lets a service assume a role.
pub(super) fn trust(service: &str) -> Value {
    policy(json!({
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
    }))
}

pub(in crate::kinds) fn role(place: &Place) -> Case {
    let read = |resource: &str| {
        policy(json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}))
    };
    let logs = policy(json!({
        "Effect": "Allow",
        "Action": ["logs:PutLogEvents", "logs:CreateLogStream"],
        "Resource": ["*"],
    }));
    let inputs = json!({
        "name": "exec",
        "description": "what it is for",
        "assume_role_policy": trust("lambda.amazonaws.com"),
        "inline_policies": {"read": read("arn:aws:s3:::a/*"), "logs": logs},
        "managed_policies": [BASIC],
        "tags": {"team": "a", "cost": "1"},
    });
    let name = "aws.iam.role.exec";
    place
        .case(&[(name, inputs)])
        .edit(
            "settings",
            UPDATE,
            json!({"description": "other", "max_session_seconds": 7200}),
        )
        .edit("no description", UPDATE, json!({"description": null}))
        .edit(
            "trust",
            UPDATE,
            json!({"assume_role_policy": trust("edgelambda.amazonaws.com")}),
        )
        .edit(
            "inline policies",
            UPDATE,
            json!({"inline_policies": {"read": read("arn:aws:s3:::b/*"), "more": read("*")}}),
        )
        .edit(
            "managed policies",
            UPDATE,
            json!({"managed_policies": [READ_ONLY]}),
        )
        .edit(
            "boundary",
            UPDATE,
            json!({"permissions_boundary": READ_ONLY}),
        )
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "other"}))
        .edit("path", SUCCEED, json!({"path": "/mcp/"}))
        .build()
}

pub(in crate::kinds) fn bucket(place: &Place) -> Case {
    let name = format!("check-{}", place.account);
    let inputs = json!({"name": name, "tags": {"team": "a", "cost": "1"}});
    place
        .case(&[("aws.s3.bucket.files", inputs)])
        .edit("versioning", UPDATE, json!({"versioning": true}))
        .edit("expiration", UPDATE, json!({"expiration_days": 30}))
        .edit("force", UPDATE, json!({"force_destroy": true}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": format!("{name}-other")}))
        .build()
}

pub(in crate::kinds) fn object(place: &Place) -> Case {
    let [a, b] = zips();
    let files = json!({"name": format!("check-object-{}", place.account)});
    let inputs = json!({
        "bucket": "${aws.s3.bucket.files.name}",
        "key": "code/a.zip",
        "source": a.sha256,
    });
    place
        .case(&[
            ("aws.s3.bucket.files", files),
            ("aws.s3.object.code", inputs),
        ])
        .edit("source", UPDATE, json!({"source": b.sha256}))
        .edit("key", REPLACE, json!({"key": "code/b c.zip"}))
        .build()
}

pub(in crate::kinds) fn table(place: &Place) -> Case {
    let inputs = json!({
        "name": "sessions",
        "hash_key": "id",
        "ttl_attribute": "expires",
        "indexes": {"by-user": {"hash_key": "user"}},
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[("aws.dynamodb.table.sessions", inputs)])
        .edit("time to live", UPDATE, json!({"ttl_attribute": null}))
        .edit("another time to live", UPDATE, json!({"ttl_attribute": "until"}))
        .edit("recovery", UPDATE, json!({"point_in_time_recovery": true}))
        .edit("protection", UPDATE, json!({"deletion_protection": true}))
        .protects()
        .edit("stream", UPDATE, json!({"stream": "keys_only"}))
        .edit(
            "indexes",
            UPDATE,
            json!({"indexes": {"by-time": {"hash_key": "day", "range_key": "at", "range_key_type": "N"}}}),
        )
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "other"}))
        .edit("keys", SUCCEED, json!({"range_key": "at", "range_key_type": "N"}))
        .build()
}

pub(in crate::kinds) fn secret(place: &Place) -> Case {
    let inputs = json!({
        "name": "calculator/key",
        "description": "what it is for",
        "generate": {"bytes": 32},
        "tags": {"team": "a", "cost": "1"},
    });
    let rotation = |schedule: &str| {
        let function = format!("arn:aws:lambda:{REGION}:{}:function:rotate", place.account);
        json!({"rotation": {"function": function, "schedule": schedule}})
    };
    place
        .case(&[("aws.secretsmanager.secret.key", inputs)])
        .edit("a longer value", UPDATE, json!({"generate": {"bytes": 64}}))
        .edit("rotation", UPDATE, rotation("rate(30 days)"))
        .edit("rotation by the hour", UPDATE, rotation("rate(12 hours)"))
        .edit("description", UPDATE, json!({"description": "other"}))
        .edit("no description", UPDATE, json!({"description": null}))
        .edit("recovery", UPDATE, json!({"recovery_window_days": 7}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "calculator/other"}))
        .build()
}

pub(in crate::kinds) fn parameter(place: &Place) -> Case {
    let inputs = json!({
        "name": "/calculator/key",
        "description": "what it is for",
        "generate": {"bytes": 32},
        "tags": {"team": "a", "cost": "1"},
    });
    place
        .case(&[("aws.ssm.parameter.key", inputs)])
        .edit("a longer value", UPDATE, json!({"generate": {"bytes": 64}}))
        .edit("description", UPDATE, json!({"description": "other"}))
        .edit("no description", UPDATE, json!({"description": null}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("name", REPLACE, json!({"name": "/calculator/other"}))
        .build()
}
