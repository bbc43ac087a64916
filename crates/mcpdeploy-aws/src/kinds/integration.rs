//! `aws.apigatewayv2.integration`: how an HTTP API reaches a Lambda function.
//!
//! Facts, from the API Gateway v2 API reference:
//! - ids are the service's, unique within the API; there are neither names nor tags: an integration
//!   is found again by our address, which its description carries;
//! - `AWS_PROXY` takes the ARN of a function, version or alias, and gives it back as given;
//! - the payload format is 1.0 or 2.0, the time limit 50 ms to 30 s;
//! - changes of one API at the same time are refused with ConflictException;
//! - one that a route points at cannot be deleted.

use aws_sdk_apigatewayv2::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api;
use super::inputs::{int, uint, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ApiId, IntegrationId};

/// An integration of an HTTP API with a Lambda function (`AWS_PROXY`).
#[derive(Debug)]
pub enum Integration {}

/// What one can ask of an integration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationInputs {
    /// The API it belongs to.
    pub api: Input<ApiId>,
    /// The ARN of the function, version or alias that it invokes.
    pub uri: Input<String>,
    /// The form of the event: `1.0` or `2.0`.
    #[serde(default = "payload_format")]
    pub payload_format_version: String,
    /// How many milliseconds the function may take, 50 to 30000.
    #[serde(default = "timeout")]
    pub timeout_ms: u32,
}

fn payload_format() -> String {
    "2.0".to_owned()
}

