//! Policy documents: what is one, in the words of AWS.
//!
//! Source: "Grammar of the IAM JSON policy language"; the messages are those that IAM answers with.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::faults::malformed;
use super::trust::OPERATORS;
use crate::wire::Fault;

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Who may assume a role.
    Trust,
    /// What an identity may do, written into it.
    Inline,
    /// What an identity may do, as a policy of its own.
    Managed,
}

const TOP: &[&str] = &["Version", "Id", "Statement"];
const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Checks a policy. `known` tells whether the role or user of an ARN in this account exists.
///
/// # Errors
/// `MalformedPolicyDocument`.
pub(super) fn check(
    text: &str,
    purpose: Purpose,
    known: impl Fn(&str) -> bool,
) -> Result<(), Fault> {
    let document: Value =
        serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let document = document.as_object().ok_or_else(syntax)?;
    only(document, TOP)?;
    check_version(document.get("Version"), purpose)?;
    if document.get("Id").is_some_and(|id| !id.is_string()) {
        return Err(syntax());
    }
    let statements: Vec<&Value> = match document.get("Statement") {
        None => return Err(malformed("Missing required field Statement")),
        Some(Value::Array(statements)) if statements.is_empty() => return Err(syntax()),
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
    };
    let mut sids = BTreeSet::new();
    for statement in statements {
        let statement = statement.as_object().ok_or_else(syntax)?;
        only(statement, ELEMENTS)?;
        if let Some(sid) = sid(statement)?
            && !sids.insert(sid)
        {
            return Err(malformed(
                "Statement IDs (SID) in a single policy must be unique.",
            ));
        }
        check_effect(statement)?;
        match purpose {
            Purpose::Trust => check_trust(statement, &known)?,
            Purpose::Inline | Purpose::Managed => check_identity(statement)?,
        }
        check_condition(statement.get("Condition"))?;
    }
    Ok(())
}

fn syntax() -> Fault {
    malformed("Syntax errors in policy.")
}

fn only(object: &Map<String, Value>, names: &[&str]) -> Result<(), Fault> {
    if object.keys().all(|key| names.contains(&key.as_str())) {
        Ok(())
    } else {
        Err(syntax())
    }
}

fn check_version(version: Option<&Value>, purpose: Purpose) -> Result<(), Fault> {
    match (version.map(Value::as_str), purpose) {
        (Some(Some("2012-10-17")), _)
        | (None | Some(Some("2008-10-17")), Purpose::Trust | Purpose::Inline) => Ok(()),
        (None | Some(Some("2008-10-17")), Purpose::Managed) => Err(malformed(
            "Policy document must be version 2012-10-17 or greater.",
        )),
        (Some(_), _) => Err(syntax()),
    }
}

fn sid(statement: &Map<String, Value>) -> Result<Option<&str>, Fault> {
    match statement.get("Sid") {
        None => Ok(None),
        Some(Value::String(sid)) if sid.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Ok(Some(sid.as_str()).filter(|sid| !sid.is_empty()))
        }
        Some(Value::String(_)) => Err(malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the \
             regular expression [0-9A-Za-z]*",
        )),
        Some(_) => Err(syntax()),
    }
}

fn check_effect(statement: &Map<String, Value>) -> Result<(), Fault> {
    match statement.get("Effect").map(Value::as_str) {
        Some(Some("Allow" | "Deny")) => Ok(()),
        Some(Some(other)) => Err(malformed(format!("Invalid effect: {other}"))),
        Some(None) => Err(syntax()),
        None => Err(malformed("Missing required field Effect")),
    }
}

/// The texts of an element that is one or a list of them; nothing when it is not there.
fn texts<'a>(statement: &'a Map<String, Value>, name: &str) -> Result<Option<Vec<&'a str>>, Fault> {
    let texts = match statement.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => Some(vec![text.as_str()]),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => None,
    };
    texts.map(Some).ok_or_else(syntax)
}

/// The texts of an element or of its opposite, of which there is exactly one.
fn either<'a>(
    statement: &'a Map<String, Value>,
    name: &str,
    missing: &str,
) -> Result<Vec<&'a str>, Fault> {
    match (
        texts(statement, name)?,
        texts(statement, &format!("Not{name}"))?,
    ) {
        (Some(_), Some(_)) => Err(syntax()),
        (Some(texts), None) | (None, Some(texts)) if !texts.is_empty() => Ok(texts),
        (_, _) => Err(malformed(missing)),
    }
}

