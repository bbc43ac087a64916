//! Stages: under which name a deployment answers, and how.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::deployments;
use super::faults::{bad, check_tags, conflict, length, no, required};
use super::model::{AccessLogSettings, Api, RouteSettings, Stage, Tags};
use crate::wire::Fault;

/// The input of CreateStage and UpdateStage: what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StageInput {
    access_log_settings: Option<AccessLogSettings>,
    auto_deploy: Option<bool>,
    client_certificate_id: Option<String>,
    default_route_settings: Option<RouteSettings>,
    deployment_id: Option<String>,
    description: Option<String>,
    route_settings: Option<BTreeMap<String, RouteSettings>>,
    stage_name: Option<String>,
    stage_variables: Option<BTreeMap<String, String>>,
    tags: Option<Tags>,
}

pub(super) fn create(api: &mut Api, mut input: StageInput, now: &str) -> Result<Stage, Fault> {
    let name = required(input.stage_name.take(), "StageName")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name != "$default" && (name.is_empty() || name.len() > 128 || !name.chars().all(fits)) {
        return Err(bad("Stage name only allows a-zA-Z0-9_- and $default"));
    }
    if api.stages.contains_key(&name) {
        return Err(conflict("Stage already exists"));
    }
    let tags = input.tags.take().unwrap_or_default();
    check_tags(&tags)?;
    let mut stage = Stage {
        created_date: now.to_owned(),
        default_route_settings: RouteSettings {
            detailed_metrics_enabled: Some(false),
            ..RouteSettings::default()
        },
        stage_name: name.clone(),
        tags,
        ..Stage::default()
    };
    apply(api, &mut stage, input, now)?;
    api.stages.insert(name.clone(), stage);
    deployments::deploy_by_itself(api, &name, now);
    Ok(get(api, &name)?.clone())
}

pub(super) fn update(
    api: &mut Api,
    name: &str,
    mut input: StageInput,
    now: &str,
) -> Result<Stage, Fault> {
    let mut stage = get(api, name)?.clone();
    // A name in the body and tags are no members of UpdateStage.
    input.stage_name = None;
    input.tags = None;
    let began = !stage.auto_deploy && input.auto_deploy == Some(true);
    apply(api, &mut stage, input, now)?;
    api.stages.insert(name.to_owned(), stage);
    if began {
        deployments::deploy_by_itself(api, name, now);
    }
    Ok(get(api, name)?.clone())
}

pub(super) fn get<'a>(api: &'a Api, name: &str) -> Result<&'a Stage, Fault> {
    api.stages.get(name).ok_or_else(|| no("Stage", name))
}

pub(super) fn delete(api: &mut Api, name: &str) -> Result<(), Fault> {
    let stage = get(api, name)?.clone();
    api.stages.remove(name);
    if let Some(id) = stage.deployment_id {
        deployments::forget_unused(api, &id);
    }
    Ok(())
}

pub(super) fn delete_access_logs(api: &mut Api, name: &str, now: &str) -> Result<(), Fault> {
    get(api, name)?;
    change(api, name, now, |stage| stage.access_log_settings = None);
    Ok(())
}

pub(super) fn delete_route_settings(
    api: &mut Api,
    name: &str,
    key: &str,
    now: &str,
) -> Result<(), Fault> {
    if !get(api, name)?.route_settings.contains_key(key) {
        return Err(no("RouteSettings", key));
    }
    change(api, name, now, |stage| {
        stage.route_settings.remove(key);
    });
    Ok(())
}

fn change(api: &mut Api, name: &str, now: &str, change: impl FnOnce(&mut Stage)) {
    if let Some(stage) = api.stages.get_mut(name) {
        change(stage);
        now.clone_into(&mut stage.last_updated_date);
    }
}

