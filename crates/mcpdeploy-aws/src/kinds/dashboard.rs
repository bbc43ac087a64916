//! `aws.cloudwatch.dashboard`: a dashboard of CloudWatch.
//!
//! Facts, from the CloudWatch API reference:
//! - a name is unique within the account, whatever the region; PutDashboard creates and replaces
//!   without asking whose it is;
//! - its body is JSON in a text; equal is what is equal as JSON;
//! - PutDashboard may answer with validation messages: what they are about is saved but not shown,
//!   and a body that cannot be rendered at all is refused with them;
//! - deleting what is absent is DashboardNotFoundError;
//! - the first three dashboards of an account cost nothing.

use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Ref, is_open};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::account::account;
use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{DashboardName, partition};

/// A dashboard.
#[derive(Debug)]
pub enum Dashboard {}

/// What one can ask of a dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DashboardInputs {
    /// Its name: 1 to 255 letters, digits, `-` and `_`.
    pub name: DashboardName,
    /// Its widgets and settings, see "Dashboard body structure and syntax" in CloudWatch's API
    /// reference. References may stand anywhere in it.
    pub body: DashboardBody,
}

/// The body of a dashboard: JSON with its keys in order, references inside or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DashboardBody(Value);

impl DashboardBody {
    /// The body in its one form.
    #[must_use]
    pub fn new(body: &Value) -> Self {
        Self(canonical(body))
    }

    fn observed(text: &str) -> Self {
        // Another's text that is no JSON is a difference to show, no reason to fail.
        serde_json::from_str(text).map_or_else(|_| Self(text.into()), |body| Self::new(&body))
    }
}

impl<'de> Deserialize<'de> for DashboardBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = Value::deserialize(deserializer)?;
        match &body {
            Value::Object(_) => Ok(Self::new(&body)),
            Value::String(text) => {
                let body = serde_json::from_str(text).map_err(serde::de::Error::custom)?;
                Ok(Self::new(&body))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                Err(serde::de::Error::custom("a dashboard's body is an object"))
            }
        }
    }
}

impl JsonSchema for DashboardBody {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DashboardBody".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The body of a dashboard: an object, or its JSON as text.",
            "type": ["object", "string"],
        })
    }
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries
                .into_iter()
                .map(|(key, value)| (key.clone(), canonical(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardOutputs {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: DashboardName,
}

impl Dashboard {
    /// Refers to the ARN of the dashboard at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<String> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the dashboard at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<DashboardName> {
        Ref::new(address, "/name")
    }
}

impl Kind for Dashboard {
    const NAME: &'static str = "aws.cloudwatch.dashboard";
    const REPLACE_ON: &'static [&'static str] = &["/name"];

    type Clients = Clients;
    type Inputs = DashboardInputs;
    type Outputs = DashboardOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = inputs.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || name.len() > 255 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!("`{name}` is no dashboard's name: 1 to 255 letters, digits, `-` and `_`"),
            );
        }
        let body = &inputs.body.0;
        let widgets = body.get("widgets");
        if !is_open(body) && !widgets.is_some_and(|widgets| widgets.is_array() || is_open(widgets))
        {
            return wrong("/body", "a dashboard's body has a list of `widgets`");
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let on = arn(
            placement.region_or_any(),
            placement.account_or_any(),
            inputs.name.as_str(),
        );
        let action = match op {
            Op::Read => "cloudwatch:GetDashboard",
            Op::Create | Op::Update => "cloudwatch:PutDashboard",
            Op::Delete => "cloudwatch:DeleteDashboards",
        };
        vec![Permission::new(action, on)]
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let answer = cx
            .clients
            .cloudwatch()
            .get_dashboard()
            .dashboard_name(name)
            .send()
            .await
            .found("cloudwatch", "GetDashboard", name)?;
        Ok(answer.map(|answer| Observed {
            id: PhysicalId::new(name),
            inputs: DashboardInputs {
                name: name.into(),
                body: DashboardBody::observed(answer.dashboard_body().unwrap_or_default()),
            },
            outputs: outputs(name, answer.dashboard_arn().unwrap_or_default()),
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        put(cx, want).await?;
        Ok(Created::id(&want.name))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        _: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if delta.updates("/body") {
            put(cx, want).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        match so_far {
            Some(outputs) => Ok(outputs),
            None => {
                let arn = arn(cx.clients.region(), &account(cx).await?, id.as_str());
                Ok(outputs(id.as_str(), &arn))
            }
        }
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .cloudwatch()
            .delete_dashboards()
            .dashboard_names(id.as_str())
            .send()
            .await
            .removed("cloudwatch", "DeleteDashboards", id)
    }
}

/// A dashboard's ARN names no region.
fn arn(region: &str, account: &str, name: &str) -> String {
    format!(
        "arn:{}:cloudwatch::{account}:dashboard/{name}",
        partition(region)
    )
}

fn outputs(name: &str, arn: &str) -> DashboardOutputs {
    DashboardOutputs {
        arn: arn.to_owned(),
        name: name.into(),
    }
}

/// Creates or replaces it.
async fn put(cx: &Cx<'_, Clients>, want: &DashboardInputs) -> Result<(), KindError> {
    let answer = cx
        .clients
        .cloudwatch()
        .put_dashboard()
        .dashboard_name(&want.name)
        .dashboard_body(want.body.0.to_string())
        .send()
        .await
        .fault("cloudwatch", "PutDashboard", &want.name)?;
    let messages: Vec<String> = answer
        .dashboard_validation_messages()
        .iter()
        .map(|found| {
            let (at, message) = (
                found.data_path().unwrap_or("/"),
                found.message().unwrap_or_default(),
            );
            format!("{at}: {message}")
        })
        .collect();
    if messages.is_empty() {
        return Ok(());
    }
    Err(KindError::fatal(format!(
        "the dashboard's body is not valid: {}",
        messages.join("; ")
    ))
    .on(want.name.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(body: &Value) -> DashboardInputs {
        serde_json::from_value(json!({"name": "x", "body": body})).unwrap()
    }

    #[test]
    fn equal_json_is_an_equal_body() {
        let a = inputs(&json!({"widgets": [{"b": 1, "a": 2}], "start": "-PT1H"}));
        let text = r#" {"start":"-PT1H","widgets":[{"a":2,"b":1}]} "#;
        let b = inputs(&Value::String(text.to_owned()));
        assert_eq!(
            serde_json::to_string(&a).unwrap(),
            serde_json::to_string(&b).unwrap()
        );
        assert_eq!(DashboardBody::observed(text), a.body);
    }

    #[test]
    fn references_stay() {
        let body = json!({"widgets": [{"properties": {"title": {"$ref": "aws.lambda.function.x#/name"}}}]});
        assert_eq!(Dashboard::validate(&inputs(&body)), Ok(()));
        assert_eq!(inputs(&body).body.0, body);
        assert!(Dashboard::validate(&inputs(&json!({}))).is_err());
    }
}
