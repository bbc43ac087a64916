//! Values in Secrets Manager.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use mcpdeploy_engine::kind::{FaultClass, KindError};

use super::{Held, Set, Value, check_owner};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::kinds::SecretInputs;
use crate::kinds::secret::{Rotation, current_version, observed_tags, says_deleted, sdk_tags};

async fn describe(clients: &Clients, id: &str) -> Result<Option<DescribeSecretOutput>, KindError> {
    let call = clients.secretsmanager().describe_secret().secret_id(id);
    call.send()
        .await
        .found("secretsmanager", "DescribeSecret", id)
}

pub(super) async fn look(clients: &Clients, id: &str) -> Result<Option<Held>, KindError> {
    let Some(secret) = describe(clients, id).await? else {
        return Ok(None);
    };
    Ok(Some(Held {
        arn: secret.arn().unwrap_or_default().to_owned(),
        has_value: current_version(&secret).is_some(),
        changed: secret.last_changed_date().map(|at| at.secs()),
        rotation: Rotation::of(&secret).map(|rotation| rotation.schedule.into()),
        deleted: secret.deleted_date().is_some(),
        tags: observed_tags(&secret),
    }))
}

/// `token` is the version's id: the same call again makes no second version.
pub(super) async fn set(
    clients: &Clients,
    wanted: &SecretInputs,
    value: &Value,
    token: &str,
) -> Result<Set, KindError> {
    let name = wanted.name.as_str();
    let client = clients.secretsmanager();
    let there = match describe(clients, name).await? {
        Some(there) => there,
        None => {
            let made = client
                .create_secret()
                .name(name)
                .set_description(wanted.description.clone())
                .set_kms_key_id(wanted.kms_key_id.as_ref().map(|key| key.get().clone()))
                .set_tags(Some(sdk_tags(&wanted.tags)))
                .client_request_token(token)
                .secret_string(value.expose())
                .send()
                .await
                .fault("secretsmanager", "CreateSecret", name);
            match made {
                Ok(_) => return Ok(Set::Created),
                // Somebody was faster.
                Err(error) if error.class == FaultClass::Exists => {
                    describe(clients, name).await?.ok_or(error)?
                }
                Err(error) => return Err(error),
            }
        }
    };
    check_owner(name, &observed_tags(&there), &wanted.tags)?;
    let arn = there.arn().unwrap_or(name);
    let deleted = there.deleted_date().is_some();
    if deleted {
        let call = client.restore_secret().secret_id(arn);
        call.send()
            .await
            .fault("secretsmanager", "RestoreSecret", name)?;
    }
    client
        .put_secret_value()
        .secret_id(arn)
        .client_request_token(token)
        .secret_string(value.expose())
        .send()
        .await
        .fault("secretsmanager", "PutSecretValue", name)?;
    Ok(if deleted { Set::Restored } else { Set::Changed })
}

pub(super) async fn remove(
    clients: &Clients,
    wanted: &SecretInputs,
    for_good: bool,
) -> Result<bool, KindError> {
    let name = wanted.name.as_str();
    let Some(there) = describe(clients, name).await? else {
        return Ok(false);
    };
    check_owner(name, &observed_tags(&there), &wanted.tags)?;
    let call = clients
        .secretsmanager()
        .delete_secret()
        .secret_id(there.arn().unwrap_or(name));
    let call = if for_good {
        call.force_delete_without_recovery(true)
    } else if there.deleted_date().is_some() {
        return Ok(false);
    } else {
        call.recovery_window_in_days(wanted.recovery_window_days.into())
    };
    let answer = call
        .send()
        .await
        .removed("secretsmanager", "DeleteSecret", name);
    match answer {
        Err(error) if says_deleted(&error) => Ok(true),
        other => other.map(|()| true),
    }
}

/// Has the rotation's function make a new value now.
pub(super) async fn rotate(clients: &Clients, arn: &str) -> Result<(), KindError> {
    let call = clients.secretsmanager().rotate_secret().secret_id(arn);
    let answer = call.send().await;
    answer
        .fault("secretsmanager", "RotateSecret", arn)
        .map(|_| ())
}
