//! Integrations: where routes lead.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::faults::{bad, conflict, length, no, required};
use super::gateway::parameters::Mapping;
use super::ids;
use super::model::{Api, Integration, IntegrationType};
use crate::wire::Fault;

/// The longest time, in milliseconds, that a gateway waits for an integration; also the default.
pub(super) const LONGEST_MS: u32 = 30_000;

/// The input of CreateIntegration and UpdateIntegration: what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IntegrationInput {
    connection_id: Option<String>,
    connection_type: Option<String>,
    content_handling_strategy: Option<Value>,
    credentials_arn: Option<String>,
    description: Option<String>,
    integration_method: Option<String>,
    integration_subtype: Option<String>,
    integration_type: Option<String>,
    integration_uri: Option<String>,
    passthrough_behavior: Option<Value>,
    payload_format_version: Option<String>,
    request_parameters: Option<BTreeMap<String, String>>,
    request_templates: Option<Value>,
    response_parameters: Option<BTreeMap<String, Value>>,
    template_selection_expression: Option<Value>,
    timeout_in_millis: Option<i64>,
    tls_config: Option<Value>,
}

pub(super) fn create(api: &mut Api, input: IntegrationInput) -> Result<Integration, Fault> {
    required(input.integration_type.as_deref(), "IntegrationType")?;
    if input.integration_type.as_deref() == Some("AWS_PROXY")
        && input.integration_subtype.is_none()
        && input.payload_format_version.is_none()
    {
        return Err(bad(
            "PayloadFormatVersion is a required parameter for integration with type AWS_PROXY",
        ));
    }
    let mut integration = Integration {
        connection_type: "INTERNET".to_owned(),
        integration_id: ids::short(7),
        payload_format_version: "1.0".to_owned(),
        timeout_in_millis: LONGEST_MS,
        ..Integration::default()
    };
    apply(&mut integration, input)?;
    let id = integration.integration_id.clone();
    api.integrations.insert(id, integration.clone());
    Ok(integration)
}

pub(super) fn update(
    api: &mut Api,
    id: &str,
    input: IntegrationInput,
) -> Result<Integration, Fault> {
    let mut integration = get(api, id)?.clone();
    apply(&mut integration, input)?;
    api.integrations.insert(id.to_owned(), integration.clone());
    Ok(integration)
}

pub(super) fn get<'a>(api: &'a Api, id: &str) -> Result<&'a Integration, Fault> {
    api.integrations
        .get(id)
        .ok_or_else(|| no("Integration", id))
}

/// Removes an integration that no route leads to. (The words are those that AWS's users report.)
pub(super) fn delete(api: &mut Api, id: &str) -> Result<(), Fault> {
    get(api, id)?;
    let routes: Vec<&str> = api
        .routes
        .values()
        .filter(|route| route.integration() == Some(id))
        .map(|route| route.route_id.as_str())
        .collect();
    if !routes.is_empty() {
        return Err(conflict(format!(
            "Cannot delete Integration because it is referenced by the following Routes with Ids: [{}]",
            routes.join(", ")
        )));
    }
    api.integrations.remove(id);
    Ok(())
}

fn apply(integration: &mut Integration, input: IntegrationInput) -> Result<(), Fault> {
    refuse_websocket(&input)?;
    if input.integration_subtype.is_some() {
        return Err(Fault::absent(
            "integrations with AWS services other than Lambda (integrationSubtype)",
        ));
    }
    if input.connection_type.as_deref() == Some("VPC_LINK") || input.connection_id.is_some() {
        return Err(Fault::absent("VPC links"));
    }
    if input.response_parameters.is_some_and(|map| !map.is_empty()) {
        return Err(Fault::absent("responseParameters of integrations"));
    }
    if input.tls_config.is_some_and(|config| !config.is_null()) {
        return Err(bad("TlsConfig is supported only for private integrations"));
    }
    length(input.description.as_deref(), "Description", 1024)?;
    if let Some(kind) = input.integration_type {
        integration.integration_type = match kind.as_str() {
            "AWS_PROXY" => IntegrationType::AwsProxy,
            "HTTP_PROXY" => IntegrationType::HttpProxy,
            "AWS" | "HTTP" | "MOCK" => {
                return Err(bad(format!(
                    "Invalid integration type specified. {kind} is not supported for HTTP protocol APIs"
                )));
            }
            _ => return Err(bad("Invalid integration type specified")),
        };
    }
    if let Some(method) = input.integration_method {
        integration.integration_method = Some(method);
    }
    match integration.integration_type {
        // Functions are always invoked by POST, whatever is asked for.
        IntegrationType::AwsProxy => integration.integration_method = Some("POST".to_owned()),
        IntegrationType::HttpProxy if integration.integration_method.is_none() => {
            return Err(bad(
                "HttpMethod must be specified for HTTP_PROXY integrations",
            ));
        }
        IntegrationType::HttpProxy => {}
    }
    if let Some(uri) = input.integration_uri {
        integration.integration_uri = uri;
    }
    check_uri(integration.integration_type, &integration.integration_uri)?;
    if let Some(version) = input.payload_format_version {
        let fits = match integration.integration_type {
            IntegrationType::AwsProxy => ["1.0", "2.0"].contains(&version.as_str()),
            IntegrationType::HttpProxy => version == "1.0",
        };
        if !fits {
            return Err(bad("PayloadFormatVersion value provided is invalid"));
        }
        integration.payload_format_version = version;
    }
    if let Some(time) = input.timeout_in_millis {
        integration.timeout_in_millis = u32::try_from(time)
            .ok()
            .filter(|time| (50..=LONGEST_MS).contains(time))
            .ok_or_else(|| bad("Timeout should be between 50 ms and 30000 ms"))?;
    }
    if let Some(credentials) = input.credentials_arn {
        integration.credentials_arn = Some(credentials).filter(|arn| !arn.is_empty());
    }
    if let Some(description) = input.description {
        integration.description = Some(description).filter(|text| !text.is_empty());
    }
    for (key, value) in input.request_parameters.into_iter().flatten() {
        // One set to nothing is removed.
        if value.is_empty() {
            integration.request_parameters.remove(&key);
        } else {
            Mapping::read(&key, &value).map_err(|wrong| bad(wrong.to_string()))?;
            integration.request_parameters.insert(key, value);
        }
    }
    Ok(())
}

fn refuse_websocket(input: &IntegrationInput) -> Result<(), Fault> {
    let given = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
    for (name, value) in [
        ("ContentHandlingStrategy", &input.content_handling_strategy),
        ("PassthroughBehavior", &input.passthrough_behavior),
        ("RequestTemplates", &input.request_templates),
        (
            "TemplateSelectionExpression",
            &input.template_selection_expression,
        ),
    ] {
        if given(value) {
            return Err(bad(format!(
                "{name} is supported only for WEBSOCKET protocol APIs"
            )));
        }
    }
    Ok(())
}

/// Whether an integration of this kind can have this URI.
pub(super) fn check_uri(kind: IntegrationType, uri: &str) -> Result<(), Fault> {
    let fits = match kind {
        IntegrationType::AwsProxy => {
            uri.starts_with("arn:") && (uri.contains(":lambda:") || uri.contains("${"))
        }
        IntegrationType::HttpProxy => uri.starts_with("http://") || uri.starts_with("https://"),
    };
    if fits && uri.len() <= 2048 {
        Ok(())
    } else {
        Err(bad("Invalid IntegrationUri specified"))
    }
}
