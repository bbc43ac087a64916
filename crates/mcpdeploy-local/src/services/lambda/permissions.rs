//! Resource policies: who else may invoke a function, a version or an alias.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Lambda;
use super::faults::{Violations, conflict, invalid, no_function, not_found, stale};
use super::functions::created;
use super::model::{Function, revision};
use super::names::{self, LATEST, Target};
use crate::cloud::ACCOUNT;
use crate::services::iam::matching::{arn_like, glob};
use crate::wire::{Call, Fault, Reply};

/// The largest policy, in bytes. Source: "Lambda quotas".
const LARGEST: usize = 20 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Add {
    statement_id: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    source_arn: Option<String>,
    source_account: Option<String>,
    event_source_token: Option<String>,
    #[serde(rename = "PrincipalOrgID")]
    principal_org_id: Option<String>,
    function_url_auth_type: Option<String>,
    invoked_via_function_url: Option<bool>,
    revision_id: Option<String>,
}

impl Lambda {
    pub(super) fn add_permission(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        if target.qualifier.as_deref() == Some(LATEST) {
            return Err(invalid(
                "We currently do not support adding policies for $LATEST.",
            ));
        }
        let add: Add = call.json()?;
        add.check()?;
        let statement = add.statement(&target)?;
        let text = statement.to_string();
        let sid = add.statement_id.unwrap_or_default();
        self.lock().change(&target, |function| {
            let qualifier = policy_of(function, &target)?;
            let at = function.revision_mut(&qualifier);
            let at = at.ok_or_else(|| no_function(&target.arn()))?;
            if add.revision_id.is_some_and(|id| id != *at) {
                return Err(stale("GetPolicy"));
            }
            *at = revision();
            let statements = function.policies.entry(qualifier).or_default();
            if statements
                .iter()
                .any(|statement| statement["Sid"] == sid.as_str())
            {
                return Err(conflict(format!(
                    "The statement id ({sid}) provided already exists. Please provide a new \
                     statement id, or remove the existing statement."
                )));
            }
            statements.push(statement);
            let size = document(statements).len();
            if size > LARGEST {
                return Err(Fault::bad(
                    "PolicyLengthExceededException",
                    format!("The final policy size ({size}) is bigger than the limit ({LARGEST})."),
                )
                .field("Type", "User"));
            }
            Ok(())
        })?;
        Ok(created(json!({ "Statement": text })))
    }

    pub(super) fn get_policy(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let none = || not_found("The resource you requested does not exist.");
        let function = self.lock().functions.get(&target.key()).cloned();
        let mut function = function.ok_or_else(none)?;
        let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
        let statements = function.policies.get(qualifier).ok_or_else(none)?;
        let policy = document(statements);
        let revision = function.revision_mut(qualifier).ok_or_else(none)?;
        Ok(Reply::output(
            json!({ "Policy": policy, "RevisionId": *revision }),
        ))
    }

