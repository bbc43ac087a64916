//! Tags.

use serde::Deserialize;
use serde_json::json;

use super::record::{Parameter, Tag};
use super::{At, State, invalid};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Add {
    #[serde(flatten)]
    on: On,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    #[serde(flatten)]
    on: On,
    tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct On {
    resource_type: String,
    resource_id: String,
}

impl State {
    fn tagged(&self, at: &At, on: &On) -> Result<Parameter, Fault> {
        if on.resource_type != "Parameter" {
            return Err(Fault::absent(format!("tags of a {}", on.resource_type)));
        }
        let found = self.parameters.get(&at.key(&on.resource_id)).cloned();
        found.ok_or_else(|| {
            Fault::bad(
                "InvalidResourceId",
                "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
            )
        })
    }

    pub(super) fn add_tags(&mut self, at: &At, input: Add) -> Result<Reply, Fault> {
        let mut parameter = self.tagged(at, &input.on)?;
        for tag in input.tags {
            match parameter.tags.iter_mut().find(|there| there.key == tag.key) {
                Some(there) => there.value = tag.value,
                None => parameter.tags.push(tag),
            }
        }
        if parameter.tags.len() > 50 {
            return Err(invalid("A parameter can have at most 50 tags."));
        }
        self.parameters
            .put(&at.key(&input.on.resource_id), parameter)?;
        Ok(Reply::output(json!({})))
    }

    pub(super) fn remove_tags(&mut self, at: &At, input: &Remove) -> Result<Reply, Fault> {
        let mut parameter = self.tagged(at, &input.on)?;
        parameter
            .tags
            .retain(|tag| !input.tag_keys.contains(&tag.key));
        self.parameters
            .put(&at.key(&input.on.resource_id), parameter)?;
        Ok(Reply::output(json!({})))
    }

    pub(super) fn list_tags(&self, at: &At, on: &On) -> Result<Reply, Fault> {
        let parameter = self.tagged(at, on)?;
        Ok(Reply::output(json!({"TagList": parameter.tags})))
    }
}
