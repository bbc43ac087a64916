//! Deleting secrets, and taking it back.

use serde::Deserialize;
use serde_json::json;
use time::Duration;

use super::{At, SecretId, State, invalid_parameter, invalid_request};
use crate::cloud::ACCOUNT;
use crate::wire::{self, Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

impl State {
    pub(super) fn delete(&mut self, at: &At, input: &DeleteSecret) -> Result<Reply, Fault> {
        let id = input.secret_id.as_str();
        if input.force_delete_without_recovery {
            if input.recovery_window_in_days.is_some() {
                return Err(invalid_parameter(
                    "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
                ));
            }
            return self.delete_now(at, id);
        }
        let days = input.recovery_window_in_days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            return Err(invalid_parameter(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
        let (key, mut secret) = self.find(at, id)?;
        if secret.deleted.is_some() {
            return Err(invalid_request(
                "You can't perform this operation on the secret because it was already scheduled for deletion.",
            ));
        }
        let ends = at.now + Duration::days(days);
        secret.deleted = Some(at.now);
        secret.ends = Some(ends);
        let answer = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "DeletionDate": wire::time(ends),
        });
        self.secrets.put(&key, secret)?;
        Ok(Reply::output(answer))
    }

    /// Without a recovery window. What is not there is no fault then.
    fn delete_now(&mut self, at: &At, id: &str) -> Result<Reply, Fault> {
        let (arn, name) = match self.find(at, id) {
            Ok((key, secret)) => {
                self.secrets.remove(&key)?;
                (secret.arn, secret.name)
            }
            Err(_) if id.starts_with("arn:") => {
                let name = id.rsplit(':').next().unwrap_or(id);
                (id.to_owned(), name.to_owned())
            }
            Err(_) => (
                format!("arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{id}", at.region),
                id.to_owned(),
            ),
        };
        Ok(Reply::output(
            json!({"ARN": arn, "Name": name, "DeletionDate": wire::time(at.now)}),
        ))
    }

    pub(super) fn restore(&mut self, at: &At, input: &SecretId) -> Result<Reply, Fault> {
        let (key, mut secret) = self.find(at, &input.secret_id)?;
        secret.deleted = None;
        secret.ends = None;
        let answer = json!({"ARN": secret.arn, "Name": secret.name});
        self.secrets.put(&key, secret)?;
        Ok(Reply::output(answer))
    }
}