    pub(super) fn remove_permission(
        &self,
        call: &Call,
        function: &str,
        sid: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let mut rows = self.lock();
        if rows.functions.get(&target.key()).is_none() {
            return Err(not_found(format!("No policy found for: {}", target.arn())));
        }
        rows.change(&target, |function| {
            let qualifier = policy_of(function, &target)?;
            let Some(statements) = function.policies.get_mut(&qualifier) else {
                return Err(not_found(
                    "No policy is associated with the given resource.",
                ));
            };
            let before = statements.len();
            statements.retain(|statement| statement["Sid"] != sid);
            if statements.len() == before {
                return Err(not_found(format!(
                    "Statement {sid} is not found in resource policy."
                )));
            }
            if statements.is_empty() {
                function.policies.remove(&qualifier);
            }
            let at = function.revision_mut(&qualifier);
            let at = at.ok_or_else(|| no_function(&target.arn()))?;
            if call.query("RevisionId").is_some_and(|id| id != at) {
                return Err(stale("GetFunction/GetAlias"));
            }
            *at = revision();
            Ok(())
        })?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

impl Add {
    fn check(&self) -> Result<(), Fault> {
        let mut violations = Violations::default();
        match &self.statement_id {
            None => violations.missing("statementId"),
            Some(sid) => {
                violations.longest(sid, "statementId", 100);
                if sid.is_empty() || !sid.chars().all(names::is_word) {
                    violations.add(
                        sid,
                        "statementId",
                        "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
                    );
                }
            }
        }
        match &self.action {
            None => violations.missing("action"),
            Some(action) => {
                let fits = action == "*"
                    || action.strip_prefix("lambda:").is_some_and(|name| {
                        name == "*"
                            || !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic())
                    });
                if !fits {
                    violations.add(
                        action,
                        "action",
                        "Member must satisfy regular expression pattern: \
                         (lambda:[*]|lambda:[a-zA-Z]+|[*])",
                    );
                }
            }
        }
        if self.principal.is_none() {
            violations.missing("principal");
        }
        if let Some(account) = &self.source_account
            && !(account.len() == 12 && names::is_number(account))
        {
            violations.add(
                account,
                "sourceAccount",
                r"Member must satisfy regular expression pattern: \d{12}",
            );
        }
        if let Some(arn) = &self.source_arn
            && arn.split(':').count() < 6
        {
            violations.add(
                arn,
                "sourceArn",
                r"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
            );
        }
        if let Some(kind) = &self.function_url_auth_type {
            violations.one_of(kind, "functionUrlAuthType", &["NONE", "AWS_IAM"]);
        }
        violations.check()
    }

    /// The statement as AWS writes it.
    fn statement(&self, target: &Target) -> Result<Value, Fault> {
        let mut condition = Map::new();
        let equals = [
            ("lambda:FunctionUrlAuthType", &self.function_url_auth_type),
            ("aws:PrincipalOrgID", &self.principal_org_id),
            ("AWS:SourceAccount", &self.source_account),
            ("lambda:EventSourceToken", &self.event_source_token),
        ];
        let equals: Map<String, Value> = equals
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?.into())))
            .collect();
        if !equals.is_empty() {
            condition.insert("StringEquals".to_owned(), equals.into());
        }
        if let Some(via) = self.invoked_via_function_url {
            let via = json!({ "lambda:InvokedViaFunctionUrl": via.to_string() });
            condition.insert("Bool".to_owned(), via);
        }
        if let Some(arn) = &self.source_arn {
            condition.insert("ArnLike".to_owned(), json!({ "AWS:SourceArn": arn }));
        }
        let mut statement = json!({
            "Sid": self.statement_id,
            "Effect": "Allow",
            "Principal": principal(self.principal.as_deref().unwrap_or_default())?,
            "Action": self.action,
            "Resource": target.arn(),
        });
        if !condition.is_empty() {
            statement["Condition"] = condition.into();
        }
        Ok(statement)
    }
}

/// The principal as a policy has it.
fn principal(given: &str) -> Result<Value, Fault> {
    if given == "*" {
        return Ok("*".into());
    }
    if given.len() == 12 && names::is_number(given) {
        return Ok(json!({ "AWS": format!("arn:aws:iam::{given}:root") }));
    }
    if given.starts_with("arn:") && matches!(given.split(':').nth(2), Some("iam" | "sts")) {
        return Ok(json!({ "AWS": given }));
    }
    let service = given.strip_suffix(".amazonaws.com");
    if service
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| names::is_word(c) || c == '.'))
    {
        return Ok(json!({ "Service": given }));
    }
    Err(invalid(
        "The provided principal was invalid. Please check the principal and try again.",
    ))
}

/// Which policy of a function a target means.
fn policy_of(function: &Function, target: &Target) -> Result<String, Fault> {
    let qualifier = target.qualifier.as_deref().unwrap_or(LATEST);
    if function.has(qualifier) {
        return Ok(qualifier.to_owned());
    }
    Err(if names::is_alias(qualifier) {
        not_found(format!("Cannot find alias arn: {}", target.arn()))
    } else {
        no_function(&target.arn())
    })
}

