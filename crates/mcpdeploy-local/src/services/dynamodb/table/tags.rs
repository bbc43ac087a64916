//! Tags of tables.

use serde::Deserialize;
use serde_json::json;

use super::super::{At, State, validation};
use super::record::{Table, Tag};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    resource_arn: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTags {
    resource_arn: String,
}

impl State {
    pub(in super::super) fn tag(&mut self, at: &At, input: TagResource) -> Result<Reply, Fault> {
        let (row, mut table) = self.by_arn(at, &input.resource_arn)?;
        for tag in input.tags {
            match table.tags.iter_mut().find(|there| there.key == tag.key) {
                Some(there) => there.value = tag.value,
                None => table.tags.push(tag),
            }
        }
        if table.tags.len() > 50 {
            return Err(validation("A table can have at most 50 tags"));
        }
        self.tables.put(&row, table)?;
        Ok(Reply::output(json!({})))
    }

    pub(in super::super) fn untag(
        &mut self,
        at: &At,
        input: &UntagResource,
    ) -> Result<Reply, Fault> {
        let (row, mut table) = self.by_arn(at, &input.resource_arn)?;
        table.tags.retain(|tag| !input.tag_keys.contains(&tag.key));
        self.tables.put(&row, table)?;
        Ok(Reply::output(json!({})))
    }

    pub(in super::super) fn list_tags(&self, at: &At, input: &ListTags) -> Result<Reply, Fault> {
        let (_, table) = self.by_arn(at, &input.resource_arn)?;
        Ok(Reply::output(json!({ "Tags": table.tags })))
    }

    fn by_arn(&self, at: &At, arn: &str) -> Result<(String, Table), Fault> {
        let row = super::row(at, arn);
        match self.tables.get(&row).filter(|table| table.arn() == arn) {
            Some(table) => Ok((row, table.clone())),
            None if !arn.starts_with("arn:") => Err(validation(format!(
                "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
            ))),
            None => Err(Fault::bad(
                "ResourceNotFoundException",
                format!("Requested resource not found: ResourcArn: {arn} not found"),
            )),
        }
    }
}
