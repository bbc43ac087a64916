//! APIs: create, read, update, delete, and their CORS configuration.

use serde::Deserialize;
use serde_json::json;

use super::faults::{bad, check_tags, length, required};
use super::model::{
    Api, ApiSettings, Cors, Integration, IntegrationType, Route, RouteSettings, Stage, Tags,
};
use super::{ids, integrations, routes};
use crate::wire::Fault;

/// The input of CreateApi and UpdateApi: what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ApiInput {
    api_key_selection_expression: Option<String>,
    cors_configuration: Option<Cors>,
    credentials_arn: Option<String>,
    description: Option<String>,
    disable_execute_api_endpoint: Option<bool>,
    disable_schema_validation: Option<bool>,
    ip_address_type: Option<String>,
    name: Option<String>,
    protocol_type: Option<String>,
    route_key: Option<String>,
    route_selection_expression: Option<String>,
    tags: Option<Tags>,
    target: Option<String>,
    version: Option<String>,
}

/// The route selection expression of every HTTP API.
const SELECTION: &str = "$request.method $request.path";

/// A new API, with route, integration and stage when it is a quick one. `port`: the one it answers on.
pub(super) fn create(
    input: ApiInput,
    region: &str,
    id: &str,
    port: u16,
    now: &str,
) -> Result<Api, Fault> {
    match required(input.protocol_type.as_deref(), "ProtocolType")? {
        "HTTP" => {}
        "WEBSOCKET" => return Err(Fault::absent("WebSocket APIs")),
        _ => {
            return Err(bad(
                "Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]",
            ));
        }
    }
    required(input.name.as_deref(), "Name")?;
    let tags = input.tags.clone().unwrap_or_default();
    check_tags(&tags)?;
    let mut api = Api {
        region: region.to_owned(),
        port,
        settings: ApiSettings {
            api_endpoint: format!("http://127.0.0.1:{port}"),
            api_id: id.to_owned(),
            api_key_selection_expression: "$request.header.x-api-key".to_owned(),
            created_date: now.to_owned(),
            ip_address_type: "ipv4".to_owned(),
            protocol_type: "HTTP".to_owned(),
            route_selection_expression: SELECTION.to_owned(),
            tags,
            ..ApiSettings::default()
        },
        integrations: Default::default(),
        routes: Default::default(),
        authorizers: Default::default(),
        stages: Default::default(),
        deployments: Default::default(),
    };
    let target = input.target.clone();
    if target.is_none() && (input.route_key.is_some() || input.credentials_arn.is_some()) {
        return Err(bad(
            "RouteKey and CredentialsArn are supported for quick create only: specify Target too",
        ));
    }
    if let Some(target) = target {
        quick_create(&mut api, &input, target, now)?;
    }
    // The members of a quick create are no changes to one.
    let rest = ApiInput {
        target: None,
        route_key: None,
        credentials_arn: None,
        ..input
    };
    update(&mut api, rest)?;
    Ok(api)
}

/// Quick create: an integration with the target, a catch-all route, and a `$default` stage that
/// deploys by itself, all managed by API Gateway.
fn quick_create(api: &mut Api, input: &ApiInput, target: String, now: &str) -> Result<(), Fault> {
    let key = input.route_key.as_deref().unwrap_or("$default");
    routes::check_key(key)?;
    let integration = Integration {
        api_gateway_managed: true,
        connection_type: "INTERNET".to_owned(),
        credentials_arn: input.credentials_arn.clone(),
        integration_id: ids::short(7),
        ..quick_target(target)?
    };
    let route = Route {
        api_gateway_managed: true,
        route_id: ids::short(7),
        route_key: key.to_owned(),
        target: Some(format!("integrations/{}", integration.integration_id)),
        ..Route::default()
    };
    let stage = Stage {
        api_gateway_managed: true,
        auto_deploy: true,
        created_date: now.to_owned(),
        last_updated_date: now.to_owned(),
        default_route_settings: RouteSettings {
            detailed_metrics_enabled: Some(false),
            ..RouteSettings::default()
        },
        stage_name: "$default".to_owned(),
        ..Stage::default()
    };
    api.integrations
        .insert(integration.integration_id.clone(), integration);
    api.routes.insert(route.route_id.clone(), route);
    api.stages.insert(stage.stage_name.clone(), stage);
    Ok(())
}

/// What a quick create's target means: a function's ARN, or a URL.
fn quick_target(target: String) -> Result<Integration, Fault> {
    let function = target.starts_with("arn:");
    if function {
        integrations::check_uri(IntegrationType::AwsProxy, &target)?;
    } else {
        integrations::check_uri(IntegrationType::HttpProxy, &target)?;
    }
    Ok(Integration {
        integration_type: if function {
            IntegrationType::AwsProxy
        } else {
            IntegrationType::HttpProxy
        },
        integration_method: Some(if function { "POST" } else { "ANY" }.to_owned()),
        payload_format_version: if function { "2.0" } else { "1.0" }.to_owned(),
        integration_uri: target,
        timeout_in_millis: integrations::LONGEST_MS,
        ..Integration::default()
    })
}

