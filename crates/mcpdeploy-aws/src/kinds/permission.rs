//! `aws.lambda.permission`: a statement in a function's resource policy that lets somebody invoke
//! it.
//!
//! Facts, from the Lambda API reference:
//! - each function, version and alias has a policy of its own, reached by the qualifier;
//! - AddPermission adds one statement, whose id is unique within the policy; there is no changing
//!   it, only removing and adding;
//! - GetPolicy gives the whole policy as text and is "not found" when there is none;
//! - the source is in the statement's condition: `ArnLike` `AWS:SourceArn`, `StringEquals`
//!   `AWS:SourceAccount`; an account as principal comes back as the ARN of its root.

use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission as Allowed, Placement,
    Who,
};
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lambda_shared::{arn, serial_key};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{AliasName, FunctionName};

/// A statement in a function's resource policy.
#[derive(Debug)]
pub enum Permission {}

/// What one can ask of a permission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PermissionInputs {
    /// The function that may be invoked.
    pub function: Input<FunctionName>,
    /// The alias (or the number of the version) that may be invoked; `$LATEST` when not set.
    #[serde(default)]
    pub qualifier: Option<Input<AliasName>>,
    /// The statement's id: 1 to 100 letters, digits, `-` and `_`.
    pub statement_id: String,
    /// What is allowed.
    #[serde(default = "invoke")]
    pub action: String,
    /// Who is allowed: a service, e.g. `apigateway.amazonaws.com`, an account or an ARN.
    pub principal: String,
    /// On whose behalf a service may: e.g. the ARN of an API's routes. May have `*` in it.
    #[serde(default)]
    pub source_arn: Option<Input<String>>,
    /// The account on whose behalf a service may.
    #[serde(default)]
    pub source_account: Option<String>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionOutputs {
    /// The statement's id.
    pub statement_id: String,
}

fn invoke() -> String {
    "lambda:InvokeFunction".to_owned()
}