fn timeout() -> u32 {
    30_000
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntegrationOutputs {
    /// Its id within the API.
    pub id: IntegrationId,
}

impl Integration {
    /// Refers to the id of the integration at `address`: the target of a route.
    #[must_use]
    pub fn id(address: &Address) -> Ref<IntegrationId> {
        Ref::new(address, "/id")
    }
}

impl Kind for Integration {
    const NAME: &'static str = "aws.apigatewayv2.integration";
    const REPLACE_ON: &'static [&'static str] = &["/api"];

    type Clients = Clients;
    type Inputs = IntegrationInputs;
    type Outputs = IntegrationOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs
                .api
                .known()
                .map(ToString::to_string)
                .unwrap_or_default(),
            // What stands for it is its address, which is not among the inputs; within one API the
            // function tells integrations apart well enough.
            key: inputs.uri.known().cloned().unwrap_or_default(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        inputs.api.known().map(ToString::to_string)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if !(50..=30_000).contains(&inputs.timeout_ms) {
            return wrong(
                "/timeout_ms",
                "API Gateway waits 50 to 30000 milliseconds; for longer calls use a function URL",
            );
        }
        if !["1.0", "2.0"].contains(&inputs.payload_format_version.as_str()) {
            return wrong(
                "/payload_format_version",
                "the payload format is 1.0 or 2.0",
            );
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        child_permissions(op, &inputs.api, "integrations", placement)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (api, found) = match who.id {
            Some(id) => {
                let (api, integration) = split(id)?;
                (api, get(cx, api, integration).await?)
            }
            None => {
                let api = who.inputs.api.get().as_str();
                (api, find(cx, api, who.others).await?)
            }
        };
        let Some(integration) = found else {
            return Ok(None);
        };
        let id = integration.integration_id().unwrap_or_default();
        Ok(Some(Observed {
            id: child_id(api, id),
            outputs: IntegrationOutputs {
                id: IntegrationId::new(id),
            },
            inputs: IntegrationInputs {
                api: ApiId::new(api).into(),
                uri: integration.integration_uri().unwrap_or_default().into(),
                payload_format_version: integration
                    .payload_format_version()
                    .unwrap_or("1.0")
                    .to_owned(),
                timeout_ms: integration
                    .timeout_in_millis()
                    .map_or_else(timeout, |ms| uint(Some(ms))),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let api = want.api.get();
        let answer = cx
            .clients
            .apigatewayv2()
            .create_integration()
            .api_id(api)
            .integration_type(sdk::IntegrationType::AwsProxy)
            .integration_uri(want.uri.get())
            .payload_format_version(&want.payload_format_version)
            .timeout_in_millis(int(want.timeout_ms))
            .description(mark(cx.address))
            .send()
            .await
            .fault("apigatewayv2", "CreateIntegration", api)?;
        let id = answer.integration_id().unwrap_or_default();
        let outputs = IntegrationOutputs {
            id: IntegrationId::new(id),
        };
        Ok(Created::with(child_id(api.as_str(), id).as_str(), outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&["/uri", "/payload_format_version", "/timeout_ms"]) {
            return Ok(());
        }
        let (api, integration) = split(id)?;
        cx.clients
            .apigatewayv2()
            .update_integration()
            .api_id(api)
            .integration_id(integration)
            .integration_uri(want.uri.get())
            .payload_format_version(&want.payload_format_version)
            .timeout_in_millis(int(want.timeout_ms))
            .description(mark(cx.address))
            .send()
            .await
            .fault("apigatewayv2", "UpdateIntegration", id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let (_, integration) = split(id)?;
        Ok(so_far.unwrap_or_else(|| IntegrationOutputs {
            id: IntegrationId::new(integration),
        }))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (api, integration) = split(id)?;
        cx.clients
            .apigatewayv2()
            .delete_integration()
            .api_id(api)
            .integration_id(integration)
            .send()
            .await
            .removed("apigatewayv2", "DeleteIntegration", id)
    }
}

/// What the description of an integration of ours says.
fn mark(address: &Address) -> String {
    format!("mcpdeploy:{address}")
}

async fn get(
    cx: &Cx<'_, Clients>,
    api: &str,
    id: &str,
) -> Result<Option<sdk::Integration>, KindError> {
    let answer = cx
        .clients
        .apigatewayv2()
        .get_integration()
        .api_id(api)
        .integration_id(id)
        .send()
        .await
        .found("apigatewayv2", "GetIntegration", id)?;
    Ok(answer.map(|found| {
        sdk::Integration::builder()
            .set_integration_id(found.integration_id)
            .set_integration_uri(found.integration_uri)
            .set_payload_format_version(found.payload_format_version)
            .set_timeout_in_millis(found.timeout_in_millis)
            .build()
    }))
}

/// The integration whose description names our address.
async fn find(
    cx: &Cx<'_, Clients>,
    api: &str,
    others: &[PhysicalId],
) -> Result<Option<sdk::Integration>, KindError> {
    let mark = mark(cx.address);
    let mut next = None;
    loop {
        let page = cx
            .clients
            .apigatewayv2()
            .get_integrations()
            .api_id(api)
            .set_next_token(next)
            .send()
            .await
            .found("apigatewayv2", "GetIntegrations", api)?;
        let Some(page) = page else { return Ok(None) };
        let ours = page.items.into_iter().flatten().find(|found| {
            let id = child_id(api, found.integration_id().unwrap_or_default());
            found.description() == Some(&mark) && !others.contains(&id)
        });
        next = page.next_token.filter(|token| !token.is_empty());
        if ours.is_some() || next.is_none() {
            return Ok(ours);
        }
    }
}

/// The id of what belongs to an API: `<API id>/<its id>`.
pub(super) fn child_id(api: &str, id: &str) -> PhysicalId {
    PhysicalId::new(format!("{api}/{id}"))
}

/// The API's id and the child's of an id that [`child_id`] made.
pub(super) fn split(id: &PhysicalId) -> Result<(&str, &str), KindError> {
    let parts = id.as_str().split_once('/');
    parts
        .filter(|(api, child)| !api.is_empty() && !child.is_empty())
        .ok_or_else(|| KindError::fatal(format!("`{id}` is not of the form <API id>/<id>")))
}

/// What calls to the children of an API need: `sort` is the path's segment, e.g. `routes`.
pub(super) fn child_permissions(
    op: Op,
    api: &Input<ApiId>,
    sort: &str,
    placement: &Placement,
) -> Vec<Permission> {
    let api = api.known().map_or("*", ApiId::as_str);
    let all = api::arn(placement.region_or_any(), &format!("/{api}/{sort}"));
    let one = format!("{all}/*");
    match op {
        Op::Read => vec![
            Permission::new("apigateway:GET", all),
            Permission::new("apigateway:GET", one),
        ],
        Op::Create => vec![Permission::new("apigateway:POST", all)],
        Op::Update => Permission::all(&["apigateway:GET", "apigateway:PATCH"], &one),
        Op::Delete => vec![Permission::new("apigateway:DELETE", one)],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn little_is_enough() {
        let inputs: IntegrationInputs = serde_json::from_value(json!({
            "api": {"$ref": "aws.apigatewayv2.api.x#/id"},
            "uri": {"$ref": "aws.lambda.alias.live#/arn"},
        }))
        .unwrap();
        assert_eq!(Integration::validate(&inputs), Ok(()));
        assert_eq!(inputs.timeout_ms, 30_000);
        assert_eq!(Integration::serial_key(&inputs), None);
    }

    #[test]
    fn impossible_values_are_refused() {
        for (timeout_ms, fine) in [(49, false), (50, true), (30_000, true), (30_001, false)] {
            let inputs = json!({"api": "a", "uri": "u", "timeout_ms": timeout_ms});
            let inputs = serde_json::from_value(inputs).unwrap();
            assert_eq!(Integration::validate(&inputs).is_ok(), fine, "{timeout_ms}");
        }
    }

    #[test]
    fn ids_of_children_come_apart() {
        assert_eq!(
            split(&child_id("a1", "$default")).unwrap(),
            ("a1", "$default")
        );
        assert!(split(&PhysicalId::new("a1")).is_err());
        assert!(split(&PhysicalId::new("a1/")).is_err());
    }
}
