//! Deployments: what stages serve, frozen.

use serde::Deserialize;

use super::faults::{bad, conflict, length, no};
use super::ids;
use super::model::{Api, Deployment, DeploymentSettings};
use crate::wire::Fault;

/// The input of CreateDeployment and UpdateDeployment.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DeploymentInput {
    description: Option<String>,
    stage_name: Option<String>,
}

pub(super) fn create(
    api: &mut Api,
    input: DeploymentInput,
    now: &str,
) -> Result<DeploymentSettings, Fault> {
    length(input.description.as_deref(), "Description", 1024)?;
    if let Some(problem) = undeployable(api) {
        return Err(bad(problem));
    }
    if let Some(name) = &input.stage_name {
        let stage = api.stages.get(name).ok_or_else(|| no("Stage", name))?;
        if stage.auto_deploy {
            return Err(bad(
                "Deployment stage cannot have AutoDeploy enabled: its changes are deployed by themselves",
            ));
        }
    }
    let id = add(api, false, input.description, now);
    if let Some(stage) = input.stage_name.and_then(|name| api.stages.get_mut(&name)) {
        stage.deployment_id = Some(id.clone());
        stage.last_deployment_status_message = None;
        now.clone_into(&mut stage.last_updated_date);
    }
    Ok(get(api, &id)?.settings.clone())
}

pub(super) fn update(
    api: &mut Api,
    id: &str,
    input: DeploymentInput,
) -> Result<DeploymentSettings, Fault> {
    length(input.description.as_deref(), "Description", 1024)?;
    let deployment = api
        .deployments
        .get_mut(id)
        .ok_or_else(|| no("Deployment", id))?;
    if let Some(description) = input.description {
        deployment.settings.description = Some(description).filter(|text| !text.is_empty());
    }
    Ok(deployment.settings.clone())
}

pub(super) fn get<'a>(api: &'a Api, id: &str) -> Result<&'a Deployment, Fault> {
    api.deployments.get(id).ok_or_else(|| no("Deployment", id))
}

pub(super) fn delete(api: &mut Api, id: &str) -> Result<(), Fault> {
    get(api, id)?;
    if in_use(api, id) {
        return Err(conflict(
            "Active stages pointing to this deployment must be moved or deleted",
        ));
    }
    api.deployments.remove(id);
    Ok(())
}

/// Deploys the API as it is to every stage that deploys by itself, when `before` was another one.
pub(super) fn deploy_changes(before: &Api, api: &mut Api, now: &str) {
    if before.snapshot() == api.snapshot() {
        return;
    }
    let names: Vec<String> = api
        .stages
        .values()
        .filter(|stage| stage.auto_deploy)
        .map(|stage| stage.stage_name.clone())
        .collect();
    for name in names {
        deploy_by_itself(api, &name, now);
    }
}

/// Deploys the API as it is to a stage, when that deploys by itself.
pub(super) fn deploy_by_itself(api: &mut Api, name: &str, now: &str) {
    let Some(stage) = api.stages.get(name).filter(|stage| stage.auto_deploy) else {
        return;
    };
    let last = stage.deployment_id.clone();
    // An API that lost its last route serves none; one that never had any has nothing to deploy.
    let problem = undeployable(api).filter(|_| last.is_none() || !api.routes.is_empty());
    let message = match &problem {
        Some(problem) => format!("Deployment attempt failed: {problem}"),
        None => {
            let why = "Automatic deployment triggered by changes to the Api configuration";
            let id = add(api, true, Some(why.to_owned()), now);
            if let Some(stage) = api.stages.get_mut(name) {
                stage.deployment_id = Some(id.clone());
            }
            if let Some(last) = last {
                forget_unused(api, &last);
            }
            format!("Successfully deployed stage with deployment ID '{id}'")
        }
    };
    if let Some(stage) = api.stages.get_mut(name) {
        stage.last_deployment_status_message = Some(message);
        now.clone_into(&mut stage.last_updated_date);
    }
}

/// Forgets an automatic deployment that no stage serves any more: each change makes one.
pub(super) fn forget_unused(api: &mut Api, id: &str) {
    let automatic = |deployment: &Deployment| deployment.settings.auto_deployed;
    if !in_use(api, id) && api.deployments.get(id).is_some_and(automatic) {
        api.deployments.remove(id);
    }
}

fn in_use(api: &Api, id: &str) -> bool {
    let points = |stage: &super::model::Stage| stage.deployment_id.as_deref() == Some(id);
    api.stages.values().any(points)
}

fn add(api: &mut Api, automatic: bool, description: Option<String>, now: &str) -> String {
    let id = ids::short(6);
    let settings = DeploymentSettings {
        auto_deployed: automatic,
        created_date: now.to_owned(),
        deployment_id: id.clone(),
        deployment_status: "DEPLOYED".to_owned(),
        description,
    };
    let snapshot = api.snapshot();
    api.deployments
        .insert(id.clone(), Deployment { settings, snapshot });
    id
}

/// Why the API cannot be deployed as it is.
fn undeployable(api: &Api) -> Option<String> {
    if api.routes.is_empty() {
        return Some("Unable to deploy API because no routes exist in this API".to_owned());
    }
    let loose: Vec<&str> = api
        .routes
        .values()
        .filter(|route| route.target.is_none())
        .map(|route| route.route_key.as_str())
        .collect();
    (!loose.is_empty()).then(|| {
        format!(
            "Unable to deploy API because the following routes do not have any integration attached: [{}]",
            loose.join(", ")
        )
    })
}
