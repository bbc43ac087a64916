//! Keys and their names.

use mcpdeploy_testkit::check_kind::Case;
use serde_json::json;

use super::{REPLACE, UPDATE};
use crate::kinds::place::Place;

pub(in crate::kinds) fn kms_key(place: &Place) -> Case {
    let inputs = json!({
        "description": "what it is for",
        "deletion_window_days": 7,
        "tags": {"team": "a", "cost": "1"},
    });
    let root = format!("arn:aws:iam::{}:root", place.account);
    let statement = |who: serde_json::Value, actions: &[&str]| json!({"Effect": "Allow", "Principal": who, "Action": actions, "Resource": "*"});
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            statement(json!({"AWS": root}), &["kms:*"]),
            statement(json!({"Service": "sns.amazonaws.com"}), &["kms:Decrypt"]),
        ],
    });
    place
        .case(&[
            ("aws.kms.key.other", json!({"deletion_window_days": 7})),
            ("aws.kms.key.state", inputs),
        ])
        .edit("description", UPDATE, json!({"description": "other"}))
        .edit("no description", UPDATE, json!({"description": null}))
        .edit("rotation", UPDATE, json!({"rotation": false}))
        .edit("off", UPDATE, json!({"enabled": false, "rotation": false}))
        .edit("policy", UPDATE, json!({"policy": policy}))
        .edit("window", UPDATE, json!({"deletion_window_days": 30}))
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .build()
}

pub(in crate::kinds) fn kms_alias(place: &Place) -> Case {
    let key = json!({"deletion_window_days": 7});
    let inputs = json!({"name": "alias/calculator/state", "key": "${aws.kms.key.state.id}"});
    place
        .case(&[
            ("aws.kms.key.state", key.clone()),
            ("aws.kms.key.other", key),
            ("aws.kms.alias.state", inputs),
        ])
        .edit("key", UPDATE, json!({"key": "${aws.kms.key.other.id}"}))
        .edit("name", REPLACE, json!({"name": "alias/calculator/other"}))
        .build()
}