fn check_trust(statement: &Map<String, Value>, known: &impl Fn(&str) -> bool) -> Result<(), Fault> {
    for prohibited in ["Resource", "NotResource"] {
        if statement.contains_key(prohibited) {
            return Err(malformed(format!("Has prohibited field {prohibited}")));
        }
    }
    let actions = either(statement, "Action", "Missing required field Action")?;
    let of_sts = |action: &&str| action.to_ascii_lowercase().starts_with("sts:");
    if !actions.iter().all(of_sts) {
        return Err(malformed(
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ));
    }
    let principal = statement
        .get("Principal")
        .or_else(|| statement.get("NotPrincipal"))
        .ok_or_else(|| malformed("Missing required field Principal"))?;
    let kinds = match principal {
        Value::String(all) if all == "*" => return Ok(()),
        Value::Object(kinds) if !kinds.is_empty() => kinds,
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => return Err(malformed("Invalid principal in policy")),
    };
    for kind in kinds.keys() {
        for who in texts(kinds, kind)?.unwrap_or_default() {
            let fits = match kind.as_str() {
                "AWS" => is_account_principal(who, known),
                "Service" => who.contains('.') || who == "*",
                "Federated" | "CanonicalUser" => !who.is_empty(),
                _ => false,
            };
            if !fits {
                let kind = kind.to_ascii_uppercase();
                return Err(malformed(format!(
                    "Invalid principal in policy: \"{kind}\":\"{who}\""
                )));
            }
        }
    }
    Ok(())
}

fn is_account_principal(who: &str, known: &impl Fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = who.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam" | "sts", "", account, name] => {
            let account = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
            account && (*name == "root" || known(who))
        }
        [one] => {
            *one == "*"
                || one.len() == 12 && one.chars().all(|c| c.is_ascii_digit())
                || one.starts_with("AROA")
                || one.starts_with("AIDA")
        }
        _ => false,
    }
}

fn check_identity(statement: &Map<String, Value>) -> Result<(), Fault> {
    if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
        return Err(malformed("Policy document should not specify a principal."));
    }
    let actions = either(
        statement,
        "Action",
        "Policy statement must contain actions.",
    )?;
    for action in actions {
        check_action(action)?;
    }
    let resources = either(
        statement,
        "Resource",
        "Policy statement must contain resources.",
    )?;
    for resource in resources {
        if resource != "*" && !(resource.starts_with("arn:") && resource.split(':').count() >= 6) {
            // A wildcard may stand for several parts: `arn:aws:s3*`.
            if resource.starts_with("arn:") && resource.contains('*') {
                continue;
            }
            return Err(malformed(format!(
                "Resource {resource} must be in ARN format or \"*\"."
            )));
        }
    }
    Ok(())
}

fn check_action(action: &str) -> Result<(), Fault> {
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return Err(malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ));
    };
    if name.contains(':') {
        return Err(malformed("Actions/Condition can contain only one colon."));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.*?".contains(c);
    if vendor.is_empty() || !vendor.chars().all(fits) {
        return Err(malformed(format!("Vendor {vendor} is not valid")));
    }
    Ok(())
}

fn check_condition(condition: Option<&Value>) -> Result<(), Fault> {
    let Some(condition) = condition else {
        return Ok(());
    };
    for (operator, keys) in condition.as_object().ok_or_else(syntax)? {
        let bare = operator
            .strip_prefix("ForAnyValue:")
            .or_else(|| operator.strip_prefix("ForAllValues:"))
            .unwrap_or(operator);
        let bare = bare.strip_suffix("IfExists").unwrap_or(bare);
        if !OPERATORS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(bare))
        {
            return Err(malformed(format!("Invalid Condition type : {operator}.")));
        }
        for value in keys.as_object().ok_or_else(syntax)?.values() {
            let leaf = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
            let fits = leaf(value) || value.as_array().is_some_and(|all| all.iter().all(leaf));
            if !fits {
                return Err(syntax());
            }
        }
    }
    Ok(())
}