fn document(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements }).to_string()
}

/// Whether a policy lets a service of this account invoke, for what has the ARN `source`.
pub(super) fn allows(statements: Option<&Vec<Value>>, principal: &str, source: &str) -> bool {
    let mut statements = statements.into_iter().flatten();
    statements.any(|statement| {
        let action = statement["Action"].as_str().unwrap_or_default();
        let who = &statement["Principal"];
        glob(action, "lambda:InvokeFunction")
            && (who == "*" || who["Service"] == principal)
            && holds(&statement["Condition"], source)
    })
}

/// Whether each condition holds; one that this cloud cannot judge does not.
fn holds(condition: &Value, source: &str) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    let mut all = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, value)| (operator.as_str(), key, value.as_str().unwrap_or_default()))
    });
    all.all(|(operator, key, value)| match operator {
        "ArnLike" if key.eq_ignore_ascii_case("aws:SourceArn") => arn_like(value, source),
        "StringEquals" if key.eq_ignore_ascii_case("aws:SourceAccount") => {
            // Where the ARN has no account (a bucket's), it is in this one.
            let account = source.split(':').nth(4).filter(|part| !part.is_empty());
            account.unwrap_or(ACCOUNT) == value
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(value: Value) -> Result<Value, Fault> {
        let add: Add = serde_json::from_value(value).unwrap();
        add.check()?;
        add.statement(&Target {
            region: "us-east-1".to_owned(),
            name: "f".to_owned(),
            qualifier: Some("live".to_owned()),
        })
    }

    #[test]
    fn a_statement_is_written_as_aws_does() {
        let statement = add(json!({
            "StatementId": "api",
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": "arn:aws:execute-api:us-east-1:000000000000:a1/*/*/mcp",
            "SourceAccount": "000000000000",
        }));
        assert_eq!(
            statement.unwrap().to_string(),
            r#"{"Sid":"api","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f:live","Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"},"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:000000000000:a1/*/*/mcp"}}}"#
        );
    }

    #[test]
    fn principals() {
        let root = json!({"AWS": "arn:aws:iam::123456789012:root"});
        assert_eq!(principal("123456789012").unwrap(), root);
        assert_eq!(principal("arn:aws:iam::123456789012:root").unwrap(), root);
        assert_eq!(principal("*").unwrap(), "*");
        assert!(principal("somebody").is_err());
        assert!(principal(".amazonaws.com").is_err());
    }

    #[test]
    fn a_policy_allows_by_principal_and_source() {
        let api = "apigateway.amazonaws.com";
        let source = "arn:aws:execute-api:us-east-1:000000000000:a1/$default/POST/mcp";
        let of = |extra: Value| {
            let mut input = json!({
                "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": api,
            });
            input
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            vec![add(input).unwrap()]
        };
        let yes = |extra: Value| allows(Some(&of(extra)), api, source);
        assert!(!allows(None, api, source));
        assert!(yes(json!({})));
        assert!(!allows(Some(&of(json!({}))), "sns.amazonaws.com", source));
        assert!(yes(
            json!({"SourceArn": "arn:aws:execute-api:us-east-1:000000000000:a1/*/*"})
        ));
        assert!(yes(
            json!({"SourceArn": "arn:aws:execute-api:us-east-1:000000000000:a1/*/POST/mcp"})
        ));
        assert!(!yes(
            json!({"SourceArn": "arn:aws:execute-api:us-east-1:000000000000:a1/*/GET/mcp"})
        ));
        assert!(!yes(
            json!({"SourceArn": "arn:aws:execute-api:us-east-1:000000000000:b2/*/*"})
        ));
        assert!(yes(json!({"SourceAccount": "000000000000"})));
        assert!(!yes(json!({"SourceAccount": "123456789012"})));
        assert!(!yes(json!({"EventSourceToken": "t"})));
        assert!(!yes(json!({"Action": "lambda:GetFunction"})));
    }
}
