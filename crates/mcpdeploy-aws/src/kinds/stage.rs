//! `aws.apigatewayv2.stage`: a stage of an HTTP API.
//!
//! Facts, from the API Gateway v2 API reference and developer guide:
//! - a name is unique within the API; `$default` answers at the root, every other name adds a path
//!   segment, which breaks well-known addresses;
//! - UpdateStage cannot remove access logs (DeleteAccessLogSettings does) nor throttling; without
//!   throttling of its own a stage has the account's, 10000 requests a second and a burst of 5000,
//!   so those values stand for none;
//! - UpdateStage merges stage variables: one set to nothing is removed;
//! - a log group's ARN is taken without `:*`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigatewayv2::operation::get_stage::GetStageOutput;
use aws_sdk_apigatewayv2::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Tags, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api;
use super::inputs::{int, uint, wrong, yes};
use super::integration::{child_id, child_permissions, split};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ApiId, LogGroupArn, StageName};
use crate::tags;

/// What the account allows every stage.
const ACCOUNT_THROTTLING: Throttling = Throttling {
    rate_limit: 10_000.0,
    burst_limit: 5_000,
};

/// One JSON object a request, with what one looks for first.
const ACCESS_LOG_FORMAT: &str = r#"{"requestId":"$context.requestId","time":"$context.requestTimeEpoch","ip":"$context.identity.sourceIp","method":"$context.httpMethod","path":"$context.path","route":"$context.routeKey","status":"$context.status","bytes":"$context.responseLength","latencyMs":"$context.responseLatency","integrationStatus":"$context.integrationStatus","integrationLatencyMs":"$context.integrationLatency","integrationError":"$context.integrationErrorMessage","error":"$context.error.message","authorizerError":"$context.authorizer.error","userAgent":"$context.identity.userAgent"}"#;

/// A stage of an HTTP API.
#[derive(Debug)]
pub enum Stage {}

/// What one can ask of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageInputs {
    /// The API it belongs to.
    pub api: Input<ApiId>,
    /// Its name; `$default` answers at the root of the API's address.
    #[serde(default = "default_name")]
    pub name: StageName,
    /// Whether changes of the API take effect at once.
    #[serde(default = "yes")]
    pub auto_deploy: bool,
    /// How many requests it lets through; what the account allows when not set.
    #[serde(default)]
    pub throttling: Option<Throttling>,
    /// Whether CloudWatch has metrics of each route, which costs extra.
    #[serde(default)]
    pub detailed_metrics: bool,
    /// Where each request is logged; nowhere when not set.
    #[serde(default)]
    pub access_logs: Option<AccessLogs>,
    /// Variables that integrations can use.
    #[serde(default)]
    pub variables: BTreeMap<String, Input<String>>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn default_name() -> StageName {
    StageName::new("$default")
}

/// How many requests a stage lets through before it answers 429.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttling {
    /// Requests a second, in the long run.
    pub rate_limit: f64,
    /// Requests at once.
    pub burst_limit: u32,
}

/// Where and how requests are logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessLogs {
    /// The log group.
    pub destination: Input<LogGroupArn>,
    /// What is logged of each request, with `$context` variables; a JSON object when not set.
    #[serde(default = "default_format")]
    pub format: String,
}

fn default_format() -> String {
    ACCESS_LOG_FORMAT.to_owned()
}

impl AccessLogs {
    /// Logs to `destination`, one JSON object a request.
    pub fn to(destination: impl Into<Input<LogGroupArn>>) -> Self {
        Self {
            destination: destination.into(),
            format: default_format(),
        }
    }

    fn to_sdk(&self) -> sdk::AccessLogSettings {
        sdk::AccessLogSettings::builder()
            .destination_arn(self.destination.get())
            .format(&self.format)
            .build()
    }

    fn observed(settings: &sdk::AccessLogSettings) -> Option<Self> {
        let arn = settings.destination_arn().filter(|arn| !arn.is_empty())?;
        Some(Self {
            destination: LogGroupArn::new(arn.strip_suffix(":*").unwrap_or(arn)).into(),
            format: settings.format().unwrap_or_default().to_owned(),
        })
    }
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageOutputs {
    /// Its name.
    pub name: StageName,
    /// Its ARN.
    pub arn: String,
}

impl Stage {
    /// Refers to the name of the stage at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<StageName> {
        Ref::new(address, "/name")
    }

    /// Refers to the ARN of the stage at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<String> {
        Ref::new(address, "/arn")
    }
}

