//! Tags of APIs and stages, by ARN.

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{bad, check_tags, no_api};
use super::model::{Api, Tags};
use super::stages;
use crate::wire::Fault;

/// The input of TagResource.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TagInput {
    #[serde(default)]
    tags: Tags,
}

/// What an ARN names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) region: String,
    pub(super) api: String,
    stage: Option<String>,
}

impl Target {
    /// Reads `arn:aws:apigateway:<region>::/apis/<id>` or `…/apis/<id>/stages/<name>`.
    pub(super) fn read(arn: &str) -> Result<Self, Fault> {
        let wrong = || bad("Invalid resource ARN specified in the request");
        let rest = arn.strip_prefix("arn:aws:apigateway:").ok_or_else(wrong)?;
        let (region, path) = rest.split_once("::/").ok_or_else(wrong)?;
        let mut parts = path.split('/');
        let api = match (parts.next(), parts.next()) {
            (Some("apis"), Some(api)) if !api.is_empty() => api,
            _ => return Err(wrong()),
        };
        let stage = match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => None,
            (Some("stages"), Some(stage), None) => Some(stage.to_owned()),
            _ => return Err(wrong()),
        };
        Ok(Self {
            region: region.to_owned(),
            api: api.to_owned(),
            stage,
        })
    }
}

pub(super) fn get(api: &Api, target: &Target) -> Result<Value, Fault> {
    let tags = match &target.stage {
        Some(stage) => &stages::get(api, stage)?.tags,
        None => &api.settings.tags,
    };
    Ok(json!({ "tags": tags }))
}

pub(super) fn set(api: &mut Api, target: &Target, input: TagInput) -> Result<(), Fault> {
    let tags = of(api, target)?;
    let mut merged = tags.clone();
    merged.extend(input.tags);
    check_tags(&merged)?;
    *tags = merged;
    Ok(())
}

pub(super) fn remove(api: &mut Api, target: &Target, keys: &[&str]) -> Result<(), Fault> {
    of(api, target)?.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(())
}

fn of<'a>(api: &'a mut Api, target: &Target) -> Result<&'a mut Tags, Fault> {
    match &target.stage {
        Some(name) => {
            stages::get(api, name)?;
            let stage = api.stages.get_mut(name);
            Ok(&mut stage.ok_or_else(|| no_api(&target.api))?.tags)
        }
        None => Ok(&mut api.settings.tags),
    }
}