fn apply(api: &Api, stage: &mut Stage, input: StageInput, now: &str) -> Result<(), Fault> {
    if input.client_certificate_id.is_some() {
        return Err(bad(
            "ClientCertificateId is supported only for WEBSOCKET protocol APIs",
        ));
    }
    length(input.description.as_deref(), "Description", 1024)?;
    if let Some(on) = input.auto_deploy {
        stage.auto_deploy = on;
    }
    if let Some(id) = input.deployment_id.filter(|id| !id.is_empty()) {
        if stage.auto_deploy {
            return Err(bad(
                "DeploymentId cannot be specified for stages with AutoDeploy enabled",
            ));
        }
        if !api.deployments.contains_key(&id) {
            return Err(no("Deployment", &id));
        }
        stage.deployment_id = Some(id);
    }
    if let Some(description) = input.description {
        stage.description = Some(description).filter(|text| !text.is_empty());
    }
    if let Some(settings) = input.access_log_settings {
        stage.access_log_settings = Some(access_logs(stage, settings)?);
    }
    if let Some(settings) = input.default_route_settings {
        merge(&mut stage.default_route_settings, settings)?;
    }
    for (key, settings) in input.route_settings.into_iter().flatten() {
        if !api.routes.values().any(|route| route.route_key == key) {
            return Err(Fault::new(
                http::StatusCode::NOT_FOUND,
                "NotFoundException",
                format!("Unable to find Route by key {key} within the provided RouteSettings"),
            ));
        }
        merge(stage.route_settings.entry(key).or_default(), settings)?;
    }
    for (key, value) in input.stage_variables.into_iter().flatten() {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(fits) {
            return Err(bad(format!("Invalid stage variable name: {key}")));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(c);
        if value.len() > 2048 || !value.chars().all(fits) {
            return Err(bad(format!("Invalid stage variable value: {value}")));
        }
        // They are merged; one set to nothing is removed.
        if value.is_empty() {
            stage.stage_variables.remove(&key);
        } else {
            stage.stage_variables.insert(key, value);
        }
    }
    now.clone_into(&mut stage.last_updated_date);
    Ok(())
}

fn access_logs(stage: &Stage, new: AccessLogSettings) -> Result<AccessLogSettings, Fault> {
    let old = stage.access_log_settings.clone().unwrap_or_default();
    let settings = AccessLogSettings {
        destination_arn: new.destination_arn.or(old.destination_arn),
        format: new.format.or(old.format),
    };
    let destination = settings.destination_arn.as_deref().unwrap_or_default();
    if destination.starts_with("arn:aws:firehose:") {
        return Err(Fault::absent("access logs to Firehose"));
    }
    if log_group(destination).is_none() {
        return Err(bad(
            "Invalid ARN specified in the request. ARN is not well-formed: the destination of access logs is a log group's",
        ));
    }
    let format = settings.format.as_deref().unwrap_or_default();
    if format.is_empty() {
        return Err(bad("Invalid log format. Log format cannot be empty"));
    }
    length(Some(format), "Format", 3072)?;
    if !format.contains("$context.requestId") && !format.contains("$context.extendedRequestId") {
        return Err(bad(
            "Invalid log format. Access logging requires $context.requestId in the log format",
        ));
    }
    Ok(settings)
}

/// The name of the log group in an ARN, which may end in `:*`.
pub(super) fn log_group(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:aws:logs:")?;
    let name = rest.splitn(3, ':').nth(2)?.strip_prefix("log-group:")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    (!name.is_empty() && !name.contains(':')).then_some(name)
}

/// Settings of routes are merged: what is not named stays.
fn merge(settings: &mut RouteSettings, new: RouteSettings) -> Result<(), Fault> {
    let logging = new.logging_level.is_some_and(|level| !level.is_null());
    if logging || new.data_trace_enabled == Some(true) {
        return Err(bad(
            "Execution logs are not supported on protocol type HTTP",
        ));
    }
    if new
        .throttling_rate_limit
        .is_some_and(|rate| !rate.is_finite() || rate < 0.0)
    {
        return Err(bad("ThrottlingRateLimit must not be negative"));
    }
    settings.detailed_metrics_enabled = new
        .detailed_metrics_enabled
        .or(settings.detailed_metrics_enabled)
        .or(Some(false));
    settings.throttling_burst_limit = new
        .throttling_burst_limit
        .or(settings.throttling_burst_limit);
    settings.throttling_rate_limit = new.throttling_rate_limit.or(settings.throttling_rate_limit);
    Ok(())
}