impl Kind for Permission {
    const NAME: &'static str = "aws.lambda.permission";
    const REPLACE_ON: &'static [&'static str] = &[
        "/function",
        "/qualifier",
        "/statement_id",
        "/action",
        "/principal",
        "/source_arn",
        "/source_account",
    ];

    type Clients = Clients;
    type Inputs = PermissionInputs;
    type Outputs = PermissionOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: Target::of(inputs).to_string(),
            key: inputs.statement_id.clone(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        Some(serial_key(&inputs.function))
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        let id = inputs.statement_id.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 100 || !id.chars().all(fits) {
            return wrong(
                "/statement_id",
                format!("`{id}` is no statement's id: 1 to 100 letters, digits, `-` and `_`"),
            );
        }
        if !inputs.action.starts_with("lambda:") {
            return wrong(
                "/action",
                format!("`{}` is no action of Lambda", inputs.action),
            );
        }
        if inputs.principal.is_empty() {
            return wrong("/principal", "somebody must be allowed".to_owned());
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Allowed> {
        // Checked against the function's ARN, with the qualifier where there is one.
        let mut on = arn(inputs.function.known(), placement);
        if let Some(qualifier) = &inputs.qualifier {
            on = format!("{on}:{}", qualifier.known().map_or("*", AliasName::as_str));
        }
        let actions: &[&str] = match op {
            Op::Read => &["lambda:GetPolicy"],
            Op::Create => &["lambda:AddPermission"],
            Op::Update => &[],
            Op::Delete => &["lambda:RemovePermission"],
        };
        Allowed::all(actions, &on)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let id = match who.id {
            Some(id) => id.clone(),
            None => id(who.inputs),
        };
        let (target, statement_id) = parts(&id)?;
        let answer = cx
            .clients
            .lambda()
            .get_policy()
            .function_name(target.function)
            .set_qualifier(target.qualifier.map(str::to_owned))
            .send()
            .await
            .found("lambda", "GetPolicy", &id)?;
        let Some(policy) = answer.as_ref().and_then(|answer| answer.policy()) else {
            return Ok(None);
        };
        Ok(find(policy, statement_id)?.map(|statement| Observed {
            id: id.clone(),
            inputs: PermissionInputs {
                function: FunctionName::new(target.function).into(),
                qualifier: target
                    .qualifier
                    .map(|qualifier| AliasName::new(qualifier).into()),
                statement_id: statement_id.to_owned(),
                action: text(&statement["Action"]),
                principal: principal(&statement["Principal"], &who.inputs.principal),
                source_arn: condition(&statement, "aws:sourcearn").map(Input::Value),
                source_account: condition(&statement, "aws:sourceaccount"),
            },
            outputs: outputs(statement_id),
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let target = Target::of(want);
        let id = id(want);
        cx.clients
            .lambda()
            .add_permission()
            .function_name(target.function)
            .set_qualifier(target.qualifier.map(str::to_owned))
            .statement_id(&want.statement_id)
            .action(&want.action)
            .principal(&want.principal)
            .set_source_arn(want.source_arn.as_ref().map(|arn| arn.get().clone()))
            .set_source_account(want.source_account.clone())
            .send()
            .await
            .fault("lambda", "AddPermission", &id)?;
        Ok(Created::with(id.as_str(), outputs(&want.statement_id)))
    }

    async fn configure(
        _: &Cx<'_, Clients>,
        _: &PhysicalId,
        _: &Self::Inputs,
        _: &Delta<'_>,
    ) -> Result<(), KindError> {
        Ok(())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        _: &PhysicalId,
        want: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        Ok(outputs(&want.statement_id))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (target, statement_id) = parts(id)?;
        cx.clients
            .lambda()
            .remove_permission()
            .function_name(target.function)
            .set_qualifier(target.qualifier.map(str::to_owned))
            .statement_id(statement_id)
            .send()
            .await
            .removed("lambda", "RemovePermission", id)
    }
}

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target<'a> {
    function: &'a str,
    qualifier: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(inputs: &'a PermissionInputs) -> Self {
        Self {
            function: inputs.function.get().as_str(),
            qualifier: inputs
                .qualifier
                .as_ref()
                .map(|qualifier| qualifier.get().as_str()),
        }
    }
}

impl std::fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.qualifier {
            Some(qualifier) => write!(f, "{}:{qualifier}", self.function),
            None => f.write_str(self.function),
        }
    }
}

/// `<function>[:<qualifier>]/<statement>`.
fn id(inputs: &PermissionInputs) -> PhysicalId {
    PhysicalId::new(format!("{}/{}", Target::of(inputs), inputs.statement_id))
}

fn parts(id: &PhysicalId) -> Result<(Target<'_>, &str), KindError> {
    let (target, statement) = id.as_str().split_once('/').ok_or_else(|| {
        KindError::fatal("the id of a permission is <function>[:<qualifier>]/<statement>")
            .on(id.as_str())
    })?;
    let target = match target.split_once(':') {
        Some((function, qualifier)) => Target {
            function,
            qualifier: Some(qualifier),
        },
        None => Target {
            function: target,
            qualifier: None,
        },
    };
    Ok((target, statement))
}

fn outputs(statement_id: &str) -> PermissionOutputs {
    PermissionOutputs {
        statement_id: statement_id.to_owned(),
    }
}

/// The statement with that id.
fn find(policy: &str, statement_id: &str) -> Result<Option<Value>, KindError> {
    let policy: Value = serde_json::from_str(policy)
        .map_err(|error| KindError::fatal(format!("the function's policy is no JSON: {error}")))?;
    let statements = policy["Statement"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    Ok(statements
        .iter()
        .find(|statement| statement["Sid"] == statement_id)
        .cloned())
}

/// Text, or the only element of a list.
fn text(value: &Value) -> String {
    let value = match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        Some(_) | None => value,
    };
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The principal in the spelling of `asked`, if it is the same.
fn principal(value: &Value, asked: &str) -> String {
    let found = match value.as_object() {
        Some(map) => map.values().next().map_or_else(String::new, text),
        None => text(value),
    };
    let account = |text: &str| {
        text.strip_suffix(":root")
            .and_then(|arn| arn.rsplit_once("::"))
            .map_or_else(|| text.to_owned(), |(_, account)| account.to_owned())
    };
    if account(&found) == account(asked) {
        asked.to_owned()
    } else {
        found
    }
}

/// The value of a condition's key, whatever the operator.
fn condition(statement: &Value, key: &str) -> Option<String> {
    statement["Condition"]
        .as_object()?
        .values()
        .filter_map(Value::as_object)
        .flatten()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| text(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Version":"2012-10-17","Id":"default","Statement":[
        {"Sid":"other","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"r"},
        {"Sid":"api","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},
         "Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:eu-central-1:1:function:x:live",
         "Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},
                      "ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:eu-central-1:1:id/*"}}}]}"#;

    #[test]
    fn a_statement_is_found_and_read() {
        let statement = find(POLICY, "api").unwrap().unwrap();
        assert_eq!(text(&statement["Action"]), "lambda:InvokeFunction");
        assert_eq!(
            condition(&statement, "aws:sourcearn").as_deref(),
            Some("arn:aws:execute-api:eu-central-1:1:id/*")
        );
        assert_eq!(
            condition(&statement, "aws:sourceaccount").as_deref(),
            Some("123456789012")
        );
        assert_eq!(find(POLICY, "none").unwrap(), None);
        let other = find(POLICY, "other").unwrap().unwrap();
        assert_eq!(condition(&other, "aws:sourcearn"), None);
    }

    #[test]
    fn an_account_has_two_spellings() {
        let root = serde_json::json!({"AWS": "arn:aws:iam::123456789012:root"});
        assert_eq!(principal(&root, "123456789012"), "123456789012");
        assert_eq!(
            principal(&root, "arn:aws:iam::123456789012:root"),
            "arn:aws:iam::123456789012:root"
        );
        assert_eq!(principal(&root, "other"), "arn:aws:iam::123456789012:root");
        let service = serde_json::json!({"Service": "sns.amazonaws.com"});
        assert_eq!(
            principal(&service, "sns.amazonaws.com"),
            "sns.amazonaws.com"
        );
    }

    #[test]
    fn ids_come_apart_again() {
        let mut inputs = PermissionInputs {
            function: FunctionName::new("x").into(),
            qualifier: Some(AliasName::new("live").into()),
            statement_id: "api".into(),
            action: invoke(),
            principal: "apigateway.amazonaws.com".into(),
            source_arn: None,
            source_account: None,
        };
        assert!(Permission::validate(&inputs).is_ok());
        assert_eq!(parts(&id(&inputs)).unwrap(), (Target::of(&inputs), "api"));
        inputs.qualifier = None;
        assert_eq!(id(&inputs).as_str(), "x/api");
        assert_eq!(parts(&id(&inputs)).unwrap(), (Target::of(&inputs), "api"));
    }
}
