//! Who may assume a role: trust policies, judged.

use serde_json::Value;

use super::matching::{arn_like, glob, glob_exact};
use crate::cloud::ACCOUNT;

/// The condition operators that there are, without prefixes and `IfExists`.
pub(super) const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// Who wants to assume a role.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// A service, e.g. `lambda.amazonaws.com`.
    Service(&'a str),
    /// A caller of this account, by ARN, with the external id that it gave.
    Caller {
        arn: &'a str,
        external_id: Option<&'a str>,
    },
}

/// Whether a trust policy lets somebody assume its role. A `Deny` wins.
pub(super) fn trusts(document: &str, who: Who<'_>) -> bool {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = one_or_more(&document["Statement"]);
    let applies = |effect: &str| {
        statements.iter().any(|statement| {
            statement["Effect"] == effect
                && is_about_assuming(statement)
                && names(statement, who)
                && holds(&statement["Condition"], who)
        })
    };
    applies("Allow") && !applies("Deny")
}

/// The items of an array, or the one value that is none: policies may say either.
fn one_or_more(value: &Value) -> &[Value] {
    if let Value::Array(items) = value {
        items
    } else {
        std::slice::from_ref(value)
    }
}

fn list(value: &Value) -> impl Iterator<Item = &str> {
    one_or_more(value).iter().filter_map(Value::as_str)
}

fn is_about_assuming(statement: &Value) -> bool {
    let action = "sts:AssumeRole";
    match (&statement["Action"], &statement["NotAction"]) {
        (Value::Null, not) => !list(not).any(|pattern| glob(pattern, action)),
        (actions, _) => list(actions).any(|pattern| glob(pattern, action)),
    }
}

fn names(statement: &Value, who: Who<'_>) -> bool {
    match (&statement["Principal"], &statement["NotPrincipal"]) {
        (Value::Null, not) => !is_named(not, who),
        (principal, _) => is_named(principal, who),
    }
}

fn is_named(principal: &Value, who: Who<'_>) -> bool {
    if principal == "*" {
        return true;
    }
    match who {
        Who::Service(service) => list(&principal["Service"]).any(|name| name == service),
        Who::Caller { arn, .. } => {
            let root = format!("arn:aws:iam::{ACCOUNT}:root");
            list(&principal["AWS"]).any(|name| {
                name == "*" || name == ACCOUNT || name == root || name == arn
                    // A role is named for all of its sessions.
                    || session_of(name, arn)
            })
        }
    }
}

/// Whether a caller is a session of a role: `arn:aws:sts::…:assumed-role/<role>/<session>`.
fn session_of(role: &str, caller: &str) -> bool {
    let role = role.rsplit('/').next().filter(|_| role.contains(":role/"));
    let session = caller.split_once(":assumed-role/").map(|(_, rest)| rest);
    role.is_some() && session.and_then(|rest| rest.split('/').next()) == role
}

/// Whether all conditions hold. What this cloud cannot judge does not hold.
fn holds(condition: &Value, who: Who<'_>) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    let mut all = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, wanted)| (operator.as_str(), key.to_ascii_lowercase(), wanted))
    });
    all.all(|(operator, key, wanted)| {
        let value = match (key.as_str(), who) {
            ("aws:sourceaccount", Who::Service(_))
            | ("aws:principalaccount", Who::Caller { .. }) => Some(ACCOUNT),
            ("aws:principalarn", Who::Caller { arn, .. }) => Some(arn),
            ("sts:externalid", Who::Caller { external_id, .. }) => external_id,
            // Which function it will be is not known when the role is looked at.
            ("aws:sourcearn", Who::Service(_)) => return true,
            _ => None,
        };
        let if_exists = operator.strip_suffix("IfExists");
        match (value, if_exists) {
            (None, Some(_)) => true,
            (None, None) => operator == "Null" && list(wanted).any(|flag| flag == "true"),
            (Some(value), _) => compare(if_exists.unwrap_or(operator), value, wanted),
        }
    })
}

fn compare(operator: &str, value: &str, wanted: &Value) -> bool {
    let mut any = list(wanted);
    match operator {
        "StringEquals" | "ArnEquals" => any.any(|one| one == value),
        "StringNotEquals" | "ArnNotEquals" => any.all(|one| one != value),
        "StringEqualsIgnoreCase" => any.any(|one| one.eq_ignore_ascii_case(value)),
        "StringNotEqualsIgnoreCase" => any.all(|one| !one.eq_ignore_ascii_case(value)),
        "StringLike" => any.any(|one| glob_exact(one, value)),
        "StringNotLike" => any.all(|one| !glob_exact(one, value)),
        "ArnLike" => any.any(|one| arn_like(one, value)),
        "ArnNotLike" => any.all(|one| !arn_like(one, value)),
        "Null" => any.any(|one| one == "false"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LAMBDA: Who<'static> = Who::Service("lambda.amazonaws.com");

    fn of(principal: Value, condition: Value) -> String {
        json!({"Statement": {
            "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition,
        }})
        .to_string()
    }

    #[test]
    fn services_are_named() {
        let yes = |principal| trusts(&of(principal, json!({})), LAMBDA);
        assert!(yes(json!({"Service": "lambda.amazonaws.com"})));
        assert!(yes(
            json!({"Service": ["a.amazonaws.com", "lambda.amazonaws.com"]})
        ));
        assert!(yes(json!("*")));
        assert!(!yes(json!({"Service": "ec2.amazonaws.com"})));
        assert!(!yes(json!({"AWS": "*"})));
        assert!(!trusts("no json", LAMBDA));
    }

    #[test]
    fn callers_are_named_by_account_role_or_session() {
        let session = Who::Caller {
            arn: "arn:aws:sts::000000000000:assumed-role/r/s",
            external_id: Some("x"),
        };
        let yes = |principal: &str| trusts(&of(json!({"AWS": principal}), json!({})), session);
        assert!(yes("000000000000"));
        assert!(yes("arn:aws:iam::000000000000:root"));
        assert!(yes("arn:aws:iam::000000000000:role/path/r"));
        assert!(!yes("arn:aws:iam::000000000000:role/other"));
        assert!(!yes("123456789012"));
        let id = |id: &str| of(json!("*"), json!({"StringEquals": {"sts:ExternalId": id}}));
        assert!(trusts(&id("x"), session));
        assert!(!trusts(&id("y"), session));
    }

    #[test]
    fn conditions_and_denials() {
        let service = json!({"Service": "lambda.amazonaws.com"});
        let yes = |condition| trusts(&of(service.clone(), condition), LAMBDA);
        assert!(yes(json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}})));
        assert!(!yes(
            json!({"StringEquals": {"aws:SourceAccount": "123456789012"}})
        ));
        assert!(!yes(json!({"StringEquals": {"aws:Unknown": "x"}})));
        assert!(yes(json!({"StringEqualsIfExists": {"aws:Unknown": "x"}})));
        let denied = json!({"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sts:*"},
            {"Effect": "Deny", "Principal": service, "Action": "sts:AssumeRole"},
        ]});
        assert!(!trusts(&denied.to_string(), LAMBDA));
    }
}