impl Kind for Stage {
    const NAME: &'static str = "aws.apigatewayv2.stage";
    const REPLACE_ON: &'static [&'static str] = &["/api", "/name"];
    const TAGGABLE: bool = true;

    type Clients = Clients;
    type Inputs = StageInputs;
    type Outputs = StageOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs
                .api
                .known()
                .map(ToString::to_string)
                .unwrap_or_default(),
            key: inputs.name.to_string(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        inputs.api.known().map(ToString::to_string)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = inputs.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name != "$default" && (name.is_empty() || name.len() > 128 || !name.chars().all(fits)) {
            return wrong(
                "/name",
                format!(
                    "`{name}` is no stage's name: `$default`, or 1 to 128 letters, digits, `-` and `_`"
                ),
            );
        }
        if let Some(throttling) = &inputs.throttling
            && !(throttling.rate_limit.is_finite() && throttling.rate_limit >= 0.0)
        {
            return wrong(
                "/throttling/rate_limit",
                "a number of requests a second, 0 or more",
            );
        }
        for (name, value) in &inputs.variables {
            if value.known().is_some_and(String::is_empty) {
                return wrong(
                    &format!("/variables/{name}"),
                    "API Gateway keeps no variable without a value",
                );
            }
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let mut permissions = child_permissions(op, &inputs.api, "stages", placement);
        if op == Op::Update {
            // DeleteAccessLogSettings is a DELETE below the stage.
            let api = inputs.api.known().map_or("*", ApiId::as_str);
            let stages = api::arn(placement.region_or_any(), &format!("/{api}/stages/*"));
            permissions.push(Permission::new("apigateway:DELETE", stages));
        }
        permissions.extend(api::tag_permissions(op, placement));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let by_identity;
        let id = match who.id {
            Some(id) => id,
            None => {
                by_identity = child_id(who.inputs.api.get().as_str(), who.inputs.name.as_str());
                &by_identity
            }
        };
        let Some(stage) = get(cx, id).await? else {
            return Ok(None);
        };
        let (api, name) = split(id)?;
        let settings = stage.default_route_settings();
        let throttling = settings.and_then(throttling);
        let asks_for_none = who.inputs.throttling.is_none();
        let outputs = outputs(cx, id)?;
        let told = tags::from_map(stage.tags());
        let tags = api::read_tags(cx, &outputs.arn, told, &who.inputs.tags).await?;
        Ok(Some(Observed {
            id: id.clone(),
            outputs,
            inputs: StageInputs {
                api: ApiId::new(api).into(),
                name: StageName::new(name),
                auto_deploy: stage.auto_deploy().unwrap_or_default(),
                throttling: throttling
                    .filter(|found| !(asks_for_none && *found == ACCOUNT_THROTTLING)),
                detailed_metrics: settings
                    .and_then(sdk::RouteSettings::detailed_metrics_enabled)
                    .unwrap_or_default(),
                access_logs: stage.access_log_settings().and_then(AccessLogs::observed),
                variables: stage
                    .stage_variables()
                    .into_iter()
                    .flatten()
                    // One without a value is one that was removed.
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(key, value)| (key.clone(), value.clone().into()))
                    .collect(),
                tags,
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let api = want.api.get();
        let variables: HashMap<_, _> = variables(want).collect();
        cx.clients
            .apigatewayv2()
            .create_stage()
            .api_id(api)
            .stage_name(&want.name)
            .auto_deploy(want.auto_deploy)
            .default_route_settings(route_settings(want, false))
            .set_access_log_settings(want.access_logs.as_ref().map(AccessLogs::to_sdk))
            .set_stage_variables((!variables.is_empty()).then_some(variables))
            .set_tags((!want.tags.is_empty()).then(|| tags::to_map(&want.tags)))
            .send()
            .await
            .fault(
                "apigatewayv2",
                "CreateStage",
                format!("{api} {}", want.name),
            )?;
        let id = child_id(api.as_str(), want.name.as_str());
        Ok(Created::with(id.as_str(), outputs(cx, &id)?))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if delta.is_created() {
            return Ok(());
        }
        let client = cx.clients.apigatewayv2();
        let (api, name) = split(id)?;
        let logs_changed = delta.updates("/access_logs");
        if logs_changed && want.access_logs.is_none() {
            client
                .delete_access_log_settings()
                .api_id(api)
                .stage_name(name)
                .send()
                .await
                .removed("apigatewayv2", "DeleteAccessLogSettings", id)?;
        }
        let have = match delta.updates("/variables") {
            true => get(cx, id).await?,
            false => None,
        };
        let rest = delta.updates_any(&[
            "/auto_deploy",
            "/throttling",
            "/detailed_metrics",
            "/variables",
        ]);
        if rest || logs_changed && want.access_logs.is_some() {
            // What is there and not wanted is set to nothing, which removes it.
            let unwanted = have
                .iter()
                .filter_map(|stage| stage.stage_variables())
                .flatten();
            let mut merged: HashMap<_, _> = unwanted
                .map(|(key, _)| (key.clone(), String::new()))
                .collect();
            merged.extend(variables(want));
            client
                .update_stage()
                .api_id(api)
                .stage_name(name)
                .auto_deploy(want.auto_deploy)
                .default_route_settings(route_settings(want, delta.updates("/throttling")))
                .set_access_log_settings(want.access_logs.as_ref().map(AccessLogs::to_sdk))
                .set_stage_variables((!merged.is_empty()).then_some(merged))
                .send()
                .await
                .fault("apigatewayv2", "UpdateStage", id)?;
        }
        if delta.updates("/tags") {
            api::put_tags(cx, &outputs(cx, id)?.arn, &want.tags).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        outputs(cx, id)
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (api, name) = split(id)?;
        cx.clients
            .apigatewayv2()
            .delete_stage()
            .api_id(api)
            .stage_name(name)
            .send()
            .await
            .removed("apigatewayv2", "DeleteStage", id)
    }
}

async fn get(cx: &Cx<'_, Clients>, id: &PhysicalId) -> Result<Option<GetStageOutput>, KindError> {
    let (api, name) = split(id)?;
    cx.clients
        .apigatewayv2()
        .get_stage()
        .api_id(api)
        .stage_name(name)
        .send()
        .await
        .found("apigatewayv2", "GetStage", id)
}

fn outputs(cx: &Cx<'_, Clients>, id: &PhysicalId) -> Result<StageOutputs, KindError> {
    let (api, name) = split(id)?;
    Ok(StageOutputs {
        name: StageName::new(name),
        arn: api::arn(cx.clients.region(), &format!("/{api}/stages/{name}")),
    })
}

fn throttling(settings: &sdk::RouteSettings) -> Option<Throttling> {
    let (rate, burst) = (
        settings.throttling_rate_limit(),
        settings.throttling_burst_limit(),
    );
    // Either both are set or none is.
    (rate.is_some() || burst.is_some()).then(|| Throttling {
        rate_limit: rate.unwrap_or_default(),
        burst_limit: uint(burst),
    })
}

fn route_settings(want: &StageInputs, reset_throttling: bool) -> sdk::RouteSettings {
    let throttling = want
        .throttling
        .or(reset_throttling.then_some(ACCOUNT_THROTTLING));
    sdk::RouteSettings::builder()
        .detailed_metrics_enabled(want.detailed_metrics)
        .set_throttling_rate_limit(throttling.map(|t| t.rate_limit))
        .set_throttling_burst_limit(throttling.map(|t| int(t.burst_limit)))
        .build()
}

fn variables(want: &StageInputs) -> impl Iterator<Item = (String, String)> {
    want.variables
        .iter()
        .map(|(key, value)| (key.clone(), value.get().clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(more: serde_json::Value) -> StageInputs {
        let mut inputs = json!({"api": "a"});
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        serde_json::from_value(inputs).unwrap()
    }

    #[test]
    fn defaults() {
        let inputs = inputs(json!({}));
        assert_eq!(inputs.name.as_str(), "$default");
        assert!(inputs.auto_deploy);
        assert_eq!(Stage::validate(&inputs), Ok(()));
    }

    #[test]
    fn the_default_log_format_is_json() {
        let format: serde_json::Value = serde_json::from_str(&default_format()).unwrap();
        assert_eq!(format["requestId"], "$context.requestId");
    }

    #[test]
    fn impossible_values_are_refused() {
        assert!(Stage::validate(&inputs(json!({"name": "a b"}))).is_err());
        assert!(Stage::validate(&inputs(json!({"name": "live-1"}))).is_ok());
        let negative = json!({"throttling": {"rate_limit": -1.0, "burst_limit": 1}});
        assert!(Stage::validate(&inputs(negative)).is_err());
    }

    #[test]
    fn throttling_is_reset_to_the_accounts() {
        let none = inputs(json!({}));
        assert_eq!(throttling(&route_settings(&none, false)), None);
        assert_eq!(
            throttling(&route_settings(&none, true)),
            Some(ACCOUNT_THROTTLING)
        );
    }
}