/// The characters of a policy that count towards its size: all but white space.
pub(super) fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(purpose: Purpose, statement: Value) -> String {
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        match check(&text, purpose, |_| false) {
            Ok(()) => "fine".to_owned(),
            Err(fault) => fault.message,
        }
    }

    #[test]
    fn identity_policies() {
        let check = |statement: Value| refused(Purpose::Inline, statement);
        for (statement, says) in [
            (
                json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
                "fine",
            ),
            (
                json!({"Effect": "Deny", "NotAction": ["s3:*"], "NotResource": ["arn:aws:s3:::a/*"]}),
                "fine",
            ),
            (
                json!({"Action": "s3:*", "Resource": "*"}),
                "Missing required field Effect",
            ),
            (
                json!({"Effect": "allow", "Action": "s3:*", "Resource": "*"}),
                "Invalid effect: allow",
            ),
            (
                json!({"Effect": "Allow", "Resource": "*"}),
                "Policy statement must contain actions.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*"}),
                "Policy statement must contain resources.",
            ),
            (
                json!({"Effect": "Allow", "Action": [], "Resource": "*"}),
                "Policy statement must contain actions.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*", "Resource": "x"}),
                "Resource x must be in ARN format or \"*\".",
            ),
            (
                json!({"Effect": "Allow", "Action": "Get", "Resource": "*"}),
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
            (
                json!({"Effect": "Allow", "Action": "a:b:c", "Resource": "*"}),
                "Actions/Condition can contain only one colon.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}),
                "Syntax errors in policy.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}),
                "Policy document should not specify a principal.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Colour": 1}),
                "Syntax errors in policy.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringSounds": {}}}),
                "Invalid Condition type : StringSounds.",
            ),
            (
                json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": "a*"}}}),
                "fine",
            ),
        ] {
            assert_eq!(check(statement.clone()), says, "{statement}");
        }
    }

    #[test]
    fn trust_policies() {
        let of = |principal: Value| {
            let action = "sts:AssumeRole";
            let statement = json!({"Effect": "Allow", "Principal": principal, "Action": action});
            refused(Purpose::Trust, statement)
        };
        assert_eq!(of(json!({"Service": "lambda.amazonaws.com"})), "fine");
        assert_eq!(
            of(json!({"AWS": ["123456789012", "arn:aws:iam::123456789012:root"]})),
            "fine"
        );
        assert_eq!(of(json!("*")), "fine");
        assert_eq!(
            of(json!({"AWS": "arn:aws:iam::123456789012:role/x"})),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/x\""
        );
        assert_eq!(
            of(json!({"Service": "lambda"})),
            "Invalid principal in policy: \"SERVICE\":\"lambda\""
        );
        assert_eq!(
            of(json!({"Robot": "x"})),
            "Invalid principal in policy: \"ROBOT\":\"x\""
        );
        let says = |statement| refused(Purpose::Trust, statement);
        assert_eq!(
            says(json!({"Effect": "Allow", "Action": "sts:AssumeRole"})),
            "Missing required field Principal"
        );
        assert_eq!(
            says(json!({"Effect": "Allow", "Action": "s3:Get", "Principal": "*"})),
            "AssumeRole policy may only specify STS AssumeRole actions."
        );
        assert_eq!(
            says(
                json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*", "Resource": "*"})
            ),
            "Has prohibited field Resource"
        );
    }

    #[test]
    fn whole_documents() {
        let says = |text: &str, purpose| check(text, purpose, |_| false).unwrap_err().message;
        let inline = Purpose::Inline;
        assert_eq!(says("{", inline), "This policy contains invalid Json");
        assert_eq!(says("[]", inline), "Syntax errors in policy.");
        assert_eq!(says("{}", inline), "Missing required field Statement");
        let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        let old = format!(r#"{{"Version":"2008-10-17","Statement":{statement}}}"#);
        assert!(check(&old, inline, |_| false).is_ok());
        assert_eq!(
            says(&old, Purpose::Managed),
            "Policy document must be version 2012-10-17 or greater."
        );
        let unknown = format!(r#"{{"Version":"2015-01-01","Statement":{statement}}}"#);
        assert_eq!(says(&unknown, inline), "Syntax errors in policy.");
        let twice = r#"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#;
        let twice = format!(r#"{{"Version":"2012-10-17","Statement":[{twice},{twice}]}}"#);
        assert!(says(&twice, inline).contains("must be unique"));
    }
}
