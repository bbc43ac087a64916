//! Versions and their labels.

use serde::Deserialize;
use serde_json::json;

use super::list::page;
use super::record::CURRENT;
use super::{At, State, invalid_parameter};
use crate::wire::{self, Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListVersions {
    secret_id: String,
    #[serde(default)]
    include_deprecated: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl State {
    pub(super) fn update_stage(&mut self, at: &At, input: &UpdateStage) -> Result<Reply, Fault> {
        let stage = input.version_stage.as_str();
        self.change(at, &input.secret_id, |secret| {
            let holder = secret.staged(stage).map(|version| version.id.clone());
            let from = input.remove_from_version_id.as_deref();
            let to = input.move_to_version_id.as_deref();
            for id in [from, to].into_iter().flatten() {
                if secret.version(id).is_none() {
                    return Err(Fault::bad(
                        "ResourceNotFoundException",
                        format!(
                            "Secrets Manager can't find the specified secret value for VersionId: {id}"
                        ),
                    ));
                }
            }
            match (from, to) {
                (None, None) => Err(invalid_parameter(
                    "You must provide RemoveFromVersionId, MoveToVersionId, or both.",
                )),
                (Some(from), _) if holder.as_deref() != Some(from) => {
                    Err(invalid_parameter(format!(
                        "The staging label {stage} is currently not attached to version {from}."
                    )))
                }
                (None, Some(to)) if holder.as_deref().is_some_and(|id| id != to) => {
                    Err(invalid_parameter(format!(
                        "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
                        holder.unwrap_or_default()
                    )))
                }
                (Some(_), None) if stage == CURRENT => Err(invalid_parameter(
                    "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
                )),
                (_, Some(to)) => {
                    secret.label(to, stage);
                    Ok(())
                }
                (Some(from), None) => {
                    for version in secret.versions.iter_mut().filter(|v| v.id == from) {
                        version.stages.retain(|s| s != stage);
                    }
                    Ok(())
                }
            }
        })
    }

    pub(super) fn list_versions(&self, at: &At, input: &ListVersions) -> Result<Reply, Fault> {
        let (_, secret) = self.find(at, &input.secret_id)?;
        let page = page(input.max_results, 100, input.next_token.as_deref())?;
        let wanted = secret
            .versions
            .iter()
            .filter(|version| input.include_deprecated || !version.stages.is_empty())
            .collect();
        let (versions, next) = page.of(wanted);
        let key = secret
            .kms_key_id
            .as_deref()
            .unwrap_or("DefaultEncryptionKey");
        let versions: Vec<_> = versions
            .into_iter()
            .map(|version| {
                json!({
                    "VersionId": version.id,
                    "VersionStages": (!version.stages.is_empty()).then_some(&version.stages),
                    "CreatedDate": wire::time(version.created),
                    "KmsKeyIds": [key],
                })
            })
            .collect();
        Ok(Reply::output(json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "Versions": versions,
            "NextToken": next,
        })))
    }
}
