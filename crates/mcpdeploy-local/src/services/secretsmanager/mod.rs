//! Secrets Manager: secrets and their versions.
//!
//! A value is written down for its owner alone (the data folder is 0700, its files 0600), and never
//! shown: not by `Debug`, not to those who watch the cloud.
//!
//! Facts, from the API reference: of a secret's versions, the one labelled `AWSCURRENT` is given out
//! when no other is asked for; when the label moves on, the one that had it gets `AWSPREVIOUS`. A
//! version without labels is deprecated, but stays for a while. A deleted secret keeps its name and
//! can be described and restored until its recovery window ends.

mod create;
mod delete;
mod list;
mod password;
mod policy;
mod record;
mod rotate;
mod stage;
mod value;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use time::OffsetDateTime;

use self::record::Secret;
use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct SecretsManager(Mutex<State>);

/// What it keeps.
#[derive(Debug)]
struct State {
    /// By `region/name`.
    secrets: Collection<Secret>,
}

/// Where and when a call is answered.
#[derive(Debug, Clone)]
struct At {
    region: String,
    now: OffsetDateTime,
}

impl SecretsManager {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let secrets = storage.collection("secretsmanager.secrets")?;
        Ok(Self(Mutex::new(State { secrets })))
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let at = At {
            region: call.region.clone(),
            now: cloud.now(),
        };
        if call.operation == "RotateSecret" {
            return self.rotate(cloud, at, call.typed()?).await;
        }
        let mut state = self.state();
        state.forget(&at)?;
        match call.operation.as_str() {
            "CreateSecret" => state.create(&at, call.typed()?),
            "UpdateSecret" => state.update(&at, call.typed()?),
            "DescribeSecret" => state.describe(&at, &call.typed()?),
            "DeleteSecret" => state.delete(&at, &call.typed()?),
            "RestoreSecret" => state.restore(&at, &call.typed()?),
            "PutSecretValue" => state.put_value(&at, call.typed()?),
            "GetSecretValue" => state.get_value(&at, &call.typed()?),
            "BatchGetSecretValue" => state.batch_get(&at, call.typed()?),
            "ListSecrets" => state.list(&at, &call.typed()?),
            "ListSecretVersionIds" => state.list_versions(&at, &call.typed()?),
            "UpdateSecretVersionStage" => state.update_stage(&at, &call.typed()?),
            "TagResource" => state.tag(&at, call.typed()?),
            "UntagResource" => state.untag(&at, &call.typed()?),
            "PutResourcePolicy" => state.put_policy(&at, call.typed()?),
            "GetResourcePolicy" => state.get_policy(&at, &call.typed()?),
            "DeleteResourcePolicy" => state.delete_policy(&at, &call.typed()?),
            "CancelRotateSecret" => state.cancel_rotation(&at, &call.typed()?),
            "GetRandomPassword" => password::random(&call.typed()?),
            other => Err(Fault::absent(format!("secretsmanager.{other}"))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes the secrets whose recovery window is over.
    fn forget(&mut self, at: &At) -> Result<(), Fault> {
        let over = self
            .secrets
            .iter()
            .filter(|(_, secret)| secret.ends.is_some_and(|ends| ends <= at.now))
            .map(|(key, _)| (key.to_owned(), None))
            .collect();
        Ok(self.secrets.write(over)?)
    }

    /// The key and the secret of a name, an ARN, or an ARN without its random ending.
    fn find(&self, at: &At, id: &str) -> Result<(String, Secret), Fault> {
        let prefix = format!("{}/", at.region);
        let by_name = format!("{prefix}{id}");
        let found = match self.secrets.get(&by_name) {
            Some(secret) => Some((by_name.as_str(), secret)),
            None => self
                .secrets
                .under(&prefix)
                .find(|(_, secret)| secret.has_arn(id)),
        };
        found
            .map(|(key, secret)| (key.to_owned(), secret.clone()))
            .ok_or_else(missing)
    }

    /// As [`State::find`], but not a deleted one.
    fn living(&self, at: &At, id: &str) -> Result<(String, Secret), Fault> {
        let (key, secret) = self.find(at, id)?;
        if secret.deleted.is_some() {
            return Err(Fault::bad(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            ));
        }
        Ok((key, secret))
    }

    /// Changes a living secret, and answers with its ARN and name.
    fn change(
        &mut self,
        at: &At,
        id: &str,
        change: impl FnOnce(&mut Secret) -> Result<(), Fault>,
    ) -> Result<Reply, Fault> {
        let (key, mut secret) = self.living(at, id)?;
        change(&mut secret)?;
        secret.changed = at.now;
        let answer = json!({"ARN": secret.arn, "Name": secret.name});
        self.secrets.put(&key, secret)?;
        Ok(Reply::output(answer))
    }
}

/// The input of operations that name a secret and nothing else.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretId {
    secret_id: String,
}

fn missing() -> Fault {
    Fault::bad(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn invalid_parameter(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::bad("InvalidRequestException", message)
}