/// Changes what the input names.
pub(super) fn update(api: &mut Api, input: ApiInput) -> Result<(), Fault> {
    if input.target.is_some() || input.route_key.is_some() || input.credentials_arn.is_some() {
        update_quick(api, &input)?;
    }
    if input.disable_schema_validation == Some(true) {
        return Err(bad(
            "DisableSchemaValidation is supported only for WEBSOCKET protocol APIs",
        ));
    }
    if let Some(expression) = &input.route_selection_expression
        && expression != SELECTION
        && expression != "${request.method} ${request.path}"
    {
        return Err(bad(format!(
            "Invalid routeSelectionExpression. HTTP APIs support only '{SELECTION}'"
        )));
    }
    length(input.description.as_deref(), "Description", 1024)?;
    length(input.version.as_deref(), "Version", 64)?;
    let settings = &mut api.settings;
    if let Some(name) = input.name {
        if name.is_empty() || name.chars().count() > 128 {
            return Err(bad("Name must have a length of 1 to 128 characters"));
        }
        settings.name = name;
    }
    if let Some(kind) = input.ip_address_type {
        if !["ipv4", "dualstack"].contains(&kind.as_str()) {
            return Err(bad(
                "Invalid ipAddressType. Must be one of [ipv4, dualstack]",
            ));
        }
        settings.ip_address_type = kind;
    }
    if let Some(cors) = input.cors_configuration {
        settings.cors_configuration = Some(checked_cors(cors)?);
    }
    if let Some(expression) = input.api_key_selection_expression {
        settings.api_key_selection_expression = expression;
    }
    if let Some(disabled) = input.disable_execute_api_endpoint {
        settings.disable_execute_api_endpoint = disabled;
    }
    if let Some(description) = input.description {
        settings.description = Some(description).filter(|text| !text.is_empty());
    }
    if let Some(version) = input.version {
        settings.version = Some(version).filter(|text| !text.is_empty());
    }
    Ok(())
}

/// UpdateApi's `target`, `routeKey` and `credentialsArn` change what quick create has made.
fn update_quick(api: &mut Api, input: &ApiInput) -> Result<(), Fault> {
    let managed = |managed: bool| if managed { Some(()) } else { None };
    let route = api
        .routes
        .values_mut()
        .find(|route| managed(route.api_gateway_managed).is_some());
    let integration = api
        .integrations
        .values_mut()
        .find(|found| managed(found.api_gateway_managed).is_some());
    let (Some(route), Some(integration)) = (route, integration) else {
        return Err(bad(
            "Target, RouteKey and CredentialsArn can be updated only for APIs made by quick create",
        ));
    };
    if let Some(target) = &input.target {
        *integration = Integration {
            api_gateway_managed: true,
            connection_type: "INTERNET".to_owned(),
            credentials_arn: integration.credentials_arn.clone(),
            integration_id: integration.integration_id.clone(),
            ..quick_target(target.clone())?
        };
    }
    if let Some(key) = &input.route_key {
        routes::check_key(key)?;
        route.route_key.clone_from(key);
    }
    if let Some(credentials) = &input.credentials_arn {
        integration.credentials_arn = Some(credentials.clone());
    }
    Ok(())
}

/// A CORS configuration as it is kept: names of headers in lower case.
fn checked_cors(mut cors: Cors) -> Result<Cors, Fault> {
    let any = |list: &Option<Vec<String>>| list.iter().flatten().any(|item| item == "*");
    if cors.allow_credentials == Some(true) && any(&cors.allow_origins) {
        return Err(bad(
            "AllowCredentials is not supported with origin * or null",
        ));
    }
    if let Some(age) = cors.max_age
        && !(-1..=86_400).contains(&age)
    {
        return Err(bad("MaxAge must be between -1 and 86400 seconds"));
    }
    for method in cors.allow_methods.iter().flatten() {
        let known = [
            "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*",
        ];
        if !known.contains(&method.to_ascii_uppercase().as_str()) {
            return Err(bad(format!("Invalid method {method} in AllowMethods")));
        }
    }
    for origin in cors.allow_origins.iter().flatten() {
        let whole = origin.split_once("://").is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains('/')
        });
        if origin != "*" && !whole {
            return Err(bad(format!(
                "Invalid format for origin {origin}. Origins must start with a scheme, e.g. https://"
            )));
        }
    }
    for headers in [&mut cors.allow_headers, &mut cors.expose_headers] {
        for header in headers.iter_mut().flatten() {
            header.make_ascii_lowercase();
        }
    }
    Ok(cors)
}

/// An API as it is answered.
pub(super) fn output(api: &Api) -> serde_json::Value {
    serde_json::to_value(&api.settings).unwrap_or_else(|_| json!({}))
}
