//! What is kept of an API: one row each, with everything that belongs to it, so that every change is
//! kept whole or not at all.
//!
//! The shapes are those of the API Gateway v2 API (`apigatewayv2/2018-11-29`), with its names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) type Tags = BTreeMap<String, String>;

/// An API and all that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Api {
    pub(super) region: String,
    /// The loopback port of its own.
    pub(super) port: u16,
    pub(super) settings: ApiSettings,
    #[serde(default)]
    pub(super) integrations: BTreeMap<String, Integration>,
    #[serde(default)]
    pub(super) routes: BTreeMap<String, Route>,
    #[serde(default)]
    pub(super) authorizers: BTreeMap<String, Authorizer>,
    #[serde(default)]
    pub(super) stages: BTreeMap<String, Stage>,
    #[serde(default)]
    pub(super) deployments: BTreeMap<String, Deployment>,
}

impl Api {
    /// What a deployment made now would serve.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            integrations: self.integrations.clone(),
            routes: self.routes.clone(),
            authorizers: self.authorizers.clone(),
            cors: self.settings.cors_configuration.clone(),
            disabled: self.settings.disable_execute_api_endpoint,
        }
    }
}

/// `Api` as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiSettings {
    pub(super) api_endpoint: String,
    pub(super) api_id: String,
    pub(super) api_key_selection_expression: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cors_configuration: Option<Cors>,
    pub(super) created_date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) disable_execute_api_endpoint: bool,
    pub(super) ip_address_type: String,
    pub(super) name: String,
    pub(super) protocol_type: String,
    pub(super) route_selection_expression: String,
    #[serde(default)]
    pub(super) tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
}

/// Cross-origin resource sharing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cors {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) allow_credentials: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) allow_headers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) allow_methods: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) allow_origins: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expose_headers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_age: Option<i32>,
}

/// `Integration` as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Integration {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) api_gateway_managed: bool,
    pub(super) connection_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credentials_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) integration_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) integration_method: Option<String>,
    pub(super) integration_type: IntegrationType,
    pub(super) integration_uri: String,
    pub(super) payload_format_version: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) request_parameters: BTreeMap<String, String>,
    pub(super) timeout_in_millis: u32,
}

/// The kinds of integration that there are here; see [`super::integrations`] for the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum IntegrationType {
    #[default]
    AwsProxy,
    HttpProxy,
}

/// `Route` as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Route {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) api_gateway_managed: bool,
    pub(super) api_key_required: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) authorization_scopes: Vec<String>,
    pub(super) authorization_type: AuthorizationType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) operation_name: Option<String>,
    pub(super) route_id: String,
    pub(super) route_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
}

impl Route {
    /// The id of the integration that it leads to.
    pub(super) fn integration(&self) -> Option<&str> {
        self.target.as_deref()?.strip_prefix("integrations/")
    }
}

/// How a route authorizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum AuthorizationType {
    #[default]
    None,
    AwsIam,
    Custom,
    Jwt,
}

/// `Authorizer` as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorizer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_credentials_arn: Option<String>,
    pub(super) authorizer_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_payload_format_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_result_ttl_in_seconds: Option<u32>,
    pub(super) authorizer_type: AuthorizerType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorizer_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) enable_simple_responses: Option<bool>,
    pub(super) identity_source: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) jwt_configuration: Option<JwtConfiguration>,
    pub(super) name: String,
}

/// The kinds of authorizer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum AuthorizerType {
    #[default]
    Jwt,
    Request,
}

/// Whose tokens are taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JwtConfiguration {
    #[serde(default)]
    pub(super) audience: Vec<String>,
    #[serde(default)]
    pub(super) issuer: String,
}

/// `Stage` as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access_log_settings: Option<AccessLogSettings>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) api_gateway_managed: bool,
    pub(super) auto_deploy: bool,
    pub(super) created_date: String,
    pub(super) default_route_settings: RouteSettings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deployment_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_deployment_status_message: Option<String>,
    pub(super) last_updated_date: String,
    #[serde(default)]
    pub(super) route_settings: BTreeMap<String, RouteSettings>,
    pub(super) stage_name: String,
    #[serde(default)]
    pub(super) stage_variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) tags: Tags,
}

/// Where and how requests are logged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessLogSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) destination_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
}

/// Throttling and metrics of routes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteSettings {
    #[serde(default)]
    pub(super) detailed_metrics_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) throttling_burst_limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) throttling_rate_limit: Option<f64>,
    /// WebSocket only, which is refused; kept so that it can be.
    #[serde(default, skip_serializing)]
    pub(super) logging_level: Option<Value>,
    /// WebSocket only, which is refused; kept so that it can be.
    #[serde(default, skip_serializing)]
    pub(super) data_trace_enabled: Option<bool>,
}

/// A deployment: what it serves, frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub(super) settings: DeploymentSettings,
    pub(super) snapshot: Snapshot,
}

/// `Deployment` as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeploymentSettings {
    pub(super) auto_deployed: bool,
    pub(super) created_date: String,
    pub(super) deployment_id: String,
    pub(super) deployment_status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
}

/// What a deployment serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) integrations: BTreeMap<String, Integration>,
    pub(super) routes: BTreeMap<String, Route>,
    pub(super) authorizers: BTreeMap<String, Authorizer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cors: Option<Cors>,
    /// The default endpoint answers 404.
    #[serde(default)]
    pub(super) disabled: bool,
}
